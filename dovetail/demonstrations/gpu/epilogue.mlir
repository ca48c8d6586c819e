// dovetail-opt --set-target 'nvptx -mcpu=sm_90' -p 'lower-te-to-loop, inline-compute{block=scaled}, transform-layout{buffer=W map="(k, o) -> (o floordiv 8, k, o mod 8)"}, tile-loops{loops=C_y,o sizes=8,8 names=by,bx,y_i,o_i block=C}, reorder-loops{loops=by,bx,y_i,o_i,C_k}, bind-thread{loop=by axis="blockIdx.y"}, bind-thread{loop=bx axis="blockIdx.x"}, bind-thread{loop=y_i axis="threadIdx.y"}, bind-thread{loop=o_i axis="threadIdx.x"}, reverse-compute-at{block=O at=o_i}, promote-memory-scope{buffer=C scope=local at=o_i}, insert-thread-barriers'
// One result a thread, rectified before it leaves its thread.
func.func @layer(%X: tensor<13x11xf32>, %W: tensor<11x21xf32>) -> tensor<13x21xf32> {
  %scaled = te.compute "scaled" (%y = 0 to 13, %k = 0 to 11) {
    %x = te.read %X[%y, %k] : tensor<13x11xf32>
    %two = arith.constant 2.0 : f32
    %s = arith.mulf %x, %two : f32
    te.yield %s : f32
  } : tensor<13x11xf32>
  %C = te.compute "C" (%y = 0 to 13, %o = 0 to 21) sum (%k = 0 to 11) {
    %x = te.read %scaled[%y, %k] : tensor<13x11xf32>
    %w = te.read %W[%k, %o] : tensor<11x21xf32>
    %p = arith.mulf %x, %w : f32
    te.yield %p : f32
  } : tensor<13x21xf32>
  %O = te.compute "O" (%y = 0 to 13, %o = 0 to 21) {
    %zero = arith.constant 0.0 : f32
    %c = te.read %C[%y, %o] : tensor<13x21xf32>
    %r = arith.maximumf %c, %zero : f32
    te.yield %r : f32
  } : tensor<13x21xf32>
  func.return %O : tensor<13x21xf32>
}
