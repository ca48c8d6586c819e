// RUN: not dovetail-opt %s -p 'tensorize{block=order intrinsic=mm}' 2>&1 | filecheck %s --check-prefix=ORDER
// RUN: dovetail-opt %s -p 'transform-layout{buffer=A map="(k,y)->(y,k)" function=f},transform-layout{buffer=B map="(k,y)->(y,k)" function=f},tensorize{block=order intrinsic=mm}' | filecheck %s --check-prefix=LAYOUT
// RUN: not dovetail-opt %s -p 'tensorize{block=product intrinsic=mm}' 2>&1 | filecheck %s --check-prefix=ARITHMETIC
// RUN: not dovetail-opt %s -p 'tensorize{block=start intrinsic=mm}' 2>&1 | filecheck %s --check-prefix=INIT
// RUN: not dovetail-opt %s -p 'tensorize{block=wide intrinsic=mm}' 2>&1 | filecheck %s --check-prefix=TYPES
// RUN: not dovetail-opt %s -p 'tensorize{block=order intrinsic=long}' 2>&1 | filecheck %s --check-prefix=EXTENT
// RUN: not dovetail-opt %s -p 'tensorize{block=other intrinsic=mm}' 2>&1 | filecheck %s --check-prefix=DEPENDS
// RUN: not dovetail-opt %s -p 'tensorize{block=same intrinsic=add4}' 2>&1 | filecheck %s --check-prefix=SAME
// RUN: not dovetail-opt %s -p 'tensorize{block=guarded intrinsic=add4}' 2>&1 | filecheck %s --check-prefix=PADDED
// RUN: not dovetail-opt %s -p 'tensorize{block=kind intrinsic=total}' 2>&1 | filecheck %s --check-prefix=KIND
// RUN: not dovetail-opt %s -p 'tensorize{block=order intrinsic=mn}' 2>&1 | filecheck %s --check-prefix=SYMBOL
// RUN: not dovetail-opt %s -p 'tensorize{block=order intrinsic=two}' 2>&1 | filecheck %s --check-prefix=STEPS
// RUN: not dovetail-opt %s -p 'tensorize{block=order intrinsic=half}' 2>&1 | filecheck %s --check-prefix=HALF
// RUN: not dovetail-opt %s -p 'tensorize{block=order intrinsic=shifted}' 2>&1 | filecheck %s --check-prefix=SHIFTED
// RUN: not dovetail-opt %s -p 'tensorize{block=order intrinsic=largest}' 2>&1 | filecheck %s --check-prefix=REDUCER
// RUN: not dovetail-opt %s -p 'tensorize{block=order intrinsic=spare}' 2>&1 | filecheck %s --check-prefix=UNUSED
// RUN: not dovetail-opt %s -p 'tensorize{block=kind intrinsic=only}' 2>&1 | filecheck %s --check-prefix=FORMS
// RUN: not dovetail-opt %s -p 'tensorize{block=plain intrinsic=add4},tensorize{block=plain intrinsic=add4}' 2>&1 | filecheck %s --check-prefix=AGAIN
// RUN: not dovetail-opt %s -p 'reorder-loops{loops=q,p},tensorize{block=plain intrinsic=add4}' 2>&1 | filecheck %s --check-prefix=INNERMOST
// RUN: not dovetail-opt %s -p 'tensorize{block=first intrinsic=add4}' 2>&1 | filecheck %s --check-prefix=MORE
// RUN: not dovetail-opt %s -p 'split-loop{loop=t factor=4},tensorize{block=tail intrinsic=add4}' 2>&1 | filecheck %s --check-prefix=TAIL
// RUN: not dovetail-opt %s -p 'tensorize{block=steps intrinsic=add4}' 2>&1 | filecheck %s --check-prefix=BEGIN
// RUN: not dovetail-opt %s -p 'tensorize{block=where intrinsic=add4}' 2>&1 | filecheck %s --check-prefix=WHERE
// RUN: not dovetail-opt %s -p 'tensorize{block=neighbour intrinsic=add4}' 2>&1 | filecheck %s --check-prefix=NEIGHBOUR
// RUN: not dovetail-opt %s -p 'tensorize{block=growth intrinsic=total}' 2>&1 | filecheck %s --check-prefix=SELF

// ORDER:      error: tensorize: block 'order' does not compute what @mm does: the elements of %A lie in memory in another order than @mm takes them: w[i, k] has k innermost, %A lies as [k, i]; transform-layout of %A puts them so, or an intrinsic that reads [k, i]
// ORDER-NEXT:   @mm                             block 'order'
// ORDER-NEXT:   c[i, j] += w[i, k] * x[j, k]    C[y, x] += A[k, y] * B[k, x]
// ORDER-NEXT:   f32, f32 -> f32                 f32, f32 -> f32
// ORDER-NEXT:   axes i < 4, j < 4, k < 4        loops y < 4, x < 4, k < 4
// ORDER-NEXT:   with i = y, j = x, k = k

// LAYOUT: loop.intrinsic @mm "update"(%C[%v_y * 4 + i0, %v_x * 4 + i1], %A[%v_k * 4 + i1, %v_y * 4 + i0], %B[%v_k * 4 + i1, %v_x * 4 + i0])

// ARITHMETIC:      error: tensorize: block 'product' does not compute what @mm does: the block computes something else
// ARITHMETIC-NEXT:   @mm                             block 'product'
// ARITHMETIC-NEXT:   c[i, j] += w[i, k] * x[j, k]    C[y, x] += (A[y, k] + B[x, k]) * A[y, k]
// ARITHMETIC-NEXT:   f32, f32 -> f32                 f32, f32 -> f32
// ARITHMETIC-NEXT:   axes i < 4, j < 4, k < 4        loops y_1 < 4, x_1 < 4, k_1 < 4

// INIT:      error: tensorize: block 'start' does not compute what @mm does: its init region computes something else
// INIT-NEXT:   @mm {{.*}}block 'start'
// INIT-NEXT:   c[i, j] += w[i, k] * x[j, k]    C[y, x] = 1.0

// TYPES:      error: tensorize: block 'wide' does not compute what @mm does: the block computes something else
// TYPES-NEXT:   @mm {{.*}}block 'wide'
// TYPES-NEXT:   c[i, j] += w[i, k] * x[j, k]    C[y, x] += A[y, k] * B[x, k]
// TYPES-NEXT:   f32, f32 -> f32                 f64, f64 -> f64

// EXTENT:      error: tensorize: block 'order' does not compute what @long does: none of the loops around it has the 16 iterations of axis i; split-loop makes one
// EXTENT-NEXT:   @long                                    block 'order'
// EXTENT-NEXT:   c[i] += w[i, k] * x[i, k] {{.*}}C[y, x] += A[k, y] * B[k, x]

// DEPENDS: error: tensorize: block 'other' does not compute what @mm does: %A depends on axis j, which w[i, k] does not have

// SAME:      error: tensorize: block 'same' does not compute what @add4 does: %Q is the same for all elements along axis i of y[i], and an operand lies in memory as a whole
// SAME-NEXT:   @add4                 block 'same'
// SAME-NEXT:   r[i] = x[i] + y[i]    R[g, h] = P[g, h] + Q[g]

// PADDED: error: tensorize: block 'guarded' does not compute what @add4 does: the read of %Q has a guard; promote-memory-scope moves what lies outside of %Q into a tile as its pad, and drops the guard

// KIND: error: tensorize: block 'kind' does not compute what @total does: 'k' is not reduced, axis k of @total is reduced

// SYMBOL: error: tensorize: the module declares no te.intrinsic @mn: did you mean mm? there are: mm, {{.*}} (import-intrinsics brings a library)
// STEPS: error: tensorize: @two is not declared as one computation over whole tensors, so it cannot be found in a block: it computes with %p, which is itself computed
// HALF: error: tensorize: @half is not declared as one computation over whole tensors, so it cannot be found in a block: it reads %x elsewhere than at one axis for each dimension
// SHIFTED: error: tensorize: @shifted is not declared as one computation over whole tensors, so it cannot be found in a block: it reads %x elsewhere than at one axis for each dimension
// REDUCER: error: tensorize: @largest is not declared as one computation over whole tensors, so it cannot be found in a block: its reducer is argmax, not one of sum, prod, max, min
// UNUSED: error: tensorize: @spare is not declared as one computation over whole tensors, so it cannot be found in a block: it does not use %imm
// FORMS: error: tensorize: @only has no forms reset and update, and block 'kind' is the form update of it
// AGAIN: error: tensorize: block 'plain' is a call of @add4 already
// INNERMOST: error: tensorize: loop 'q' of @add4 is not the innermost one around block 'plain'; reorder-loops puts them there
// MORE: error: tensorize: loop 'h' of @add4 is around more than block 'first', and the instruction stands for the whole loop
// TAIL: error: tensorize: @add4 computes 4 elements along 't' at once, and block 'tail' has 10 of them, no multiple of 4; pad-block computes whole instructions, peel-loop parts them from the rest
// BEGIN: error: tensorize: @add4 computes 4 elements along 'u' at once, and the loops around them in block 'steps' do not go in steps of 4; split the loop of 'u' by 4 first
// WHERE: error: tensorize: block 'where' has a guard inside of what @add4 computes at once; split its loops by the extents of the instruction first
// NEIGHBOUR: error: tensorize: block 'neighbour' reads other elements of %P than it writes, and an instruction has no order inside
// SELF: error: tensorize: block 'growth' adds to %P what it computes from %P, and an instruction reads its operands before it writes

te.intrinsic @mm (%w: tensor<4x4xf32>, %x: tensor<4x4xf32>) {
  %c = te.compute "c" (%i = 0 to 4, %j = 0 to 4) sum (%k = 0 to 4) {
    %a = te.read %w[%i, %k] : tensor<4x4xf32>
    %b = te.read %x[%j, %k] : tensor<4x4xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<4x4xf32>
  te.yield %c : tensor<4x4xf32>
} lower compute "mm" reset "zero" update "mm_add"

te.intrinsic @add4 (%x: tensor<4xi32>, %y: tensor<4xi32>) {
  %r = te.compute "r" (%i = 0 to 4) {
    %a = te.read %x[%i] : tensor<4xi32>
    %b = te.read %y[%i] : tensor<4xi32>
    %c = arith.addi %a, %b : i32
    te.yield %c : i32
  } : tensor<4xi32>
  te.yield %r : tensor<4xi32>
} lower compute "add4"

te.intrinsic @total (%x: tensor<4xi32>) {
  %r = te.compute "r" () sum (%k = 0 to 4) {
    %a = te.read %x[%k] : tensor<4xi32>
    te.yield %a : i32
  } : tensor<i32>
  te.yield %r : tensor<i32>
} lower compute "total" reset "zero" update "total_add"

te.intrinsic @only (%x: tensor<4xi32>) {
  %r = te.compute "r" () sum (%k = 0 to 4) {
    %a = te.read %x[%k] : tensor<4xi32>
    te.yield %a : i32
  } : tensor<i32>
  te.yield %r : tensor<i32>
} lower compute "only"

te.intrinsic @long (%w: tensor<16x4xf32>, %x: tensor<16x4xf32>) {
  %c = te.compute "c" (%i = 0 to 16) sum (%k = 0 to 4) {
    %a = te.read %w[%i, %k] : tensor<16x4xf32>
    %b = te.read %x[%i, %k] : tensor<16x4xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<16xf32>
  te.yield %c : tensor<16xf32>
} lower compute "long" reset "zero" update "long_add"

te.intrinsic @two (%x: tensor<4xf32>) {
  %p = te.compute "p" (%i = 0 to 4) {
    %a = te.read %x[%i] : tensor<4xf32>
    te.yield %a : f32
  } : tensor<4xf32>
  %r = te.compute "r" (%i = 0 to 4) {
    %a = te.read %p[%i] : tensor<4xf32>
    te.yield %a : f32
  } : tensor<4xf32>
  te.yield %r : tensor<4xf32>
} lower compute "two"

te.intrinsic @half (%x: tensor<8xf32>) {
  %r = te.compute "r" (%i = 0 to 4) {
    %a = te.read %x[%i] : tensor<8xf32>
    te.yield %a : f32
  } : tensor<4xf32>
  te.yield %r : tensor<4xf32>
} lower compute "half"

te.intrinsic @shifted (%x: tensor<5xf32>) {
  %r = te.compute "r" (%i = 0 to 4) {
    %a = te.read %x[%i + 1] : tensor<5xf32>
    te.yield %a : f32
  } : tensor<4xf32>
  te.yield %r : tensor<4xf32>
} lower compute "shifted"

te.intrinsic @largest (%x: tensor<4xf32>) {
  %r, %n = te.compute "r" () argmax (%k = 0 to 4) {
    %a = te.read %x[%k] : tensor<4xf32>
    te.yield %a, %k : f32, index
  } : tensor<f32>, tensor<index>
  te.yield %r : tensor<f32>
} lower compute "largest"

te.intrinsic @spare (%x: tensor<4xf32>, %imm: f32) {
  %r = te.compute "r" (%i = 0 to 4) {
    %a = te.read %x[%i] : tensor<4xf32>
    te.yield %a : f32
  } : tensor<4xf32>
  te.yield %r : tensor<4xf32>
} lower compute "spare"

func.func @f(%A: memref<4x4xf32>, %B: memref<4x4xf32>, %C: memref<4x4xf32>) {
  loop.for %y = 0 to 4 {
    loop.for %x = 0 to 4 {
      loop.for %k = 0 to 4 {
        loop.block "order" (%v_y < 4 = %y, %v_x < 4 = %x, reduce %v_k < 4 = %k) {
          %c = loop.load %C[%v_y, %v_x] : memref<4x4xf32>
          %a = loop.load %A[%v_k, %v_y] : memref<4x4xf32>
          %b = loop.load %B[%v_k, %v_x] : memref<4x4xf32>
          %p = arith.mulf %a, %b : f32
          %s = arith.addf %c, %p : f32
          loop.store %s, %C[%v_y, %v_x] : memref<4x4xf32>
        }
      }
    }
  }
  func.return
}

func.func @g(%A: memref<4x4xf32>, %B: memref<4x4xf32>, %C: memref<4x4xf32>) {
  loop.for %y_1 = 0 to 4 {
    loop.for %x_1 = 0 to 4 {
      loop.for %k_1 = 0 to 4 {
        loop.block "product" (%v_y < 4 = %y_1, %v_x < 4 = %x_1, reduce %v_k < 4 = %k_1) {
          %c = loop.load %C[%v_y, %v_x] : memref<4x4xf32>
          %a = loop.load %A[%v_y, %v_k] : memref<4x4xf32>
          %b = loop.load %B[%v_x, %v_k] : memref<4x4xf32>
          %s = arith.addf %a, %b : f32
          %p = arith.mulf %s, %a : f32
          %t = arith.addf %c, %p : f32
          loop.store %t, %C[%v_y, %v_x] : memref<4x4xf32>
        }
        loop.block "start" (%v_y < 4 = %y_1, %v_x < 4 = %x_1, reduce %v_k < 4 = %k_1) init {
          %one = arith.constant 1.0 : f32
          loop.store %one, %C[%v_y, %v_x] : memref<4x4xf32>
        } {
          %c = loop.load %C[%v_y, %v_x] : memref<4x4xf32>
          %a = loop.load %A[%v_y, %v_k] : memref<4x4xf32>
          %b = loop.load %B[%v_x, %v_k] : memref<4x4xf32>
          %p = arith.mulf %a, %b : f32
          %t = arith.addf %c, %p : f32
          loop.store %t, %C[%v_y, %v_x] : memref<4x4xf32>
        }
        loop.block "other" (%v_y < 4 = %y_1, %v_x < 4 = %x_1, reduce %v_k < 4 = %k_1) {
          %c = loop.load %C[%v_y, %v_x] : memref<4x4xf32>
          %a = loop.load %A[%v_y + %v_x, %v_k] : memref<4x4xf32>
          %b = loop.load %B[%v_x, %v_k] : memref<4x4xf32>
          %p = arith.mulf %a, %b : f32
          %t = arith.addf %c, %p : f32
          loop.store %t, %C[%v_y, %v_x] : memref<4x4xf32>
        }
      }
    }
  }
  func.return
}

func.func @h(%A: memref<4x4xf64>, %B: memref<4x4xf64>, %C: memref<4x4xf64>) {
  loop.for %y_2 = 0 to 4 {
    loop.for %x_2 = 0 to 4 {
      loop.for %k_2 = 0 to 4 {
        loop.block "wide" (%v_y < 4 = %y_2, %v_x < 4 = %x_2, reduce %v_k < 4 = %k_2) {
          %c = loop.load %C[%v_y, %v_x] : memref<4x4xf64>
          %a = loop.load %A[%v_y, %v_k] : memref<4x4xf64>
          %b = loop.load %B[%v_x, %v_k] : memref<4x4xf64>
          %p = arith.mulf %a, %b : f64
          %s = arith.addf %c, %p : f64
          loop.store %s, %C[%v_y, %v_x] : memref<4x4xf64>
        }
      }
    }
  }
  func.return
}

func.func @elements(%P: memref<3x4xi32>, %Q: memref<3xi32>, %V: memref<4xi32>, %R: memref<3x4xi32>, %T: memref<10xi32>) {
  loop.for %p = 0 to 3 {
    loop.for %q = 0 to 4 {
      loop.block "plain" (%v_g < 3 = %p, %v_h < 4 = %q) {
        %x = loop.load %P[%v_g, %v_h] : memref<3x4xi32>
        %y = loop.load %V[%v_h] : memref<4xi32>
        %z = arith.addi %x, %y : i32
        loop.store %z, %R[%v_g, %v_h] : memref<3x4xi32>
      }
    }
  }
  loop.for %g = 0 to 3 {
    loop.for %h_same = 0 to 4 {
      loop.block "same" (%v_g < 3 = %g, %v_h < 4 = %h_same) {
        %x = loop.load %P[%v_g, %v_h] : memref<3x4xi32>
        %y = loop.load %Q[%v_g] : memref<3xi32>
        %z = arith.addi %x, %y : i32
        loop.store %z, %R[%v_g, %v_h] : memref<3x4xi32>
      }
    }
    loop.for %h_kind = 0 to 4 {
      loop.block "kind" (%v_g < 3 = %g, %v_k < 4 = %h_kind) {
        %x = loop.load %P[%v_g, %v_k] : memref<3x4xi32>
        %y = loop.load %Q[%v_g] : memref<3xi32>
        %z = arith.addi %x, %y : i32
        loop.store %z, %Q[%v_g] : memref<3xi32>
      }
    }
    loop.for %h_neighbour = 0 to 4 {
      loop.block "neighbour" (%v_g < 2 = %g, %v_h < 4 = %h_neighbour) {
        %x = loop.load %P[%v_g + 1, %v_h] : memref<3x4xi32>
        %y = loop.load %V[%v_h] : memref<4xi32>
        %z = arith.addi %x, %y : i32
        loop.store %z, %P[%v_g, %v_h] : memref<3x4xi32>
      }
    }
    loop.for %h_growth = 0 to 4 {
      loop.block "growth" (%v_g < 3 = %g, reduce %v_k < 4 = %h_growth) {
        %x = loop.load %P[%v_g, %v_k] : memref<3x4xi32>
        %y = loop.load %P[0, %v_g] : memref<3x4xi32>
        %z = arith.addi %x, %y : i32
        loop.store %z, %P[0, %v_g] : memref<3x4xi32>
      }
    }
    loop.for %h_where = 0 to 4 {
      loop.block "where" (%v_g < 3 = %g, %v_h < 4 = %h_where) where (%h_where - 1 >= 0) {
        %x = loop.load %P[%v_g, %v_h] : memref<3x4xi32>
        %y = loop.load %V[%v_h] : memref<4xi32>
        %z = arith.addi %x, %y : i32
        loop.store %z, %R[%v_g, %v_h] : memref<3x4xi32>
      }
    }
    loop.for %h_guarded = 0 to 4 {
      loop.block "guarded" (%v_g < 3 = %g, %v_h < 4 = %h_guarded) {
        %none = arith.constant 0 : i32
        %x = loop.load %P[%v_g, %v_h] : memref<3x4xi32>
        %y = loop.load %Q[%v_h - 1] where (%v_h - 1 >= 0) else %none : memref<3xi32>
        %z = arith.addi %x, %y : i32
        loop.store %z, %R[%v_g, %v_h] : memref<3x4xi32>
      }
    }
    loop.for %h = 0 to 4 {
      loop.block "first" (%v_g < 3 = %g, %v_h < 4 = %h) {
        %x = loop.load %P[%v_g, %v_h] : memref<3x4xi32>
        %y = loop.load %V[%v_h] : memref<4xi32>
        %z = arith.addi %x, %y : i32
        loop.store %z, %R[%v_g, %v_h] : memref<3x4xi32>
      }
      loop.block "second" (%v_g < 3 = %g, %v_h < 4 = %h) {
        %x = loop.load %P[%v_g, %v_h] : memref<3x4xi32>
        %y = loop.load %V[%v_h] : memref<4xi32>
        %z = arith.addi %x, %y : i32
        loop.store %z, %R[%v_g, %v_h] : memref<3x4xi32>
      }
    }
  }
  loop.for %t = 0 to 10 {
    loop.block "tail" (%v_t < 10 = %t) {
      %x = loop.load %T[%v_t] : memref<10xi32>
      %z = arith.addi %x, %x : i32
      loop.store %z, %T[%v_t] : memref<10xi32>
    }
  }
  loop.for %u_o = 0 to 3 {
    loop.for %u_i = 0 to 4 {
      loop.block "steps" (%v_u < 7 = %u_o * 2 + %u_i) {
        %x = loop.load %T[%v_u] : memref<10xi32>
        %z = arith.addi %x, %x : i32
        loop.store %z, %T[%v_u] : memref<10xi32>
      }
    }
  }
  func.return
}
