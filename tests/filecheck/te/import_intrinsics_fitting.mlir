// RUN: dovetail-opt %s --set-target 'llvm -mcpu=sapphirerapids' -p 'import-intrinsics{library=amx fitting=true},import-intrinsics{library=avx512bf16 fitting=true}' | filecheck %s
// RUN: dovetail-opt %s --set-target 'llvm -mcpu=x86-64-v3' -p 'import-intrinsics{library=amx fitting=true}' | filecheck %s --check-prefix=LACKS

// Instructions on the types that functions widen and multiply, where the target has them.
// CHECK-NOT:   bf16
// CHECK:       te.intrinsic @tdpbssd_16
// CHECK-NOT:   bf16
// CHECK:       te.intrinsic @tilestore_i32_14
// CHECK-NOT:   te.intrinsic
// CHECK:       func.func @dot

// LACKS-NOT:   te.intrinsic
// LACKS:       func.func @dot
func.func @dot(%A: tensor<4xi8>, %B: tensor<4xf32>) -> (tensor<i32>, tensor<4xf32>) {
  %S = te.compute "S" () sum (%k = 0 to 4) {
    %a = te.read %A[%k] : tensor<4xi8>
    %w = arith.extsi %a : i8 to i32
    %p = arith.muli %w, %w : i32
    te.yield %p : i32
  } : tensor<i32>
  %T = te.compute "T" (%i = 0 to 4) {
    %b = te.read %B[%i] : tensor<4xf32>
    %n = arith.truncf %b : f32 to bf16
    %m = arith.extf %n : bf16 to f32
    te.yield %m : f32
  } : tensor<4xf32>
  func.return %S, %T : tensor<i32>, tensor<4xf32>
}
