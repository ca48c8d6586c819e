// RUN: dovetail-opt %s -t llvm-ir | filecheck %s

// The target is named, a vectorized loop is one vector operation, and nests meet at a barrier.
// CHECK:       ; target: llvm -mcpu=x86-64-v3
// CHECK:       define i32 @"add"(ptr %"buffers", ptr %"dims", ptr %"workspace", i32 %"tid", i32 %"nthreads")
// CHECK:         load <16 x float>, ptr
// CHECK:         fadd <16 x float>
// CHECK:         store <16 x float>
// CHECK:         call void @"dovetail_barrier"(ptr %"workspace", i32 %"nthreads")
// CHECK:       define i64 @"add_workspace_bytes"
builtin.module attributes {target = #target.target<"llvm -mcpu=x86-64-v3">} {
func.func @add(%A: memref<6x16xf32>, %B: memref<6x16xf32>) {
  loop.for %y = 0 to 6 parallel {
    loop.for %x = 0 to 16 vectorized {
      loop.block "B" (%v < 6 = %y, %w < 16 = %x) {
        %a = loop.load %A[%v, %w] : memref<6x16xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %B[%v, %w] : memref<6x16xf32>
      }
    }
  }
  loop.for %z = 0 to 6 parallel {
    loop.block "C" (%v < 6 = %z) {
      %b = loop.load %B[5 - %v, 0] : memref<6x16xf32>
      loop.store %b, %B[%v, 1] : memref<6x16xf32>
    }
  }
  func.return
}
}
