// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=X scope=inp at=oh_o},promote-memory-scope{buffer=O scope=out at=oh_o}' | filecheck %s --check-prefix=MOVES
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=H scope=inp at=r}' | filecheck %s --check-prefix=HALO
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=T scope=acc at=f}' | filecheck %s --check-prefix=INSIDE
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=X scope=imp at=oh_o}' 2>&1 | filecheck %s --check-prefix=SCOPE
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=X scope=acc at=oh_o}' 2>&1 | filecheck %s --check-prefix=TYPE
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=R scope=inp at=oh_o}' 2>&1 | filecheck %s --check-prefix=LAYOUT
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=Y scope=inp at=c_o}' 2>&1 | filecheck %s --check-prefix=BEGIN
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=Y scope=inp at=d}' 2>&1 | filecheck %s --check-prefix=END
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=E scope=inp at=d}' 2>&1 | filecheck %s --check-prefix=FILLED
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=L scope=inp at=all}' 2>&1 | filecheck %s --check-prefix=LARGE
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=X scope=out at=oh_o}' 2>&1 | filecheck %s --check-prefix=FILL
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=O scope=inp at=oh_o}' 2>&1 | filecheck %s --check-prefix=DRAIN
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=G scope=out at=all}' 2>&1 | filecheck %s --check-prefix=PARTLY
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=S scope=acc at=s}' 2>&1 | filecheck %s --check-prefix=SOMETIMES
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=P scope=inp at=p}' 2>&1 | filecheck %s --check-prefix=GUARD
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=V scope=inp at=p}' 2>&1 | filecheck %s --check-prefix=CONSTANT
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=Q scope=inp at=p}' 2>&1 | filecheck %s --check-prefix=PADS
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=K scope=inp at=p}' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=X scope=inp at=oh_o},promote-memory-scope{buffer=X scope=inp at=n}' 2>&1 | filecheck %s --check-prefix=USED

// MOVES. tiles of whole elements, at a stride of 2: the guard becomes the pad of the move, the last
// tile goes beyond the end. HALO. what a read finds in the halo is the pad, too.
// INSIDE. a tile that is written before it is read needs no move, and keeps the guards.

// MOVES-LABEL: func.func @conv
// MOVES-NEXT:    loop.for %n = 0 to 2 {
// MOVES-NEXT:      loop.for %oh_o = 0 to 2 {
// MOVES-NEXT:        %X_inp = loop.alloc at [%n * 2, 0, %oh_o * 4 - 1] : memref<2x8x4xi8, #loop.layout<affine_map<(d0, d1, d2) -> ((d0 floordiv 2), (d1 floordiv 8), d2, (d0 mod 2), (d1 mod 8))>, [1, 1, 4, 2, 8]>, "inp">
// MOVES-NEXT:        %O_out = loop.alloc at [%n * 2, 0, %oh_o * 2] : memref<2x8x2xi8, #loop.layout<affine_map<(d0, d1, d2) -> ((d0 floordiv 2), (d1 floordiv 8), d2, (d0 mod 2), (d1 mod 8))>, [1, 1, 2, 2, 8]>, "out">
// MOVES-NEXT:        loop.copy %X to %X_inp pad 0 : i8 : memref<4x8x5xi8,
// MOVES:               %x = loop.load %X_inp[%v_n, %v_c, %v_h * 2 + %v_k - 1] : memref
// MOVES:               loop.store %x, %O_out
// MOVES:             loop.copy %O_out to %O : memref<2x8x2xi8,

// HALO-LABEL: func.func @halo
// HALO:           %H_inp = loop.alloc at [0, 0, %r - 1] : memref<2x8x3xi8,
// HALO-NEXT:      loop.copy %H to %H_inp pad 7 : i8 : memref<2x8x4xi8,

// INSIDE-LABEL: func.func @inside
// INSIDE-NOT:     loop.copy
// INSIDE:         %t = loop.load %T_acc[%v_n_1, %v_c_1, %v_h_1 - 1] where (%v_h_1 - 1 >= 0) else %zero
// INSIDE-NOT:     loop.copy

// SCOPE: error: a vta target has no memory scope 'imp': did you mean inp? there are: inp, global, uop, wgt, acc, out
// TYPE: error: promote-memory-scope: %X has elements of i8, but acc holds i32
// LAYOUT: error: promote-memory-scope: an element of inp is 2x8 of i8, but the innermost extents of %R in memory are 8x5: give it a blocked layout with transform-layout first
// BEGIN: error: promote-memory-scope: the tile of %Y begins inside an element of inp: dimension 1 is blocked by 8, and the tile does not begin at a multiple of it; split that loop by 8 first
// END: error: promote-memory-scope: the tile of %Y has 4 of the 8 numbers that an element of inp holds along its dimension 1, and a move takes whole elements; choose a loop further out, or tiles of 8
// FILLED: error: promote-memory-scope: %E has 12 elements along dimension 1, no multiple of the 8 that an element of inp holds, and is used as far as that; pad-block computes whole elements
// LARGE: error: promote-memory-scope: the tile of %L has 8192 bytes, and inp holds 2048; choose a loop further in, or smaller tiles
// FILL: error: promote-memory-scope: %X would have to be moved into out, as it is needed there, in loop 'oh_o', but no unit of the target fills out; choose a loop outside of all its uses, or another scope
// FILL-NEXT: %X[0, 0, 0] is written by the caller of @conv and then read by block 'conv' (n=0, c=0, h=0, k=1), which would find nothing there
// DRAIN: error: promote-memory-scope: %O would have to be moved out of inp, in loop 'oh_o', but no unit of the target drains inp; choose a loop outside of all its uses, or another scope
// DRAIN-NEXT: %O[0, 0, 0] is written by block 'conv' (n=0, c=0, h=0, k=0) and then read by the caller of @conv, which would find nothing there
// PARTLY: error: promote-memory-scope: %G would have to be moved into out, as only a part of the tile is written, in loop 'all', but no unit of the target fills out;
// SOMETIMES: error: promote-memory-scope: %S goes into acc or out of it in some iterations of the loops around 's' only, and a move has no guard; choose a loop outside of the reduction
// GUARD: error: promote-memory-scope: a read of %P in block 'pads' has a guard other than that it is inside the buffer, or else no constant, and a move into the tile cannot have that
// CONSTANT: error: promote-memory-scope: a read of %V in block 'pads' has a guard other than that it is inside the buffer, or else no constant, and a move into the tile cannot have that
// PADS: error: promote-memory-scope: reads of %Q find different values outside of it, and a move has one pad; choose a loop around only one of them
// UNKNOWN: error: promote-memory-scope: reads of %K go into its halo, and its layout does not say what lies there, so a move has no pad for it
// USED: error: promote-memory-scope: %X is used by loop.copy; promote the tiles from the outermost loop inwards, and before blocks are tensorized

!X = memref<4x8x5xi8, #loop.layout<affine_map<(d0, d1, d2) -> (d0 floordiv 2, d1 floordiv 8, d2, d0 mod 2, d1 mod 8)>, [2, 1, 5, 2, 8]>>
!O = memref<4x8x3xi8, #loop.layout<affine_map<(d0, d1, d2) -> (d0 floordiv 2, d1 floordiv 8, d2, d0 mod 2, d1 mod 8)>, [2, 1, 3, 2, 8]>>
!H = memref<2x8x4xi8, #loop.layout<affine_map<(d0, d1, d2) -> (d0 floordiv 2, d1 floordiv 8, d2 + 1, d0 mod 2, d1 mod 8)>, [1, 1, 6, 2, 8], pad 7 : i8>>
!K = memref<2x8x4xi8, #loop.layout<affine_map<(d0, d1, d2) -> (d0 floordiv 2, d1 floordiv 8, d2 + 1, d0 mod 2, d1 mod 8)>, [1, 1, 6, 2, 8]>>
!V = memref<2x8x4xi8, #loop.layout<affine_map<(d0, d1, d2) -> (d0 floordiv 2, d1 floordiv 8, d2, d0 mod 2, d1 mod 8)>, [1, 1, 4, 2, 8]>>
!T = memref<2x8x4xi32, #loop.layout<affine_map<(d0, d1, d2) -> (d0 floordiv 2, d1 floordiv 8, d2, d0 mod 2, d1 mod 8)>, [1, 1, 4, 2, 8]>>
!Y = memref<2x16xi8, #loop.layout<affine_map<(d0, d1) -> (d0 floordiv 2, d1 floordiv 8, d0 mod 2, d1 mod 8)>, [1, 2, 2, 8]>>
!E = memref<2x12xi8, #loop.layout<affine_map<(d0, d1) -> (d0 floordiv 2, d1 floordiv 8, d0 mod 2, d1 mod 8)>, [1, 2, 2, 8]>>
!L = memref<2x4096xi8, #loop.layout<affine_map<(d0, d1) -> (d0 floordiv 2, d1 floordiv 8, d0 mod 2, d1 mod 8)>, [1, 512, 2, 8]>>
!S = memref<2x8xi32, #loop.layout<affine_map<(d0, d1) -> (d0 floordiv 2, d1 floordiv 8, d0 mod 2, d1 mod 8)>, [1, 1, 2, 8]>>

builtin.module attributes {target = #target.target<"vta -config=2x8_i8w8a32_10_11_12_13">} {
  func.func @conv(%X: !X, %R: memref<4x8x5xi8>, %O: !O) {
    loop.for %n = 0 to 2 {
      loop.for %oh_o = 0 to 2 {
        loop.for %n_i = 0 to 2 {
          loop.for %c = 0 to 8 {
            loop.for %oh_i = 0 to 2 {
              loop.for %k = 0 to 2 {
                loop.block "conv" (%v_n < 4 = %n * 2 + %n_i, %v_c < 8 = %c, %v_h < 3 = %oh_o * 2 + %oh_i, %v_k < 2 = %k) {
                  %zero = arith.constant 0 : i8
                  %x = loop.load %X[%v_n, %v_c, %v_h * 2 + %v_k - 1] where (%v_h * 2 + %v_k - 1 >= 0) else %zero : !X
                  %r = loop.load %R[%v_n, %v_c, %v_h] : memref<4x8x5xi8>
                  loop.store %x, %O[%v_n, %v_c, %v_h] : !O
                }
              }
            }
          }
        }
      }
    }
    func.return
  }

  func.func @halo(%H: !H, %U: memref<2x8x4xi8>) {
    loop.for %r = 0 to 4 {
      loop.for %a = 0 to 2 {
        loop.for %b = 0 to 8 {
          loop.for %e = 0 to 3 {
            loop.block "halo" (%v_n < 2 = %a, %v_c < 8 = %b, %v_h < 4 = %r, %v_k < 3 = %e) {
              %h = loop.load %H[%v_n, %v_c, %v_h + %v_k - 1] : !H
              loop.store %h, %U[%v_n, %v_c, %v_h] : memref<2x8x4xi8>
            }
          }
        }
      }
    }
    func.return
  }

  func.func @inside(%I: memref<2x8x4xi32>, %J: memref<2x8x4xi32>) {
    %T = loop.alloc : !T
    loop.for %f = 0 to 1 {
      loop.for %g = 0 to 2 {
        loop.for %h = 0 to 8 {
          loop.for %i = 0 to 4 {
            loop.block "T" (%v_n < 2 = %g, %v_c < 8 = %h, %v_h < 4 = %i) {
              %x = loop.load %I[%v_n, %v_c, %v_h] : memref<2x8x4xi32>
              loop.store %x, %T[%v_n, %v_c, %v_h] : !T
            }
          }
        }
      }
      loop.for %j = 0 to 2 {
        loop.for %k = 0 to 8 {
          loop.for %l = 0 to 4 {
            loop.block "J" (%v_n < 2 = %j, %v_c < 8 = %k, %v_h < 4 = %l) {
              %zero = arith.constant 0 : i32
              %t = loop.load %T[%v_n, %v_c, %v_h - 1] where (%v_h - 1 >= 0) else %zero : !T
              loop.store %t, %J[%v_n, %v_c, %v_h] : memref<2x8x4xi32>
            }
          }
        }
      }
    }
    func.return
  }

  func.func @channels(%Y: !Y, %E: !E, %L: !L, %G: !L) {
    loop.for %c_o = 0 to 4 {
      loop.for %m = 0 to 2 {
        loop.for %c_i = 0 to 8 {
          loop.block "begin" (%v_n < 2 = %m, %v_c < 16 = %c_o * 4 + %c_i) {
            %y = loop.load %Y[%v_n, %v_c] : !Y
            loop.store %y, %L[%v_n, %v_c] : !L
          }
        }
      }
    }
    loop.for %d = 0 to 1 {
      loop.for %q = 0 to 2 {
        loop.for %w = 0 to 4 {
          loop.block "end" (%v_n < 2 = %q, %v_c < 16 = %d * 8 + %w) {
            %y = loop.load %Y[%v_n, %v_c] : !Y
            loop.store %y, %G[%v_n, %v_c] : !L
          }
        }
        loop.for %z = 0 to 12 {
          loop.block "filled" (%v_n < 2 = %q, %v_c < 12 = %z) {
            %y = loop.load %E[%v_n, %v_c] : !E
            loop.store %y, %G[%v_n, %v_c] : !L
          }
        }
      }
    }
    loop.for %all = 0 to 1 {
      loop.for %t = 0 to 2 {
        loop.for %u = 0 to 8 {
          loop.block "strided" (%v_n < 2 = %t, %v_c < 8 = %u) {
            %y = loop.load %L[%v_n, %v_c * 585] : !L
            loop.store %y, %G[%v_n, %v_c * 2] : !L
          }
        }
      }
    }
    func.return
  }

  func.func @sums(%A: memref<2x8x6xi32>, %S: !S) {
    loop.for %s = 0 to 6 {
      loop.for %x = 0 to 2 {
        loop.for %y = 0 to 8 {
          loop.block "S" (%v_n < 2 = %x, %v_c < 8 = %y, reduce %v_s < 6 = %s) init {
            %zero = arith.constant 0 : i32
            loop.store %zero, %S[%v_n, %v_c] : !S
          } {
            %old = loop.load %S[%v_n, %v_c] : !S
            %a = loop.load %A[%v_n, %v_c, %v_s] : memref<2x8x6xi32>
            %new = arith.addi %old, %a : i32
            loop.store %new, %S[%v_n, %v_c] : !S
          }
        }
      }
    }
    func.return
  }

  func.func @guards(%P: !V, %V: !V, %Q: !V, %K: !K, %U: memref<2x8x4xi8>) {
    loop.for %p = 0 to 1 {
      loop.for %j = 0 to 2 {
        loop.for %l = 0 to 8 {
          loop.for %o = 0 to 4 {
            loop.block "pads" (%v_n < 2 = %j, %v_c < 8 = %l, %v_h < 4 = %o) {
              %zero = arith.constant 0 : i8
              %one = arith.constant 1 : i8
              %a = loop.load %P[%v_n, %v_c, %v_h] where (%v_h - 2 >= 0) else %zero : !V
              %b = loop.load %V[%v_n, %v_c, %v_h - 1] where (%v_h - 1 >= 0) else %a : !V
              %c = loop.load %Q[%v_n, %v_c, %v_h - 1] where (%v_h - 1 >= 0) else %zero : !V
              %d = loop.load %Q[%v_n, %v_c, %v_h + 1] where (2 - %v_h >= 0) else %one : !V
              %e = loop.load %K[%v_n, %v_c, %v_h + 1] : !K
              %f = arith.addi %b, %d : i8
              %g = arith.addi %c, %e : i8
              %h = arith.addi %f, %g : i8
              loop.store %h, %U[%v_n, %v_c, %v_h] : memref<2x8x4xi8>
            }
          }
        }
      }
    }
    func.return
  }
}
