// dovetail-opt -p 'split-loop{loop=k factor=16},prefetch-buffer{buffer=A ahead=k_o over=k_i}'
func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
  loop.for %r = 0 to 8 {
    loop.for %k = 0 to 20 {
      loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v_r] : memref<8xf32>
      } {
        %s = loop.load %S[%v_r] : memref<8xf32>
        %a = loop.load %A[%v_r, %v_k] : memref<8x20xf32>
        %t = arith.addf %s, %a : f32
        loop.store %t, %S[%v_r] : memref<8xf32>
      }
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
    loop.for %r = 0 to 8 {
      loop.for %k_o = 0 to 2 {
        loop.for %k_i = 0 to 16 {
          loop.prefetch %A[%r, %k_o * 16 + 16] + (%k_i * 16) locality 2 : memref<8x20xf32>
          loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k_o * 16 + %k_i) init {
            %zero = arith.constant 0.000000e+00 : f32
            loop.store %zero, %S[%v_r] : memref<8xf32>
          } {
            %s = loop.load %S[%v_r] : memref<8xf32>
            %a = loop.load %A[%v_r, %v_k] : memref<8x20xf32>
            %t = arith.addf %s, %a : f32
            loop.store %t, %S[%v_r] : memref<8xf32>
          }
        }
      }
    }
    func.return
  }
}
