// dovetail-opt -p hoist-allocations
func.func private @chain(%A: memref<13xf32>, %D: memref<13xf32>) {
  %B = loop.alloc : memref<13xf32>
  loop.for %i = 0 to 13 {
    loop.block "B" (%v < 13 = %i) {
      %a = loop.load %A[%v] : memref<13xf32>
      %b = arith.addf %a, %a : f32
      loop.store %b, %B[%v] : memref<13xf32>
    }
  }
  loop.for %j = 0 to 13 {
    loop.block "D" (%v < 13 = %j) {
      %b = loop.load %B[%v] : memref<13xf32>
      %d = math.sqrt %b : f32
      loop.store %d, %D[%v] : memref<13xf32>
    }
  }
  func.return
}
// -----
builtin.module {
  func.func private @chain(%A: memref<13xf32>, %D: memref<13xf32>, %B: memref<13xf32> {dovetail.scratch}) {
    loop.for %i = 0 to 13 {
      loop.block "B" (%v < 13 = %i) {
        %a = loop.load %A[%v] : memref<13xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %B[%v] : memref<13xf32>
      }
    }
    loop.for %j = 0 to 13 {
      loop.block "D" (%v_1 < 13 = %j) {
        %b_1 = loop.load %B[%v_1] : memref<13xf32>
        %d = math.sqrt %b_1 : f32
        loop.store %d, %D[%v_1] : memref<13xf32>
      }
    }
    func.return
  }
}
