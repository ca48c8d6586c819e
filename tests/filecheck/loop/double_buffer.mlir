// RUN: dovetail-opt %s -p 'double-buffer{buffer=T loop=k copies=3}' | filecheck %s --check-prefix=THREE
// RUN: dovetail-opt %s -p 'double-buffer{buffer=U,V loop=n}' | filecheck %s --check-prefix=TWO
// RUN: dovetail-opt %s -p 'double-buffer{buffer=M loop=m}' | filecheck %s --check-prefix=MOVES
// RUN: dovetail-opt %s -p 'double-buffer{buffer=M loop=m copies=9}' | filecheck %s --check-prefix=FEW
// RUN: dovetail-opt %s -p 'double-buffer{buffer=Q loop=q}' | filecheck %s --check-prefix=SYMBOLIC
// RUN: dovetail-opt %s -p 'double-buffer{buffer=W loop=w}' | filecheck %s --check-prefix=BEHIND
// RUN: not dovetail-opt %s -p 'parallelize-loop{loop=k},double-buffer{buffer=T loop=k}' 2>&1 | filecheck %s --check-prefix=KIND
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=T loop=k copies=1}' 2>&1 | filecheck %s --check-prefix=COPIES
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=A loop=k function=sums}' 2>&1 | filecheck %s --check-prefix=ELSEWHERE
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=T loop=j function=sums}' 2>&1 | filecheck %s --check-prefix=OUTSIDE
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=T loop=k},double-buffer{buffer=T loop=k}' 2>&1 | filecheck %s --check-prefix=TWICE
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=E loop=e}' 2>&1 | filecheck %s --check-prefix=EMPTY
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=F loop=f}' 2>&1 | filecheck %s --check-prefix=ONE
// RUN: dovetail-opt %s -p 'unroll-loop{loop=k},double-buffer{buffer=T loop=k}' | filecheck %s --check-prefix=UNROLLED
// RUN: dovetail-opt %s -p 'double-buffer{buffer=E loop=halves}' | filecheck %s --check-prefix=HALVES
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=G loop=g}' 2>&1 | filecheck %s --check-prefix=EARLY
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=H loop=h}' 2>&1 | filecheck %s --check-prefix=ORDER
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=V loop=n}' 2>&1 | filecheck %s --check-prefix=LOCAL
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=X loop=z},double-buffer{buffer=Y loop=z}' 2>&1 | filecheck %s --check-prefix=STEP
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=R loop=r}' 2>&1 | filecheck %s --check-prefix=WRITTEN
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=W loop=w copies=3}' 2>&1 | filecheck %s --check-prefix=AHEAD
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=N loop=o}' 2>&1 | filecheck %s --check-prefix=EXTENT
// RUN: not dovetail-opt %s --set-target vta -p 'double-buffer{buffer=M loop=m copies=2000}' 2>&1 | filecheck %s --check-prefix=CAPACITY
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=T loop=k},transform-layout{buffer=T map="(i)->(i)"}' 2>&1 | filecheck %s --check-prefix=LAYOUT
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=T loop=k},transform-layout{buffer=T_copies map="(p,i)->(i,p)"}' 2>&1 | filecheck %s --check-prefix=COPY-LAYOUT
// RUN: dovetail-opt %s -p 'double-buffer{buffer=T loop=k},promote-memory-scope{buffer=T_next scope=register at=i}' | filecheck %s --check-prefix=TILE
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=T loop=k},parallelize-loop{loop=k}' 2>&1 | filecheck %s --check-prefix=PARALLEL
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=T loop=k},compute-at{block=T at=j}' 2>&1 | filecheck %s --check-prefix=MOVED
// RUN: not dovetail-opt %s -p 'double-buffer{buffer=T loop=k},reverse-inline{block=T}' 2>&1 | filecheck %s --check-prefix=INLINED

// THREE. two tiles are filled before the loop, the third one in it. The sum runs while the tile is there.
// THREE-LABEL: func.func @sums(%A: memref<40xf32>, %S: memref<5xf32>) {
// THREE-NEXT:  %T_copies = loop.alloc : memref<3x8xf32, "local">
// THREE-NEXT:  %T_first = loop.alloc in %T_copies[0] of memref<3x8xf32, "local"> : memref<8xf32, "local">
// THREE-NEXT:  loop.for %i_first = 0 to 8 {
// THREE-NEXT:    loop.block "T_first" (%v < 40 = %i_first) {
// THREE:       %T_first_1 = loop.alloc at [8] in %T_copies[1] of memref<3x8xf32, "local"> : memref<8xf32, "local">
// THREE-NEXT:  loop.for %i_first_1 = 0 to 8 {
// THREE-NEXT:    loop.block "T_first_1" (%v_1 < 40 = %i_first_1 + 8) {
// THREE:       loop.for %k = 0 to 5 {
// THREE-NEXT:    %T_next = loop.alloc at [%k * 8 + 16] in %T_copies[(%k + 2) mod 3] of memref<3x8xf32, "local"> : memref<8xf32, "local">
// THREE-NEXT:    loop.for %i = 0 to 8 {
// THREE-NEXT:      loop.block "T" (%v_2 < 40 = %k * 8 + %i + 16) where (-%k + 2 >= 0) {
// THREE:         %T = loop.alloc at [%k * 8] in %T_copies[%k mod 3] of memref<3x8xf32, "local"> : memref<8xf32, "local">
// THREE-NEXT:    loop.for %j = 0 to 8 {
// THREE:             %t = loop.load %T[%v_3 * 8 + %w]
func.func @sums(%A: memref<40xf32>, %S: memref<5xf32>) {
  loop.for %k = 0 to 5 {
    %T = loop.alloc at [%k * 8] : memref<8xf32, "local">
    loop.for %i = 0 to 8 {
      loop.block "T" (%v < 40 = %k * 8 + %i) {
        %a = loop.load %A[%v] : memref<40xf32>
        loop.store %a, %T[%v] : memref<8xf32, "local">
      }
    }
    loop.for %j = 0 to 8 {
      loop.block "S" (%v < 5 = %k, reduce %w < 8 = %j) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v] : memref<5xf32>
      } {
        %s = loop.load %S[%v] : memref<5xf32>
        %t = loop.load %T[%v * 8 + %w] : memref<8xf32, "local">
        %n = arith.addf %s, %t : f32
        loop.store %n, %S[%v] : memref<5xf32>
      }
    }
  }
  func.return
}

// TWO. one tile is filled from another one, with a third for the fill alone: they go together.
// TWO-LABEL: func.func @chain
// TWO-NEXT:    %U_copies = loop.alloc : memref<2xf32, "local">
// TWO-NEXT:    %V_copies = loop.alloc : memref<2xf32, "local">
// TWO-NEXT:    %U_first = loop.alloc in %U_copies[0] of memref<2xf32, "local"> : memref<f32, "local">
// TWO-NEXT:    %V_first = loop.alloc in %V_copies[0] of memref<2xf32, "local"> : memref<f32, "local">
// TWO-NEXT:    %P_first = loop.alloc : memref<f32, "local">
// TWO-NEXT:    loop.block "P_first" (%v < 9 = 0) {
// TWO:         loop.block "U_first"
// TWO:         loop.block "V_first"
// TWO:         loop.for %n = 0 to 9 {
// TWO-NEXT:      %U_next = loop.alloc in %U_copies[(%n + 1) mod 2]
// TWO-NEXT:      %V_next = loop.alloc in %V_copies[(%n + 1) mod 2]
// TWO-NEXT:      %P = loop.alloc : memref<f32, "local">
// TWO-NEXT:      loop.block "P" (%v_1 < 9 = %n + 1) where (-%n + 7 >= 0) {
// TWO:           loop.block "V" () where (-%n + 7 >= 0) {
// TWO:           %U = loop.alloc in %U_copies[%n mod 2]
// TWO-NEXT:      %V = loop.alloc in %V_copies[%n mod 2]
// TWO-NEXT:      loop.block "O"
func.func @chain(%A: memref<9xf32>, %O: memref<9xf32>) {
  loop.for %n = 0 to 9 {
    %P = loop.alloc : memref<f32, "local">
    %U = loop.alloc : memref<f32, "local">
    %V = loop.alloc : memref<f32, "local">
    loop.block "P" (%v < 9 = %n) {
      %a = loop.load %A[%v] : memref<9xf32>
      loop.store %a, %P[] : memref<f32, "local">
    }
    loop.block "U" () {
      %p = loop.load %P[] : memref<f32, "local">
      loop.store %p, %U[] : memref<f32, "local">
    }
    loop.block "V" () {
      %u = loop.load %U[] : memref<f32, "local">
      loop.store %u, %V[] : memref<f32, "local">
    }
    loop.block "O" (%v < 9 = %n) {
      %u = loop.load %U[] : memref<f32, "local">
      %w = loop.load %V[] : memref<f32, "local">
      %o = arith.addf %u, %w : f32
      loop.store %o, %O[%v] : memref<9xf32>
    }
  }
  func.return
}

// MOVES. two iterations at a time, each with a tile that is known; the last one follows.
// MOVES-LABEL: func.func @moves
// MOVES-NEXT:    %M_copies = loop.alloc : memref<2x8xf32, "inp">
// MOVES-NEXT:    %M_first = loop.alloc in %M_copies[0] of memref<2x8xf32, "inp"> : memref<8xf32, "inp">
// MOVES-NEXT:    loop.copy %A to %M_first
// MOVES-NEXT:    loop.for %m = 0 to 2 {
// MOVES-NEXT:      %M_next = loop.alloc at [%m * 16 + 8] in %M_copies[1]
// MOVES-NEXT:      loop.copy %A to %M_next
// MOVES-NEXT:      %M = loop.alloc at [%m * 16] in %M_copies[0]
// MOVES-NEXT:      loop.copy %M to %O
// MOVES-NEXT:      %M_next_1 = loop.alloc at [%m * 16 + 16] in %M_copies[0]
// MOVES-NEXT:      loop.copy %A to %M_next_1
// MOVES-NEXT:      %M_1 = loop.alloc at [%m * 16 + 8] in %M_copies[1]
// MOVES-NEXT:      loop.copy %M_1 to %O
// MOVES-NEXT:    }
// MOVES-NEXT:    %M_2 = loop.alloc at [32] in %M_copies[0]
// MOVES-NEXT:    loop.copy %M_2 to %O
// MOVES-NEXT:    func.return

// FEW. there is nothing to be repeated where there are more tiles than iterations.
// FEW-LABEL: func.func @moves
// FEW-NEXT:    %M_copies = loop.alloc : memref<9x8xf32, "inp">
// FEW-NEXT:    %M_first = loop.alloc in %M_copies[0]
// FEW:         %M_first_4 = loop.alloc at [32] in %M_copies[4]
// FEW-NEXT:    loop.copy %A to %M_first_4
// FEW-NEXT:    %M = loop.alloc in %M_copies[0]
// FEW-NOT:     loop.for
// FEW:         %M_4 = loop.alloc at [32] in %M_copies[4]
// FEW-NEXT:    loop.copy %M_4 to %O
// FEW-NEXT:    func.return
func.func @moves(%A: memref<40xf32>, %O: memref<40xf32>) {
  loop.for %m = 0 to 5 {
    %M = loop.alloc at [%m * 8] : memref<8xf32, "inp">
    loop.copy %A to %M : memref<40xf32> to memref<8xf32, "inp">
    loop.copy %M to %O : memref<8xf32, "inp"> to memref<40xf32>
  }
  func.return
}

// SYMBOLIC. there may be no first iteration.
// SYMBOLIC-LABEL: func.func @symbolic
// SYMBOLIC:        loop.block "Q_first" (%v < %s = 0) where (%s - 1 >= 0) {
// SYMBOLIC:        loop.for %q = 0 to %s {
// SYMBOLIC:          loop.block "Q" (%v_1 < %s = %q + 1) where (%s - %q - 2 >= 0) {
func.func @symbolic(%A: memref<?xf32, #loop.layout<["s"]>>, %O: memref<?xf32, #loop.layout<["s"]>>) {
  %s = loop.dim "s"
  loop.for %q = 0 to %s {
    %Q = loop.alloc : memref<f32, "local">
    loop.block "Q" (%v < %s = %q) {
      %a = loop.load %A[%v] : memref<?xf32, #loop.layout<["s"]>>
      loop.store %a, %Q[] : memref<f32, "local">
    }
    loop.block "O" (%v < %s = %q) {
      %a = loop.load %Q[] : memref<f32, "local">
      loop.store %a, %O[%v] : memref<?xf32, #loop.layout<["s"]>>
    }
  }
  func.return
}

// BEHIND. what is read is written two iterations before, so it may be read one ahead, not two.
// BEHIND-LABEL: func.func @behind
// BEHIND:         %W_next = loop.alloc in %W_copies[(%w + 1) mod 2]
// AHEAD: error: double-buffer: block 'W' would fill %W for an iteration of loop 'w' before block 'I' is done with what it touches, too
// AHEAD-NEXT: %I[2] is written by block 'I' (v=0) and then read by block 'W' (v=2), which would run before it
func.func @behind(%I: memref<11xf32>, %O: memref<9xf32>) {
  loop.for %w = 0 to 9 {
    %W = loop.alloc : memref<f32, "local">
    loop.block "W" (%v < 9 = %w) {
      %a = loop.load %I[%v] : memref<11xf32>
      loop.store %a, %W[] : memref<f32, "local">
    }
    loop.block "I" (%v < 9 = %w) {
      %a = loop.load %W[] : memref<f32, "local">
      loop.store %a, %I[%v + 2] : memref<11xf32>
    }
  }
  func.return
}

func.func @steps(%A: memref<9xf32>, %O: memref<9xf32>) {
  loop.for %z = 0 to 9 {
    %X = loop.alloc : memref<f32, "local">
    %Y = loop.alloc : memref<f32, "local">
    loop.block "X" (%v < 9 = %z) {
      %a = loop.load %A[%v] : memref<9xf32>
      loop.store %a, %X[] : memref<f32, "local">
    }
    loop.block "Y" () {
      %x = loop.load %X[] : memref<f32, "local">
      loop.store %x, %Y[] : memref<f32, "local">
    }
    loop.block "O" (%v < 9 = %z) {
      %y = loop.load %Y[] : memref<f32, "local">
      loop.store %y, %O[%v] : memref<9xf32>
    }
  }
  func.return
}

// KIND: error: double-buffer: loop 'k' is parallel; fill tiles ahead before it is given a kind
// COPIES: error: double-buffer: copies=1: there are at least 2
// ELSEWHERE: error: double-buffer: %A is not allocated in loop 'k', as a tile that is new in each of its iterations; promote-memory-scope makes one
// OUTSIDE: error: double-buffer: %T is not allocated in loop 'j', as a tile that is new in each of its iterations; promote-memory-scope makes one
// TWICE: error: double-buffer: %T is a part of %T_copies already
// LOCAL: error: double-buffer: block 'U', which fills %V, uses %U, which only lives in one iteration of loop 'n'; name it in buffer=, too, if it can be filled ahead
// STEP: error: double-buffer: block 'Y', which fills %Y, uses %X, which only lives in one iteration of loop 'z'; name it in buffer=, too, if it can be filled ahead
// LAYOUT: error: transform-layout: %T is, or has, a part that is filled ahead of time; do this before double-buffer
// COPY-LAYOUT: error: transform-layout: %T_copies is, or has, a part that is filled ahead of time; do this before double-buffer
// TILE:           %T_next_register = loop.alloc at [%k * 8 + %i + 8] : memref<1xf32, "register">
// TILE:           loop.block "T_next_register_out" (%v_2 < 40 = %k * 8 + %i + 8) where (-%k + 3 >= 0) {
// PARALLEL: error: parallelize-loop: loop 'k' cannot be parallel: block
// PARALLEL: %T_copies
// MOVED: error: compute-at: %T_next lies in a part of %T_copies, which is filled ahead of time; do this before double-buffer
// INLINED: error: reverse-inline: %T_next lies in a part of %T_copies, which is filled ahead of time; do this before double-buffer

// EMPTY: error: double-buffer: nothing in loop 'e' fills %E
// ONE: error: double-buffer: only block 'F' uses %F, which fills it, too; what uses a tile stands behind what fills it
// EARLY: error: double-buffer: block 'early' uses %G before block 'G' fills it
// EARLY-NEXT: %G[] is read by block 'early' (v=0) and then written by block 'G' (v=0), which would run before it
// ORDER: error: double-buffer: loop 'h' has loop.push_dep in it, which orders what is there now; fill tiles ahead before these are inserted
// WRITTEN: error: double-buffer: block 'R' would fill %R for an iteration of loop 'r' before block 'A' is done with what it touches, too
// WRITTEN-NEXT: %A[1] is written by block 'A' (v=0) and then read by block 'R' (v=1), which would run before it
// EXTENT: error: double-buffer: the extent of loop 'o' is only known at run time, and a move into a tile has no guard that would stop it there; split it by a constant
// CAPACITY: error: double-buffer: 2000 tiles %M have 64000 bytes, and inp holds
func.func @refused(%A: memref<9xf32>, %B: memref<?xf32, #loop.layout<["s"]>>, %O: memref<9xf32>) {
  %s = loop.dim "s"
  loop.for %e = 0 to 9 {
    %E = loop.alloc : memref<f32, "local">
    loop.block "E" (%v < 9 = %e) {
      %a = loop.load %E[] : memref<f32, "local">
      loop.store %a, %O[%v] : memref<9xf32>
    }
  }
  loop.for %f = 0 to 9 {
    %F = loop.alloc : memref<f32, "local">
    loop.block "F" (%v < 9 = %f) {
      %a = loop.load %A[%v] : memref<9xf32>
      loop.store %a, %F[] : memref<f32, "local">
      %b = loop.load %F[] : memref<f32, "local">
      loop.store %b, %O[%v] : memref<9xf32>
    }
  }
  loop.for %g = 0 to 9 {
    %G = loop.alloc : memref<f32, "local">
    loop.block "early" (%v < 9 = %g) {
      %a = loop.load %G[] : memref<f32, "local">
      loop.store %a, %O[%v] : memref<9xf32>
    }
    loop.block "G" (%v < 9 = %g) {
      %a = loop.load %A[%v] : memref<9xf32>
      loop.store %a, %G[] : memref<f32, "local">
    }
  }
  loop.for %h = 0 to 9 {
    %H = loop.alloc at [%h] : memref<1xf32, "inp">
    loop.copy %A to %H : memref<9xf32> to memref<1xf32, "inp">
    loop.push_dep "ld" to "ex"
    loop.copy %H to %O : memref<1xf32, "inp"> to memref<9xf32>
  }
  loop.for %r = 0 to 8 {
    %R = loop.alloc : memref<f32, "local">
    loop.block "R" (%v < 9 = %r) {
      %a = loop.load %A[%v] : memref<9xf32>
      loop.store %a, %R[] : memref<f32, "local">
    }
    loop.block "A" (%v < 8 = %r) {
      %a = loop.load %R[] : memref<f32, "local">
      loop.store %a, %A[%v + 1] : memref<9xf32>
    }
  }
  loop.for %o = 0 to %s {
    %N = loop.alloc at [%o] : memref<1xf32, "inp">
    loop.copy %B to %N : memref<?xf32, #loop.layout<["s"]>> to memref<1xf32, "inp">
    loop.copy %N to %O : memref<1xf32, "inp"> to memref<9xf32>
  }
  func.return
}

// UNROLLED: loop.for %k = 0 to 5 unrolled {

// Each half of a tile is filled before it is used, one after the other.

// HALVES-LABEL: func.func @halves
// HALVES:         loop.for %halves = 0 to 3 {
// HALVES-NEXT:      %E_next = loop.alloc at [%halves * 2 + 2] in
// HALVES-NEXT:      loop.block "left"
// HALVES:           loop.block "right"
// HALVES:           %E = loop.alloc at [%halves * 2] in %E_copies
// HALVES-NEXT:      loop.block "first"
// HALVES:           loop.block "second"

func.func @halves(%A: memref<6xf32>, %O: memref<6xf32>) {
  loop.for %halves = 0 to 3 {
    %E = loop.alloc at [%halves * 2] : memref<2xf32, "local">
    loop.block "left" (%v < 6 = %halves * 2) {
      %a = loop.load %A[%v] : memref<6xf32>
      loop.store %a, %E[%v] : memref<2xf32, "local">
    }
    loop.block "first" (%v < 6 = %halves * 2) {
      %a = loop.load %E[%v] : memref<2xf32, "local">
      loop.store %a, %O[%v] : memref<6xf32>
    }
    loop.block "right" (%v < 6 = %halves * 2 + 1) {
      %a = loop.load %A[%v] : memref<6xf32>
      loop.store %a, %E[%v] : memref<2xf32, "local">
    }
    loop.block "second" (%v < 6 = %halves * 2 + 1) {
      %a = loop.load %E[%v] : memref<2xf32, "local">
      loop.store %a, %O[%v] : memref<6xf32>
    }
  }
  func.return
}
