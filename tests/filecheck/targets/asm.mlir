// RUN: dovetail-opt %s -t asm | filecheck %s

// A module without a target is compiled for this machine.
// CHECK: add:
// CHECK: add_workspace_bytes:
// CHECK: dovetail_barrier:

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
