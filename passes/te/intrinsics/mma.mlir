// The matrix instruction of a GPU's tensor cores: 16x16x16, f16 with sums in f32. The threads of a
// warp do it together on real hardware; here one thread of a schedule stands for a warp.

te.intrinsic @mma16x16x16 (%a: tensor<16x16xf16>, %b: tensor<16x16xf16>) {
  %c = te.compute "c" (%i = 0 to 16, %j = 0 to 16) sum (%k = 0 to 16) {
    %x = te.read %a[%i, %k] : tensor<16x16xf16>
    %y = te.read %b[%k, %j] : tensor<16x16xf16>
    %wx = arith.extf %x : f16 to f32
    %wy = arith.extf %y : f16 to f32
    %p = arith.mulf %wx, %wy : f32
    te.yield %p : f32
  } : tensor<16x16xf32>
  te.yield %c : tensor<16x16xf32>
} lower compute "mma16x16x16" reset "fill_fragment" update "mma_sync16x16x16"
