// dovetail-opt -p schedule-kernels
builtin.module attributes {target = #target.target<"llvm -mcpu=x86-64-v3">} {
  func.func @double(%A: memref<64xf32>, %B: memref<64xf32>) {
    loop.for %i = 0 to 64 {
      loop.block "B" (%v < 64 = %i) {
        %a = loop.load %A[%v] : memref<64xf32>
        %b = arith.addf %a, %a : f32
        loop.store %b, %B[%v] : memref<64xf32>
      }
    }
    func.return
  }
}
// -----
builtin.module attributes {target = #target.target<"llvm -mcpu=x86-64-v3">} {
  func.func @double(%A: memref<64xf32>, %B: memref<64xf32>) attributes {dovetail.schedule = "split-loop{loop=\22i\22 factor=8},reorder-loops{loops=\22i_o\22,\22i_i\22},vectorize-loop{loop=\22i_i\22},parallelize-loop{loop=\22i_o\22}"} {
    loop.for %i_o = 0 to 8 parallel {
      loop.for %i_i = 0 to 8 vectorized {
        loop.block "B" (%v < 64 = %i_o * 8 + %i_i) {
          %a = loop.load %A[%v] : memref<64xf32>
          %b = arith.addf %a, %a : f32
          loop.store %b, %B[%v] : memref<64xf32>
        }
      }
    }
    func.return
  }
}
