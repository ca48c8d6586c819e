// RUN: dovetail-opt %s | dovetail-opt | filecheck %s
// RUN: dovetail-opt %s --print-op-generic | dovetail-opt | filecheck %s

// Symbolic extents, a padded read and a transposed one.
// CHECK-LABEL: func.func @matmul
// CHECK:         %m = te.dim "m"
// CHECK-NEXT:    %C = te.compute "C" (%y = 0 to 64, %x = 0 to %m) sum (%k = 0 to 32) {
// CHECK-NEXT:      %zero = arith.constant
// CHECK-NEXT:      %a = te.read %A[%k, %y] : tensor<32x64xf32>
// CHECK-NEXT:      %b = te.read %B[%k - 1, %x] where (%k - 1 >= 0) else %zero : tensor<32x?xf32, #loop.layout<[32, "m"]>>
// CHECK-NEXT:      %p = arith.mulf %a, %b : f32
// CHECK-NEXT:      te.yield %p : f32
// CHECK-NEXT:    } : tensor<64x?xf32, #loop.layout<[64, "m"]>>
func.func @matmul(%A: tensor<32x64xf32>, %B: tensor<32x?xf32, #loop.layout<[32, "m"]>>) -> tensor<64x?xf32, #loop.layout<[64, "m"]>> {
  %m = te.dim "m"
  %C = te.compute "C" (%y = 0 to 64, %x = 0 to %m) sum (%k = 0 to 32) {
    %zero = arith.constant 0.0 : f32
    %a = te.read %A[%k, %y] : tensor<32x64xf32>
    %b = te.read %B[%k - 1, %x] where (%k >= 1) else %zero : tensor<32x?xf32, #loop.layout<[32, "m"]>>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<64x?xf32, #loop.layout<[64, "m"]>>
  func.return %C : tensor<64x?xf32, #loop.layout<[64, "m"]>>
}

// A read at an index that is itself read.
// CHECK-LABEL: func.func @gather
// CHECK:         %j = arith.index_cast %i : i64 to index
// CHECK-NEXT:    %v = te.read %T[%j, %x] : tensor<10x4xf32>
func.func @gather(%T: tensor<10x4xf32>, %I: tensor<7xi64>) -> tensor<7x4xf32> {
  %G = te.compute "G" (%y = 0 to 7, %x = 0 to 4) {
    %i = te.read %I[%y] : tensor<7xi64>
    %j = arith.index_cast %i : i64 to index
    %v = te.read %T[%j, %x] : tensor<10x4xf32>
    te.yield %v : f32
  } : tensor<7x4xf32>
  func.return %G : tensor<7x4xf32>
}

// CHECK-LABEL: func.func @argmax
// CHECK:         %V, %N = te.compute "M" (%y = 0 to 5) argmax (%k = 0 to 9) {
// CHECK:           te.yield %v, %n : f32, i64
// CHECK-NEXT:    } : tensor<5xf32>, tensor<5xi64>
func.func @argmax(%A: tensor<5x9xf32>) -> tensor<5xi64> {
  %V, %N = te.compute "M" (%y = 0 to 5) argmax (%k = 0 to 9) {
    %v = te.read %A[%y, %k] : tensor<5x9xf32>
    %n = arith.index_cast %k : index to i64
    te.yield %v, %n : f32, i64
  } : tensor<5xf32>, tensor<5xi64>
  func.return %N : tensor<5xi64>
}

// A reducer of the user's own.
// CHECK-LABEL: func.func @logical
// CHECK:         reduce (%k = 0 to 9) from (%no : i1) combine (%a, %b) {
// CHECK-NEXT:      %o = arith.ori %a, %b : i1
// CHECK-NEXT:      te.yield %o : i1
// CHECK-NEXT:    } {
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

// CHECK-LABEL: func.func @scatter
// CHECK:         %out = te.scatter "out" (%i = 0 to 7) sum into %T {
// CHECK:           te.yield %v, %j : f32, index
// CHECK-NEXT:    } : tensor<10xf32>
func.func @scatter(%T: tensor<10xf32>, %I: tensor<7xi64>, %V: tensor<7xf32>) -> tensor<10xf32> {
  %out = te.scatter "out" (%i = 0 to 7) sum into %T {
    %n = te.read %I[%i] : tensor<7xi64>
    %j = arith.index_cast %n : i64 to index
    %v = te.read %V[%i] : tensor<7xf32>
    te.yield %v, %j : f32, index
  } : tensor<10xf32>
  func.return %out : tensor<10xf32>
}

// CHECK-LABEL: te.intrinsic @dot4 (%a: tensor<4xf32>, %b: tensor<4xf32>) {
// CHECK:         te.yield %c : tensor<f32>
// CHECK-NEXT:  } lower compute "dot4" reset "clear" update "dot4_add" on "ex"
te.intrinsic @dot4 (%a: tensor<4xf32>, %b: tensor<4xf32>) {
  %c = te.compute "c" () sum (%k = 0 to 4) {
    %x = te.read %a[%k] : tensor<4xf32>
    %y = te.read %b[%k] : tensor<4xf32>
    %p = arith.mulf %x, %y : f32
    te.yield %p : f32
  } : tensor<f32>
  te.yield %c : tensor<f32>
} lower compute "dot4" reset "clear" update "dot4_add" on "ex"

// An instruction of a CPU says what its calls are.
// CHECK:       } lower compute "copy" needs "avx2", "avx512vnni" llvm [
// CHECK-NEXT:    "define internal void @copy(ptr %c, ptr %a) {",
// CHECK-NEXT:    "  ret void ; \22nothing\22",
// CHECK-NEXT:    "}"
// CHECK-NEXT:  ]
te.intrinsic @copy (%a: tensor<4xf32>) {
  %c = te.compute "c" (%i = 0 to 4) {
    %x = te.read %a[%i] : tensor<4xf32>
    te.yield %x : f32
  } : tensor<4xf32>
  te.yield %c : tensor<4xf32>
} lower compute "copy" needs "avx2", "avx512vnni" llvm [
  "define internal void @copy(ptr %c, ptr %a) {", "  ret void ; \"nothing\"", "}"
]
