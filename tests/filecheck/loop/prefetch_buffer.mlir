// RUN: dovetail-opt %s -p 'prefetch-buffer{buffer=W ahead=a over="i"}' | filecheck %s --check-prefix=CHECK
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=W ahead=i over="a"}' 2>&1 | filecheck %s --check-prefix=INSIDE
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=M ahead=a over="i"}' 2>&1 | filecheck %s --check-prefix=READ
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=T ahead=b over="c"}' 2>&1 | filecheck %s --check-prefix=LIVES
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=S ahead=a over="i"}' 2>&1 | filecheck %s --check-prefix=MOVES
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=W ahead=b over="c"}' 2>&1 | filecheck %s --check-prefix=EXTENT

// One iteration of a reads 8 rows of 64 floats: 32 lines, shared out among 64 iterations of i.

// CHECK-LABEL: func.func @stream(%W: memref<64x64xf32>, %S: memref<64xf32>, %M: memref<?xf32, #loop.layout<["m"]>>) {
// CHECK-NEXT:  %m = loop.dim "m"
// CHECK-NEXT:  loop.for %a = 0 to 8 {
// CHECK-NEXT:    loop.for %i = 0 to 64 {
// CHECK-NEXT:      loop.prefetch %W[%a * 8 + 8, 0] + (%i * 16) locality 2 : memref<64x64xf32>
// CHECK-NEXT:      loop.for %j = 0 to 8 {
// CHECK-NEXT:        loop.block "S" (%v < 64 = %i, reduce %w < 64 = %a * 8 + %j) {
// CHECK-NEXT:          %s = loop.load %S[%v] : memref<64xf32>
// CHECK-NEXT:          %x = loop.load %W[%w, %v] : memref<64x64xf32>
// CHECK-NEXT:          %t = arith.addf %s, %x : f32
// CHECK-NEXT:          loop.store %t, %S[%v] : memref<64xf32>
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }
// CHECK-NEXT:  loop.for %b = 0 to 8 {
// CHECK-NEXT:    %T = loop.alloc : memref<1xf32>
// CHECK-NEXT:    loop.for %c = 0 to %m {
// CHECK-NEXT:      loop.block "T" (%v_1 < 64 = %c) {
// CHECK-NEXT:        %s_1 = loop.load %S[%v_1] : memref<64xf32>
// CHECK-NEXT:        loop.store %s_1, %T[0] : memref<1xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:      loop.block "U" (%v_2 < 64 = %b) {
// CHECK-NEXT:        %s_2 = loop.load %T[0] : memref<1xf32>
// CHECK-NEXT:        %x_1 = loop.load %W[%v_2, 0] : memref<64x64xf32>
// CHECK-NEXT:        loop.store %x_1, %S[%v_2] : memref<64xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

// INSIDE: error: prefetch-buffer: loop 'a' is not inside loop 'i'; over= names loops inside ahead=, outermost first
// READ: error: prefetch-buffer: %M is not read below loop 'i'
// LIVES: error: prefetch-buffer: %T only lives inside loop 'b'
// MOVES: error: prefetch-buffer: what is read of %S does not move with 'a'
// EXTENT: error: prefetch-buffer: the extent of loop 'c' is not a constant

func.func @stream(%W: memref<64x64xf32>, %S: memref<64xf32>, %M: memref<?xf32, #loop.layout<["m"]>>) {
  %m = loop.dim "m"
  loop.for %a = 0 to 8 {
    loop.for %i = 0 to 64 {
      loop.for %j = 0 to 8 {
        loop.block "S" (%v < 64 = %i, reduce %w < 64 = %a * 8 + %j) {
          %s = loop.load %S[%v] : memref<64xf32>
          %x = loop.load %W[%w, %v] : memref<64x64xf32>
          %t = arith.addf %s, %x : f32
          loop.store %t, %S[%v] : memref<64xf32>
        }
      }
    }
  }
  loop.for %b = 0 to 8 {
    %T = loop.alloc : memref<1xf32>
    loop.for %c = 0 to %m {
      loop.block "T" (%v < 64 = %c) {
        %s = loop.load %S[%v] : memref<64xf32>
        loop.store %s, %T[0] : memref<1xf32>
      }
      loop.block "U" (%v < 64 = %b) {
        %s = loop.load %T[0] : memref<1xf32>
        %x = loop.load %W[%v, 0] : memref<64x64xf32>
        loop.store %x, %S[%v] : memref<64xf32>
      }
    }
  }
  func.return
}
