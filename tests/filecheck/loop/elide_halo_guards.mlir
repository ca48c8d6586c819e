// RUN: dovetail-opt %s -p elide-halo-guards | filecheck %s

!halo = memref<4x8xf32, #loop.layout<affine_map<(d0, d1) -> (d0, d1 + 1)>, [4, 10], pad 0.0 : f32>>
!blank = memref<4x8xf32, #loop.layout<affine_map<(d0, d1) -> (d0, d1 + 1)>, [4, 10]>>
!plain = memref<4x8xf32>

// The guard holds back exactly the halo, whose value is the one that the load gives instead.
// CHECK-LABEL: func.func @elided
// CHECK:         loop.load %X[%vc, %vx + %vk - 1] : memref
func.func @elided(%X: !halo, %Y: !plain) {
  loop.for %c = 0 to 4 {
    loop.for %x = 0 to 8 {
      loop.for %k = 0 to 3 {
        loop.block "y" (%vc < 4 = %c, %vx < 8 = %x, reduce %vk < 3 = %k) {
          %zero = arith.constant 0.0 : f32
          %a = loop.load %X[%vc, %vx + %vk - 1] where (%vx + %vk >= 1, 8 >= %vx + %vk) else %zero : !halo
          loop.store %a, %Y[%vc, %vx] : !plain
        }
      }
    }
  }
  func.return
}

// The halo is too narrow: the window reaches two cells beyond it.
// CHECK-LABEL: func.func @narrow
// CHECK:         loop.load %X[%vc, %vx + %vk - 1] where (
func.func @narrow(%X: !halo, %Y: !plain) {
  loop.for %c = 0 to 4 {
    loop.for %x = 0 to 8 {
      loop.for %k = 0 to 5 {
        loop.block "y" (%vc < 4 = %c, %vx < 8 = %x, reduce %vk < 5 = %k) {
          %zero = arith.constant 0.0 : f32
          %a = loop.load %X[%vc, %vx + %vk - 1] where (%vx + %vk >= 1, 8 >= %vx + %vk) else %zero : !halo
          loop.store %a, %Y[%vc, %vx] : !plain
        }
      }
    }
  }
  func.return
}

// Another value than the halo's; a guard that holds back more than the halo; a value that is
// computed; a halo without a value; no layout.
// CHECK-LABEL: func.func @kept
// CHECK-COUNT-5: where (
// CHECK-NOT:     where (
func.func @kept(%X: !halo, %Y: !plain, %B: !blank, %P: !plain) {
  loop.for %c = 0 to 4 {
    loop.for %x = 0 to 8 {
      loop.block "y" (%vc < 4 = %c, %vx < 8 = %x) {
        %zero = arith.constant 0.0 : f32
        %one = arith.constant 1.0 : f32
        %a = loop.load %X[%vc, %vx - 1] where (%vx >= 1) else %one : !halo
        %b = loop.load %X[%vc, %vx - 1] where (%vx >= 3) else %zero : !halo
        %e = loop.load %X[%vc, %vx - 1] where (%vx >= 1) else %a : !halo
        %d = loop.load %B[%vc, %vx - 1] where (%vx >= 1) else %zero : !blank
        %f = loop.load %P[%vc, %vx - 1] where (%vx >= 1) else %zero : !plain
        %s = arith.addf %a, %b : f32
        %t = arith.addf %s, %e : f32
        %u = arith.addf %t, %d : f32
        %v = arith.addf %u, %f : f32
        loop.store %v, %Y[%vc, %vx] : !plain
      }
    }
  }
  func.return
}

!rows = memref<?x8xf32, #loop.layout<affine_map<(d0, d1) -> (d0, d1 + 1)>, ["n", 10], pad 0.0 : f32>>
!out = memref<?x8xf32, #loop.layout<["n", 8]>>

// A symbolic dimension is never left by the variable that ranges over it; a row further, or one of
// another dimension, may be outside.
// CHECK-LABEL: func.func @symbolic
// CHECK:         loop.load %X[%vr, %vx - 1] : memref
// CHECK:         loop.load %X[%vr + 1, %vx - 1] where (
// CHECK-LABEL: func.func @other
// CHECK:         loop.load %X[%vr, %vx - 1] where (
func.func @symbolic(%X: !rows, %Y: !out) {
  %n = loop.dim "n"
  loop.for %r = 0 to %n {
    loop.for %x = 0 to 8 {
      loop.block "y" (%vr < %n = %r, %vx < 8 = %x) {
        %zero = arith.constant 0.0 : f32
        %a = loop.load %X[%vr, %vx - 1] where (%vx >= 1) else %zero : !rows
        %b = loop.load %X[%vr + 1, %vx - 1] where (%vx >= 1) else %zero : !rows
        %c = arith.addf %a, %b : f32
        loop.store %c, %Y[%vr, %vx] : !out
      }
    }
  }
  func.return
}
func.func @other(%X: !rows, %Y: memref<?x8xf32, #loop.layout<["m", 8]>>) {
  %m = loop.dim "m"
  loop.for %r = 0 to %m {
    loop.for %x = 0 to 8 {
      loop.block "y" (%vr < %m = %r, %vx < 8 = %x) {
        %zero = arith.constant 0.0 : f32
        %a = loop.load %X[%vr, %vx - 1] where (%vx >= 1) else %zero : !rows
        loop.store %a, %Y[%vr, %vx] : memref<?x8xf32, #loop.layout<["m", 8]>>
      }
    }
  }
  func.return
}
