// RUN: not dovetail-opt %s -t dot 2>&1 | filecheck %s

// CHECK: error: -t dot draws networks, and the module has none: no public function has operators of the graph dialect or calls kernels; -t pseudo lists kernels
func.func @f(%A: memref<4xf32>) {
  func.return
}
