// AVX-512 BF16: sums of two products of bfloats in single precision, sixteen of them at once. One
// factor is two bfloats long, the same for all sums; the other has two bfloats for each sum.

te.intrinsic @vdpbf16ps (%a: tensor<2xbf16>, %b: tensor<16x2xbf16>) {
  %c = te.compute "c" (%n = 0 to 16) sum (%k = 0 to 2) {
    %x = te.read %a[%k] : tensor<2xbf16>
    %y = te.read %b[%n, %k] : tensor<16x2xbf16>
    %x32 = arith.extf %x : bf16 to f32
    %y32 = arith.extf %y : bf16 to f32
    %p = arith.mulf %x32, %y32 : f32
    te.yield %p : f32
  } : tensor<16xf32>
  te.yield %c : tensor<16xf32>
} lower compute "vdpbf16ps.compute" reset "vdpbf16ps.zero" update "vdpbf16ps.update" needs "avx512bf16" llvm [
  "declare <16 x float> @llvm.x86.avx512bf16.dpbf16ps.512(<16 x float>, <32 x bfloat>, <32 x bfloat>)",
  "define internal void @vdpbf16ps.zero(ptr %c) alwaysinline {",
  "  store <16 x float> zeroinitializer, ptr %c, align 4",
  "  ret void",
  "}",
  "define internal void @vdpbf16ps.compute(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  call void @vdpbf16ps.zero(ptr %c)",
  "  call void @vdpbf16ps.update(ptr %c, ptr %a, ptr %b)",
  "  ret void",
  "}",
  "define internal void @vdpbf16ps.update(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  %old = load <16 x float>, ptr %c, align 4",
  "  %two = load i32, ptr %a, align 2",
  "  %first = insertelement <16 x i32> poison, i32 %two, i64 0",
  "  %all = shufflevector <16 x i32> %first, <16 x i32> poison, <16 x i32> zeroinitializer",
  "  %x = bitcast <16 x i32> %all to <32 x bfloat>",
  "  %y = load <32 x bfloat>, ptr %b, align 2",
  "  %s = call <16 x float> @llvm.x86.avx512bf16.dpbf16ps.512(<16 x float> %old, <32 x bfloat> %x, <32 x bfloat> %y)",
  "  store <16 x float> %s, ptr %c, align 4",
  "  ret void",
  "}"
]
