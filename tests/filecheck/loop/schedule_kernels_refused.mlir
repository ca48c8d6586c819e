// RUN: not dovetail-opt %s -p schedule-kernels 2>&1 | filecheck %s

// CHECK: error: the module has no target: give dovetail-opt --set-target host (or 'llvm -mcpu=NAME'), or write
func.func private @nothing(%x: memref<4xf32>) {
  func.return
}
