// dovetail-opt -p 'compute-in-place{block=S}'
func.func @shift(%A: memref<8xi32>, %O: memref<8xi8>) {
  %C = loop.alloc : memref<8xi32>
  %S = loop.alloc : memref<8xi32>
  loop.for %i = 0 to 8 {
    loop.block "C" (%v < 8 = %i) {
      %a = loop.load %A[%v] : memref<8xi32>
      loop.store %a, %C[%v] : memref<8xi32>
    }
    loop.block "S" (%v < 8 = %i) {
      %c = loop.load %C[%v] : memref<8xi32>
      %k = arith.constant 4 : i32
      %s = arith.shrsi %c, %k : i32
      loop.store %s, %S[%v] : memref<8xi32>
    }
    loop.block "O" (%v < 8 = %i) {
      %s = loop.load %S[%v] : memref<8xi32>
      %o = arith.trunci %s : i32 to i8
      loop.store %o, %O[%v] : memref<8xi8>
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @shift(%A: memref<8xi32>, %O: memref<8xi8>) {
    %C = loop.alloc : memref<8xi32>
    loop.for %i = 0 to 8 {
      loop.block "C" (%v < 8 = %i) {
        %a = loop.load %A[%v] : memref<8xi32>
        loop.store %a, %C[%v] : memref<8xi32>
      }
      loop.block "S" (%v_1 < 8 = %i) {
        %c = loop.load %C[%v_1] : memref<8xi32>
        %k = arith.constant 4 : i32
        %s = arith.shrsi %c, %k : i32
        loop.store %s, %C[%v_1] : memref<8xi32>
      }
      loop.block "O" (%v_2 < 8 = %i) {
        %s_1 = loop.load %C[%v_2] : memref<8xi32>
        %o = arith.trunci %s_1 : i32 to i8
        loop.store %o, %O[%v_2] : memref<8xi8>
      }
    }
    func.return
  }
}
