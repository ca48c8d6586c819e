// The instruction of the device `sample`. Rows times rows: vdla's gemm8x8 multiplies columns.
te.intrinsic @gemm8x8_rows (%w: tensor<8x8xf32>, %x: tensor<8x8xf32>) {
  %y = te.compute "y" (%i = 0 to 8, %j = 0 to 8) sum (%k = 0 to 8) {
    %a = te.read %w[%i, %k] : tensor<8x8xf32>
    %b = te.read %x[%j, %k] : tensor<8x8xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<8x8xf32>
  te.yield %y : tensor<8x8xf32>
} lower compute "gemm8x8" reset "fill_zero" update "fuse_gemm8x8_add"
