// dovetail-opt -p 'vectorize-loop{loop=x}'
func.func @double(%A: memref<13x8xf32>, %B: memref<13x8xf32>) {
  loop.for %y = 0 to 13 {
    loop.for %x = 0 to 8 {
      loop.block "B" (%v_y < 13 = %y, %v_x < 8 = %x) {
        %a = loop.load %A[%v_y, %v_x] : memref<13x8xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %B[%v_y, %v_x] : memref<13x8xf32>
      }
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @double(%A: memref<13x8xf32>, %B: memref<13x8xf32>) {
    loop.for %y = 0 to 13 {
      loop.for %x = 0 to 8 vectorized {
        loop.block "B" (%v_y < 13 = %y, %v_x < 8 = %x) {
          %a = loop.load %A[%v_y, %v_x] : memref<13x8xf32>
          %b = arith.addf %a, %a : f32
          loop.store %b, %B[%v_y, %v_x] : memref<13x8xf32>
        }
      }
    }
    func.return
  }
}
