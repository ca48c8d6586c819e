// AMX: products of matrices in tile registers. A tile has ${rows} rows (at most 16) of 64 bytes, and
// its elements lie side by side, one row after another, wherever it is kept; in registers it stays in
// one of the eight tile registers. tileload and tilestore move a tile from memory and back, row by
// row; the others compute on tiles alone. In the second factor four bytes, or two bfloats, of
// neighbouring steps of the sum lie side by side: 16 such groups in a row.
//
// $rows = 16, 14

te.intrinsic @tdpbssd_${rows} (%a: tensor<${rows}x16x4xi8>, %b: tensor<16x16x4xi8>) {
  %c = te.compute "c" (%i = 0 to $rows, %j = 0 to 16) sum (%k = 0 to 16, %l = 0 to 4) {
    %x = te.read %a[%i, %k, %l] : tensor<${rows}x16x4xi8>
    %y = te.read %b[%k, %j, %l] : tensor<16x16x4xi8>
    %x32 = arith.extsi %x : i8 to i32
    %y32 = arith.extsi %y : i8 to i32
    %p = arith.muli %x32, %y32 : i32
    te.yield %p : i32
  } : tensor<${rows}x16xi32>
  te.yield %c : tensor<${rows}x16xi32>
} lower compute "tdpbssd_${rows}.compute" reset "tilezero_${rows}" update "tdpbssd_${rows}.update" needs "amx-tile", "amx-int8" llvm [
  "declare x86_amx @llvm.x86.tilezero.internal(i16, i16)",
  "declare x86_amx @llvm.x86.tdpbssd.internal(i16, i16, i16, x86_amx, x86_amx, x86_amx)",
  "declare x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512>)",
  "declare <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx)",
  "declare x86_amx @llvm.x86.cast.vector.to.tile.v16i512(<16 x i512>)",
  "define internal void @tilezero_${rows}(ptr %c) alwaysinline {",
  "  %t = call x86_amx @llvm.x86.tilezero.internal(i16 $rows, i16 64)",
  "  %v = call <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx %t)",
  "  store <${rows} x i512> %v, ptr %c, align 4",
  "  ret void",
  "}",
  "define internal void @tdpbssd_${rows}.compute(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  call void @tilezero_${rows}(ptr %c)",
  "  call void @tdpbssd_${rows}.update(ptr %c, ptr %a, ptr %b)",
  "  ret void",
  "}",
  "define internal void @tdpbssd_${rows}.update(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  %old = load <${rows} x i512>, ptr %c, align 4",
  "  %x = load <${rows} x i512>, ptr %a, align 1",
  "  %y = load <16 x i512>, ptr %b, align 1",
  "  %s = call x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512> %old)",
  "  %ta = call x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512> %x)",
  "  %tb = call x86_amx @llvm.x86.cast.vector.to.tile.v16i512(<16 x i512> %y)",
  "  %r = call x86_amx @llvm.x86.tdpbssd.internal(i16 $rows, i16 64, i16 64, x86_amx %s, x86_amx %ta, x86_amx %tb)",
  "  %new = call <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx %r)",
  "  store <${rows} x i512> %new, ptr %c, align 4",
  "  ret void",
  "}"
]

te.intrinsic @tdpbusd_${rows} (%a: tensor<${rows}x16x4xi8>, %b: tensor<16x16x4xi8>) {
  %c = te.compute "c" (%i = 0 to $rows, %j = 0 to 16) sum (%k = 0 to 16, %l = 0 to 4) {
    %x = te.read %a[%i, %k, %l] : tensor<${rows}x16x4xi8>
    %y = te.read %b[%k, %j, %l] : tensor<16x16x4xi8>
    %x32 = arith.extui %x : i8 to i32
    %y32 = arith.extsi %y : i8 to i32
    %p = arith.muli %x32, %y32 : i32
    te.yield %p : i32
  } : tensor<${rows}x16xi32>
  te.yield %c : tensor<${rows}x16xi32>
} lower compute "tdpbusd_${rows}.compute" reset "tilezero_${rows}" update "tdpbusd_${rows}.update" needs "amx-tile", "amx-int8" llvm [
  "declare x86_amx @llvm.x86.tilezero.internal(i16, i16)",
  "declare x86_amx @llvm.x86.tdpbusd.internal(i16, i16, i16, x86_amx, x86_amx, x86_amx)",
  "declare x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512>)",
  "declare <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx)",
  "declare x86_amx @llvm.x86.cast.vector.to.tile.v16i512(<16 x i512>)",
  "define internal void @tilezero_${rows}(ptr %c) alwaysinline {",
  "  %t = call x86_amx @llvm.x86.tilezero.internal(i16 $rows, i16 64)",
  "  %v = call <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx %t)",
  "  store <${rows} x i512> %v, ptr %c, align 4",
  "  ret void",
  "}",
  "define internal void @tdpbusd_${rows}.compute(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  call void @tilezero_${rows}(ptr %c)",
  "  call void @tdpbusd_${rows}.update(ptr %c, ptr %a, ptr %b)",
  "  ret void",
  "}",
  "define internal void @tdpbusd_${rows}.update(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  %old = load <${rows} x i512>, ptr %c, align 4",
  "  %x = load <${rows} x i512>, ptr %a, align 1",
  "  %y = load <16 x i512>, ptr %b, align 1",
  "  %s = call x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512> %old)",
  "  %ta = call x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512> %x)",
  "  %tb = call x86_amx @llvm.x86.cast.vector.to.tile.v16i512(<16 x i512> %y)",
  "  %r = call x86_amx @llvm.x86.tdpbusd.internal(i16 $rows, i16 64, i16 64, x86_amx %s, x86_amx %ta, x86_amx %tb)",
  "  %new = call <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx %r)",
  "  store <${rows} x i512> %new, ptr %c, align 4",
  "  ret void",
  "}"
]

te.intrinsic @tdpbf16ps_${rows} (%a: tensor<${rows}x16x2xbf16>, %b: tensor<16x16x2xbf16>) {
  %c = te.compute "c" (%i = 0 to $rows, %j = 0 to 16) sum (%k = 0 to 16, %l = 0 to 2) {
    %x = te.read %a[%i, %k, %l] : tensor<${rows}x16x2xbf16>
    %y = te.read %b[%k, %j, %l] : tensor<16x16x2xbf16>
    %x32 = arith.extf %x : bf16 to f32
    %y32 = arith.extf %y : bf16 to f32
    %p = arith.mulf %x32, %y32 : f32
    te.yield %p : f32
  } : tensor<${rows}x16xf32>
  te.yield %c : tensor<${rows}x16xf32>
} lower compute "tdpbf16ps_${rows}.compute" reset "tilezero_${rows}" update "tdpbf16ps_${rows}.update" needs "amx-tile", "amx-bf16" llvm [
  "declare x86_amx @llvm.x86.tilezero.internal(i16, i16)",
  "declare x86_amx @llvm.x86.tdpbf16ps.internal(i16, i16, i16, x86_amx, x86_amx, x86_amx)",
  "declare x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512>)",
  "declare <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx)",
  "declare x86_amx @llvm.x86.cast.vector.to.tile.v16i512(<16 x i512>)",
  "define internal void @tilezero_${rows}(ptr %c) alwaysinline {",
  "  %t = call x86_amx @llvm.x86.tilezero.internal(i16 $rows, i16 64)",
  "  %v = call <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx %t)",
  "  store <${rows} x i512> %v, ptr %c, align 4",
  "  ret void",
  "}",
  "define internal void @tdpbf16ps_${rows}.compute(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  call void @tilezero_${rows}(ptr %c)",
  "  call void @tdpbf16ps_${rows}.update(ptr %c, ptr %a, ptr %b)",
  "  ret void",
  "}",
  "define internal void @tdpbf16ps_${rows}.update(ptr %c, ptr %a, ptr %b) alwaysinline {",
  "  %old = load <${rows} x i512>, ptr %c, align 4",
  "  %x = load <${rows} x i512>, ptr %a, align 1",
  "  %y = load <16 x i512>, ptr %b, align 1",
  "  %s = call x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512> %old)",
  "  %ta = call x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512> %x)",
  "  %tb = call x86_amx @llvm.x86.cast.vector.to.tile.v16i512(<16 x i512> %y)",
  "  %r = call x86_amx @llvm.x86.tdpbf16ps.internal(i16 $rows, i16 64, i16 64, x86_amx %s, x86_amx %ta, x86_amx %tb)",
  "  %new = call <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx %r)",
  "  store <${rows} x i512> %new, ptr %c, align 4",
  "  ret void",
  "}"
]

te.intrinsic @tileload_i8_${rows} (%m: tensor<${rows}x16x4xi8>) {
  %t = te.compute "t" (%i = 0 to $rows, %j = 0 to 16, %l = 0 to 4) {
    %x = te.read %m[%i, %j, %l] : tensor<${rows}x16x4xi8>
    te.yield %x : i8
  } : tensor<${rows}x16x4xi8>
  te.yield %t : tensor<${rows}x16x4xi8>
} lower compute "tileload_i8_${rows}" needs "amx-tile" llvm [
  "declare x86_amx @llvm.x86.tileloadd64.internal(i16, i16, ptr, i64)",
  "declare <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx)",
  "define internal void @tileload_i8_${rows}(ptr %t, ptr %m, i64 %m_stride_0) alwaysinline {",
  "  %x = call x86_amx @llvm.x86.tileloadd64.internal(i16 $rows, i16 64, ptr %m, i64 %m_stride_0)",
  "  %v = call <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx %x)",
  "  store <${rows} x i512> %v, ptr %t, align 1",
  "  ret void",
  "}"
]

te.intrinsic @tileload_i8_groups (%m: tensor<16x16x4xi8>) {
  %t = te.compute "t" (%i = 0 to 16, %j = 0 to 16, %l = 0 to 4) {
    %x = te.read %m[%i, %j, %l] : tensor<16x16x4xi8>
    te.yield %x : i8
  } : tensor<16x16x4xi8>
  te.yield %t : tensor<16x16x4xi8>
} lower compute "tileload_i8_groups" needs "amx-tile" llvm [
  "declare x86_amx @llvm.x86.tileloadd64.internal(i16, i16, ptr, i64)",
  "declare <16 x i512> @llvm.x86.cast.tile.to.vector.v16i512(x86_amx)",
  "define internal void @tileload_i8_groups(ptr %t, ptr %m, i64 %m_stride_0) alwaysinline {",
  "  %x = call x86_amx @llvm.x86.tileloadd64.internal(i16 16, i16 64, ptr %m, i64 %m_stride_0)",
  "  %v = call <16 x i512> @llvm.x86.cast.tile.to.vector.v16i512(x86_amx %x)",
  "  store <16 x i512> %v, ptr %t, align 1",
  "  ret void",
  "}"
]

te.intrinsic @tileload_bf16_${rows} (%m: tensor<${rows}x16x2xbf16>) {
  %t = te.compute "t" (%i = 0 to $rows, %j = 0 to 16, %l = 0 to 2) {
    %x = te.read %m[%i, %j, %l] : tensor<${rows}x16x2xbf16>
    te.yield %x : bf16
  } : tensor<${rows}x16x2xbf16>
  te.yield %t : tensor<${rows}x16x2xbf16>
} lower compute "tileload_bf16_${rows}" needs "amx-tile" llvm [
  "declare x86_amx @llvm.x86.tileloadd64.internal(i16, i16, ptr, i64)",
  "declare <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx)",
  "define internal void @tileload_bf16_${rows}(ptr %t, ptr %m, i64 %m_stride_0) alwaysinline {",
  "  %x = call x86_amx @llvm.x86.tileloadd64.internal(i16 $rows, i16 64, ptr %m, i64 %m_stride_0)",
  "  %v = call <${rows} x i512> @llvm.x86.cast.tile.to.vector.v${rows}i512(x86_amx %x)",
  "  store <${rows} x i512> %v, ptr %t, align 1",
  "  ret void",
  "}"
]

te.intrinsic @tileload_bf16_groups (%m: tensor<16x16x2xbf16>) {
  %t = te.compute "t" (%i = 0 to 16, %j = 0 to 16, %l = 0 to 2) {
    %x = te.read %m[%i, %j, %l] : tensor<16x16x2xbf16>
    te.yield %x : bf16
  } : tensor<16x16x2xbf16>
  te.yield %t : tensor<16x16x2xbf16>
} lower compute "tileload_bf16_groups" needs "amx-tile" llvm [
  "declare x86_amx @llvm.x86.tileloadd64.internal(i16, i16, ptr, i64)",
  "declare <16 x i512> @llvm.x86.cast.tile.to.vector.v16i512(x86_amx)",
  "define internal void @tileload_bf16_groups(ptr %t, ptr %m, i64 %m_stride_0) alwaysinline {",
  "  %x = call x86_amx @llvm.x86.tileloadd64.internal(i16 16, i16 64, ptr %m, i64 %m_stride_0)",
  "  %v = call <16 x i512> @llvm.x86.cast.tile.to.vector.v16i512(x86_amx %x)",
  "  store <16 x i512> %v, ptr %t, align 1",
  "  ret void",
  "}"
]

te.intrinsic @tilestore_i32_${rows} (%t: tensor<${rows}x16xi32>) {
  %m = te.compute "m" (%i = 0 to $rows, %j = 0 to 16) {
    %x = te.read %t[%i, %j] : tensor<${rows}x16xi32>
    te.yield %x : i32
  } : tensor<${rows}x16xi32>
  te.yield %m : tensor<${rows}x16xi32>
} lower compute "tilestore_i32_${rows}" needs "amx-tile" llvm [
  "declare void @llvm.x86.tilestored64.internal(i16, i16, ptr, i64, x86_amx)",
  "declare x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512>)",
  "define internal void @tilestore_i32_${rows}(ptr %m, i64 %m_stride_0, ptr %t) alwaysinline {",
  "  %v = load <${rows} x i512>, ptr %t, align 4",
  "  %x = call x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512> %v)",
  "  call void @llvm.x86.tilestored64.internal(i16 $rows, i16 64, ptr %m, i64 %m_stride_0, x86_amx %x)",
  "  ret void",
  "}"
]

te.intrinsic @tilestore_f32_${rows} (%t: tensor<${rows}x16xf32>) {
  %m = te.compute "m" (%i = 0 to $rows, %j = 0 to 16) {
    %x = te.read %t[%i, %j] : tensor<${rows}x16xf32>
    te.yield %x : f32
  } : tensor<${rows}x16xf32>
  te.yield %m : tensor<${rows}x16xf32>
} lower compute "tilestore_f32_${rows}" needs "amx-tile" llvm [
  "declare void @llvm.x86.tilestored64.internal(i16, i16, ptr, i64, x86_amx)",
  "declare x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512>)",
  "define internal void @tilestore_f32_${rows}(ptr %m, i64 %m_stride_0, ptr %t) alwaysinline {",
  "  %v = load <${rows} x i512>, ptr %t, align 4",
  "  %x = call x86_amx @llvm.x86.cast.vector.to.tile.v${rows}i512(<${rows} x i512> %v)",
  "  call void @llvm.x86.tilestored64.internal(i16 $rows, i16 64, ptr %m, i64 %m_stride_0, x86_amx %x)",
  "  ret void",
  "}"
]
