// RUN: dovetail-opt %s --set-target 'llvm -mcpu=znver4' -p 'import-intrinsics{library=vnni},lower-te-to-loop,schedule-kernels' | filecheck %s --check-prefix=VNNI
// RUN: dovetail-opt %s --set-target 'llvm -mcpu=sapphirerapids' -p 'import-intrinsics{library="amx+vnni"},lower-te-to-loop,schedule-kernels' | filecheck %s --check-prefix=AMX
// RUN: dovetail-opt %s --set-target 'llvm -mcpu=x86-64-v3' -p 'import-intrinsics{library=vnni},lower-te-to-loop,schedule-kernels' | filecheck %s --check-prefix=NONE

// A tile of vectors: weights laid out for it, one call an unrolled point, the copy out in vectors.
// VNNI:      func.func @matmul
// VNNI:        loop.alloc at [%y_o * {{[0-9]+}}, %x_o * 64] : memref<{{[0-9]+}}x64xi32, "register">
// VNNI:        loop.for %k_o = 0 to 16 {
// VNNI-NEXT:     loop.for %y_i = 0 to {{[0-9]+}} unrolled {
// VNNI-NEXT:       loop.for %x_r = 0 to 4 unrolled {
// VNNI-NEXT:         loop.block "C"
// VNNI-NEXT:           loop.intrinsic @vpdpbusd "update"
// VNNI:        loop.for %C_register_out_x_t = 0 to 16 vectorized {

// 2 x 2 tiles of results, and two of each factor, which are loaded by an instruction.
// AMX:       func.func @matmul
// AMX:         loop.intrinsic @tdpbusd_16 "reset"
// AMX:         loop.for %k_o = 0 to 1 {
// AMX:           loop.for %B_register_in_d1_o = 0 to 2 unrolled {
// AMX:             loop.intrinsic @tileload_i8_16 "compute"(%B_register
// AMX:           loop.for %A_register_in_d0_o = 0 to 2 unrolled {
// AMX:             loop.intrinsic @tileload_i8_16 "compute"(%A_register
// AMX:           loop.for %y_r = 0 to 2 unrolled {
// AMX:             loop.for %x_r = 0 to 2 unrolled {
// AMX:               loop.intrinsic @tdpbusd_16 "update"
// AMX:         loop.intrinsic @tilestore_i32_16 "compute"

// NONE:      func.func @matmul
// NONE-NOT:  loop.intrinsic
func.func @matmul(%A: tensor<64x64xi8>, %B: tensor<64x64xi8> {dovetail.weight}) -> tensor<64x64xi32> {
  %C = te.compute "C" (%y = 0 to 64, %x = 0 to 64) sum (%k = 0 to 64) {
    %a = te.read %A[%y, %k] : tensor<64x64xi8>
    %b = te.read %B[%k, %x] : tensor<64x64xi8>
    %aw = arith.extui %a : i8 to i32
    %bw = arith.extsi %b : i8 to i32
    %p = arith.muli %aw, %bw : i32
    te.yield %p : i32
  } : tensor<64x64xi32>
  func.return %C : tensor<64x64xi32>
}
