// dovetail-opt --set-target host -p 'lower-te-to-loop, inline-compute{block=biased}, transform-layout{buffer=W map="(o, c, h, w) -> (o floordiv 16, c, h, w, o mod 16)"}, transform-layout{buffer=O map="(o, h, w) -> (o floordiv 16, h, w, o mod 16)"}, split-loop{loop=oc factor=16}, split-loop{loop=ow factor=5}, reorder-loops{loops=oc_o,oh,ow_o,ic,kh,kw,ow_i,oc_i}, unroll-loop{loop=ow_i}, vectorize-loop{loop=oc_i}, decompose-reduction{block=conv loop=ic}, reverse-compute-at{block=O at=ow_o}, promote-memory-scope{buffer=conv scope=register at=ow_o}, peel-loop{loop=ow_o}, parallelize-loop{loop=oc_o}'
// A convolution with bias and rectification in its epilogue; 20 channels leave a tail of 4.
func.func @conv(%X: tensor<3x9x11xf32>, %W: tensor<20x3x3x3xf32>, %B: tensor<20xf32>) -> tensor<20x7x9xf32> {
  %conv = te.compute "conv" (%oc = 0 to 20, %oh = 0 to 7, %ow = 0 to 9) sum (%ic = 0 to 3, %kh = 0 to 3, %kw = 0 to 3) {
    %x = te.read %X[%ic, %oh + %kh, %ow + %kw] : tensor<3x9x11xf32>
    %w = te.read %W[%oc, %ic, %kh, %kw] : tensor<20x3x3x3xf32>
    %p = arith.mulf %x, %w : f32
    te.yield %p : f32
  } : tensor<20x7x9xf32>
  %biased = te.compute "biased" (%oc = 0 to 20, %oh = 0 to 7, %ow = 0 to 9) {
    %c = te.read %conv[%oc, %oh, %ow] : tensor<20x7x9xf32>
    %b = te.read %B[%oc] : tensor<20xf32>
    %s = arith.addf %c, %b : f32
    te.yield %s : f32
  } : tensor<20x7x9xf32>
  %O = te.compute "O" (%oc = 0 to 20, %oh = 0 to 7, %ow = 0 to 9) {
    %zero = arith.constant 0.0 : f32
    %s = te.read %biased[%oc, %oh, %ow] : tensor<20x7x9xf32>
    %r = arith.maximumf %s, %zero : f32
    te.yield %r : f32
  } : tensor<20x7x9xf32>
  func.return %O : tensor<20x7x9xf32>
}
