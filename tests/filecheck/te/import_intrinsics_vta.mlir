// RUN: dovetail-opt %s -p 'import-intrinsics{library=vta}' | filecheck %s
// RUN: dovetail-opt %s --set-target vta -p 'import-intrinsics{library=vta}' | filecheck %s --check-prefix USUAL

// The extents are those of the target's memories.
// CHECK:       te.intrinsic @gemm (%x: tensor<2x8xi8>, %w: tensor<8x8xi8>) {
// CHECK-NEXT:    %c = te.compute "c" (%n = 0 to 2, %oc = 0 to 8) sum (%ic = 0 to 8) {
// CHECK:       } lower compute "gemm" reset "gemm.reset" update "gemm" on "ex"
// CHECK:       te.intrinsic @shr_imm (%x: tensor<2x8xi32>, %imm: i32) {
// CHECK:         arith.shrsi %a, %imm : i32
// CHECK:       } lower compute "alu.shr" on "ex"
// CHECK:       te.intrinsic @cast (%x: tensor<2x8xi32>) {
// USUAL:       te.intrinsic @gemm (%x: tensor<1x16xi8>, %w: tensor<16x16xi8>) {
builtin.module attributes {target = #target.target<"vta -config=2x8_i8w8a32_10_11_12_13">} {
}
