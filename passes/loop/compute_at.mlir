// dovetail-opt -p 'split-loop{loop=j factor=4},compute-at{block=B at=j_o}'
func.func @edges(%A: memref<13xf32>, %D: memref<11xf32>) {
  %B = loop.alloc : memref<13xf32>
  loop.for %i = 0 to 13 {
    loop.block "B" (%v_i < 13 = %i) {
      %a = loop.load %A[%v_i] : memref<13xf32>
      %b = math.sqrt %a : f32
      loop.store %b, %B[%v_i] : memref<13xf32>
    }
  }
  loop.for %j = 0 to 11 {
    loop.block "D" (%v_j < 11 = %j) {
      %l = loop.load %B[%v_j] : memref<13xf32>
      %r = loop.load %B[%v_j + 2] : memref<13xf32>
      %d = arith.subf %r, %l : f32
      loop.store %d, %D[%v_j] : memref<11xf32>
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @edges(%A: memref<13xf32>, %D: memref<11xf32>) {
    %B = loop.alloc : memref<13xf32>
    loop.for %j_o = 0 to 3 {
      loop.for %B_i = 0 to 6 {
        loop.block "B" (%v_i < 13 = %j_o * 4 + %B_i) {
          %a = loop.load %A[%v_i] : memref<13xf32>
          %b = math.sqrt %a : f32
          loop.store %b, %B[%v_i] : memref<13xf32>
        }
      }
      loop.for %j_i = 0 to 4 {
        loop.block "D" (%v_j < 11 = %j_o * 4 + %j_i) {
          %l = loop.load %B[%v_j] : memref<13xf32>
          %r = loop.load %B[%v_j + 2] : memref<13xf32>
          %d = arith.subf %r, %l : f32
          loop.store %d, %D[%v_j] : memref<11xf32>
        }
      }
    }
    func.return
  }
}
