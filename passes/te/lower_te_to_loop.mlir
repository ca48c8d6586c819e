// dovetail-opt -p lower-te-to-loop
func.func @rowsum(%A: tensor<8x20xf32>) -> tensor<8xf32> {
  %S = te.compute "S" (%r = 0 to 8) sum (%k = 0 to 20) {
    %a = te.read %A[%r, %k] : tensor<8x20xf32>
    te.yield %a : f32
  } : tensor<8xf32>
  func.return %S : tensor<8xf32>
}
// -----
builtin.module {
  func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
    loop.for %r = 0 to 8 {
      loop.for %k = 0 to 20 {
        loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k) init {
          %0 = arith.constant 0.000000e+00 : f32
          loop.store %0, %S[%v_r] : memref<8xf32>
        } {
          %acc = loop.load %S[%v_r] : memref<8xf32>
          %a = loop.load %A[%v_r, %v_k] : memref<8x20xf32>
          %1 = arith.addf %acc, %a fastmath<contract> : f32
          loop.store %1, %S[%v_r] : memref<8xf32>
        }
      }
    }
    func.return
  }
}
