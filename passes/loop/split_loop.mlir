// dovetail-opt -p 'split-loop{loop=i factor=4}'
func.func @double(%A: memref<13xf32>, %B: memref<13xf32>) {
  loop.for %i = 0 to 13 {
    loop.block "B" (%v < 13 = %i) {
      %a = loop.load %A[%v] : memref<13xf32>
      %b = arith.addf %a, %a : f32
      loop.store %b, %B[%v] : memref<13xf32>
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @double(%A: memref<13xf32>, %B: memref<13xf32>) {
    loop.for %i_o = 0 to 4 {
      loop.for %i_i = 0 to 4 {
        loop.block "B" (%v < 13 = %i_o * 4 + %i_i) {
          %a = loop.load %A[%v] : memref<13xf32>
          %b = arith.addf %a, %a : f32
          loop.store %b, %B[%v] : memref<13xf32>
        }
      }
    }
    func.return
  }
}
