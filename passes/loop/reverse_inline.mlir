// dovetail-opt -p 'reverse-inline{block=D}'
func.func @flattened(%A: memref<3x4xf32>, %D: memref<12xf32>) {
  %C = loop.alloc : memref<3x4xf32>
  loop.for %y = 0 to 3 {
    loop.for %x = 0 to 4 {
      loop.block "C" (%v_y < 3 = %y, %v_x < 4 = %x) {
        %a = loop.load %A[%v_y, %v_x] : memref<3x4xf32>
        %s = arith.addf %a, %a : f32
        loop.store %s, %C[%v_y, %v_x] : memref<3x4xf32>
      }
    }
  }
  loop.for %i = 0 to 12 {
    loop.block "D" (%v < 12 = %i) {
      %c = loop.load %C[%v floordiv 4, %v mod 4] : memref<3x4xf32>
      %n = arith.negf %c : f32
      loop.store %n, %D[%v] : memref<12xf32>
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @flattened(%A: memref<3x4xf32>, %D: memref<12xf32>) {
    loop.for %y = 0 to 3 {
      loop.for %x = 0 to 4 {
        loop.block "C" (%v_y < 3 = %y, %v_x < 4 = %x) {
          %a = loop.load %A[%v_y, %v_x] : memref<3x4xf32>
          %s = arith.addf %a, %a : f32
          %n = arith.negf %s : f32
          loop.store %n, %D[%v_x + %v_y * 4] : memref<12xf32>
        }
      }
    }
    func.return
  }
}
