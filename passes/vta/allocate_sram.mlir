// dovetail-opt -p allocate-sram
!x = memref<4x48xi8, #loop.layout<affine_map<(n, k) -> (n, k floordiv 16, 0, k mod 16)>, [4, 3, 1, 16]>>
!tile = memref<4x16xi8, #loop.layout<affine_map<(n, k) -> (n, k floordiv 16, 0, k mod 16)>, [4, 1, 1, 16]>, "inp">
builtin.module attributes {target = #target.target<"vta">} {
  func.func @two_tiles(%X: !x) {
    loop.for %k = 0 to 3 {
      %A = loop.alloc at [0, %k * 16] : !tile
      loop.copy %X to %A : !x to !tile
    }
    loop.for %l = 0 to 3 {
      %B = loop.alloc at [0, %l * 16] : !tile
      loop.copy %X to %B : !x to !tile
    }
    func.return
  }
}
// -----
builtin.module attributes {target = #target.target<"vta">} {
  func.func @two_tiles(%X: memref<4x48xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 16), 0, (d1 mod 16))>, [4, 3, 1, 16]>>) {
    loop.for %k = 0 to 3 {
      %A = loop.alloc at [0, %k * 16] {address = 0 : i64} : memref<4x16xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 16), 0, (d1 mod 16))>, [4, 1, 1, 16]>, "inp">
      loop.copy %X to %A : memref<4x48xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 16), 0, (d1 mod 16))>, [4, 3, 1, 16]>> to memref<4x16xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 16), 0, (d1 mod 16))>, [4, 1, 1, 16]>, "inp">
    }
    loop.for %l = 0 to 3 {
      %B = loop.alloc at [0, %l * 16] {address = 4 : i64} : memref<4x16xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 16), 0, (d1 mod 16))>, [4, 1, 1, 16]>, "inp">
      loop.copy %X to %B : memref<4x48xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 16), 0, (d1 mod 16))>, [4, 3, 1, 16]>> to memref<4x16xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 16), 0, (d1 mod 16))>, [4, 1, 1, 16]>, "inp">
    }
    func.return
  }
}
