// dovetail-opt -p 'fuse-loops{loops=y,x}'
func.func @double(%A: memref<13x6xf32>, %B: memref<13x6xf32>) {
  loop.for %y = 0 to 13 {
    loop.for %x = 0 to 6 {
      loop.block "B" (%v_y < 13 = %y, %v_x < 6 = %x) {
        %a = loop.load %A[%v_y, %v_x] : memref<13x6xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %B[%v_y, %v_x] : memref<13x6xf32>
      }
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @double(%A: memref<13x6xf32>, %B: memref<13x6xf32>) {
    loop.for %y_x_f = 0 to 78 {
      loop.block "B" (%v_y < 13 = %y_x_f floordiv 6, %v_x < 6 = %y_x_f mod 6) {
        %a = loop.load %A[%v_y, %v_x] : memref<13x6xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %B[%v_y, %v_x] : memref<13x6xf32>
      }
    }
    func.return
  }
}
