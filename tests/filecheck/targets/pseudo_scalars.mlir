// RUN: dovetail-opt %s --split-input-file -t pseudo | filecheck %s --strict-whitespace --match-full-lines

// Parentheses stand where Python needs them, and where the order of floating-point sums would change.
// CHECK:def precedence(A: f32[4], B: f32[4], C: f32[4]) -> (f32[4], f32[4], f32[4]):
// CHECK-NEXT:    P[i] = -(A[i] + (B[i] + C[i]) + B[i])
// CHECK-NEXT:    Q[i] = A[i] * (B[i] - C[i]) / 0.1
// CHECK-NEXT:    R[i] = (-1 if A[i] < b and not b > -1 else b) * -1
// CHECK-NEXT:        where b = B[i]
// CHECK-NEXT:    return P, Q, R
func.func @precedence(%A: tensor<4xf32>, %B: tensor<4xf32>, %C: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %P = te.compute "P" (%i = 0 to 4) {
    %a = te.read %A[%i] : tensor<4xf32>
    %b = te.read %B[%i] : tensor<4xf32>
    %c = te.read %C[%i] : tensor<4xf32>
    %s = arith.addf %b, %c : f32
    %t = arith.addf %a, %s : f32
    %u = arith.addf %t, %b : f32
    %n = arith.negf %u : f32
    te.yield %n : f32
  } : tensor<4xf32>
  %Q = te.compute "Q" (%i = 0 to 4) {
    %a = te.read %A[%i] : tensor<4xf32>
    %b = te.read %B[%i] : tensor<4xf32>
    %c = te.read %C[%i] : tensor<4xf32>
    %s = arith.subf %b, %c : f32
    %t = arith.mulf %a, %s : f32
    %small = arith.constant 0.1 : f32
    %u = arith.divf %t, %small : f32
    te.yield %u : f32
  } : tensor<4xf32>
  %R = te.compute "R" (%i = 0 to 4) {
    %a = te.read %A[%i] : tensor<4xf32>
    %b = te.read %B[%i] : tensor<4xf32>
    %minus = arith.constant -1.0 : f32
    %less = arith.cmpf olt, %a, %b : f32
    %not_more = arith.cmpf ule, %b, %minus : f32
    %both = arith.andi %less, %not_more : i1
    %c = arith.select %both, %minus, %b : f32
    %d = arith.mulf %c, %minus : f32
    te.yield %d : f32
  } : tensor<4xf32>
  func.return %P, %Q, %R : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// Integers: wrapping operations by name where Python's mean something else; casts.
// CHECK:def integers(A: i8[4], F: f32[4]) -> (i32[4], i8[4], f16[4]):
// CHECK-NEXT:    P[i] = div(i32(A[i]) << 3, 3) ^ 3
// CHECK-NEXT:    Q[i] = A[i] if ult(i32(unsigned(A[i])), 7) else i8(F[i])
// CHECK-NEXT:    R[i] = f16(fma(pow(e, f), f, e))
// CHECK-NEXT:        where f = F[i]
// CHECK-NEXT:              e = erf(f)
// CHECK-NEXT:    return P, Q, R
func.func @integers(%A: tensor<4xi8>, %F: tensor<4xf32>) -> (tensor<4xi32>, tensor<4xi8>, tensor<4xf16>) {
  %P = te.compute "P" (%i = 0 to 4) {
    %a = te.read %A[%i] : tensor<4xi8>
    %s = arith.extsi %a : i8 to i32
    %three = arith.constant 3 : i32
    %u = arith.shli %s, %three : i32
    %v = arith.divsi %u, %three : i32
    %w = arith.xori %v, %three : i32
    te.yield %w : i32
  } : tensor<4xi32>
  %Q = te.compute "Q" (%i = 0 to 4) {
    %a = te.read %A[%i] : tensor<4xi8>
    %f = te.read %F[%i] : tensor<4xf32>
    %u = arith.extui %a : i8 to i32
    %z = arith.constant 7 : i32
    %below = arith.cmpi ult, %u, %z : i32
    %g = arith.fptosi %f : f32 to i8
    %y = arith.select %below, %a, %g : i8
    te.yield %y : i8
  } : tensor<4xi8>
  %R = te.compute "R" (%i = 0 to 4) {
    %f = te.read %F[%i] : tensor<4xf32>
    %e = math.erf %f : f32
    %p = math.powf %e, %f : f32
    %m = math.fma %p, %f, %e : f32
    %h = arith.truncf %m : f32 to f16
    te.yield %h : f16
  } : tensor<4xf16>
  func.return %P, %Q, %R : tensor<4xi32>, tensor<4xi8>, tensor<4xf16>
}

// -----

// A body with two stores: what is read before the first and used after it has a name.
// CHECK:def swap(A: f32[4], B: f32[4]):
// CHECK-NEXT:    for i in range(4):
// CHECK-NEXT:        a = A[i]
// CHECK-NEXT:        A[i] = B[i]
// CHECK-NEXT:        B[i] = a
func.func @swap(%A: memref<4xf32>, %B: memref<4xf32>) {
  loop.for %i = 0 to 4 {
    loop.block "swap" (%v < 4 = %i) {
      %a = loop.load %A[%v] : memref<4xf32>
      %b = loop.load %B[%v] : memref<4xf32>
      loop.store %b, %A[%v] : memref<4xf32>
      loop.store %a, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

// -----

// An operation with two results has no form.
// CHECK:def wide(a: i32, b: i32) -> i32:
// CHECK-NEXT:    # low, high = arith.mului_extended(a, b)
// CHECK-NEXT:    s = low + high
// CHECK-NEXT:    return s
func.func @wide(%a: i32, %b: i32) -> i32 {
  %low, %high = arith.mului_extended %a, %b : i32
  %s = arith.addi %low, %high : i32
  func.return %s : i32
}
