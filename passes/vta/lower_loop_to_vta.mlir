// dovetail-opt -p lower-loop-to-vta
!x = memref<4x48xi8, #loop.layout<affine_map<(n, k) -> (n, k floordiv 16, 0, k mod 16)>, [4, 3, 1, 16]>>
!w = memref<32x48xi8, #loop.layout<affine_map<(o, k) -> (o floordiv 16, k floordiv 16, o mod 16, k mod 16)>, [2, 3, 16, 16]>>
!xt = memref<4x16xi8, #loop.layout<affine_map<(n, k) -> (n, k floordiv 16, 0, k mod 16)>, [4, 1, 1, 16]>, "inp">
!wt = memref<32x16xi8, #loop.layout<affine_map<(o, k) -> (o floordiv 16, k floordiv 16, o mod 16, k mod 16)>, [2, 1, 16, 16]>, "wgt">
!ct = memref<4x32xi32, #loop.layout<affine_map<(n, o) -> (n, o floordiv 16, 0, o mod 16)>, [4, 2, 1, 16]>, "acc">
builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @gemm (%x: tensor<1x16xi8>, %w: tensor<16x16xi8>) {
    %c = te.compute "c" (%n = 0 to 1, %o = 0 to 16) sum (%k = 0 to 16) {
      %a = te.read %x[%n, %k] : tensor<1x16xi8>
      %b = te.read %w[%o, %k] : tensor<16x16xi8>
      %a32 = arith.extsi %a : i8 to i32
      %b32 = arith.extsi %b : i8 to i32
      %p = arith.muli %a32, %b32 : i32
      te.yield %p : i32
    } : tensor<1x16xi32>
    te.yield %c : tensor<1x16xi32>
  } lower compute "gemm" reset "gemm.reset" update "gemm" on "ex"
  func.func @matmul(%X: !x, %W: !w) {
    %C = loop.alloc {address = 0 : i64} : !ct
    loop.for %k = 0 to 3 {
      %X_inp = loop.alloc at [0, %k * 16] {address = 0 : i64} : !xt
      %W_wgt = loop.alloc at [0, %k * 16] {address = 0 : i64} : !wt
      loop.copy %X to %X_inp : !x to !xt
      loop.copy %W to %W_wgt : !w to !wt
      loop.push_dep "ld" to "ex"
      loop.pop_dep "ld" to "ex"
      loop.for %n = 0 to 4 {
        loop.for %o = 0 to 2 {
          loop.block "C" (%vn < 4 = %n, %vo < 2 = %o, reduce %vk < 3 = %k) {
            loop.intrinsic @gemm "update"(%C[%vn + i0, %vo * 16 + i1], %X_inp[%vn + i0, %vk * 16 + i1], %W_wgt[%vo * 16 + i0, %vk * 16 + i1]) writes 1 : !ct, !xt, !wt
          }
        }
      }
    }
    func.return
  }
}
// -----
builtin.module attributes {target = #target.target<"vta">} {
  te.intrinsic @gemm (%x: tensor<1x16xi8>, %w: tensor<16x16xi8>) {
    %c = te.compute "c" (%n = 0 to 1, %o = 0 to 16) sum (%k = 0 to 16) {
      %a = te.read %x[%n, %k] : tensor<1x16xi8>
      %b = te.read %w[%o, %k] : tensor<16x16xi8>
      %a32 = arith.extsi %a : i8 to i32
      %b32 = arith.extsi %b : i8 to i32
      %p = arith.muli %a32, %b32 : i32
      te.yield %p : i32
    } : tensor<1x16xi32>
    te.yield %c : tensor<1x16xi32>
  } lower compute "gemm" reset "gemm.reset" update "gemm" on "ex"
  func.func @matmul(%X: memref<4x48xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 16), 0, (d1 mod 16))>, [4, 3, 1, 16]>>, %W: memref<32x48xi8, #loop.layout<affine_map<(d0, d1) -> ((d0 floordiv 16), (d1 floordiv 16), (d0 mod 16), (d1 mod 16))>, [2, 3, 16, 16]>>) {
    loop.for %k = 0 to 3 {
      vta.load inp %X[%k] at [0] rows 4 of 1 stride 3 {label = "X_inp"} : memref<4x48xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 16), 0, (d1 mod 16))>, [4, 3, 1, 16]>>
      vta.load wgt %W[%k] at [0] rows 2 of 1 stride 3 {label = "W_wgt"} : memref<32x48xi8, #loop.layout<affine_map<(d0, d1) -> ((d0 floordiv 16), (d1 floordiv 16), (d0 mod 16), (d1 mod 16))>, [2, 3, 16, 16]>>
      vta.push_dep "load" to "compute"
      vta.pop_dep "load" to "compute"
      vta.gemm @uops at [0, 0, 0] outer 4 by [2, 1, 0] inner 2 by [1, 0, 1] {label = "C"}
    }
    vta.finish
    func.return
  }
  vta.uop_kernel @uops {(0, 0, 0)}
}
