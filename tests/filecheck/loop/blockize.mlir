// RUN: dovetail-opt %s -p 'tile-loops{loops=y,x,k sizes=3,4,8},blockize{loop=y_i},reorder-loops{loops=k_o,x_o,y_o}' | filecheck %s --check-prefix=TILE
// RUN: dovetail-opt %s -p 'reorder-loops{loops=k,y,x},split-loop{loop=x factor=4},blockize{loop=x_i into=row}' | filecheck %s --check-prefix=ROW
// RUN: dovetail-opt %s -p 'tile-loops{loops=y,x,k sizes=3,4,8},decompose-reduction{block=C loop=k_i},blockize{loop=y_i}' | filecheck %s --check-prefix=INIT
// RUN: dovetail-opt %s -p 'split-loop{loop=x factor=3},peel-loop{loop=x_o},blockize{loop=x_i}' | filecheck %s --check-prefix=PEELED
// RUN: dovetail-opt %s -p 'blockize{loop=j}' | filecheck %s --check-prefix=ELEMENTS
// RUN: not dovetail-opt %s -p 'blockize{loop=t}' 2>&1 | filecheck %s --check-prefix=SEVERAL
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=x},blockize{loop=x}' 2>&1 | filecheck %s --check-prefix=KIND
// RUN: not dovetail-opt %s -p 'blockize{loop=n}' 2>&1 | filecheck %s --check-prefix=EXTENT
// RUN: not dovetail-opt %s -p 'blockize{loop=k},blockize{loop=j into=C_tile}' 2>&1 | filecheck %s --check-prefix=TAKEN
// RUN: not dovetail-opt %s -p 'blockize{loop=k},blockize{loop=x into=other}' 2>&1 | filecheck %s --check-prefix=CALL
// RUN: not dovetail-opt %s -p 'blockize{loop=p}' 2>&1 | filecheck %s --check-prefix=PLACE
// RUN: not dovetail-opt %s -p 'split-loop{loop=x factor=2},blockize{loop=x_o}' 2>&1 | filecheck %s --check-prefix=DIGITS
// RUN: not dovetail-opt %s -p 'split-loop{loop=x factor=3},blockize{loop=x_i}' 2>&1 | filecheck %s --check-prefix=PART
// RUN: not dovetail-opt %s -p 'blockize{loop=g}' 2>&1 | filecheck %s --check-prefix=GUARD
// RUN: not dovetail-opt %s -p 'blockize{loop=q}' 2>&1 | filecheck %s --check-prefix=INDEX

// TILE. the loops outside are reordered as those of any block that reduces.
// TILE:      te.intrinsic @C_tile (%A: tensor<3x8xf32>, %B: tensor<8x4xf32>) {
// TILE-NEXT:   %0 = te.compute "C" (%y_i = 0 to 3, %x_i = 0 to 4) sum (%k_i = 0 to 8) {
// TILE-NEXT:     %1 = te.read %A[%y_i, %k_i] : tensor<3x8xf32>
// TILE-NEXT:     %2 = te.read %B[%k_i, %x_i] : tensor<8x4xf32>
// TILE-NEXT:     %p = arith.mulf %1, %2 : f32
// TILE-NEXT:     te.yield %p : f32
// TILE-NEXT:   } : tensor<3x4xf32>
// TILE-NEXT:   te.yield %0 : tensor<3x4xf32>
// TILE-NEXT: } lower compute "C_tile" reset "C_tile.reset" update "C_tile.update"
// TILE-NEXT: func.func @matmul
// TILE-NEXT:   loop.for %k_o = 0 to 3 {
// TILE-NEXT:     loop.for %x_o = 0 to 2 {
// TILE-NEXT:       loop.for %y_o = 0 to 4 {
// TILE-NEXT:         loop.block "C" (%v_y < 4 = %y_o, %v_x < 2 = %x_o, reduce %v_k < 3 = %k_o) init {
// TILE-NEXT:           loop.intrinsic @C_tile "reset"(%C[%v_y * 3 + i0, %v_x * 4 + i1]) writes 1 : memref<12x8xf32>
// TILE-NEXT:         } {
// TILE-NEXT:           loop.intrinsic @C_tile "update"(%C[%v_y * 3 + i0, %v_x * 4 + i1], %A[%v_y * 3 + i0, %v_k * 8 + i1], %B[%v_k * 8 + i0, %v_x * 4 + i1]) writes 1

// ROW. where no loop of the tile reduces, a call adds one product to each of its elements.
// ROW:       te.intrinsic @row (%A: tensor<f32>, %B: tensor<4xf32>) {
// ROW-NEXT:    %0 = te.compute "C" (%x_i = 0 to 4) sum (%once = 0 to 1) {
// ROW:           loop.intrinsic @row "update"(%C[%v_y, %v_x * 4 + i0], %A[%v_y, %v_k], %B[%v_k, %v_x * 4 + i0]) writes 1

// INIT. A nest that begins the reduction is part of it, and of the tile.
// INIT:            loop.for %k_o = 0 to 3 {
// INIT-NEXT:         loop.block "C" (%v_y < 4 = %y_o, %v_x < 2 = %x_o, reduce %v_k < 3 = %k_o) init {
// INIT-NEXT:           loop.intrinsic @C_tile "reset"(%C[%v_y * 3 + i0, %v_x * 4 + i1])
// INIT-NEXT:         } {

// PEELED. Whole tiles, and the rest as loops.
// PEELED:      loop.for %x_o = 0 to 2 {
// PEELED-NEXT:   loop.block "C" (%v_y < 12 = %y, %v_x < 6 = %x_o * 3, reduce %v_k < 1 = 0) init {
// PEELED:      loop.for %x_o_tail = 2 to 3 {
// PEELED-NEXT:   loop.for %x_i_tail = 0 to 3 {

// ELEMENTS. what does not reduce has one form.
// ELEMENTS:      te.intrinsic @D_tile (%C: tensor<8xf32>) {
// ELEMENTS:      } lower compute "D_tile"
// ELEMENTS:      loop.intrinsic @D_tile "compute"(%D[%v_i, %v_j * 8 + i0], %C[%v_i, %v_j * 8 + i0]) writes 1

// SEVERAL: error: blockize: loop 't' holds more than one block; choose a loop further in: a loop around several is a unit already
// KIND: error: blockize: loop 'x' is vectorized; the loops of a tile are serial and have constant extents
// EXTENT: error: blockize: loop 'n' is as long as only a run knows; the loops of a tile are serial and have constant extents
// TAKEN: error: blockize: the module declares @C_tile already; choose another name with into=
// CALL: error: blockize: block 'C' is no computation of one value; it is a call already, or stores several
// PLACE: error: blockize: block 'P' computes with where it is, not only with what it reads; an instruction does not know that
// DIGITS: error: blockize: the loops 'x_o' and 'x_i' both move one coordinate of %B; fuse them, or choose a loop further in
// PART: error: blockize: @C_tile computes 3 elements along 'x' at once, and block 'C' has 8 of them, no multiple of 3; pad-block computes whole instructions, peel-loop parts them from the rest
// GUARD: error: blockize:
// INDEX: error: blockize: block 'Q' computes an index of %A, so that the element is only known when it runs; an instruction's elements lie where the loops say

func.func @matmul(%A: memref<12x24xf32>, %B: memref<24x8xf32>, %C: memref<12x8xf32>, %D: memref<12x8xf32>) {
  loop.for %y = 0 to 12 {
    loop.for %x = 0 to 8 {
      loop.for %k = 0 to 24 {
        loop.block "C" (%v_y < 12 = %y, %v_x < 8 = %x, reduce %v_k < 24 = %k) init {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %C[%v_y, %v_x] : memref<12x8xf32>
        } {
          %c = loop.load %C[%v_y, %v_x] : memref<12x8xf32>
          %a = loop.load %A[%v_y, %v_k] : memref<12x24xf32>
          %b = loop.load %B[%v_k, %v_x] : memref<24x8xf32>
          %p = arith.mulf %a, %b : f32
          %s = arith.addf %c, %p : f32
          loop.store %s, %C[%v_y, %v_x] : memref<12x8xf32>
        }
      }
    }
  }
  loop.for %i = 0 to 12 {
    loop.for %j = 0 to 8 {
      loop.block "D" (%v_i < 12 = %i, %v_j < 8 = %j) {
        %c = loop.load %C[%v_i, %v_j] : memref<12x8xf32>
        %d = arith.mulf %c, %c : f32
        loop.store %d, %D[%v_i, %v_j] : memref<12x8xf32>
      }
    }
  }
  func.return
}

func.func @others(%A: memref<8xi64>, %O: memref<?xi64, #loop.layout<["n"]>>) {
  %s = loop.dim "n"
  %zero = arith.constant 0 : i64
  loop.for %t = 0 to 8 {
    loop.block "one" (%v < 8 = %t) {
      %a = loop.load %A[%v] : memref<8xi64>
      loop.store %a, %A[%v] : memref<8xi64>
    }
    loop.block "two" (%v < 8 = %t) {
      %a = loop.load %A[%v] : memref<8xi64>
      loop.store %a, %A[%v] : memref<8xi64>
    }
  }
  loop.for %n = 0 to %s {
    loop.block "N" (%v < %s = %n) {
      %a = loop.load %A[3] : memref<8xi64>
      loop.store %a, %O[%v] : memref<?xi64, #loop.layout<["n"]>>
    }
  }
  loop.for %p = 0 to 8 {
    loop.block "P" (%v < 8 = %p) {
      %a = arith.index_cast %v : index to i64
      loop.store %a, %A[%v] : memref<8xi64>
    }
  }
  loop.for %g = 0 to 8 {
    loop.block "G" (%v < 8 = %g) {
      %a = loop.load %A[%v - 1] where (%v >= 1) else %zero : memref<8xi64>
      loop.store %a, %A[%v] : memref<8xi64>
    }
  }
  loop.for %q = 0 to 8 {
    loop.block "Q" (%v < 8 = %q) {
      %n = loop.load %A[0] : memref<8xi64>
      %j = arith.index_cast %n : i64 to index
      %a = loop.load %A[%j] : memref<8xi64>
      loop.store %a, %A[%v] : memref<8xi64>
    }
  }
  func.return
}
