// RUN: dovetail-opt %s -p 'import-intrinsics{library=vdla}' | filecheck %s
// RUN: dovetail-opt %s -p 'import-intrinsics{library=vdla},import-intrinsics{library=vdla}' | filecheck %s

// The library comes first, in its order; @fill_zero, which is there already, stays where it is.
// CHECK:       builtin.module {
// CHECK-NEXT:    te.intrinsic @gemm8x8 (%a: tensor<8x8xf32>, %b: tensor<8x8xf32>) {
// CHECK-NEXT:      %c = te.compute "c" (%i = 0 to 8, %j = 0 to 8) sum (%k = 0 to 8) {
// CHECK-NEXT:        %x = te.read %a[%k, %i] : tensor<8x8xf32>
// CHECK-NEXT:        %y = te.read %b[%k, %j] : tensor<8x8xf32>
// CHECK:         } lower compute "gemm8x8" reset "fill_zero" update "fused_gemm8x8_add"
// CHECK-NEXT:    te.intrinsic @fused_gemm8x8_add
// CHECK:         te.intrinsic @dma_copy2d
// CHECK:         func.func @f()
// CHECK:         te.intrinsic @fill_zero () {
// CHECK-NOT:     te.intrinsic
func.func @f() {
  func.return
}

te.intrinsic @fill_zero () {
  %c = te.compute "c" (%i = 0 to 8, %j = 0 to 8) {
    %zero = arith.constant 0.0 : f32
    te.yield %zero : f32
  } : tensor<8x8xf32>
  te.yield %c : tensor<8x8xf32>
} lower compute "fill_zero" on "ex"
