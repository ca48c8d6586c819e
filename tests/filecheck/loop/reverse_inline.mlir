// RUN: dovetail-opt %s -p 'reverse-inline{block=D}' | filecheck %s --check-prefix=DIGITS
// RUN: dovetail-opt %s -p 'reverse-inline{block=E}' | filecheck %s --check-prefix=NUMBER
// RUN: dovetail-opt %s -p 'reverse-inline{block=F}' | filecheck %s --check-prefix=CROPPED
// RUN: dovetail-opt %s -p 'reverse-inline{block=H}' | filecheck %s --check-prefix=STEPS
// RUN: not dovetail-opt %s -p 'reverse-inline{block=S}' 2>&1 | filecheck %s --check-prefix=REDUCES
// RUN: not dovetail-opt %s -p 'reverse-inline{block=C function=digits}' 2>&1 | filecheck %s --check-prefix=ARGUMENT
// RUN: not dovetail-opt %s -p 'reverse-inline{block=N}' 2>&1 | filecheck %s --check-prefix=NOTHING
// RUN: not dovetail-opt %s -p 'reverse-inline{block=R function=producers}' 2>&1 | filecheck %s --check-prefix=REDUCED
// RUN: not dovetail-opt %s -p 'reverse-inline{block=T1}' 2>&1 | filecheck %s --check-prefix=READERS
// RUN: not dovetail-opt %s -p 'reverse-inline{block=G}' 2>&1 | filecheck %s --check-prefix=GUARD
// RUN: not dovetail-opt %s -p 'reverse-inline{block=P}' 2>&1 | filecheck %s --check-prefix=PLACES
// RUN: not dovetail-opt %s -p 'reverse-inline{block=W}' 2>&1 | filecheck %s --check-prefix=WRITERS
// RUN: not dovetail-opt %s -p 'reverse-inline{block=M}' 2>&1 | filecheck %s --check-prefix=MORE
// RUN: not dovetail-opt %s -p 'reverse-inline{block=B}' 2>&1 | filecheck %s --check-prefix=TWICE
// RUN: not dovetail-opt %s -p 'reverse-inline{block=U}' 2>&1 | filecheck %s --check-prefix=UNWRITTEN
// RUN: not dovetail-opt %s -p 'reverse-inline{block=O}' 2>&1 | filecheck %s --check-prefix=WHERE
// RUN: not dovetail-opt %s -p 'reverse-inline{block=I}' 2>&1 | filecheck %s --check-prefix=INPUT
// RUN: not dovetail-opt %s -p 'reverse-inline{block=J}' 2>&1 | filecheck %s --check-prefix=OUTPUT
// RUN: not dovetail-opt %s -p 'reverse-inline{block=K}' 2>&1 | filecheck %s --check-prefix=ITSELF
// RUN: not dovetail-opt %s -p 'reverse-inline{block=L}' 2>&1 | filecheck %s --check-prefix=LIVES
// RUN: not dovetail-opt %s -p 'reverse-inline{block=Q}' 2>&1 | filecheck %s --check-prefix=COPIED
// RUN: not dovetail-opt %s -p 'reverse-inline{block=V}' 2>&1 | filecheck %s --check-prefix=BEFORE
// RUN: not dovetail-opt %s -p 'reverse-inline{block=X}' 2>&1 | filecheck %s --check-prefix=INDEX
// RUN: not dovetail-opt %s -p 'reverse-inline{block=Y}' 2>&1 | filecheck %s --check-prefix=SCATTER

// The consumer's number has the coordinates as digits.

// DIGITS-LABEL: func.func @digits
// DIGITS-NEXT:    loop.for %y = 0 to 3 {
// DIGITS-NEXT:      loop.for %x = 0 to 4 {
// DIGITS-NEXT:        loop.block "C" (%v_y < 3 = %y, %v_x < 4 = %x) {
// DIGITS-NEXT:          %a = loop.load %A[%v_y, %v_x] : memref<3x4xi64>
// DIGITS:               %here = arith.index_cast %{{.*}} : index to i64
// DIGITS-NEXT:          %n = arith.addi %a, %here : i64
// DIGITS-NEXT:          loop.store %n, %D[%v_x + %v_y * 4] : memref<12xi64>
// DIGITS-NOT:     loop.for
// DIGITS:         func.return

// ARGUMENT: error: reverse-inline: block 'C' has no producer that could do its work: %A is an argument of the function
func.func @digits(%A: memref<3x4xi64>, %D: memref<12xi64>) {
  %C = loop.alloc : memref<3x4xi64>
  loop.for %y = 0 to 3 {
    loop.for %x = 0 to 4 {
      loop.block "C" (%v_y < 3 = %y, %v_x < 4 = %x) {
        %a = loop.load %A[%v_y, %v_x] : memref<3x4xi64>
        loop.store %a, %C[%v_y, %v_x] : memref<3x4xi64>
      }
    }
  }
  loop.for %i = 0 to 12 {
    loop.block "D" (%v < 12 = %i) {
      %here = arith.index_cast %v : index to i64
      %c = loop.load %C[%v floordiv 4, %v mod 4] : memref<3x4xi64>
      %n = arith.addi %c, %here : i64
      loop.store %n, %D[%v] : memref<12xi64>
    }
  }
  func.return
}

// The consumer's coordinates are the digits of a number.

// NUMBER-LABEL: func.func @number
// NUMBER:         loop.block "C" (%v < 12 = %i) {
// NUMBER:           loop.store %n, %E[%v floordiv 4, %v mod 4] : memref<3x4xf32>
func.func @number(%A: memref<12xf32>, %E: memref<3x4xf32>) {
  %C = loop.alloc : memref<12xf32>
  loop.for %i = 0 to 12 {
    loop.block "C" (%v < 12 = %i) {
      %a = loop.load %A[%v] : memref<12xf32>
      loop.store %a, %C[%v] : memref<12xf32>
    }
  }
  loop.for %y = 0 to 3 {
    loop.for %x = 0 to 4 {
      loop.block "E" (%v_y < 3 = %y, %v_x < 4 = %x) {
        %c = loop.load %C[%v_y * 4 + %v_x] : memref<12xf32>
        %n = arith.negf %c : f32
        loop.store %n, %E[%v_y, %v_x] : memref<3x4xf32>
      }
    }
  }
  func.return
}

// Where nothing is read, nothing is computed.

// CROPPED-LABEL: func.func @cropped
// CROPPED:         loop.block "C" (%v < 12 = %i) where (%i - 3 >= 0, -%i + 7 >= 0) {
// CROPPED:           loop.store %n, %F[%v - 3] : memref<5xf32>
func.func @cropped(%A: memref<12xf32>, %F: memref<5xf32>) {
  %C = loop.alloc : memref<12xf32>
  loop.for %i = 0 to 12 {
    loop.block "C" (%v < 12 = %i) {
      %a = loop.load %A[%v] : memref<12xf32>
      loop.store %a, %C[%v] : memref<12xf32>
    }
  }
  loop.for %y = 0 to 5 {
    loop.block "F" (%v < 5 = %y) {
      %c = loop.load %C[%v + 3] : memref<12xf32>
      %n = arith.negf %c : f32
      loop.store %n, %F[%v] : memref<5xf32>
    }
  }
  func.return
}

// STEPS-LABEL: func.func @steps
// STEPS:         loop.block "C" (%v < 12 = %i) where (-(%i mod 2) >= 0) {
// STEPS:           loop.store %n, %H[%v floordiv 2] : memref<6xf32>
func.func @steps(%A: memref<12xf32>, %H: memref<6xf32>) {
  %C = loop.alloc : memref<12xf32>
  loop.for %i = 0 to 12 {
    loop.block "C" (%v < 12 = %i) {
      %a = loop.load %A[%v] : memref<12xf32>
      loop.store %a, %C[%v] : memref<12xf32>
    }
  }
  loop.for %y = 0 to 6 {
    loop.block "H" (%v < 6 = %y) {
      %c = loop.load %C[%v * 2] : memref<12xf32>
      %n = arith.negf %c : f32
      loop.store %n, %H[%v] : memref<6xf32>
    }
  }
  func.return
}

// REDUCES: error: reverse-inline: block 'S' reduces, so that its result is not there when one element of its producer's is
// NOTHING: error: reverse-inline: block 'N' has no producer that could do its work: it reads nothing
// REDUCED: error: reverse-inline: block 'R' has no producer that could do its work: %Z is reduced by block 'S', so that no instance of it has the result; reverse-compute-at waits for it
// READERS: error: reverse-inline: block 'T1' has no producer that could do its work: %T is also read by block 'T2'
// GUARD: error: reverse-inline: block 'G' has no producer that could do its work: %T3 is read under a guard, and where it fails no producer's element is there
// PLACES: error: reverse-inline: block 'P' has no producer that could do its work: %P is read at several places by block 'P'
func.func @producers(%A: memref<8xf32>, %R: memref<8xf32>) {
  %Z = loop.alloc : memref<8xf32>
  loop.for %y = 0 to 8 {
    loop.for %k = 0 to 2 {
      loop.block "S" (%v_y < 8 = %y, reduce %v_k < 2 = %k) {
        %s = loop.load %Z[%v_y] : memref<8xf32>
        %n = arith.negf %s : f32
        loop.store %n, %Z[%v_y] : memref<8xf32>
      }
    }
  }
  loop.for %r = 0 to 8 {
    loop.block "R" (%v < 8 = %r) {
      %s = loop.load %Z[%v] : memref<8xf32>
      loop.store %s, %R[%v] : memref<8xf32>
    }
  }
  %T = loop.alloc : memref<8xf32>
  %T3 = loop.alloc : memref<8xf32>
  %P = loop.alloc : memref<8xf32>
  loop.for %n = 0 to 8 {
    loop.block "N" (%v < 8 = %n) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %T[%v] : memref<8xf32>
    }
    loop.block "N3" (%v < 8 = %n) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %T3[%v] : memref<8xf32>
    }
    loop.block "N4" (%v < 8 = %n) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %P[%v] : memref<8xf32>
    }
  }
  loop.for %t = 0 to 8 {
    loop.block "T1" (%v < 8 = %t) {
      %s = loop.load %T[%v] : memref<8xf32>
      loop.store %s, %R[%v] : memref<8xf32>
    }
    loop.block "T2" (%v < 8 = %t) {
      %s = loop.load %T[%v] : memref<8xf32>
      loop.store %s, %R[%v] : memref<8xf32>
    }
  }
  loop.for %g = 0 to 8 {
    loop.block "G" (%v < 8 = %g) {
      %zero = arith.constant 0.0 : f32
      %s = loop.load %T3[%v - 1] where (%v >= 1) else %zero : memref<8xf32>
      loop.store %s, %R[%v] : memref<8xf32>
    }
  }
  loop.for %p = 0 to 4 {
    loop.block "P" (%v < 4 = %p) {
      %s = loop.load %P[%v] : memref<8xf32>
      %u = loop.load %P[%v + 4] : memref<8xf32>
      %w = arith.addf %s, %u : f32
      loop.store %w, %R[%v] : memref<8xf32>
    }
  }
  func.return
}

// WRITERS: error: reverse-inline: block 'W' has no producer that could do its work: %W has 2 writers
// MORE: error: reverse-inline: block 'M' has no producer that could do its work: %M is not all that block 'M1' writes
// COPIED: error: reverse-inline: block 'Q' has no producer that could do its work: %Q is used by loop.copy, which needs it in memory
// INDEX: error: reverse-inline: block 'X' has no producer that could do its work: %X is read at an index that is only known at run time
// SCATTER: error: reverse-inline: block 'Y' has no producer that could do its work: %Y is written at an index that is only known at run time
func.func @writers(%A: memref<8xf32>, %R: memref<8xf32>) {
  %W = loop.alloc : memref<8xf32>
  %M = loop.alloc : memref<8xf32>
  %Q = loop.alloc : memref<8xf32>
  %X = loop.alloc : memref<8xf32>
  %Y = loop.alloc : memref<8xf32>
  loop.for %i = 0 to 8 {
    loop.block "W1" (%v < 8 = %i) {
      %a = loop.load %A[%v] : memref<8xf32>
      loop.store %a, %W[%v] : memref<8xf32>
    }
    loop.block "W2" (%v < 8 = %i) {
      %a = loop.load %A[%v] : memref<8xf32>
      loop.store %a, %W[%v] : memref<8xf32>
    }
    loop.block "M1" (%v < 8 = %i) {
      %a = loop.load %A[%v] : memref<8xf32>
      loop.store %a, %M[%v] : memref<8xf32>
      loop.store %a, %Q[%v] : memref<8xf32>
    }
    loop.block "X1" (%v < 8 = %i) {
      %a = loop.load %A[%v] : memref<8xf32>
      loop.store %a, %X[%v] : memref<8xf32>
    }
    loop.block "Y1" (%v < 8 = %i) {
      %a = loop.load %A[%v] : memref<8xf32>
      %one = arith.constant 1 : index
      %j = arith.muli %v, %one : index
      loop.store %a, %Y[%j] : memref<8xf32>
    }
  }
  loop.copy %Q to %R : memref<8xf32> to memref<8xf32>
  loop.for %r = 0 to 8 {
    loop.block "W" (%v < 8 = %r) {
      %a = loop.load %W[%v] : memref<8xf32>
      loop.store %a, %R[%v] : memref<8xf32>
    }
    loop.block "M" (%v < 8 = %r) {
      %a = loop.load %M[%v] : memref<8xf32>
      loop.store %a, %R[%v] : memref<8xf32>
    }
    loop.block "Q" (%v < 8 = %r) {
      %a = loop.load %Q[%v] : memref<8xf32>
      loop.store %a, %R[%v] : memref<8xf32>
    }
    loop.block "X" (%v < 8 = %r) {
      %one = arith.constant 1 : index
      %j = arith.muli %v, %one : index
      %a = loop.load %X[%j] : memref<8xf32>
      loop.store %a, %R[%v] : memref<8xf32>
    }
    loop.block "Y" (%v < 8 = %r) {
      %a = loop.load %Y[%v] : memref<8xf32>
      loop.store %a, %R[%v] : memref<8xf32>
    }
  }
  func.return
}

// TWICE: error: reverse-inline: block 'B' does not read each element of %B at one point that its coordinates tell: %v_x does not follow from them
// TWICE-NEXT: %B[0] is read at (v_y = 0, v_x = 0) and at (v_y = 0, v_x = 1)
// UNWRITTEN: error: reverse-inline: block 'U' reads elements of %U that block 'U1' does not write
// WHERE: error: reverse-inline: block 'O' has a guard that block 'O1' does not have; inline it before its loops are split
func.func @points(%A: memref<8xf32>, %R: memref<8x2xf32>, %R1: memref<8xf32>, %R2: memref<8xf32>) {
  %B = loop.alloc : memref<8xf32>
  %U = loop.alloc : memref<8xf32>
  %O = loop.alloc : memref<8xf32>
  loop.for %i = 0 to 8 {
    loop.block "B1" (%v < 8 = %i) {
      %a = loop.load %A[%v] : memref<8xf32>
      loop.store %a, %B[%v] : memref<8xf32>
    }
    loop.block "U1" (%v < 7 = %i) {
      %a = loop.load %A[%v] : memref<8xf32>
      loop.store %a, %U[%v] : memref<8xf32>
    }
    loop.block "O1" (%v < 8 = %i) {
      %a = loop.load %A[%v] : memref<8xf32>
      loop.store %a, %O[%v] : memref<8xf32>
    }
  }
  loop.for %y = 0 to 8 {
    loop.for %x = 0 to 2 {
      loop.block "B" (%v_y < 8 = %y, %v_x < 2 = %x) {
        %b = loop.load %B[%v_y] : memref<8xf32>
        loop.store %b, %R[%v_y, %v_x] : memref<8x2xf32>
      }
    }
  }
  loop.for %u = 0 to 8 {
    loop.block "U" (%v < 8 = %u) {
      %b = loop.load %U[%v] : memref<8xf32>
      loop.store %b, %R1[%v] : memref<8xf32>
    }
  }
  loop.for %o = 0 to 8 {
    loop.block "O" (%v < 8 = %o) where (%o >= 3) {
      %b = loop.load %O[%v] : memref<8xf32>
      loop.store %b, %R2[%v] : memref<8xf32>
    }
  }
  func.return
}

// INPUT: error: reverse-inline: block 'I2' writes %A[0] before block 'I' reads it, and would do so after it
// OUTPUT: error: reverse-inline: block 'J2' reads %R[0] before block 'J' writes it, and would do so after it
// ITSELF: error: reverse-inline: block 'K' reads %R, which it writes
// LIVES: error: reverse-inline: %T, which block 'L' uses, does not live where block 'L1' is
// BEFORE: error: reverse-inline: block 'V' comes before block 'V1', which writes what it reads
func.func @order(%A: memref<8xf32>, %R: memref<8xf32>, %Sums: memref<8xf32>, %Gains: memref<8xf32>) {
  %I = loop.alloc : memref<8xf32>
  %J = loop.alloc : memref<8xf32>
  %K = loop.alloc : memref<8xf32>
  %L = loop.alloc : memref<8xf32>
  %V = loop.alloc : memref<8xf32>
  loop.for %v = 0 to 8 {
    loop.block "V" (%v1 < 8 = %v) {
      %a = loop.load %V[%v1] : memref<8xf32>
      loop.store %a, %Sums[%v1] : memref<8xf32>
    }
  }
  loop.for %i = 0 to 8 {
    loop.block "I1" (%v1 < 8 = %i) {
      %a = loop.load %Sums[%v1] : memref<8xf32>
      loop.store %a, %I[%v1] : memref<8xf32>
    }
    loop.block "J1" (%v1 < 8 = %i) {
      %a = loop.load %Sums[%v1] : memref<8xf32>
      loop.store %a, %J[%v1] : memref<8xf32>
    }
    loop.block "L1" (%v1 < 8 = %i) {
      %a = loop.load %Sums[%v1] : memref<8xf32>
      loop.store %a, %L[%v1] : memref<8xf32>
    }
    loop.block "V1" (%v1 < 8 = %i) {
      %a = loop.load %Sums[%v1] : memref<8xf32>
      loop.store %a, %V[%v1] : memref<8xf32>
    }
    loop.block "K1" (%v1 < 8 = %i) {
      %a = loop.load %Sums[%v1] : memref<8xf32>
      loop.store %a, %K[%v1] : memref<8xf32>
    }
  }
  loop.for %j = 0 to 8 {
    loop.block "I2" (%v1 < 8 = %j) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %A[%v1] : memref<8xf32>
    }
    loop.block "J2" (%v1 < 8 = %j) {
      %a = loop.load %R[%v1] : memref<8xf32>
      loop.store %a, %Sums[%v1] : memref<8xf32>
    }
  }
  loop.for %k = 0 to 8 {
    loop.block "I" (%v1 < 8 = %k) {
      %a = loop.load %I[%v1] : memref<8xf32>
      %b = loop.load %A[%v1] : memref<8xf32>
      %c = arith.addf %a, %b : f32
      loop.store %c, %Gains[%v1] : memref<8xf32>
    }
  }
  loop.for %l = 0 to 8 {
    loop.block "J" (%v1 < 8 = %l) {
      %a = loop.load %J[%v1] : memref<8xf32>
      loop.store %a, %R[%v1] : memref<8xf32>
    }
  }
  loop.for %m = 0 to 8 {
    loop.block "K" (%v1 < 8 = %m) {
      %a = loop.load %K[%v1] : memref<8xf32>
      %b = loop.load %R[%v1] : memref<8xf32>
      %c = arith.addf %a, %b : f32
      loop.store %c, %R[%v1] : memref<8xf32>
    }
  }
  loop.for %n = 0 to 8 {
    %T = loop.alloc : memref<8xf32>
    loop.block "L" (%v1 < 8 = %n) {
      %a = loop.load %L[%v1] : memref<8xf32>
      loop.store %a, %T[%v1] : memref<8xf32>
    }
  }
  func.return
}
