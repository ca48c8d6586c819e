// dovetail-opt -p 'import-intrinsics{library=vdla}'
func.func @f() {
  func.return
}
// -----
builtin.module {
  te.intrinsic @gemm8x8 (%a: tensor<8x8xf32>, %b: tensor<8x8xf32>) {
    %c = te.compute "c" (%i = 0 to 8, %j = 0 to 8) sum (%k = 0 to 8) {
      %x = te.read %a[%k, %i] : tensor<8x8xf32>
      %y = te.read %b[%k, %j] : tensor<8x8xf32>
      %p = arith.mulf %x, %y : f32
      te.yield %p : f32
    } : tensor<8x8xf32>
    te.yield %c : tensor<8x8xf32>
  } lower compute "gemm8x8" reset "fill_zero" update "fused_gemm8x8_add" on "ex"
  te.intrinsic @fill_zero () {
    %c = te.compute "c" (%i = 0 to 8, %j = 0 to 8) {
      %zero = arith.constant 0.000000e+00 : f32
      te.yield %zero : f32
    } : tensor<8x8xf32>
    te.yield %c : tensor<8x8xf32>
  } lower compute "fill_zero" on "ex"
  te.intrinsic @fused_gemm8x8_add (%c: tensor<8x8xf32>, %a: tensor<8x8xf32>, %b: tensor<8x8xf32>) {
    %p = te.compute "p" (%i = 0 to 8, %j = 0 to 8) sum (%k = 0 to 8) {
      %x = te.read %a[%k, %i] : tensor<8x8xf32>
      %y = te.read %b[%k, %j] : tensor<8x8xf32>
      %xy = arith.mulf %x, %y : f32
      te.yield %xy : f32
    } : tensor<8x8xf32>
    %sum = te.compute "sum" (%i_1 "i" = 0 to 8, %j_1 "j" = 0 to 8) {
      %old = te.read %c[%i_1, %j_1] : tensor<8x8xf32>
      %new = te.read %p[%i_1, %j_1] : tensor<8x8xf32>
      %s = arith.addf %old, %new : f32
      te.yield %s : f32
    } : tensor<8x8xf32>
    te.yield %sum : tensor<8x8xf32>
  } lower compute "fused_gemm8x8_add" on "ex"
  te.intrinsic @dma_copy2d (%a: tensor<8x8xf32>) {
    %c = te.compute "c" (%i = 0 to 8, %j = 0 to 8) {
      %x = te.read %a[%i, %j] : tensor<8x8xf32>
      te.yield %x : f32
    } : tensor<8x8xf32>
    te.yield %c : tensor<8x8xf32>
  } lower compute "dma_copy2d"
  func.func @f() {
    func.return
  }
}
