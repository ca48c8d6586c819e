// RUN: dovetail-opt %s -p schedule-kernels | filecheck %s

builtin.module attributes {target = #target.target<"llvm -mcpu=skylake-avx512">} {
  // The attribute says which primitives made the kernel; the order of functions stays.
  // CHECK-LABEL: func.func private @add(
  // CHECK-SAME:    attributes {dovetail.schedule = "{{.*}}vectorize-loop{{.*}}"} {
  // CHECK:         vectorized {
  func.func private @add(%x: memref<4x64xf32>, %y: memref<4x64xf32>) {
    loop.for %i = 0 to 4 {
      loop.for %j = 0 to 64 {
        loop.block "y" (%vi < 4 = %i, %vj < 64 = %j) {
          %a = loop.load %x[%vi, %vj] : memref<4x64xf32>
          %b = arith.addf %a, %a : f32
          loop.store %b, %y[%vi, %vj] : memref<4x64xf32>
        }
      }
    }
    func.return
  }

  // What has no blocks has no schedule.
  // CHECK-LABEL: func.func private @nothing(%x: memref<4xf32>) {
  // CHECK-NEXT:    func.return
  func.func private @nothing(%x: memref<4xf32>) {
    func.return
  }

  // What has a schedule keeps it.
  // CHECK-LABEL: func.func @scheduled(
  // CHECK-SAME:    attributes {dovetail.schedule = "unroll-loop{loop=i}"} {
  // CHECK-NEXT:    loop.for %i = 0 to 64 unrolled {
  func.func @scheduled(%x: memref<64xf32>) attributes {dovetail.schedule = "unroll-loop{loop=i}"} {
    loop.for %i = 0 to 64 unrolled {
      loop.block "x" (%vi < 64 = %i) {
        %a = loop.load %x[%vi] : memref<64xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %x[%vi] : memref<64xf32>
      }
    }
    func.return
  }

  // CHECK-LABEL: func.func @last(
  // CHECK-SAME:    dovetail.schedule
  func.func @last(%x: memref<64xf32>) {
    loop.for %i = 0 to 64 {
      loop.block "x" (%vi < 64 = %i) {
        %a = arith.constant 1.0 : f32
        loop.store %a, %x[%vi] : memref<64xf32>
      }
    }
    func.return
  }
}
