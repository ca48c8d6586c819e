// RUN: dovetail-opt %s -p allocate-sram | filecheck %s

// Tiles of a scope follow each other in whatever loops they are; addresses count elements of the
// scope. A tile in out is where the accumulators are that the cast reads, here from the third on.

// CHECK-LABEL: func.func @tiles
// CHECK:         loop.alloc {address = 0 : i64} : {{.*}}, "acc">
// CHECK:           loop.alloc at [0, %k * 16] {address = 0 : i64} : {{.*}}, "inp">
// CHECK:           loop.alloc {address = 8 : i64} : {{.*}}, "acc">
// CHECK:           loop.alloc at [0, %l * 16] {address = 4 : i64} : {{.*}}, "inp">
// CHECK:         loop.alloc at [2, 0] {address = 4 : i64} : {{.*}}, "out">
// CHECK:         loop.alloc : memref<8xi8>

// CHECK-LABEL: func.func @another
// CHECK:         loop.alloc {address = 0 : i64} : {{.*}}, "inp">
!inp = memref<4x16xi8, #loop.layout<affine_map<(n, k) -> (n, k floordiv 16, 0, k mod 16)>, [4, 1, 1, 16]>, "inp">
!acc = memref<4x32xi32, #loop.layout<affine_map<(n, k) -> (n, k floordiv 16, 0, k mod 16)>, [4, 2, 1, 16]>, "acc">
!out = memref<2x32xi8, #loop.layout<affine_map<(n, k) -> (n, k floordiv 16, 0, k mod 16)>, [2, 2, 1, 16]>, "out">
builtin.module attributes {target = #target.target<"vta">} {
  func.func @tiles() {
    %C = loop.alloc : !acc
    loop.for %k = 0 to 3 {
      %A = loop.alloc at [0, %k * 16] : !inp
    }
    loop.for %l = 0 to 3 {
      %D = loop.alloc : !acc
      %B = loop.alloc at [0, %l * 16] : !inp
    }
    %O = loop.alloc at [2, 0] : !out
    loop.for %n = 0 to 2 {
      loop.for %c = 0 to 2 {
        loop.block "O" (%vn < 4 = %n + 2, %vc < 2 = %c) {
          loop.intrinsic @cast "compute"(%O[%vn, %vc * 16 + i1], %C[%vn, %vc * 16 + i1]) writes 1 : !out, !acc
        }
      }
    }
    %G = loop.alloc : memref<8xi8>
    func.return
  }
  func.func @another() {
    %A = loop.alloc : !inp
    func.return
  }
}
