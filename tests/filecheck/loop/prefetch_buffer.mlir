// RUN: dovetail-opt %s -p 'prefetch-buffer{buffer=W ahead=a over="i"}' | filecheck %s --check-prefix=CHECK
// RUN: dovetail-opt %s -p 'prefetch-buffer{buffer=W ahead=a over="i","j"}' | filecheck %s --check-prefix=CHECK
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=W ahead=i over="a"}' 2>&1 | filecheck %s --check-prefix=INSIDE
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=M ahead=a over="i"}' 2>&1 | filecheck %s --check-prefix=READ
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=T ahead=b over="c"}' 2>&1 | filecheck %s --check-prefix=LIVES
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=S ahead=a over="i"}' 2>&1 | filecheck %s --check-prefix=MOVES
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=W ahead=b over="c"}' 2>&1 | filecheck %s --check-prefix=EXTENT
// RUN: dovetail-opt %s -p 'prefetch-buffer{buffer=M ahead=b over="d"}' | filecheck %s --check-prefix=OUTERMOST
// RUN: dovetail-opt %s -p 'prefetch-buffer{buffer=G ahead=g over="h"}' | filecheck %s --check-prefix=SEVERAL
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=N ahead=g over="h"}' 2>&1 | filecheck %s --check-prefix=SIZE
// RUN: not dovetail-opt %s -p 'prefetch-buffer{buffer=S ahead=b over="d"}' 2>&1 | filecheck %s --check-prefix=INDEX

// One iteration of a reads 8 rows of 64 floats: 32 lines, shared out among 64 iterations of i.

// CHECK-LABEL: func.func @stream(%W: memref<64x64xf32>, %S: memref<64xf32>, %M: memref<?xf32, #loop.layout<["m"]>>, %I: memref<64xindex>) {
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
// CHECK-NEXT:    loop.for %d = 0 to 4 {
// CHECK-NEXT:      loop.block "sized" (%v_1 < %m = %b * 4 + %d, %w_1 < 8 = %b) {
// CHECK-NEXT:        %i_1 = loop.load %I[%w_1] : memref<64xindex>
// CHECK-NEXT:        %x_1 = loop.load %M[%v_1] : memref<?xf32, #loop.layout<["m"]>>
// CHECK-NEXT:        %y = loop.load %S[%i_1 + %w_1] : memref<64xf32>
// CHECK-NEXT:        %z = arith.addf %x_1, %y : f32
// CHECK-NEXT:        loop.store %z, %S[%w_1] : memref<64xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    loop.for %c = 0 to %m {
// CHECK-NEXT:      loop.block "T" (%v_2 < 64 = %c) {
// CHECK-NEXT:        %s_1 = loop.load %S[%v_2] : memref<64xf32>
// CHECK-NEXT:        loop.store %s_1, %T[0] : memref<1xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:      loop.block "U" (%v_3 < 64 = %b) {
// CHECK-NEXT:        %s_2 = loop.load %T[0] : memref<1xf32>
// CHECK-NEXT:        %x_2 = loop.load %W[%v_3, 0] : memref<64x64xf32>
// CHECK-NEXT:        loop.store %x_2, %S[%v_3] : memref<64xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

// INSIDE: error: prefetch-buffer: loop 'a' is not inside loop 'i'; over= names loops inside ahead=, outermost first
// READ: error: prefetch-buffer: %M is not read below loop 'i'
// LIVES: error: prefetch-buffer: %T only lives inside loop 'b'
// MOVES: error: prefetch-buffer: what is read of %S does not move with 'a'
// EXTENT: error: prefetch-buffer: the extent of loop 'c' is not a constant
// SIZE: error: prefetch-buffer: the size 'm' of %N is only known at run time, so its lines cannot be shared out
// INDEX: error: prefetch-buffer: %S is indexed by a value that is only known at run time

func.func @stream(%W: memref<64x64xf32>, %S: memref<64xf32>, %M: memref<?xf32, #loop.layout<["m"]>>, %I: memref<64xindex>) {
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
    loop.for %d = 0 to 4 {
      loop.block "sized" (%v < %m = %b * 4 + %d, %w < 8 = %b) {
        %i = loop.load %I[%w] : memref<64xindex>
        %x = loop.load %M[%v] : memref<?xf32, #loop.layout<["m"]>>
        %y = loop.load %S[%i + %w] : memref<64xf32>
        %z = arith.addf %x, %y : f32
        loop.store %z, %S[%w] : memref<64xf32>
      }
    }
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

// OUTERMOST. where an element lies does not depend on the outermost size.
// OUTERMOST:         loop.for %d = 0 to 4 {
// OUTERMOST-NEXT:      loop.prefetch %M[%b * 4 + 4] + (%d * 16) locality 2

// SEVERAL. of several reads one is found by its address alone.
// SEVERAL:         loop.for %h = 0 to 9 {
// SEVERAL-NEXT:      loop.prefetch %G[%g * 9 + 9] + (%h * 16) locality 2

func.func @several(%G: memref<81xf32>, %N: memref<5x?xf32, #loop.layout<[5, "m"]>>, %J: memref<9xindex>, %O: memref<81xf32>) {
  %m = loop.dim "m"
  loop.for %g = 0 to 9 {
    loop.for %h = 0 to 9 {
      loop.block "G" (%v < 9 = %h, %w < 81 = %g * 9 + %h) {
        %i = loop.load %J[%v] : memref<9xindex>
        %x = loop.load %G[%i] : memref<81xf32>
        %y = loop.load %G[%w] : memref<81xf32>
        %n = loop.load %N[%v, %v] : memref<5x?xf32, #loop.layout<[5, "m"]>>
        %z = arith.addf %x, %y : f32
        loop.store %z, %O[%w] : memref<81xf32>
      }
    }
  }
  func.return
}
