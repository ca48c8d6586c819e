// dovetail-opt -p expand-unrolled-loops
func.func @double(%A: memref<13xf32>, %B: memref<13xf32>) {
  loop.for %i_o = 0 to 7 {
    loop.for %i_i = 0 to 2 unrolled {
      loop.block "B" (%v < 13 = %i_o * 2 + %i_i) {
        %a = loop.load %A[%v] : memref<13xf32>
        loop.store %a, %B[%v] : memref<13xf32>
      }
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @double(%A: memref<13xf32>, %B: memref<13xf32>) {
    loop.for %i_o = 0 to 7 {
      loop.block "B" (%v < 13 = %i_o * 2) {
        %a = loop.load %A[%v] : memref<13xf32>
        loop.store %a, %B[%v] : memref<13xf32>
      }
      loop.block "B_1" (%v_1 < 13 = %i_o * 2 + 1) {
        %a_1 = loop.load %A[%v_1] : memref<13xf32>
        loop.store %a_1, %B[%v_1] : memref<13xf32>
      }
    }
    func.return
  }
}
