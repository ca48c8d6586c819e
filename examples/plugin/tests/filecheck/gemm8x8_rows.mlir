// RUN: dovetail-opt %s -p 'import-intrinsics{library=sample}' -t sample-calls | filecheck %s
// RUN: not dovetail-opt %s -t sample-calls 2>&1 | filecheck %s --check-prefix MISSING

// CHECK:      for y in range(2):
// CHECK-NEXT:   for x in range(3):
// CHECK-NEXT:     fill_zero(acc)
// CHECK-NEXT:     for k in range(4):
// CHECK-NEXT:       fuse_gemm8x8_add(acc, a, b)

// MISSING: error: sample-calls: the module declares no te.intrinsic @gemm8x8_rows
builtin.module attributes {target = #target.target<"sample -tiles=4">} {
  func.func @matmul(%A: memref<16x32xf32>, %B: memref<24x32xf32>, %C: memref<16x24xf32>) {
    loop.for %y = 0 to 2 {
      loop.for %x = 0 to 3 {
        %acc = loop.alloc at [%y * 8, %x * 8] : memref<8x8xf32, "acc_buffer">
        loop.block "clear" () {
          loop.intrinsic @gemm8x8_rows "reset"(%acc) writes 1 : memref<8x8xf32, "acc_buffer">
        }
        loop.for %k = 0 to 4 {
          %a = loop.alloc at [%y * 8, %k * 8] : memref<8x8xf32, "inp_buffer">
          %b = loop.alloc at [%x * 8, %k * 8] : memref<8x8xf32, "inp_buffer">
          loop.copy %A to %a : memref<16x32xf32> to memref<8x8xf32, "inp_buffer">
          loop.copy %B to %b : memref<24x32xf32> to memref<8x8xf32, "inp_buffer">
          loop.block "multiply" () {
            loop.intrinsic @gemm8x8_rows "update"(%acc, %a, %b) writes 1 : memref<8x8xf32, "acc_buffer">, memref<8x8xf32, "inp_buffer">, memref<8x8xf32, "inp_buffer">
          }
        }
        loop.copy %acc to %C : memref<8x8xf32, "acc_buffer"> to memref<16x24xf32>
      }
    }
    func.return
  }
}
