// AVX-512 VNNI: sums of four products of bytes, sixteen of them at once. One factor is unsigned and
// four bytes long, the same for all sums; the other is signed and has four bytes for each sum.
// vpdpbusd_signed is the same instruction with the signs the other way round.

te.intrinsic @vpdpbusd (%a: tensor<4xi8>, %b: tensor<16x4xi8>) {
  %c = te.compute "c" (%n = 0 to 16) sum (%k = 0 to 4) {
    %x = te.read %a[%k] : tensor<4xi8>
    %y = te.read %b[%n, %k] : tensor<16x4xi8>
    %x32 = arith.extui %x : i8 to i32
    %y32 = arith.extsi %y : i8 to i32
    %p = arith.muli %x32, %y32 : i32
    te.yield %p : i32
  } : tensor<16xi32>
  te.yield %c : tensor<16xi32>
} lower compute "vpdpbusd.compute" reset "vnni.zero" update "vpdpbusd.update" needs "avx512vnni" llvm [
  "declare <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32>, <64 x i8>, <64 x i8>)",
  "define internal void @vnni.zero(ptr %c) alwaysinline {",
  "  store <16 x i32> zeroinitializer, ptr %c, align 4",
  "  ret void",
  "}",
  "define internal void @vpdpbusd.compute(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  call void @vnni.zero(ptr %c)",
  "  call void @vpdpbusd.update(ptr %c, ptr %a, ptr %b)",
  "  ret void",
  "}",
  "define internal void @vpdpbusd.update(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  %old = load <16 x i32>, ptr %c, align 4",
  "  %four = load i32, ptr %a, align 1",
  "  %first = insertelement <16 x i32> poison, i32 %four, i64 0",
  "  %all = shufflevector <16 x i32> %first, <16 x i32> poison, <16 x i32> zeroinitializer",
  "  %x = bitcast <16 x i32> %all to <64 x i8>",
  "  %y = load <64 x i8>, ptr %b, align 1",
  "  %s = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %old, <64 x i8> %x, <64 x i8> %y)",
  "  store <16 x i32> %s, ptr %c, align 4",
  "  ret void",
  "}"
]

te.intrinsic @vpdpbusd_signed (%a: tensor<4xi8>, %b: tensor<16x4xi8>) {
  %c = te.compute "c" (%n = 0 to 16) sum (%k = 0 to 4) {
    %x = te.read %a[%k] : tensor<4xi8>
    %y = te.read %b[%n, %k] : tensor<16x4xi8>
    %x32 = arith.extsi %x : i8 to i32
    %y32 = arith.extui %y : i8 to i32
    %p = arith.muli %x32, %y32 : i32
    te.yield %p : i32
  } : tensor<16xi32>
  te.yield %c : tensor<16xi32>
} lower compute "vpdpbusd_signed.compute" reset "vnni.zero" update "vpdpbusd_signed.update" needs "avx512vnni" llvm [
  "declare <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32>, <64 x i8>, <64 x i8>)",
  "define internal void @vnni.zero(ptr %c) alwaysinline {",
  "  store <16 x i32> zeroinitializer, ptr %c, align 4",
  "  ret void",
  "}",
  "define internal void @vpdpbusd_signed.compute(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  call void @vnni.zero(ptr %c)",
  "  call void @vpdpbusd_signed.update(ptr %c, ptr %a, ptr %b)",
  "  ret void",
  "}",
  "define internal void @vpdpbusd_signed.update(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  %old = load <16 x i32>, ptr %c, align 4",
  "  %four = load i32, ptr %a, align 1",
  "  %first = insertelement <16 x i32> poison, i32 %four, i64 0",
  "  %all = shufflevector <16 x i32> %first, <16 x i32> poison, <16 x i32> zeroinitializer",
  "  %x = bitcast <16 x i32> %all to <64 x i8>",
  "  %y = load <64 x i8>, ptr %b, align 1",
  "  %s = call <16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32> %old, <64 x i8> %y, <64 x i8> %x)",
  "  store <16 x i32> %s, ptr %c, align 4",
  "  ret void",
  "}"
]
