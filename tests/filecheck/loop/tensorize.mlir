// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=4},split-loop{loop=x factor=4},split-loop{loop=k factor=4},reorder-loops{loops=y_o,x_o,k_o,y_i,x_i,k_i},tensorize{block=C intrinsic=mm}' | filecheck %s --check-prefix=SUM
// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=4},split-loop{loop=x factor=4},split-loop{loop=k factor=4},reorder-loops{loops=y_o,x_o,k_o,k_i,x_i,y_i},tensorize{block=C intrinsic=mm}' | filecheck %s --check-prefix=SUM
// RUN: dovetail-opt %s -p 'split-loop{loop=y factor=4},split-loop{loop=x factor=4},split-loop{loop=k factor=4},reorder-loops{loops=y_o,x_o,k_o,y_i,x_i,k_i},decompose-reduction{block=C loop=k_o},tensorize{block=C intrinsic=mm},tensorize{block=C_init intrinsic=mm}' | filecheck %s --check-prefix=RESET
// RUN: dovetail-opt %s -p 'split-loop{loop=m factor=4},tensorize{block=scaled intrinsic=scale}' | filecheck %s --check-prefix=SCALARS
// RUN: dovetail-opt %s -p 'tensorize{block=row intrinsic=add_row}' | filecheck %s --check-prefix=UNIT
// RUN: dovetail-opt %s -p 'tensorize{block=chosen intrinsic=add_row}' | filecheck %s --check-prefix=DENSE
// RUN: dovetail-opt %s -p 'split-loop{loop=i factor=4},split-loop{loop=r factor=12},split-loop{loop=r_i factor=4 names=r_g,r_t},reorder-loops{loops=i_o,r_o,r_t,i_i,r_g},tensorize{block=D intrinsic=groups}' | filecheck %s --check-prefix=DIGITS
// RUN: dovetail-opt %s -p 'tensorize{block=window intrinsic=add_row}' | filecheck %s --check-prefix=START
// RUN: dovetail-opt %s -p 'tensorize{block=steps intrinsic=mix}' | filecheck %s --check-prefix=MEANING

// SUM. whatever the order of the loops, and of the factors. RESET. the init nest alone.
// SCALARS. an argument that is no tensor is a constant of the block, the same one at each use.
// UNIT. an axis of one element needs no loop. DENSE. of two loops of the same extent the one whose
// elements are neighbours in memory. DIGITS. a variable that was split for two axes.
// START. where instructions begin at any element, the variable is the first one.
// MEANING. constants that are computed, numbers that are widened in two steps.

// SUM:      loop.for %y_o = 0 to 2 {
// SUM-NEXT:   loop.for %x_o = 0 to 3 {
// SUM-NEXT:     loop.for %k_o = 0 to 2 {
// SUM-NEXT:       loop.block "C" (%v_y < 2 = %y_o, %v_x < 3 = %x_o, reduce %v_k < 2 = %k_o) init {
// SUM-NEXT:         loop.intrinsic @mm "reset"(%C[%v_y * 4 + i0, %v_x * 4 + i1]) writes 1 : memref<8x12xf32>
// SUM-NEXT:       } {
// SUM-NEXT:         loop.intrinsic @mm "update"(%C[%v_y * 4 + i0, %v_x * 4 + i1], %A[%v_y * 4 + i0, %v_k * 4 + i1], %B[%v_x * 4 + i0, %v_k * 4 + i1]) writes 1 : memref<8x12xf32>, memref<8x8xf32>, memref<12x8xf32>
// SUM-NEXT:       }
// SUM-NEXT:     }

// RESET:      loop.for %x_o = 0 to 3 {
// RESET-NEXT:   loop.block "C_init" (%v_y < 2 = %y_o, %v_x < 3 = %x_o) {
// RESET-NEXT:     loop.intrinsic @mm "reset"(%C[%v_y * 4 + i0, %v_x * 4 + i1]) writes 1 : memref<8x12xf32>
// RESET-NEXT:   }
// RESET-NEXT:   loop.for %k_o = 0 to 2 {
// RESET-NEXT:     loop.block "C" (%v_y_1 < 2 = %y_o, %v_x_1 < 3 = %x_o, reduce %v_k < 2 = %k_o) {
// RESET-NEXT:       loop.intrinsic @mm "update"

// SCALARS:      loop.for %m_o = 0 to 2 {
// SCALARS-NEXT:   loop.block "scaled" (%v_m < 2 = %m_o) {
// SCALARS-NEXT:     loop.intrinsic @scale "compute"(%Z[%v_m * 4 + i0], %X[%v_m * 4 + i0]) writes 1 imm [3] : memref<8xi32>, memref<8xi32>
// SCALARS-NEXT:   }
// SCALARS-NEXT: }

// UNIT:      loop.for %g = 0 to 5 {
// UNIT-NEXT:   loop.block "row" (%v_g < 5 = %g, %v_h < 1 = 0) {
// UNIT-NEXT:     loop.intrinsic @add_row "compute"(%R[%v_g, %v_h * 4 + i1], %P[%v_g, %v_h * 4 + i1], %Q[%v_g, %v_h * 4 + i1]) writes 1 : memref<5x4xi32>, memref<5x4xi32>, memref<5x4xi32>
// UNIT-NEXT:   }
// UNIT-NEXT: }

// DENSE:      loop.for %s = 0 to 4 {
// DENSE-NEXT:   loop.block "chosen" (%v_s < 4 = %s, %v_t < 1 = 0) {
// DENSE-NEXT:     loop.intrinsic @add_row "compute"(%S[%v_s, %v_t * 4 + i1], %S[%v_s, %v_t * 4 + i1], %T[%v_s, %v_t * 4 + i1]) writes 1

// DIGITS:      loop.for %i_o = 0 to 2 {
// DIGITS-NEXT:   loop.for %r_o = 0 to 2 {
// DIGITS-NEXT:     loop.block "D" (%v_i < 2 = %i_o, reduce %v_r < 2 = %r_o) init {
// DIGITS-NEXT:       loop.intrinsic @groups "reset"(%D[%v_i * 4 + i0]) writes 1 : memref<8xi32>
// DIGITS-NEXT:     } {
// DIGITS-NEXT:       loop.intrinsic @groups "update"(%D[%v_i * 4 + i0], %U[%v_r * 12 + i0 * 4 + i1], %V[%v_i * 4 + i0, %v_r * 12 + i1 * 4 + i2]) writes 1 : memref<8xi32>, memref<24xi32>, memref<8x24xi32>

// START:      loop.for %w_o = 0 to 3 {
// START-NEXT:   loop.block "window" (%v_w < 7 = %w_o * 3, %v_z < 1 = 0) {
// START-NEXT:     loop.intrinsic @add_row "compute"(%M[%v_z, %v_w + i1], %N[%v_z, %v_w + i1], %N[%v_z, %v_w + i1]) writes 1

// MEANING: loop.intrinsic @mix "compute"(%R[%v_e * 4 + i0], %P[%v_e * 4 + i0], %Q[%v_e * 4 + i0]) writes 1 imm [5]

te.intrinsic @mm (%w: tensor<4x4xf32>, %x: tensor<4x4xf32>) {
  %c = te.compute "c" (%i = 0 to 4, %j = 0 to 4) sum (%k = 0 to 4) {
    %a = te.read %w[%i, %k] : tensor<4x4xf32>
    %b = te.read %x[%j, %k] : tensor<4x4xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<4x4xf32>
  te.yield %c : tensor<4x4xf32>
} lower compute "mm" reset "zero" update "mm_add"

te.intrinsic @scale (%x: tensor<4xi32>, %imm: i32) {
  %r = te.compute "r" (%i = 0 to 4) {
    %a = te.read %x[%i] : tensor<4xi32>
    %b = arith.muli %a, %imm : i32
    %c = arith.addi %b, %imm : i32
    te.yield %c : i32
  } : tensor<4xi32>
  te.yield %r : tensor<4xi32>
} lower compute "scale"

te.intrinsic @add_row (%x: tensor<1x4xi32>, %y: tensor<1x4xi32>) {
  %r = te.compute "r" (%u = 0 to 1, %i = 0 to 4) {
    %a = te.read %x[%u, %i] : tensor<1x4xi32>
    %b = te.read %y[%u, %i] : tensor<1x4xi32>
    %c = arith.addi %a, %b : i32
    te.yield %c : i32
  } : tensor<1x4xi32>
  te.yield %r : tensor<1x4xi32>
} lower compute "add_row"

func.func @matmul(%A: memref<8x8xf32>, %B: memref<12x8xf32>, %C: memref<8x12xf32>) {
  loop.for %y = 0 to 8 {
    loop.for %x = 0 to 12 {
      loop.for %k = 0 to 8 {
        loop.block "C" (%v_y < 8 = %y, %v_x < 12 = %x, reduce %v_k < 8 = %k) init {
          %zero = arith.constant 0.0 : f32
          loop.store %zero, %C[%v_y, %v_x] : memref<8x12xf32>
        } {
          %c = loop.load %C[%v_y, %v_x] : memref<8x12xf32>
          %a = loop.load %A[%v_y, %v_k] : memref<8x8xf32>
          %b = loop.load %B[%v_x, %v_k] : memref<12x8xf32>
          %p = arith.mulf %b, %a : f32
          %s = arith.addf %p, %c : f32
          loop.store %s, %C[%v_y, %v_x] : memref<8x12xf32>
        }
      }
    }
  }
  func.return
}

func.func @scaling(%X: memref<8xi32>, %Z: memref<8xi32>) {
  loop.for %m = 0 to 8 {
    loop.block "scaled" (%v_m < 8 = %m) {
      %three = arith.constant 3 : i32
      %also = arith.constant 3 : i32
      %x = loop.load %X[%v_m] : memref<8xi32>
      %p = arith.muli %x, %three : i32
      %s = arith.addi %p, %also : i32
      loop.store %s, %Z[%v_m] : memref<8xi32>
    }
  }
  func.return
}

func.func @rows(%P: memref<5x4xi32>, %Q: memref<5x4xi32>, %R: memref<5x4xi32>) {
  loop.for %g = 0 to 5 {
    loop.for %h = 0 to 4 {
      loop.block "row" (%v_g < 5 = %g, %v_h < 4 = %h) {
        %p = loop.load %P[%v_g, %v_h] : memref<5x4xi32>
        %q = loop.load %Q[%v_g, %v_h] : memref<5x4xi32>
        %r = arith.addi %p, %q : i32
        loop.store %r, %R[%v_g, %v_h] : memref<5x4xi32>
      }
    }
  }
  func.return
}

func.func @square(%S: memref<4x4xi32>, %T: memref<4x4xi32>) {
  loop.for %s = 0 to 4 {
    loop.for %t = 0 to 4 {
      loop.block "chosen" (%v_s < 4 = %s, %v_t < 4 = %t) {
        %p = loop.load %S[%v_s, %v_t] : memref<4x4xi32>
        %q = loop.load %T[%v_s, %v_t] : memref<4x4xi32>
        %r = arith.addi %p, %q : i32
        loop.store %r, %S[%v_s, %v_t] : memref<4x4xi32>
      }
    }
  }
  func.return
}

te.intrinsic @groups (%u: tensor<3x4xi32>, %v: tensor<4x3x4xi32>) {
  %c = te.compute "c" (%n = 0 to 4) sum (%g = 0 to 3, %t = 0 to 4) {
    %a = te.read %u[%g, %t] : tensor<3x4xi32>
    %b = te.read %v[%n, %g, %t] : tensor<4x3x4xi32>
    %p = arith.muli %a, %b : i32
    te.yield %p : i32
  } : tensor<4xi32>
  te.yield %c : tensor<4xi32>
} lower compute "groups" reset "zero" update "groups_add"

func.func @digits(%U: memref<24xi32>, %V: memref<8x24xi32>, %D: memref<8xi32>) {
  loop.for %i = 0 to 8 {
    loop.for %r = 0 to 24 {
      loop.block "D" (%v_i < 8 = %i, reduce %v_r < 24 = %r) init {
        %zero = arith.constant 0 : i32
        loop.store %zero, %D[%v_i] : memref<8xi32>
      } {
        %d = loop.load %D[%v_i] : memref<8xi32>
        %u = loop.load %U[%v_r] : memref<24xi32>
        %v = loop.load %V[%v_i, %v_r] : memref<8x24xi32>
        %p = arith.muli %u, %v : i32
        %s = arith.addi %d, %p : i32
        loop.store %s, %D[%v_i] : memref<8xi32>
      }
    }
  }
  func.return
}

func.func @windows(%M: memref<1x10xi32>, %N: memref<1x10xi32>) {
  loop.for %w_o = 0 to 3 {
    loop.for %w_i = 0 to 4 {
      loop.block "window" (%v_w < 10 = %w_o * 3 + %w_i, %v_z < 1 = 0) {
        %n = loop.load %N[%v_z, %v_w] : memref<1x10xi32>
        %r = arith.addi %n, %n : i32
        loop.store %r, %M[%v_z, %v_w] : memref<1x10xi32>
      }
    }
  }
  func.return
}

te.intrinsic @mix (%a: tensor<4xi8>, %b: tensor<4xi8>, %imm: i32) {
  %c = te.compute "c" (%i = 0 to 4) {
    %seven = arith.constant 7 : i32
    %x = te.read %a[%i] : tensor<4xi8>
    %y = te.read %b[%i] : tensor<4xi8>
    %xw = arith.extui %x : i8 to i32
    %yw = arith.extsi %y : i8 to i32
    %s = arith.muli %xw, %yw : i32
    %t = arith.shrsi %s, %imm : i32
    %u = arith.addi %t, %seven : i32
    te.yield %u : i32
  } : tensor<4xi32>
  te.yield %c : tensor<4xi32>
} lower compute "mix"

func.func @means(%P: memref<8xi8>, %Q: memref<8xi8>, %R: memref<8xi32>) {
  loop.for %e_o = 0 to 2 {
    loop.for %e = 0 to 4 {
      loop.block "steps" (%v_e < 8 = %e_o * 4 + %e) {
        %p = loop.load %P[%v_e] : memref<8xi8>
        %q = loop.load %Q[%v_e] : memref<8xi8>
        %half = arith.extui %p : i8 to i16
        %pw = arith.extsi %half : i16 to i32
        %some = arith.extsi %q : i8 to i16
        %qw = arith.extsi %some : i16 to i32
        %two = arith.constant 2 : i32
        %five = arith.constant 5 : i32
        %seven = arith.addi %two, %five : i32
        %three = arith.subi %five, %two : i32
        %other = arith.addi %three, %two : i32
        %s = arith.muli %qw, %pw : i32
        %t = arith.shrsi %s, %other : i32
        %u = arith.addi %seven, %t : i32
        loop.store %u, %R[%v_e] : memref<8xi32>
      }
    }
  }
  func.return
}
