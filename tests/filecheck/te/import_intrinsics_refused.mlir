// RUN: not dovetail-opt %s -p 'import-intrinsics{library=vdla}' 2>&1 | filecheck %s
// RUN: not dovetail-opt %s -p 'import-intrinsics{library=vdle}' 2>&1 | filecheck %s --check-prefix UNKNOWN

// UNKNOWN: error: import-intrinsics: no library is called 'vdle': did you mean vdla? there are: vdla, amx, avx512bf16, mma, vnni, vta

// CHECK: error: import-intrinsics: library 'vdla' has another @gemm8x8 than the te.intrinsic of that name in the module; rename that one
// CHECK:   library:
// CHECK:     %x = te.read %a[%k, %i]
// CHECK:   module:
// CHECK:     %x = te.read %a[%i, %k]
te.intrinsic @gemm8x8 (%a: tensor<8x8xf32>, %b: tensor<8x8xf32>) {
  %c = te.compute "c" (%i = 0 to 8, %j = 0 to 8) sum (%k = 0 to 8) {
    %x = te.read %a[%i, %k] : tensor<8x8xf32>
    %y = te.read %b[%j, %k] : tensor<8x8xf32>
    %p = arith.mulf %x, %y : f32
    te.yield %p : f32
  } : tensor<8x8xf32>
  te.yield %c : tensor<8x8xf32>
} lower compute "gemm8x8" reset "fill_zero" update "fused_gemm8x8_add"
