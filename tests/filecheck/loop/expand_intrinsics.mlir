// RUN: not dovetail-opt %s -p 'expand-intrinsics' --split-input-file 2>&1 | filecheck %s

// In place: the result is written where the operand was read, and the immediate is a constant.
// CHECK-LABEL: func.func @shifts
// CHECK-NEXT:    loop.for %t = 0 to 3 {
// CHECK-NEXT:      loop.for %S_i = 0 to 2 {
// CHECK-NEXT:        loop.block "S" (%v < 3 = %t, %i < 2 = %S_i) {
// CHECK-NEXT:          [[X:%.*]] = loop.load %A[%v * 2 + %i] : memref<8xi32>
// CHECK-NEXT:          [[N:%.*]] = arith.constant 3 : i32
// CHECK-NEXT:          [[Y:%.*]] = arith.shrsi [[X]], [[N]] : i32
// CHECK-NEXT:          loop.store [[Y]], %A[%v * 2 + %i] : memref<8xi32>
te.intrinsic @shift (%a: tensor<2xi32>, %imm: i32) {
  %c = te.compute "c" (%i = 0 to 2) {
    %x = te.read %a[%i] : tensor<2xi32>
    %y = arith.shrsi %x, %imm : i32
    te.yield %y : i32
  } : tensor<2xi32>
  te.yield %c : tensor<2xi32>
} lower compute "shift"
func.func @shifts(%A: memref<8xi32>) {
  loop.for %t = 0 to 3 {
    loop.block "S" (%v < 3 = %t) {
      loop.intrinsic @shift "compute"(%A[%v * 2 + i0], %A[%v * 2 + i0]) writes 1 imm [3] : memref<8xi32>, memref<8xi32>
    }
  }
  func.return
}

// -----

// Other elements than those that are written are still to be read, so there is a buffer between.
// CHECK-LABEL: func.func @reversed
// CHECK-NEXT:    %S_c = loop.alloc : memref<2xi32, "local">
// CHECK-NEXT:    loop.for %S_c_i = 0 to 2 {
// CHECK-NEXT:      loop.block "S_c" (%i < 2 = %S_c_i) {
// CHECK-NEXT:        [[X:%.*]] = loop.load %A[-%i + 1] : memref<2xi32>
// CHECK-NEXT:        loop.store [[X]], %S_c[%i] : memref<2xi32, "local">
// CHECK:         loop.for %S_result_i = 0 to 2 {
// CHECK-NEXT:      loop.block "S_result" ([[I:%.*]] < 2 = %S_result_i) {
// CHECK-NEXT:        [[Y:%.*]] = loop.load %S_c[[[I]]] : memref<2xi32, "local">
// CHECK-NEXT:        loop.store [[Y]], %A[[[I]]] : memref<2xi32>
te.intrinsic @copy (%a: tensor<2xi32>) {
  %c = te.compute "c" (%i = 0 to 2) {
    %x = te.read %a[%i] : tensor<2xi32>
    te.yield %x : i32
  } : tensor<2xi32>
  te.yield %c : tensor<2xi32>
} lower compute "copy"
func.func @reversed(%A: memref<2xi32>) {
  loop.block "S" () {
    loop.intrinsic @copy "compute"(%A[i0], %A[1 - i0]) writes 1 : memref<2xi32>, memref<2xi32>
  }
  func.return
}

// -----

// A reduction begins with the identity of its reducer; `compute` is a block with an init region.
// CHECK-LABEL: func.func @maxima
// CHECK:         loop.block "M_init" (%v < 2 = %t) where (-%t >= 0) {
// CHECK-NEXT:      [[L:%.*]] = arith.constant -128 : i8
// CHECK-NEXT:      loop.store [[L]], %M[] : memref<i8>
// CHECK:         loop.for %M_k = 0 to 4 {
// CHECK-NEXT:      loop.block "M" (reduce [[V:%.*]] < 2 = %t, reduce %k < 4 = %M_k) {
// CHECK:           arith.maxsi
// CHECK:         loop.for %N_k = 0 to 4 {
// CHECK-NEXT:      loop.block "N" (reduce [[K:%.*]] < 4 = %N_k) init {
// CHECK:           arith.constant -128 : i8
// CHECK:           [[Y:%.*]] = loop.load %A[[[K]] * 2] : memref<8xi8>
te.intrinsic @largest (%a: tensor<4xi8>) {
  %m = te.compute "m" () max (%k = 0 to 4) {
    %x = te.read %a[%k] : tensor<4xi8>
    te.yield %x : i8
  } : tensor<i8>
  te.yield %m : tensor<i8>
} lower compute "largest" reset "smallest" update "larger"
func.func @maxima(%A: memref<8xi8>, %M: memref<i8>, %N: memref<i8>) {
  loop.for %t = 0 to 2 {
    loop.block "M" (reduce %v < 2 = %t) init {
      loop.intrinsic @largest "reset"(%M[]) writes 1 : memref<i8>
    } {
      loop.intrinsic @largest "update"(%M[], %A[%v * 4 + i0]) writes 1 : memref<i8>, memref<8xi8>
    }
  }
  loop.block "N" () {
    loop.intrinsic @largest "compute"(%N[], %A[i0 * 2]) writes 1 : memref<i8>, memref<8xi8>
  }
  func.return
}

// -----

// A call that the target can run stays; one that needs more than the target has does not.
// CHECK-LABEL: func.func @target
// CHECK-NEXT:    loop.block "S" () {
// CHECK-NEXT:      loop.intrinsic @here "compute"
// CHECK:         loop.for %T_i = 0 to 2 {
// CHECK-NOT:     loop.intrinsic
builtin.module attributes {target = #target.target<"llvm -mcpu=x86-64-v3">} {
te.intrinsic @here (%a: tensor<2xi32>) {
  %c = te.compute "c" (%i = 0 to 2) {
    %x = te.read %a[%i] : tensor<2xi32>
    te.yield %x : i32
  } : tensor<2xi32>
  te.yield %c : tensor<2xi32>
} lower compute "here" needs "avx2" llvm ["define internal void @here(ptr %c, ptr %a) {", "  ret void", "}"]
te.intrinsic @elsewhere (%a: tensor<2xi32>) {
  %c = te.compute "c" (%i = 0 to 2) {
    %x = te.read %a[%i] : tensor<2xi32>
    te.yield %x : i32
  } : tensor<2xi32>
  te.yield %c : tensor<2xi32>
} lower compute "elsewhere" needs "amx-tile" llvm ["define internal void @elsewhere(ptr %c, ptr %a) {", "  ret void", "}"]
func.func @target(%A: memref<2xi32>, %B: memref<2xi32>) {
  loop.block "S" () {
    loop.intrinsic @here "compute"(%B[i0], %A[i0]) writes 1 : memref<2xi32>, memref<2xi32>
  }
  loop.block "T" () {
    loop.intrinsic @elsewhere "compute"(%A[i0], %B[i0]) writes 1 : memref<2xi32>, memref<2xi32>
  }
  func.return
}
}

// -----

// CHECK: error: expand-intrinsics: the module declares no te.intrinsic @nothing
func.func @undeclared(%A: memref<2xi32>) {
  loop.block "S" () {
    loop.intrinsic @nothing "compute"(%A[i0]) writes 1 : memref<2xi32>
  }
  func.return
}
