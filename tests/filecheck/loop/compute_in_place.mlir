// RUN: dovetail-opt %s -p 'compute-in-place{block=S},compute-in-place{block=M}' | filecheck %s --check-prefix=CHAIN
// RUN: dovetail-opt %s -p 'compute-in-place{block=sum buffer=E}' | filecheck %s --check-prefix=NAMED
// RUN: dovetail-opt %s -p 'compute-in-place{block=fresh}' | filecheck %s --check-prefix=FRESH
// RUN: dovetail-opt %s -p 'compute-in-place{block=running}' | filecheck %s --check-prefix=RUNNING
// RUN: dovetail-opt %s -p 'compute-in-place{block=ahead}' | filecheck %s --check-prefix=AHEAD
// RUN: not dovetail-opt %s -p 'compute-in-place{block=behind}' 2>&1 | filecheck %s --check-prefix=BACKWARDS
// RUN: not dovetail-opt %s -p 'parallelize-loop{loop=x function=ahead},compute-in-place{block=ahead}' 2>&1 | filecheck %s --check-prefix=RACE
// RUN: not dovetail-opt %s -p 'compute-in-place{block=sum}' 2>&1 | filecheck %s --check-prefix=SEVERAL
// RUN: not dovetail-opt %s -p 'compute-in-place{block=sum buffer=A function=pair}' 2>&1 | filecheck %s --check-prefix=UNREAD
// RUN: not dovetail-opt %s -p 'compute-in-place{block=total}' 2>&1 | filecheck %s --check-prefix=REDUCES
// RUN: not dovetail-opt %s -p 'compute-in-place{block=twin}' 2>&1 | filecheck %s --check-prefix=TWIN
// RUN: not dovetail-opt %s -p 'compute-in-place{block=out}' 2>&1 | filecheck %s --check-prefix=RESULT
// RUN: not dovetail-opt %s -p 'compute-in-place{block=first}' 2>&1 | filecheck %s --check-prefix=WRITTEN
// RUN: not dovetail-opt %s -p 'compute-in-place{block=early}' 2>&1 | filecheck %s --check-prefix=BEFORE
// RUN: not dovetail-opt %s -p 'compute-in-place{block=narrow}' 2>&1 | filecheck %s --check-prefix=TYPE
// RUN: not dovetail-opt %s -p 'compute-in-place{block=argument}' 2>&1 | filecheck %s --check-prefix=ARGUMENT
// RUN: not dovetail-opt %s -p 'compute-in-place{block=shifted}' 2>&1 | filecheck %s --check-prefix=SHIFTED
// RUN: not dovetail-opt %s -p 'compute-in-place{block=both}' 2>&1 | filecheck %s --check-prefix=BOTH
// RUN: not dovetail-opt %s -p 'compute-in-place{block=needed}' 2>&1 | filecheck %s --check-prefix=NEEDED
// RUN: not dovetail-opt %s -p 'compute-in-place{block=back}' 2>&1 | filecheck %s --check-prefix=BACK
// RUN: not dovetail-opt %s -p 'compute-in-place{block=twice}' 2>&1 | filecheck %s --check-prefix=TWICE
// RUN: not dovetail-opt %s -p 'compute-in-place{block=boxes}' 2>&1 | filecheck %s --check-prefix=BOXES
// RUN: not dovetail-opt %s -p 'compute-in-place{block=deeper}' 2>&1 | filecheck %s --check-prefix=DEEPER
// RUN: dovetail-opt %s -p 'compute-in-place{block=copied}' | filecheck %s --check-prefix=COPIED
// RUN: not dovetail-opt %s -p 'compute-in-place{block=saved}' 2>&1 | filecheck %s --check-prefix=SAVED
// RUN: not dovetail-opt %s -p 'compute-in-place{block=nothing}' 2>&1 | filecheck %s --check-prefix=NOTHING

// CHAIN. step by step, in one buffer. NAMED. one of two operands. FRESH. tiles that are new in each
// iteration may be used in all of them. RUNNING. a result that the block reads where it has
// written it before; the operand's allocation moves up.

// CHAIN-LABEL: func.func @chain
// CHAIN-NEXT:    %C = loop.alloc : memref<8xi32>
// CHAIN-NEXT:    loop.for %i = 0 to 8 {
// CHAIN-NEXT:      loop.block "C" (%v < 8 = %i) {
// CHAIN:             loop.store %a, %C[%v] : memref<8xi32>
// CHAIN-NEXT:      }
// CHAIN-NEXT:      loop.block "S" (%v_1 < 8 = %i) {
// CHAIN-NEXT:        %c = loop.load %C[%v_1] : memref<8xi32>
// CHAIN:             loop.store %s, %C[%v_1] : memref<8xi32>
// CHAIN-NEXT:      }
// CHAIN-NEXT:    }
// CHAIN-NEXT:    loop.for %j = 0 to 8 {
// CHAIN-NEXT:      loop.block "M" (%v_2 < 8 = %j) {
// CHAIN-NEXT:        %s_1 = loop.load %C[%v_2] : memref<8xi32>
// CHAIN:             loop.store %m, %C[%v_2] : memref<8xi32>
// CHAIN-NEXT:      }
// CHAIN-NEXT:      loop.block "O" (%v_3 < 8 = %j) {
// CHAIN-NEXT:        %m_1 = loop.load %C[%v_3] : memref<8xi32>

// NAMED-LABEL: func.func @pair
// NAMED-NEXT:    %D = loop.alloc
// NAMED-NEXT:    %E = loop.alloc
// NAMED-NEXT:    loop.for
// NAMED:           loop.block "sum"
// NAMED-NEXT:        %d = loop.load %D
// NAMED-NEXT:        %e = loop.load %E
// NAMED-NEXT:        %f = arith.addi %d, %e
// NAMED-NEXT:        loop.store %f, %E

// COPIED-LABEL: func.func @tiles
// COPIED:         loop.copy %A to %T_1
// COPIED:         loop.store %{{f_?[0-9]*}}, %T_1

// FRESH-LABEL: func.func @tiles
// FRESH:         %T = loop.alloc at [%u * 4] : memref<4xi32, "acc">
// FRESH-NEXT:    loop.for
// FRESH:           loop.block "fresh"
// FRESH:             loop.store %f, %T

// RUNNING-LABEL: func.func @scan
// RUNNING-NEXT:    %C = loop.alloc : memref<9xi32>
// RUNNING-NEXT:    loop.for
// RUNNING:           loop.block "running"
// RUNNING-NEXT:        %c = loop.load %C[%v_1 + 1] : memref<9xi32>
// RUNNING-NEXT:        %r = loop.load %C[%v_1] where (%v_1 - 1 >= 0) else %c : memref<9xi32>

// SEVERAL: error: compute-in-place: several operands of block 'sum' could hold its result; name one with buffer=: D, E
// UNREAD: error: compute-in-place: block 'sum' does not read %A
// REDUCES: error: compute-in-place: block 'total' reduces; only elementwise blocks are in place
// TWIN: error: compute-in-place: block 'twin' writes 2 results, not one
// RESULT: error: compute-in-place: %O is an argument of the function, and its caller looks for the result there
// WRITTEN: error: compute-in-place: %P is also written by block 'second'
// BEFORE: error: compute-in-place: block 'peek' reads %Q before block 'early' writes it
// BEFORE-NEXT: %Q[1] is read by block 'peek' (v=0) and then written by block 'early' (v=1), which would overwrite the operand too
// TYPE: error: compute-in-place: no operand of block 'narrow' can hold its result: %C is memref<8xi32>, the result memref<8xi8>
// ARGUMENT: error: compute-in-place: no operand of block 'argument' can hold its result: %A is an argument of the function, which the caller may need
// SHIFTED: error: compute-in-place: block 'second' uses %C after block 'shifted' would have overwritten it
// SHIFTED-NEXT: %C[0] is written by block 'shifted' (v=0) and then read by block 'second' (v=0), which would find it overwritten
// BOTH: error: compute-in-place: block 'second' uses %C after block 'both' would have overwritten it
// BACKWARDS: error: compute-in-place: block 'behind' uses %B after block 'behind' would have overwritten it
// BACKWARDS-NEXT: %B[1] is written by block 'behind' (v=1) and then read by block 'behind' (v=2), which would find it overwritten
// RACE: error: compute-in-place: loop 'x' is parallel, and one of its iterations would overwrite an element of %B that another one uses; compute in place before the loop gets its kind
// RACE-NEXT: %B[1] is written by block 'ahead' (v=1) and then read by block 'ahead' (v=0), which would run at the same time
// NEEDED: error: compute-in-place: block 'later' uses %C after block 'needed' would have overwritten it
// NEEDED-NEXT: %C[0] is written by block 'needed' (v=0) and then read by block 'later' (v=0), which would find it overwritten
// BACK: error: compute-in-place: block 'again' uses %C after block 'back' would have overwritten it
// BACK-NEXT: %C[0] is written by block 'back' (v=0) and then read by block 'again' (v=0), which would find it overwritten
// TWICE: error: compute-in-place: block 'twice' runs more than once for an element of %C, and would compute the second result from the first
// TWICE-NEXT: %C[0] is written by block 'twice' (v=0 in repeat=0, l=0) and then read by block 'twice' (v=0 in repeat=1, l=0), which would find it overwritten
// BOXES: error: compute-in-place: no operand of block 'boxes' can hold its result: %T is a tile of other elements, or of another loop
// DEEPER: error: compute-in-place: no operand of block 'deeper' can hold its result: %T is a tile of other elements, or of another loop
// SAVED: error: compute-in-place: the copy of %T to %A uses %T after block 'saved' would have overwritten it
// SAVED-NEXT: %T[0] is written by block 'saved' (v=0) and then read by the copy of %T to %A (h=0), which would find it overwritten
// NOTHING: error: compute-in-place: no operand of block 'nothing' can hold its result: it reads none

func.func @chain(%A: memref<8xi32>, %O: memref<8xi32>) {
  %C = loop.alloc : memref<8xi32>
  %S = loop.alloc : memref<8xi32>
  %M = loop.alloc : memref<8xi32>
  loop.for %i = 0 to 8 {
    loop.block "C" (%v < 8 = %i) {
      %a = loop.load %A[%v] : memref<8xi32>
      loop.store %a, %C[%v] : memref<8xi32>
    }
    loop.block "S" (%v < 8 = %i) {
      %c = loop.load %C[%v] : memref<8xi32>
      %s = arith.addi %c, %c : i32
      loop.store %s, %S[%v] : memref<8xi32>
    }
  }
  loop.for %j = 0 to 8 {
    loop.block "M" (%v < 8 = %j) {
      %s = loop.load %S[%v] : memref<8xi32>
      %m = arith.muli %s, %s : i32
      loop.store %m, %M[%v] : memref<8xi32>
    }
    loop.block "O" (%v < 8 = %j) {
      %m = loop.load %M[%v] : memref<8xi32>
      loop.store %m, %O[%v] : memref<8xi32>
    }
  }
  func.return
}

func.func @pair(%A: memref<8xi32>, %O: memref<8xi32>) {
  %D = loop.alloc : memref<8xi32>
  %E = loop.alloc : memref<8xi32>
  %F = loop.alloc : memref<8xi32>
  loop.for %k = 0 to 8 {
    loop.block "D" (%v < 8 = %k) {
      %a = loop.load %A[%v] : memref<8xi32>
      loop.store %a, %D[%v] : memref<8xi32>
    }
    loop.block "E" (%v < 8 = %k) {
      %a = loop.load %A[%v] : memref<8xi32>
      loop.store %a, %E[%v] : memref<8xi32>
    }
    loop.block "sum" (%v < 8 = %k) {
      %d = loop.load %D[%v] : memref<8xi32>
      %e = loop.load %E[%v] : memref<8xi32>
      %f = arith.addi %d, %e : i32
      loop.store %f, %F[%v] : memref<8xi32>
    }
    loop.block "out" (%v < 8 = %k) {
      %f = loop.load %F[%v] : memref<8xi32>
      loop.store %f, %O[%v] : memref<8xi32>
    }
  }
  func.return
}

func.func @tiles(%A: memref<8xi32>, %O: memref<8xi32>) {
  loop.for %r = 0 to 3 {
    loop.for %u = 0 to 2 {
      %T = loop.alloc at [%u * 4] : memref<4xi32, "acc">
      %U = loop.alloc at [%u * 4] : memref<4xi32, "acc">
      loop.for %w = 0 to 4 {
        loop.block "T" (%v < 7 = %u * 4 + %w) {
          %a = loop.load %A[%v] : memref<8xi32>
          loop.store %a, %T[%v] : memref<4xi32, "acc">
        }
        loop.block "fresh" (%v < 7 = %u * 4 + %w) {
          %t = loop.load %T[%v] : memref<4xi32, "acc">
          %f = arith.addi %t, %t : i32
          loop.store %f, %U[%v] : memref<4xi32, "acc">
        }
      }
    }
  }
  loop.for %h = 0 to 2 {
    %T = loop.alloc at [%h * 4] : memref<4xi32, "acc">
    %X = loop.alloc at [%h * 4] : memref<4xi32, "acc">
    loop.copy %A to %T : memref<8xi32> to memref<4xi32, "acc">
    loop.for %g = 0 to 4 {
      loop.block "copied" (%v < 8 = %h * 4 + %g) {
        %t = loop.load %T[%v] : memref<4xi32, "acc">
        %f = arith.addi %t, %t : i32
        loop.store %f, %X[%v] : memref<4xi32, "acc">
      }
      loop.block "used" (%v < 8 = %h * 4 + %g) {
        %t = loop.load %X[%v] : memref<4xi32, "acc">
        loop.store %t, %O[%v] : memref<8xi32>
      }
    }
  }
  func.return
}

func.func @saves(%A: memref<8xi32>, %O: memref<8xi32>) {
  loop.for %h = 0 to 2 {
    %T = loop.alloc at [%h * 4] : memref<4xi32, "acc">
    %X = loop.alloc at [%h * 4] : memref<4xi32, "acc">
    loop.for %g = 0 to 4 {
      loop.block "saved" (%v < 8 = %h * 4 + %g) {
        %t = loop.load %T[%v] : memref<4xi32, "acc">
        %f = arith.addi %t, %t : i32
        loop.store %f, %X[%v] : memref<4xi32, "acc">
      }
    }
    loop.copy %T to %A : memref<4xi32, "acc"> to memref<8xi32>
    loop.copy %X to %O : memref<4xi32, "acc"> to memref<8xi32>
  }
  func.return
}

func.func @boxes(%A: memref<8xi32>) {
  loop.for %u = 0 to 2 {
    %T = loop.alloc at [%u * 4] : memref<4xi32, "acc">
    %V = loop.alloc at [%u * 4 + 1] : memref<4xi32, "acc">
    loop.for %w = 0 to 4 {
      %Y = loop.alloc at [%u * 4] : memref<4xi32, "acc">
      loop.block "boxes" (%v < 7 = %u * 4 + %w) {
        %t = loop.load %T[%v] : memref<4xi32, "acc">
        loop.store %t, %V[%v] : memref<4xi32, "acc">
      }
      loop.block "deeper" (%v < 7 = %u * 4 + %w) {
        %t = loop.load %T[%v] : memref<4xi32, "acc">
        loop.store %t, %Y[%v] : memref<4xi32, "acc">
      }
    }
  }
  func.return
}

func.func @scan(%A: memref<9xi32>, %O: memref<9xi32>) {
  %R = loop.alloc : memref<9xi32>
  %C = loop.alloc : memref<9xi32>
  loop.for %b = 0 to 9 {
    loop.block "begin" (%v < 9 = %b) {
      %a = loop.load %A[%v] : memref<9xi32>
      loop.store %a, %C[%v] : memref<9xi32>
    }
  }
  loop.for %n = 0 to 8 {
    loop.block "running" (%v < 8 = %n) {
      %c = loop.load %C[%v + 1] : memref<9xi32>
      %r = loop.load %R[%v] where (%v - 1 >= 0) else %c : memref<9xi32>
      %s = arith.addi %c, %r : i32
      loop.store %s, %R[%v + 1] : memref<9xi32>
    }
  }
  loop.for %e = 0 to 8 {
    loop.block "end" (%v < 8 = %e) {
      %r = loop.load %R[%v + 1] : memref<9xi32>
      loop.store %r, %O[%v] : memref<9xi32>
    }
  }
  func.return
}

func.func @refused(%A: memref<8xi32>, %O: memref<8xi32>) {
  %C = loop.alloc : memref<8xi32>
  %P = loop.alloc : memref<8xi32>
  %Q = loop.alloc : memref<8xi32>
  %N = loop.alloc : memref<8xi8>
  %G = loop.alloc : memref<8xi32>
  %H = loop.alloc : memref<8xi32>
  %I = loop.alloc : memref<8xi32>
  %J = loop.alloc : memref<8xi32>
  %K = loop.alloc : memref<8xi32>
  %L = loop.alloc : memref<8xi32>
  %Z = loop.alloc : memref<8xi32>
  loop.for %x = 0 to 7 {
    loop.block "set" (%v < 8 = %x) {
      %a = loop.load %A[%v] : memref<8xi32>
      loop.store %a, %C[%v] : memref<8xi32>
    }
    loop.block "total" (%v < 8 = %x, reduce %w < 1 = 0) {
      %a = loop.load %C[%v] : memref<8xi32>
      loop.store %a, %P[%v] : memref<8xi32>
    }
    loop.block "twin" (%v < 8 = %x) {
      %a = loop.load %C[%v] : memref<8xi32>
      loop.store %a, %P[%v] : memref<8xi32>
      loop.store %a, %Q[%v] : memref<8xi32>
    }
    loop.block "nothing" (%v < 8 = %x) {
      %a = arith.constant 1 : i32
      loop.store %a, %Z[%v] : memref<8xi32>
    }
    loop.block "narrow" (%v < 8 = %x) {
      %a = loop.load %C[%v] : memref<8xi32>
      %n = arith.trunci %a : i32 to i8
      loop.store %n, %N[%v] : memref<8xi8>
    }
    loop.block "argument" (%v < 8 = %x) {
      %a = loop.load %A[%v] : memref<8xi32>
      loop.store %a, %G[%v] : memref<8xi32>
    }
    loop.block "shifted" (%v < 7 = %x) {
      %a = loop.load %C[%v + 1] : memref<8xi32>
      loop.store %a, %H[%v] : memref<8xi32>
    }
    loop.block "both" (%v < 7 = %x) {
      %a = loop.load %C[%v] : memref<8xi32>
      %b = loop.load %C[%v + 1] : memref<8xi32>
      %c = arith.addi %a, %b : i32
      loop.store %c, %I[%v] : memref<8xi32>
    }
  }
  loop.for %y = 0 to 8 {
    loop.block "first" (%v < 8 = %y) {
      %a = loop.load %C[%v] : memref<8xi32>
      loop.store %a, %P[%v] : memref<8xi32>
    }
    loop.block "second" (%v < 8 = %y) {
      %a = loop.load %C[%v] : memref<8xi32>
      loop.store %a, %P[%v] : memref<8xi32>
    }
  }
  func.return
}

func.func @order(%A: memref<8xi32>, %O: memref<8xi32>) {
  %C = loop.alloc : memref<8xi32>
  %Q = loop.alloc : memref<8xi32>
  loop.for %z = 0 to 8 {
    loop.block "C" (%v < 8 = %z) {
      %a = loop.load %A[%v] : memref<8xi32>
      loop.store %a, %C[%v] : memref<8xi32>
    }
    loop.block "peek" (%v < 8 = %z) {
      %one = arith.constant 1 : i32
      %a = loop.load %Q[%v + 1] where (6 - %v >= 0) else %one : memref<8xi32>
      loop.store %a, %O[%v] : memref<8xi32>
    }
    loop.block "early" (%v < 8 = %z) {
      %a = loop.load %C[%v] : memref<8xi32>
      loop.store %a, %Q[%v] : memref<8xi32>
    }
  }
  func.return
}

func.func @uses(%A: memref<8xi32>, %O: memref<8xi32>) {
  %C = loop.alloc : memref<8xi32>
  %Q = loop.alloc : memref<8xi32>
  loop.for %f = 0 to 8 {
    loop.block "C" (%v < 8 = %f) {
      %a = loop.load %A[%v] : memref<8xi32>
      loop.store %a, %C[%v] : memref<8xi32>
    }
    loop.block "needed" (%v < 8 = %f) {
      %a = loop.load %C[%v] : memref<8xi32>
      loop.store %a, %Q[%v] : memref<8xi32>
    }
    loop.block "later" (%v < 7 = %f - 1) {
      %a = loop.load %C[%v] : memref<8xi32>
      %b = loop.load %Q[%v] : memref<8xi32>
      %c = arith.addi %a, %b : i32
      loop.store %c, %O[%v] : memref<8xi32>
    }
  }
  func.return
}

func.func @backwards(%A: memref<8xi32>, %O: memref<8xi32>) {
  %C = loop.alloc : memref<8xi32>
  %Q = loop.alloc : memref<8xi32>
  loop.for %s = 0 to 8 {
    loop.block "C" (%v < 8 = %s) {
      %a = loop.load %A[%v] : memref<8xi32>
      loop.store %a, %C[%v] : memref<8xi32>
    }
  }
  loop.for %t = 0 to 8 {
    loop.block "again" (%v < 8 = 7 - %t) {
      %a = loop.load %C[%v] : memref<8xi32>
      loop.store %a, %O[%v] : memref<8xi32>
    }
    loop.block "back" (%v < 8 = %t) {
      %a = loop.load %C[%v] : memref<8xi32>
      %b = arith.addi %a, %a : i32
      loop.store %b, %Q[%v] : memref<8xi32>
    }
  }
  func.return
}

func.func @repeats(%A: memref<8xi32>, %O: memref<8xi32>) {
  %C = loop.alloc : memref<8xi32>
  %Q = loop.alloc : memref<8xi32>
  loop.for %q = 0 to 8 {
    loop.block "C" (%v < 8 = %q) {
      %a = loop.load %A[%v] : memref<8xi32>
      loop.store %a, %C[%v] : memref<8xi32>
    }
  }
  loop.for %repeat = 0 to 2 {
    loop.for %l = 0 to 8 {
      loop.block "twice" (%v < 8 = %l) {
        %a = loop.load %C[%v] : memref<8xi32>
        %b = arith.addi %a, %a : i32
        loop.store %b, %Q[%v] : memref<8xi32>
      }
      loop.block "O" (%v < 8 = %l) {
        %a = loop.load %Q[%v] : memref<8xi32>
        loop.store %a, %O[%v] : memref<8xi32>
      }
    }
  }
  func.return
}

// AHEAD. what is read elsewhere may be overwritten if that is later.

// AHEAD-LABEL: func.func @ahead
// AHEAD:         loop.block "ahead"
// AHEAD-NEXT:      %b = loop.load %B[%v_1 + 1] : memref<9xi32>
// AHEAD-NEXT:      loop.store %b, %B[%v_1] : memref<9xi32>

func.func @ahead(%A: memref<9xi32>, %O: memref<9xi32>) {
  %B = loop.alloc : memref<9xi32>
  %D = loop.alloc : memref<9xi32>
  loop.for %y = 0 to 9 {
    loop.block "fills" (%v < 9 = %y) {
      %a = loop.load %A[%v] : memref<9xi32>
      loop.store %a, %B[%v] : memref<9xi32>
    }
  }
  loop.for %x = 0 to 8 {
    loop.block "ahead" (%v < 8 = %x) {
      %b = loop.load %B[%v + 1] : memref<9xi32>
      loop.store %b, %D[%v] : memref<9xi32>
    }
  }
  loop.for %z = 0 to 8 {
    loop.block "ends" (%v < 8 = %z) {
      %d = loop.load %D[%v] : memref<9xi32>
      loop.store %d, %O[%v] : memref<9xi32>
    }
  }
  func.return
}

func.func @behind(%A: memref<9xi32>, %O: memref<9xi32>) {
  %B = loop.alloc : memref<9xi32>
  %D = loop.alloc : memref<9xi32>
  loop.for %y = 0 to 9 {
    loop.block "filled" (%v < 9 = %y) {
      %a = loop.load %A[%v] : memref<9xi32>
      loop.store %a, %B[%v] : memref<9xi32>
    }
  }
  loop.for %x = 1 to 9 {
    loop.block "behind" (%v < 9 = %x) {
      %b = loop.load %B[%v - 1] : memref<9xi32>
      loop.store %b, %D[%v] : memref<9xi32>
    }
  }
  loop.for %z = 1 to 9 {
    loop.block "leaves" (%v < 9 = %z) {
      %d = loop.load %D[%v] : memref<9xi32>
      loop.store %d, %O[%v] : memref<9xi32>
    }
  }
  func.return
}
