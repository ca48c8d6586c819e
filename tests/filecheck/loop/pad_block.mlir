// RUN: dovetail-opt %s -p 'pad-block{block=C loops=y,k multiples=4,8 function=product}' | filecheck %s --check-prefix=PRODUCT
// RUN: dovetail-opt %s -p 'pad-block{block=C loops=y,k multiples=1,17 function=product}' | filecheck %s --check-prefix=WHOLE
// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=4 function=product},promote-memory-scope{buffer=C scope=register at=y_o function=product},pad-block{block=C loops=y_i multiples=4 function=product}' | filecheck %s --check-prefix=TILE
// RUN: dovetail-opt %s -p 'pad-block{block=S loops=y multiples=4},pad-block{block=O loops=O_y multiples=4}' | filecheck %s --check-prefix=CHAIN
// RUN: dovetail-opt %s -p 'pad-block{block=R loops=c,k multiples=8,8}' | filecheck %s --check-prefix=ROOM
// RUN: dovetail-opt %s -p 'pad-block{block=B loops=c multiples=8}' | filecheck %s --check-prefix=PROMISED
// RUN: dovetail-opt %s -p 'pad-block{block=M loops=m multiples=8}' | filecheck %s --check-prefix=LEAST
// RUN: dovetail-opt %s -p 'pad-block{block=Q loops=q multiples=8}' | filecheck %s --check-prefix=ONE
// RUN: dovetail-opt %s -p 'pad-block{block=Z loops=z multiples=8}' | filecheck %s --check-prefix=POINT
// RUN: dovetail-opt %s -p 'pad-block{block=G loops=g multiples=8}' | filecheck %s --check-prefix=BEST
// RUN: dovetail-opt %s -p 'pad-block{block=W loops=t multiples=4}' | filecheck %s --check-prefix=TAPS
// RUN: dovetail-opt %s -p 'pad-block{block=U loops=u multiples=4}' | filecheck %s --check-prefix=UPDATE
// RUN: dovetail-opt %s -p 'pad-block{block=H1 loops=h multiples=4}' | filecheck %s --check-prefix=PART
// RUN: dovetail-opt %s -p 'pad-block{block=T1 loops=i multiples=4}' | filecheck %s --check-prefix=SHARED
// RUN: dovetail-opt %s -p 'pad-block{block=F loops=k multiples=8}' | filecheck %s --check-prefix=GATHERED
// RUN: dovetail-opt %s -p 'pad-block{block=SY loops=rk multiples=8}' | filecheck %s --check-prefix=SIZE
// RUN: not dovetail-opt %s -p 'pad-block{block=B_local_in loops=B_local_in_d0 multiples=8 function=filled_ahead}' 2>&1 | filecheck %s --check-prefix=AHEAD

// Reads get guards, and zeros outside; the result is an argument, so it is computed beside it.

// PRODUCT-LABEL: func.func @product(%A: memref<13x17xf32>, %B: memref<17xf32>, %C: memref<13xf32>) {
// PRODUCT-NEXT:  %C_pad = loop.alloc : memref<16xf32>
// PRODUCT-NEXT:  loop.for %y = 0 to 16 {
// PRODUCT-NEXT:    loop.for %k = 0 to 24 {
// PRODUCT-NEXT:      loop.block "C" (%v_y < 16 = %y, reduce %v_k < 24 = %k) init {
// PRODUCT:             loop.store %zero, %C_pad[%v_y] : memref<16xf32>
// PRODUCT:             %s = loop.load %C_pad[%v_y] : memref<16xf32>
// PRODUCT-NEXT:        %pad = arith.constant 0.000000e+00 : f32
// PRODUCT-NEXT:        %a = loop.load %A[%v_y, %v_k] where (-%v_y + 12 >= 0, -%v_k + 16 >= 0) else %pad : memref<13x17xf32>
// PRODUCT-NEXT:        %pad_1 = arith.constant 0.000000e+00 : f32
// PRODUCT-NEXT:        %b = loop.load %B[%v_k] where (-%v_k + 16 >= 0) else %pad_1 : memref<17xf32>
// PRODUCT:         loop.for %C_crop_d0 = 0 to 13 {
// PRODUCT-NEXT:      loop.block "C_crop" (%v_d0 < 13 = %C_crop_d0) {
// PRODUCT-NEXT:        %{{.*}} = loop.load %C_pad[%v_d0] : memref<16xf32>
// PRODUCT-NEXT:        loop.store %{{.*}}, %C[%v_d0] : memref<13xf32>

// Nothing is left to do where the extents are multiples.

// WHOLE-LABEL: func.func @product
// WHOLE-NEXT:    loop.for %y = 0 to 13 {
// WHOLE-NEXT:      loop.for %k = 0 to 17 {

// A tile that holds the new points needs no other buffer, and the loops run over them already.

// TILE-LABEL: func.func @product
// TILE-NEXT:    loop.for %y_o = 0 to 4 {
// TILE-NEXT:      %C_register = loop.alloc at [%y_o * 4] : memref<4xf32, "register">
// TILE-NEXT:      loop.for %y_i = 0 to 4 {
// TILE-NEXT:        loop.for %k = 0 to 17 {
// TILE-NEXT:          loop.block "C" (%v_y < 16 = %y_o * 4 + %y_i, reduce %v_k < 17 = %k) init {
// TILE:                 %a = loop.load %A[%v_y, %v_k] where (-%v_y + 12 >= 0) else %pad : memref<13x17xf32>
// TILE-NEXT:            %b = loop.load %B[%v_k] : memref<17xf32>
// TILE:             loop.block "C_register_out" (%v_y_1 < 13 = %y_o * 4 + %C_register_out_y_i) {
// TILE-NOT:       C_pad

func.func @product(%A: memref<13x17xf32>, %B: memref<17xf32>, %C: memref<13xf32>) {
  loop.for %y = 0 to 13 {
    loop.for %k = 0 to 17 {
      loop.block "C" (%v_y < 13 = %y, reduce %v_k < 17 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %C[%v_y] : memref<13xf32>
      } {
        %s = loop.load %C[%v_y] : memref<13xf32>
        %a = loop.load %A[%v_y, %v_k] : memref<13x17xf32>
        %b = loop.load %B[%v_k] : memref<17xf32>
        %p = arith.mulf %a, %b : f32
        %t = arith.addf %s, %p : f32
        loop.store %t, %C[%v_y] : memref<13xf32>
      }
    }
  }
  func.return
}

// An allocation gets larger, and what follows reads all of it.

// CHAIN-LABEL: func.func @chain
// CHAIN-NEXT:    %S = loop.alloc : memref<12xf32>
// CHAIN-NEXT:    loop.for %y = 0 to 12 {
// CHAIN-NEXT:      loop.block "S" (%v < 12 = %y) {
// CHAIN:             loop.load %X[%v] where (-%v + 9 >= 0) else %pad : memref<10xf32>
// CHAIN:             loop.store %{{.*}}, %S[%v] : memref<12xf32>
// CHAIN:         %O_pad = loop.alloc : memref<12xf32>
// CHAIN-NEXT:    loop.for %O_y = 0 to 12 {
// CHAIN-NEXT:      loop.block "O" (%v_1 < 12 = %O_y) {
// CHAIN-NEXT:        %s = loop.load %S[%v_1] : memref<12xf32>
// CHAIN:         loop.for %O_crop_d0 = 0 to 10 {
func.func @chain(%X: memref<10xf32>, %O: memref<10xf32>) {
  %S = loop.alloc : memref<10xf32>
  loop.for %y = 0 to 10 {
    loop.block "S" (%v < 10 = %y) {
      %x = loop.load %X[%v] : memref<10xf32>
      %n = arith.negf %x : f32
      loop.store %n, %S[%v] : memref<10xf32>
    }
  }
  loop.for %O_y = 0 to 10 {
    loop.block "O" (%v < 10 = %O_y) {
      %s = loop.load %S[%v] : memref<10xf32>
      %n = arith.negf %s : f32
      loop.store %n, %O[%v] : memref<10xf32>
    }
  }
  func.return
}

// The layouts have whole blocks: zeros where X ends, nobody's cells where R does.

!blocked = memref<10x6xi32, #loop.layout<affine_map<(d0, d1) -> (d0 floordiv 8, d1 floordiv 8, d0 mod 8, d1 mod 8)>, [2, 1, 8, 8], pad 0 : i32>>
!rows = memref<10xi32, #loop.layout<affine_map<(d0) -> (d0 floordiv 8, d0 mod 8)>, [2, 8]>>

// ROOM-LABEL: func.func @room
// ROOM-NEXT:    loop.for %c = 0 to 16 {
// ROOM-NEXT:      loop.for %k = 0 to 8 {
// ROOM-NEXT:        loop.block "R" (%v_c < 16 = %c, reduce %v_k < 8 = %k) init {
// ROOM:               loop.load %X[%v_c, %v_k] : memref<10x6xi32
// ROOM:               loop.store %{{.*}}, %R[%v_c] : memref<10xi32
// ROOM-NEXT:        }
// ROOM-NEXT:      }
// ROOM-NEXT:    }
// ROOM-NEXT:    func.return
func.func @room(%X: !blocked, %R: !rows) {
  loop.for %c = 0 to 10 {
    loop.for %k = 0 to 6 {
      loop.block "R" (%v_c < 10 = %c, reduce %v_k < 6 = %k) init {
        %zero = arith.constant 0 : i32
        loop.store %zero, %R[%v_c] : !rows
      } {
        %r = loop.load %R[%v_c] : !rows
        %x = loop.load %X[%v_c, %v_k] : !blocked
        %t = arith.addi %r, %x : i32
        loop.store %t, %R[%v_c] : !rows
      }
    }
  }
  func.return
}

// A pad that the result's layout promises is not overwritten.

!zeros = memref<10xi32, #loop.layout<affine_map<(d0) -> (d0 floordiv 8, d0 mod 8)>, [2, 8], pad 0 : i32>>

// PROMISED-LABEL: func.func @promised
// PROMISED-NEXT:    %Y_pad = loop.alloc : memref<16xi32>
// PROMISED:         loop.for %Y_crop_d0 = 0 to 10 {
func.func @promised(%X: !zeros, %Y: !zeros) {
  loop.for %c = 0 to 10 {
    loop.block "B" (%v < 10 = %c) {
      %x = loop.load %X[%v] : !zeros
      loop.store %x, %Y[%v] : !zeros
    }
  }
  func.return
}

// The pad is the least value in a maximum, one in a product, the zero point where one is
// subtracted, and what never wins where the best is looked for.

// LEAST-LABEL: func.func @maximum
// LEAST:         %pad = arith.constant 0xff800000 : f32
// LEAST-NEXT:    loop.load %X[%v_m] where (-%v_m + 4 >= 0) else %pad
func.func @maximum(%X: memref<5xf32>, %M: memref<1xf32>) {
  loop.for %m = 0 to 5 {
    loop.block "M" (reduce %v_m < 5 = %m) {
      %s = loop.load %M[0] : memref<1xf32>
      %x = loop.load %X[%v_m] : memref<5xf32>
      %t = arith.maximumf %x, %s : f32
      loop.store %t, %M[0] : memref<1xf32>
    }
  }
  func.return
}

// ONE-LABEL: func.func @factors
// ONE:         %pad = arith.constant 1 : i32
// ONE-NEXT:    loop.load %X[%v_q] where (-%v_q + 4 >= 0) else %pad
func.func @factors(%X: memref<5xi32>, %Q: memref<1xi32>) {
  loop.for %q = 0 to 5 {
    loop.block "Q" (reduce %v_q < 5 = %q) {
      %s = loop.load %Q[0] : memref<1xi32>
      %x = loop.load %X[%v_q] : memref<5xi32>
      %t = arith.muli %s, %x : i32
      loop.store %t, %Q[0] : memref<1xi32>
    }
  }
  func.return
}

// POINT-LABEL: func.func @zero_points
// POINT:         %pad = arith.constant 3 : i32
// POINT-NEXT:    loop.load %X[%v_z] where (-%v_z + 4 >= 0) else %pad
func.func @zero_points(%X: memref<5xi32>, %Y: memref<8xi32>, %Z: memref<1xi32>) {
  loop.for %z = 0 to 5 {
    loop.block "Z" (reduce %v_z < 5 = %z) {
      %s = loop.load %Z[0] : memref<1xi32>
      %x = loop.load %X[%v_z] : memref<5xi32>
      %three = arith.constant 3 : i32
      %d = arith.subi %x, %three : i32
      %y = loop.load %Y[%v_z] : memref<8xi32>
      %p = arith.muli %d, %y : i32
      %t = arith.addi %s, %p : i32
      loop.store %t, %Z[0] : memref<1xi32>
    }
  }
  func.return
}

// BEST-LABEL: func.func @best
// BEST:         %pad = arith.constant 0xff800000 : f32
// BEST-NEXT:    loop.load %X[%v_g] where (-%v_g + 4 >= 0) else %pad
func.func @best(%X: memref<5xf32>, %V: memref<1xf32>, %I: memref<1xi64>) {
  loop.for %g = 0 to 5 {
    loop.block "G" (reduce %v_g < 5 = %g) {
      %old = loop.load %V[0] : memref<1xf32>
      %at = loop.load %I[0] : memref<1xi64>
      %x = loop.load %X[%v_g] : memref<5xf32>
      %here = arith.index_cast %v_g : index to i64
      %better = arith.cmpf ogt, %x, %old : f32
      %v = arith.select %better, %x, %old : f32
      %i = arith.select %better, %here, %at : i64
      loop.store %v, %V[0] : memref<1xf32>
      loop.store %i, %I[0] : memref<1xi64>
    }
  }
  func.return
}

// A window that gets another tap reads elements with it, and zero times an integer is zero; only
// the last of them lie outside.

// TAPS-LABEL: func.func @taps
// TAPS:         loop.load %X[%v_o + %v_t] where (-%v_o - %v_t + 9 >= 0) else %pad
// TAPS:         loop.load %K[%v_t] where (-%v_t + 2 >= 0) else %pad_1
func.func @taps(%X: memref<10xi32>, %K: memref<3xi32>, %W: memref<8xi32>) {
  loop.for %o = 0 to 8 {
    loop.for %t = 0 to 3 {
      loop.block "W" (%v_o < 8 = %o, reduce %v_t < 3 = %t) {
        %s = loop.load %W[%v_o] : memref<8xi32>
        %x = loop.load %X[%v_o + %v_t] : memref<10xi32>
        %k = loop.load %K[%v_t] : memref<3xi32>
        %p = arith.muli %k, %x : i32
        %n = arith.addi %s, %p : i32
        loop.store %n, %W[%v_o] : memref<8xi32>
      }
    }
  }
  func.return
}

// What is changed is copied in, too.

// UPDATE-LABEL: func.func @update
// UPDATE-NEXT:    %Y_pad = loop.alloc : memref<8xi32>
// UPDATE-NEXT:    loop.for %Y_pad_in_d0 = 0 to 6 {
// UPDATE-NEXT:      loop.block "Y_pad_in" (%v_d0 < 6 = %Y_pad_in_d0) {
// UPDATE:         loop.for %u = 0 to 8 {
// UPDATE:         loop.for %Y_crop_d0 = 0 to 6 {
func.func @update(%Y: memref<6xi32>) {
  loop.for %u = 0 to 6 {
    loop.block "U" (%v < 6 = %u) {
      %y = loop.load %Y[%v] : memref<6xi32>
      %n = arith.addi %y, %y : i32
      loop.store %n, %Y[%v] : memref<6xi32>
    }
  }
  func.return
}

// The other half of the result is computed by another block: what one writes beyond its half stays
// out of it.

// PART-LABEL: func.func @halves
// PART-NEXT:    %Y_pad = loop.alloc : memref<8xi32>
// PART-NEXT:    loop.for %h = 0 to 8 {
// PART:         loop.for %Y_crop_d0 = 0 to 5 {
// PART:         loop.for %h2 = 0 to 5 {
// PART-NEXT:      loop.block "H2"
func.func @halves(%X: memref<8xi32>, %Y: memref<10xi32>) {
  loop.for %h = 0 to 5 {
    loop.block "H1" (%v < 5 = %h) {
      %x = loop.load %X[%v] : memref<8xi32>
      loop.store %x, %Y[%v] : memref<10xi32>
    }
  }
  loop.for %h2 = 0 to 5 {
    loop.block "H2" (%v < 5 = %h2) {
      %x = loop.load %X[%v] : memref<8xi32>
      loop.store %x, %Y[%v + 5] : memref<10xi32>
    }
  }
  func.return
}

// A loop that gets longer holds another block, which leaves the new iterations out: by its domain,
// or by a condition.

// SHARED-LABEL: func.func @shared
// SHARED-NEXT:    %T_pad = loop.alloc : memref<8xi32>
// SHARED-NEXT:    loop.for %i = 0 to 8 {
// SHARED-NEXT:      loop.block "T1" (%v < 8 = %i) {
// SHARED:           loop.block "T2" (%v_1 < 6 = %i) {
// SHARED:           loop.block "T3" (%v_2 < 9 = %i + 1) where (-%i + 5 >= 0) {
func.func @shared(%X: memref<9xi32>, %T: memref<6xi32>, %T2: memref<6xi32>, %T3: memref<9xi32>) {
  loop.for %i = 0 to 6 {
    loop.block "T1" (%v < 6 = %i) {
      %x = loop.load %X[%v] : memref<9xi32>
      loop.store %x, %T[%v] : memref<6xi32>
    }
    loop.block "T2" (%v < 6 = %i) {
      %x = loop.load %X[%v] : memref<9xi32>
      loop.store %x, %T2[%v] : memref<6xi32>
    }
    loop.block "T3" (%v < 9 = %i + 1) {
      %x = loop.load %X[%v] : memref<9xi32>
      loop.store %x, %T3[%v] : memref<9xi32>
    }
  }
  func.return
}


// AHEAD: error: pad-block: %B_local_next lies in a part of %B_local_copies, which is filled ahead of time; do this before double-buffer
func.func @filled_ahead(%A: memref<9x4xi8>, %B: memref<4x11xi8>, %C: memref<9x11xi8>) {
  loop.for %y = 0 to 9 {
    %B_local_copies = loop.alloc : memref<2x4x1xi8, "local">
    %B_local_first = loop.alloc in %B_local_copies[0] of memref<2x4x1xi8, "local"> : memref<4x1xi8, "local">
    loop.for %B_local_in_d0_first = 0 to 4 {
      loop.for %B_local_in_d1_first = 0 to 1 {
        loop.block "B_local_in_first" (%v_d0 < 4 = %B_local_in_d0_first, %v_d1 < 11 = %B_local_in_d1_first) {
          %0 = loop.load %B[%v_d0, %v_d1] : memref<4x11xi8>
          loop.store %0, %B_local_first[%v_d0, %v_d1] : memref<4x1xi8, "local">
        }
      }
    }
    loop.for %x = 0 to 11 {
      %B_local_next = loop.alloc at [0, %x + 1] in %B_local_copies[(%x + 1) mod 2] of memref<2x4x1xi8, "local"> : memref<4x1xi8, "local">
      loop.for %B_local_in_d0 = 0 to 4 {
        loop.for %B_local_in_d1 = 0 to 1 {
          loop.block "B_local_in" (%v_d0_1 < 4 = %B_local_in_d0, %v_d1_1 < 11 = %x + %B_local_in_d1 + 1) where (-%x + 9 >= 0) {
            %1 = loop.load %B[%v_d0_1, %v_d1_1] : memref<4x11xi8>
            loop.store %1, %B_local_next[%v_d0_1, %v_d1_1] : memref<4x1xi8, "local">
          }
        }
      }
      %B_local = loop.alloc at [0, %x] in %B_local_copies[%x mod 2] of memref<2x4x1xi8, "local"> : memref<4x1xi8, "local">
      loop.for %k = 0 to 4 {
        loop.block "C" (%v_y < 9 = %y, %v_x < 11 = %x, reduce %v_k < 4 = %k) init {
          %2 = arith.constant 0 : i8
          loop.store %2, %C[%v_y, %v_x] : memref<9x11xi8>
        } {
          %acc = loop.load %C[%v_y, %v_x] : memref<9x11xi8>
          %a = loop.load %A[%v_y, %v_k] : memref<9x4xi8>
          %b = loop.load %B_local[%v_k, %v_x] : memref<4x1xi8, "local">
          %p = arith.muli %a, %b : i8
          %3 = arith.addi %acc, %p : i8
          loop.store %3, %C[%v_y, %v_x] : memref<9x11xi8>
        }
      }
    }
  }
  func.return
}

// What a run computes an index from is not read at new points, and neither is what lies there.

// GATHERED-LABEL: func.func @gathered
// GATHERED:         loop.for %k = 0 to 8 {
// GATHERED-NEXT:      loop.block "F" (%v < 3 = %y, reduce %w < 8 = %k) init {
// GATHERED:             %n = loop.load %I[%w] where (-%w + 4 >= 0) else %pad : memref<5xindex>
// GATHERED-NEXT:        %pad_1 = arith.constant 0.000000e+00 : f32
// GATHERED-NEXT:        %x = loop.load %X[%v, %n] where (-%w + 4 >= 0) else %pad_1 : memref<3x9xf32>
func.func @gathered(%X: memref<3x9xf32>, %I: memref<5xindex>, %O: memref<3xf32>) {
  loop.for %y = 0 to 3 {
    loop.for %k = 0 to 5 {
      loop.block "F" (%v < 3 = %y, reduce %w < 5 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %O[%v] : memref<3xf32>
      } {
        %o = loop.load %O[%v] : memref<3xf32>
        %n = loop.load %I[%w] : memref<5xindex>
        %x = loop.load %X[%v, %n] : memref<3x9xf32>
        %s = arith.addf %o, %x : f32
        loop.store %s, %O[%v] : memref<3xf32>
      }
    }
  }
  func.return
}

// A size that only a run knows.

!sized = memref<?xf32, #loop.layout<["len"]>>

// SIZE-LABEL: func.func @sized
// SIZE:         loop.for %rk = 0 to ((%len + 7) floordiv 8) * 8 {
// SIZE-NEXT:      loop.block "SY" (reduce %v < ((%len + 7) floordiv 8) * 8 = %rk) init {
// SIZE:             loop.load %X[%v] where (%len - %v - 1 >= 0) else %pad
func.func @sized(%X: !sized, %O: memref<f32>) {
  %len = loop.dim "len"
  loop.for %rk = 0 to %len {
    loop.block "SY" (reduce %v < %len = %rk) init {
      %zero = arith.constant 0.0 : f32
      loop.store %zero, %O[] : memref<f32>
    } {
      %o = loop.load %O[] : memref<f32>
      %x = loop.load %X[%v] : !sized
      %s = arith.addf %o, %x : f32
      loop.store %s, %O[] : memref<f32>
    }
  }
  func.return
}
