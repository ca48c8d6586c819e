// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=BP scope=local at=q}' | filecheck %s --check-prefix=PADS
// RUN: dovetail-opt %s -p 'split-loop{loop=k factor=8},promote-memory-scope{buffer=A scope=local at=k_o}' | filecheck %s --check-prefix=READ
// RUN: dovetail-opt %s -p 'split-loop{loop=r factor=4},split-loop{loop=k factor=8},reorder-loops{loops=k_o,r_o,r_i},decompose-reduction{block=S loop=k_i},promote-memory-scope{buffer=S scope=register at=r_o}' | filecheck %s --check-prefix=CARRIED
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=S scope=register at=r}' | filecheck %s --check-prefix=WHOLE
// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=2},reverse-compute-at{block=D at=y_o},promote-memory-scope{buffer=B scope=local at=y_o}' | filecheck %s --check-prefix=INTERMEDIATE
// RUN: dovetail-opt %s -p 'reorder-loops{loops=x,y},split-loop{loop=y factor=4},vectorize-loop{loop=y_i},promote-memory-scope{buffer=A scope=local at=y_o}' | filecheck %s --check-prefix=LANES
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=X scope=local at=o}' | filecheck %s --check-prefix=HALO
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=R scope=local at=w}' 2>&1 | filecheck %s --check-prefix=NOTHING
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=A scope=local at=i function=others}' | filecheck %s --check-prefix=GATHER
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=B scope=local at=i function=scatter}' | filecheck %s --check-prefix=SCATTER
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=B scope=local at=j function=columns}' 2>&1 | filecheck %s --check-prefix=RACE
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=A scope=local at=j function=others}' | filecheck %s --check-prefix=APART
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=X scope=local at=e function=ends}' 2>&1 | filecheck %s --check-prefix=FAR
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=S scope=register at=k function=rowsum},promote-memory-scope{buffer=S_register scope=local at=r}' 2>&1 | filecheck %s --check-prefix=LIVES
// RUN: not dovetail-opt %s -p 'vectorize-loop{loop=x},promote-memory-scope{buffer=A scope=local at=x}' 2>&1 | filecheck %s --check-prefix=VECTORIZED
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=X scope=local at=o},promote-memory-scope{buffer=X_local scope=register at=n4}' | filecheck %s --check-prefix=NEGATIVE
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=N scope=local at=b}' 2>&1 | filecheck %s --check-prefix=UNBOUNDED
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=M scope=local at=n}' | filecheck %s --check-prefix=SIZE
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=T scope=register at=h function=parts}' | filecheck %s --check-prefix=PARTS
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=U scope=register at=h function=parts}' 2>&1 | filecheck %s --check-prefix=MISSED
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=S scope=register at=h function=parts}' 2>&1 | filecheck %s --check-prefix=LOST
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=W scope=local at=t}' 2>&1 | filecheck %s --check-prefix=BUFFER

// READ. a tile that is only read is filled by loops over its box.
// CARRIED. the sum begins in an earlier iteration of k_o, so the tile is filled there, and written
// back always. WHOLE. it begins below the loop, so nothing is filled.
// INTERMEDIATE. nothing outside reads B any more, so its tile is all there is.
// LANES. the dimension that lanes move is innermost in the tile. HALO. cells of the frame, too.

// READ-LABEL: func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
// READ-NEXT:  loop.for %r = 0 to 8 {
// READ-NEXT:    loop.for %k_o = 0 to 3 {
// READ-NEXT:      %A_local = loop.alloc at [%r, %k_o * 8] : memref<1x8xf32, "local">
// READ-NEXT:      loop.for %A_local_in_d0 = 0 to 1 {
// READ-NEXT:        loop.for %A_local_in_d1 = 0 to 8 {
// READ-NEXT:          loop.block "A_local_in" (%v_d0 < 8 = %r + %A_local_in_d0, %v_d1 < 20 = %k_o * 8 + %A_local_in_d1) {
// READ-NEXT:            %0 = loop.load %A[%v_d0, %v_d1] : memref<8x20xf32>
// READ-NEXT:            loop.store %0, %A_local[%v_d0, %v_d1] : memref<1x8xf32, "local">
// READ-NEXT:          }
// READ-NEXT:        }
// READ-NEXT:      }
// READ-NEXT:      loop.for %k_i = 0 to 8 {
// READ-NEXT:        loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k_o * 8 + %k_i) init {
// READ-NEXT:          %zero = arith.constant 0.000000e+00 : f32
// READ-NEXT:          loop.store %zero, %S[%v_r] : memref<8xf32>
// READ-NEXT:        } {
// READ-NEXT:          %s = loop.load %S[%v_r] : memref<8xf32>
// READ-NEXT:          %a = loop.load %A_local[%v_r, %v_k] : memref<1x8xf32, "local">
// READ-NEXT:          %t = arith.addf %s, %a : f32
// READ-NEXT:          loop.store %t, %S[%v_r] : memref<8xf32>
// READ-NEXT:        }
// READ-NEXT:      }
// READ-NEXT:    }
// READ-NEXT:  }

// CARRIED-LABEL: func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
// CARRIED-NEXT:  loop.for %k_o = 0 to 3 {
// CARRIED-NEXT:    loop.for %r_o = 0 to 2 {
// CARRIED-NEXT:      %S_register = loop.alloc at [%r_o * 4] : memref<4xf32, "register">
// CARRIED-NEXT:      loop.for %S_register_in_r_i = 0 to 4 {
// CARRIED-NEXT:        loop.block "S_register_in" (%v_r < 8 = %r_o * 4 + %S_register_in_r_i) where (%k_o - 1 >= 0) {
// CARRIED-NEXT:          %0 = loop.load %S[%v_r] : memref<8xf32>
// CARRIED-NEXT:          loop.store %0, %S_register[%v_r] : memref<4xf32, "register">
// CARRIED-NEXT:        }
// CARRIED-NEXT:      }
// CARRIED-NEXT:      loop.for %r_i = 0 to 4 {
// CARRIED-NEXT:        loop.block "S_init" (%v_r_1 < 8 = %r_o * 4 + %r_i) where (-%k_o >= 0) {
// CARRIED-NEXT:          %zero = arith.constant 0.000000e+00 : f32
// CARRIED-NEXT:          loop.store %zero, %S_register[%v_r_1] : memref<4xf32, "register">
// CARRIED-NEXT:        }
// CARRIED-NEXT:        loop.for %k_i = 0 to 8 {
// CARRIED-NEXT:          loop.block "S" (%v_r_2 < 8 = %r_o * 4 + %r_i, reduce %v_k < 20 = %k_o * 8 + %k_i) {
// CARRIED-NEXT:            %s = loop.load %S_register[%v_r_2] : memref<4xf32, "register">
// CARRIED-NEXT:            %a = loop.load %A[%v_r_2, %v_k] : memref<8x20xf32>
// CARRIED-NEXT:            %t = arith.addf %s, %a : f32
// CARRIED-NEXT:            loop.store %t, %S_register[%v_r_2] : memref<4xf32, "register">
// CARRIED-NEXT:          }
// CARRIED-NEXT:        }
// CARRIED-NEXT:      }
// CARRIED-NEXT:      loop.for %S_register_out_r_i = 0 to 4 {
// CARRIED-NEXT:        loop.block "S_register_out" (%v_r_3 < 8 = %r_o * 4 + %S_register_out_r_i) {
// CARRIED-NEXT:          %1 = loop.load %S_register[%v_r_3] : memref<4xf32, "register">
// CARRIED-NEXT:          loop.store %1, %S[%v_r_3] : memref<8xf32>
// CARRIED-NEXT:        }
// CARRIED-NEXT:      }
// CARRIED-NEXT:    }
// CARRIED-NEXT:  }

// WHOLE-LABEL: func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
// WHOLE-NEXT:  loop.for %r = 0 to 8 {
// WHOLE-NEXT:    %S_register = loop.alloc at [%r] : memref<1xf32, "register">
// WHOLE-NEXT:    loop.for %k = 0 to 20 {
// WHOLE-NEXT:      loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k) init {
// WHOLE-NEXT:        %zero = arith.constant 0.000000e+00 : f32
// WHOLE-NEXT:        loop.store %zero, %S_register[%v_r] : memref<1xf32, "register">
// WHOLE-NEXT:      } {
// WHOLE-NEXT:        %s = loop.load %S_register[%v_r] : memref<1xf32, "register">
// WHOLE-NEXT:        %a = loop.load %A[%v_r, %v_k] : memref<8x20xf32>
// WHOLE-NEXT:        %t = arith.addf %s, %a : f32
// WHOLE-NEXT:        loop.store %t, %S_register[%v_r] : memref<1xf32, "register">
// WHOLE-NEXT:      }
// WHOLE-NEXT:    }
// WHOLE-NEXT:    loop.block "S_register_out" (%v_r_1 < 8 = %r) {
// WHOLE-NEXT:      %0 = loop.load %S_register[%v_r_1] : memref<1xf32, "register">
// WHOLE-NEXT:      loop.store %0, %S[%v_r_1] : memref<8xf32>
// WHOLE-NEXT:    }
// WHOLE-NEXT:  }

// INTERMEDIATE-LABEL: func.func @chain(%A: memref<6x8xf32>, %D: memref<6x8xf32>, %R: memref<6xf32>) {
// INTERMEDIATE-NEXT:  loop.for %y_o = 0 to 3 {
// INTERMEDIATE-NEXT:    %B_local = loop.alloc at [%y_o * 2, 0] : memref<2x8xf32, "local">
// INTERMEDIATE-NEXT:    loop.for %y_i = 0 to 2 {
// INTERMEDIATE-NEXT:      loop.for %x = 0 to 8 {
// INTERMEDIATE-NEXT:        loop.block "B" (%v_y < 6 = %y_o * 2 + %y_i, %v_x < 8 = %x) {
// INTERMEDIATE-NEXT:          %a = loop.load %A[%v_y, %v_x] : memref<6x8xf32>
// INTERMEDIATE-NEXT:          %b = arith.addf %a, %a : f32
// INTERMEDIATE-NEXT:          loop.store %b, %B_local[%v_y, %v_x] : memref<2x8xf32, "local">
// INTERMEDIATE-NEXT:        }
// INTERMEDIATE-NEXT:      }
// INTERMEDIATE-NEXT:    }
// INTERMEDIATE-NEXT:    loop.for %D_y_i = 0 to 2 {
// INTERMEDIATE-NEXT:      loop.for %D_x = 0 to 8 {
// INTERMEDIATE-NEXT:        loop.block "D" (%v_y_1 < 6 = %y_o * 2 + %D_y_i, %v_x_1 < 8 = %D_x) {
// INTERMEDIATE-NEXT:          %b_1 = loop.load %B_local[%v_y_1, %v_x_1] : memref<2x8xf32, "local">
// INTERMEDIATE-NEXT:          %a_1 = loop.load %A[%v_y_1, %v_x_1] : memref<6x8xf32>
// INTERMEDIATE-NEXT:          %d = arith.mulf %b_1, %a_1 : f32
// INTERMEDIATE-NEXT:          loop.store %d, %D[%v_y_1, %v_x_1] : memref<6x8xf32>
// INTERMEDIATE-NEXT:        }
// INTERMEDIATE-NEXT:      }
// INTERMEDIATE-NEXT:    }
// INTERMEDIATE-NEXT:  }
// INTERMEDIATE-NEXT:  loop.for %s = 0 to 6 {
// INTERMEDIATE-NEXT:    loop.for %kk = 0 to 8 {
// INTERMEDIATE-NEXT:      loop.block "R" (%v_s < 6 = %s, reduce %v_k < 8 = %kk) init {
// INTERMEDIATE-NEXT:        %zero = arith.constant 0.000000e+00 : f32
// INTERMEDIATE-NEXT:        loop.store %zero, %R[%v_s] : memref<6xf32>
// INTERMEDIATE-NEXT:      } {
// INTERMEDIATE-NEXT:        %t = loop.load %R[%v_s] : memref<6xf32>
// INTERMEDIATE-NEXT:        %d_1 = loop.load %D[%v_s, %v_k] : memref<6x8xf32>
// INTERMEDIATE-NEXT:        %u = arith.addf %t, %d_1 : f32
// INTERMEDIATE-NEXT:        loop.store %u, %R[%v_s] : memref<6xf32>
// INTERMEDIATE-NEXT:      }
// INTERMEDIATE-NEXT:    }
// INTERMEDIATE-NEXT:  }

// LANES-LABEL: func.func @chain(%A: memref<6x8xf32>, %D: memref<6x8xf32>, %R: memref<6xf32>) {
// LANES-NEXT:  %B = loop.alloc : memref<6x8xf32>
// LANES-NEXT:  loop.for %x = 0 to 8 {
// LANES-NEXT:    loop.for %y_o = 0 to 2 {
// LANES-NEXT:      %A_local = loop.alloc at [%y_o * 4, %x] : memref<4x1xf32, #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [1, 4]>, "local">
// LANES-NEXT:      loop.for %A_local_in_d0 = 0 to 4 {
// LANES-NEXT:        loop.for %A_local_in_d1 = 0 to 1 {
// LANES-NEXT:          loop.block "A_local_in" (%v_d0 < 6 = %y_o * 4 + %A_local_in_d0, %v_d1 < 8 = %x + %A_local_in_d1) {
// LANES-NEXT:            %0 = loop.load %A[%v_d0, %v_d1] : memref<6x8xf32>
// LANES-NEXT:            loop.store %0, %A_local[%v_d0, %v_d1] : memref<4x1xf32, #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [1, 4]>, "local">
// LANES-NEXT:          }
// LANES-NEXT:        }
// LANES-NEXT:      }
// LANES-NEXT:      loop.for %y_i = 0 to 4 vectorized {
// LANES-NEXT:        loop.block "B" (%v_y < 6 = %y_o * 4 + %y_i, %v_x < 8 = %x) {
// LANES-NEXT:          %a = loop.load %A_local[%v_y, %v_x] : memref<4x1xf32, #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [1, 4]>, "local">
// LANES-NEXT:          %b = arith.addf %a, %a : f32
// LANES-NEXT:          loop.store %b, %B[%v_y, %v_x] : memref<6x8xf32>
// LANES-NEXT:        }
// LANES-NEXT:      }
// LANES-NEXT:    }
// LANES-NEXT:  }
// LANES-NEXT:  loop.for %h = 0 to 6 {
// LANES-NEXT:    loop.for %w = 0 to 8 {
// LANES-NEXT:      loop.block "D" (%v_y_1 < 6 = %h, %v_x_1 < 8 = %w) {
// LANES-NEXT:        %b_1 = loop.load %B[%v_y_1, %v_x_1] : memref<6x8xf32>
// LANES-NEXT:        %a_1 = loop.load %A[%v_y_1, %v_x_1] : memref<6x8xf32>
// LANES-NEXT:        %d = arith.mulf %b_1, %a_1 : f32
// LANES-NEXT:        loop.store %d, %D[%v_y_1, %v_x_1] : memref<6x8xf32>
// LANES-NEXT:      }
// LANES-NEXT:    }
// LANES-NEXT:  }
// LANES-NEXT:  loop.for %s = 0 to 6 {
// LANES-NEXT:    loop.for %kk = 0 to 8 {
// LANES-NEXT:      loop.block "R" (%v_s < 6 = %s, reduce %v_k < 8 = %kk) init {
// LANES-NEXT:        %zero = arith.constant 0.000000e+00 : f32
// LANES-NEXT:        loop.store %zero, %R[%v_s] : memref<6xf32>
// LANES-NEXT:      } {
// LANES-NEXT:        %t = loop.load %R[%v_s] : memref<6xf32>
// LANES-NEXT:        %d_1 = loop.load %D[%v_s, %v_k] : memref<6x8xf32>
// LANES-NEXT:        %u = arith.addf %t, %d_1 : f32
// LANES-NEXT:        loop.store %u, %R[%v_s] : memref<6xf32>
// LANES-NEXT:      }
// LANES-NEXT:    }
// LANES-NEXT:  }

// HALO-LABEL: func.func @halo(%X: memref<8xf32, #loop.layout<affine_map<(d0) -> ((d0 + 1))>, [10]>>, %Z: memref<8xf32>) {
// HALO-NEXT:  loop.for %o = 0 to 2 {
// HALO-NEXT:    %X_local = loop.alloc at [%o * 4 - 1] : memref<6xf32, "local">
// HALO-NEXT:    loop.for %X_local_in_d0 = 0 to 6 {
// HALO-NEXT:      loop.block "X_local_in" (%v_d0 < 10 = %o * 4 + %X_local_in_d0) {
// HALO-NEXT:        %0 = loop.load %X[%v_d0 - 1] : memref<8xf32, #loop.layout<affine_map<(d0) -> ((d0 + 1))>, [10]>>
// HALO-NEXT:        loop.store %0, %X_local[%v_d0 - 1] : memref<6xf32, "local">
// HALO-NEXT:      }
// HALO-NEXT:    }
// HALO-NEXT:    loop.for %n4 = 0 to 4 {
// HALO-NEXT:      loop.for %t = 0 to 3 {
// HALO-NEXT:        loop.block "Z" (%v < 8 = %o * 4 + %n4, reduce %w < 3 = %t) init {
// HALO-NEXT:          %zero = arith.constant 0.000000e+00 : f32
// HALO-NEXT:          loop.store %zero, %Z[%v] : memref<8xf32>
// HALO-NEXT:        } {
// HALO-NEXT:          %z = loop.load %Z[%v] : memref<8xf32>
// HALO-NEXT:          %x = loop.load %X_local[%v + %w - 1] : memref<6xf32, "local">
// HALO-NEXT:          %s = arith.addf %z, %x : f32
// HALO-NEXT:          loop.store %s, %Z[%v] : memref<8xf32>
// HALO-NEXT:        }
// HALO-NEXT:      }
// HALO-NEXT:    }
// HALO-NEXT:  }

// NOTHING: error: promote-memory-scope: nothing below loop 'w' accesses %R
// FAR: error: promote-memory-scope: what block 'E' touches of %X in loop 'e' is only known at run time, as is the size of dimension 0, and a tile has constant extents; choose a loop further in
// RACE: error: promote-memory-scope: where loop 'j' writes %B is only known at run time, so all of a tile is copied back, and loop 'j' is parallel; promote it before the loop gets its kind, or further out
// RACE-NEXT:   %B[0, 3] is written by block 'B_local_out' (d0=0, d1=3 in j=0) and then written by block 'B_local_out' (d0=0, d1=3 in j=1), which would run at the same time
// LIVES: error: promote-memory-scope: %S_register only lives inside loop 'r'; choose a loop further in
// VECTORIZED: error: promote-memory-scope: loop 'x' is vectorized, and lanes share their buffers; choose a loop around it
// UNBOUNDED: error: promote-memory-scope: %N is a tile that may begin at any negative coordinates; promote the whole buffer instead of the tile
// MISSED: error: promote-memory-scope: %U lies in a part of %R, and block 'O' uses an element of it below loop 'h' by another name; choose a loop further in
// MISSED-NEXT:   %R[0, 0] is written by block 'U' (v=0, w=0) and then read by block 'O' (v=0, w=0), which would find nothing there
// LOST: error: promote-memory-scope: %S lies in a part of %R, and block 'U' uses an element of it below loop 'h' by another name; choose a loop further in
// LOST-NEXT:   %R[0, 0] is written by block 'S' (v=0, w=0) and then written by block 'U' (v=0, w=0), which would be overwritten by a copy of the first one
// BUFFER: error: promote-memory-scope: nothing in the functions rowsum, chain, others, halo, ends, scatter, columns, tiles, parts, pads is named 'W': there are: r, k, S, A, S, y, x, h, w, s, kk, B and

func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
  loop.for %r = 0 to 8 {
    loop.for %k = 0 to 20 {
      loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v_r] : memref<8xf32>
      } {
        %s = loop.load %S[%v_r] : memref<8xf32>
        %a = loop.load %A[%v_r, %v_k] : memref<8x20xf32>
        %t = arith.addf %s, %a : f32
        loop.store %t, %S[%v_r] : memref<8xf32>
      }
    }
  }
  func.return
}

func.func @chain(%A: memref<6x8xf32>, %D: memref<6x8xf32>, %R: memref<6xf32>) {
  %B = loop.alloc : memref<6x8xf32>
  loop.for %y = 0 to 6 {
    loop.for %x = 0 to 8 {
      loop.block "B" (%v_y < 6 = %y, %v_x < 8 = %x) {
        %a = loop.load %A[%v_y, %v_x] : memref<6x8xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %B[%v_y, %v_x] : memref<6x8xf32>
      }
    }
  }
  loop.for %h = 0 to 6 {
    loop.for %w = 0 to 8 {
      loop.block "D" (%v_y < 6 = %h, %v_x < 8 = %w) {
        %b = loop.load %B[%v_y, %v_x] : memref<6x8xf32>
        %a = loop.load %A[%v_y, %v_x] : memref<6x8xf32>
        %d = arith.mulf %b, %a : f32
        loop.store %d, %D[%v_y, %v_x] : memref<6x8xf32>
      }
    }
  }
  loop.for %s = 0 to 6 {
    loop.for %kk = 0 to 8 {
      loop.block "R" (%v_s < 6 = %s, reduce %v_k < 8 = %kk) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %R[%v_s] : memref<6xf32>
      } {
        %t = loop.load %R[%v_s] : memref<6xf32>
        %d = loop.load %D[%v_s, %v_k] : memref<6x8xf32>
        %u = arith.addf %t, %d : f32
        loop.store %u, %R[%v_s] : memref<6xf32>
      }
    }
  }
  func.return
}

func.func @others(%A: memref<8xf32>, %I: memref<8xindex>, %O: memref<8xf32>, %M: memref<?xf32, #loop.layout<["m"]>>) {
  loop.for %i = 0 to 8 {
    loop.block "gather" (%v < 8 = %i) {
      %n = loop.load %I[%v] : memref<8xindex>
      %a = loop.load %A[%n] : memref<8xf32>
      loop.store %a, %O[%v] : memref<8xf32>
    }
  }
  loop.for %j = 0 to 4 {
    loop.for %l = 0 to 2 {
      loop.block "two" (%v < 8 = %j * 2 + %l, %w < 8 = %j + %l * 4) {
        %a = loop.load %A[%v] : memref<8xf32>
        %b = loop.load %A[%w] : memref<8xf32>
        %c = arith.addf %a, %b : f32
        loop.store %c, %O[%v] : memref<8xf32>
      }
    }
  }
  loop.for %n = 0 to 4 {
    loop.for %p = 0 to 4 {
      loop.block "sized" (%v < 16 = %n * 4 + %p) {
        %m = loop.load %M[%v] : memref<?xf32, #loop.layout<["m"]>>
        loop.store %m, %O[0] : memref<8xf32>
      }
    }
  }
  func.return
}
func.func @halo(%X: memref<8xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [10]>>, %Z: memref<8xf32>) {
  loop.for %o = 0 to 2 {
    loop.for %n4 = 0 to 4 {
      loop.for %t = 0 to 3 {
        loop.block "Z" (%v < 8 = %o * 4 + %n4, reduce %w < 3 = %t) init {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %Z[%v] : memref<8xf32>
        } {
          %z = loop.load %Z[%v] : memref<8xf32>
          %x = loop.load %X[%v + %w - 1] : memref<8xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [10]>>
          %s = arith.addf %z, %x : f32
          loop.store %s, %Z[%v] : memref<8xf32>
        }
      }
    }
  }
  func.return
}

// Two boxes that begin at different places are in one tile.

// APART-LABEL: func.func @others
// APART:         loop.for %j = 0 to 4 {
// APART-NEXT:      %A_local = loop.alloc at [%j * 2 - 3] : memref<8xf32, "local">
// APART-NEXT:      loop.for %A_local_in_d0 = 0 to 8 {
// APART:           %a_1 = loop.load %A_local[%v_1] : memref<8xf32, "local">
// APART-NEXT:      %b = loop.load %A_local[%w] : memref<8xf32, "local">

func.func @ends(%X: memref<?xf32, #loop.layout<["size"]>>, %O: memref<4xf32>) {
  %size = loop.dim "size"
  loop.for %e = 0 to %size {
    loop.block "E" (%v < %size = %e, %w < %size = %e * 2) {
      %a = loop.load %X[%v] : memref<?xf32, #loop.layout<["size"]>>
      %b = loop.load %X[%w] : memref<?xf32, #loop.layout<["size"]>>
      %c = arith.addf %a, %b : f32
      loop.store %c, %O[0] : memref<4xf32>
    }
  }
  func.return
}

// GATHER. all that may be read is in the tile. SCATTER. all that may be written goes in, and back.

// GATHER-LABEL: func.func @others
// GATHER-NEXT:    loop.for %i = 0 to 8 {
// GATHER-NEXT:      %A_local = loop.alloc : memref<8xf32, "local">
// GATHER-NEXT:      loop.for %A_local_in_d0 = 0 to 8 {
// GATHER:           %a = loop.load %A_local[%n] : memref<8xf32, "local">
// GATHER-NOT:     A_local_out

// SCATTER-LABEL: func.func @scatter
// SCATTER-NEXT:    loop.for %j = 0 to 4 {
// SCATTER-NEXT:      loop.for %i = 0 to 4 {
// SCATTER-NEXT:        %B_local = loop.alloc : memref<8xf32, "local">
// SCATTER:             loop.block "B_local_in" (%v_d0 < 8 = %B_local_in_d0) {
// SCATTER:             loop.store %a, %B_local[%n]
// SCATTER:             loop.block "B_local_out" (%v_d0_1 < 8 = %B_local_out_d0) {

func.func @scatter(%A: memref<4xf32>, %I: memref<4xindex>, %B: memref<8xf32>) {
  loop.for %j = 0 to 4 {
    loop.for %i = 0 to 4 {
      loop.block "scatter" (%v < 4 = %i) {
        %n = loop.load %I[%v] : memref<4xindex>
        %a = loop.load %A[%v] : memref<4xf32>
        loop.store %a, %B[%n] : memref<8xf32>
      }
    }
  }
  func.return
}

// RACE. columns 3j and 3j + 4 are those of no other iteration, but those between them are.

func.func @columns(%I: memref<8xindex>, %B: memref<8x16xf32>) {
  loop.for %j = 0 to 4 parallel {
    loop.block "columns" (%v < 4 = %j) {
      %n = loop.load %I[%v] : memref<8xindex>
      %one = arith.constant 1.0 : f32
      loop.store %one, %B[%n, %v * 3] : memref<8x16xf32>
      loop.store %one, %B[%n, %v * 3 + 4] : memref<8x16xf32>
    }
  }
  func.return
}

// NEGATIVE. the variables of a copy begin at the smallest coordinate that a tile begins at.

// NEGATIVE-LABEL: func.func @halo
// NEGATIVE:         %X_local_register = loop.alloc at [%o * 4 + %n4 - 1] : memref<3xf32, "register">
// NEGATIVE-NEXT:    loop.for %X_local_register_in_d0 = 0 to 3 {
// NEGATIVE-NEXT:      loop.block "X_local_register_in" (%v_d0_1 < %o * 4 + 6 = %o * 4 + %n4 + %X_local_register_in_d0) where (%n4 + %X_local_register_in_d0 >= 0) {
// NEGATIVE-NEXT:        %1 = loop.load %X_local[%v_d0_1 - 1] : memref<6xf32, "local">
// NEGATIVE-NEXT:        loop.store %1, %X_local_register[%v_d0_1 - 1] : memref<3xf32, "register">

// SIZE-LABEL: func.func @others
// SIZE-NEXT:    %m = loop.dim "m"
// SIZE:         loop.block "M_local_in" (%v_d0 < %m = %n_1 * 4 + %M_local_in_d0) {

func.func @tiles(%O: memref<4xf32>, %Y: memref<?xf32, #loop.layout<["size"]>>) {
  %size = loop.dim "size"
  loop.for %d = 0 to 4 {
    %N = loop.alloc at [%d - %size] : memref<4xf32, "local">
    loop.for %b = 0 to 4 {
      loop.block "N" (%v < 4 = %b, %w < %size + 4 = %size - %d) {
        %n = loop.load %N[%v - %w] : memref<4xf32, "local">
        loop.store %n, %O[%v] : memref<4xf32>
      }
    }
  }
  func.return
}

// PARTS. a tile in a part of a buffer has one of its own, where no other name is that of its elements.

// PARTS-LABEL: func.func @parts
// PARTS:           loop.for %h = 0 to 2 {
// PARTS-NEXT:        %T_register = loop.alloc at [%h] : memref<1xf32, "register">
// PARTS:               loop.store %0, %T_register[%v_d0]

!part = memref<2xf32, "local">
!parts = memref<2x2xf32, "local">
func.func @parts(%A: memref<4xf32>, %O: memref<4x2xf32>) {
  %R = loop.alloc : !parts
  loop.for %p = 0 to 4 {
    %S = loop.alloc at [0] in %R[%p mod 2] of !parts : !part
    %U = loop.alloc at [0] in %R[%p mod 2] of !parts : !part
    %T = loop.alloc at [0] in %R[(%p + 1) mod 2] of !parts : !part
    %P = loop.alloc at [0] in %R[%p mod 2] of !parts : !part
    loop.for %h = 0 to 2 {
      loop.block "S" (%v < 2 = %h, %w < 4 = %p) {
        %a = loop.load %A[%w] : memref<4xf32>
        loop.store %a, %S[%v] : !part
      }
      loop.block "U" (%v < 2 = %h, %w < 4 = %p) {
        %a = loop.load %A[%w] : memref<4xf32>
        loop.store %a, %U[%v] : !part
      }
      loop.block "T" (%v < 2 = %h, %w < 4 = %p) {
        %t = loop.load %T[%v] : !part
        loop.store %t, %O[%w, %v] : memref<4x2xf32>
      }
      loop.block "O" (%v < 2 = %h, %w < 4 = %p) {
        %t = loop.load %P[%v] : !part
        loop.store %t, %O[%w, %v] : memref<4x2xf32>
      }
    }
  }
  func.return
}

// What lies behind the elements in the last block of a layout is read, so it is in the tile, too.

// PADS-LABEL: func.func @pads
// PADS:         loop.for %BP_local_in_d0 = 0 to 12 {
// PADS-NEXT:      loop.block "BP_local_in" (%v_d0 < 12 = %BP_local_in_d0) {
!blocked = memref<9xf32, #loop.layout<affine_map<(d0) -> (d0 floordiv 4, d0 mod 4)>, [3, 4], pad 0.0 : f32>>
func.func @pads(%BP: !blocked, %SP: memref<5xf32>) {
  loop.for %q = 0 to 5 {
    loop.for %u = 0 to 12 {
      loop.block "SP" (%v < 5 = %q, reduce %w < 12 = %u) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %SP[%v] : memref<5xf32>
      } {
        %s = loop.load %SP[%v] : memref<5xf32>
        %b = loop.load %BP[%w] : !blocked
        %t = arith.addf %s, %b : f32
        loop.store %t, %SP[%v] : memref<5xf32>
      }
    }
  }
  func.return
}
