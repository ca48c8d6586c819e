// dovetail-opt -p 'transform-layout{buffer=A map="(y, x) -> (x floordiv 4, y, x mod 4)"}'
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
  func.func @double(%A: memref<13x8xf32, #loop.layout<affine_map<(d0, d1) -> ((d1 floordiv 4), d0, (d1 mod 4))>, [2, 13, 4]>>, %B: memref<13x8xf32>) {
    loop.for %y = 0 to 13 {
      loop.for %x = 0 to 8 {
        loop.block "B" (%v_y < 13 = %y, %v_x < 8 = %x) {
          %a = loop.load %A[%v_y, %v_x] : memref<13x8xf32, #loop.layout<affine_map<(d0, d1) -> ((d1 floordiv 4), d0, (d1 mod 4))>, [2, 13, 4]>>
          %b = arith.addf %a, %a : f32
          loop.store %b, %B[%v_y, %v_x] : memref<13x8xf32>
        }
      }
    }
    func.return
  }
}
