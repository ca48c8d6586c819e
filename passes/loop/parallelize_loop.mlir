// dovetail-opt -p 'parallelize-loop{loop=i}'
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
    loop.for %i = 0 to 13 parallel {
      loop.block "B" (%v < 13 = %i) {
        %a = loop.load %A[%v] : memref<13xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %B[%v] : memref<13xf32>
      }
    }
    func.return
  }
}
