// RUN: dovetail-opt %s --split-input-file -t pseudo | filecheck %s --strict-whitespace --match-full-lines

// Values that are used again, or are long, follow their line. A guard that always holds is gone.
// CHECK:def conv(X: f32[3, 6, 6], W: f32[5, 3, 3, 3], bias: f32[5]) -> f32[5, 6, 6]:
// CHECK-NEXT:    C[oc, oh, ow] = sum(x * W[oc, ic, kh, kw] for ic in range(3) for kh in range(3) for kw in range(3))  # f32[5, 6, 6]
// CHECK-NEXT:        where x = X[ic, oh + kh - 1, ow + kw - 1] if 0 <= oh + kh - 1 < 6 and 0 <= ow + kw - 1 < 6 else 0
// CHECK-NEXT:    S[c, h, v] = t / (1 + exp(-t))
// CHECK-NEXT:        where t = C[c, h, v] + bias[c]
// CHECK-NEXT:    return S
func.func @conv(%X: tensor<3x6x6xf32>, %W: tensor<5x3x3x3xf32>, %bias: tensor<5xf32>) -> tensor<5x6x6xf32> {
  %C = te.compute "conv" (%oc = 0 to 5, %oh = 0 to 6, %ow = 0 to 6) sum (%ic = 0 to 3, %kh = 0 to 3, %kw = 0 to 3) {
    %zero = arith.constant 0.0 : f32
    %x = te.read %X[%ic, %oh + %kh - 1, %ow + %kw - 1] where (%oh + %kh - 1 >= 0, 6 - %oh - %kh >= 0, %ow + %kw - 1 >= 0, %ow + %kw - 1 < 6, %ow + %kw < 9) else %zero : tensor<3x6x6xf32>
    %w = te.read %W[%oc, %ic, %kh, %kw] : tensor<5x3x3x3xf32>
    %p = arith.mulf %x, %w : f32
    te.yield %p : f32
  } : tensor<5x6x6xf32>
  %S = te.compute "swish" (%c = 0 to 5, %h = 0 to 6, %v = 0 to 6) {
    %one = arith.constant 1.0 : f32
    %s = te.read %C[%c, %h, %v] : tensor<5x6x6xf32>
    %b = te.read %bias[%c] : tensor<5xf32>
    %t = arith.addf %s, %b : f32
    %n = arith.negf %t : f32
    %e = math.exp %n : f32
    %d = arith.addf %one, %e : f32
    %q = arith.divf %t, %d : f32
    te.yield %q : f32
  } : tensor<5x6x6xf32>
  func.return %S : tensor<5x6x6xf32>
}

// -----

// Reads at indices that are read; pairs; a reducer of the user's own; a scattered sum.
// CHECK:def gather(T: f32[10, 4], I: i64[7]) -> f32[7, 4]:
// CHECK-NEXT:    G[y, x] = T[I[y]*2 + 1, x]
// CHECK-NEXT:    return G
// CHECK-EMPTY:
// CHECK-NEXT:def argmax(A: f32[5, 9]) -> i64[5]:
// CHECK-NEXT:    V[y], N[y] = argmax((A[y, k], k) for k in range(9))
// CHECK-NEXT:    return N
// CHECK-EMPTY:
// CHECK-NEXT:def logical(A: i1[5, 9]) -> i1[5]:
// CHECK-NEXT:    no = False
// CHECK-NEXT:    R[y] = reduce(lambda a, b: a or b, (A[y, k] for k in range(9)), no)
// CHECK-NEXT:    return R
// CHECK-EMPTY:
// CHECK-NEXT:def scatter(T: f32[10], I: i64[7], V: f32[7]) -> f32[10]:
// CHECK-NEXT:    out = copy(T)  # f32[10]
// CHECK-NEXT:    for i in range(7):
// CHECK-NEXT:        out[I[i]] = max(out[I[i]], V[i])
// CHECK-NEXT:    return out
// CHECK-EMPTY:
// CHECK-NEXT:def total(A: f32[9]) -> f32:
// CHECK-NEXT:    S = sum(A[k] for k in range(9))
// CHECK-NEXT:    return S
func.func @gather(%T: tensor<10x4xf32>, %I: tensor<7xi64>) -> tensor<7x4xf32> {
  %G = te.compute "G" (%y = 0 to 7, %x = 0 to 4) {
    %i = te.read %I[%y] : tensor<7xi64>
    %j = arith.index_cast %i : i64 to index
    %v = te.read %T[%j * 2 + 1, %x] : tensor<10x4xf32>
    te.yield %v : f32
  } : tensor<7x4xf32>
  func.return %G : tensor<7x4xf32>
}
func.func @argmax(%A: tensor<5x9xf32>) -> tensor<5xi64> {
  %V, %N = te.compute "M" (%y = 0 to 5) argmax (%k = 0 to 9) {
    %v = te.read %A[%y, %k] : tensor<5x9xf32>
    %n = arith.index_cast %k : index to i64
    te.yield %v, %n : f32, i64
  } : tensor<5xf32>, tensor<5xi64>
  func.return %N : tensor<5xi64>
}
func.func @logical(%A: tensor<5x9xi1>) -> tensor<5xi1> {
  %no = arith.constant false
  %R = te.compute "R" (%y = 0 to 5) reduce (%k = 0 to 9) from (%no : i1) combine (%a, %b) {
    %o = arith.ori %a, %b : i1
    te.yield %o : i1
  } {
    %v = te.read %A[%y, %k] : tensor<5x9xi1>
    te.yield %v : i1
  } : tensor<5xi1>
  func.return %R : tensor<5xi1>
}
func.func @scatter(%T: tensor<10xf32>, %I: tensor<7xi64>, %V: tensor<7xf32>) -> tensor<10xf32> {
  %out = te.scatter "out" (%i = 0 to 7) max into %T {
    %n = te.read %I[%i] : tensor<7xi64>
    %j = arith.index_cast %n : i64 to index
    %v = te.read %V[%i] : tensor<7xf32>
    te.yield %v, %j : f32, index
  } : tensor<10xf32>
  func.return %out : tensor<10xf32>
}
func.func @total(%A: tensor<9xf32>) -> tensor<f32> {
  %S = te.compute "S" () sum (%k = 0 to 9) {
    %v = te.read %A[%k] : tensor<9xf32>
    te.yield %v : f32
  } : tensor<f32>
  func.return %S : tensor<f32>
}
