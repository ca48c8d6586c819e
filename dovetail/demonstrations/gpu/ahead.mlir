// dovetail-opt --set-target 'nvptx -mcpu=sm_90' -p 'lower-te-to-loop, tile-loops{loops=y,x sizes=16,16 names=by,bx,y_i,x_i block=C}, tile-loops{loops=y_i,x_i sizes=8,8 names=ty,tx,yi,xi block=C}, reorder-loops{loops=by,bx,ty,tx,k,yi,xi}, unroll-loop{loop=xi}, bind-thread{loop=by axis="blockIdx.y"}, bind-thread{loop=bx axis="blockIdx.x"}, bind-thread{loop=ty axis="threadIdx.y"}, bind-thread{loop=tx axis="threadIdx.x"}, decompose-reduction{block=C loop=k}, promote-memory-scope{buffer=C scope=local at=tx tile=CL}, promote-memory-scope{buffer=B scope=shared at=k tile=BS}, promote-memory-scope{buffer=A scope=shared at=k tile=AS}, fuse-loops{loops=AS_in_d0,AS_in_d1 into=a}, split-loop{loop=a factor=8 names=ay,ai}, split-loop{loop=ai factor=2 names=i,ax}, bind-thread{loop=ay axis="threadIdx.y"}, bind-thread{loop=ax axis="threadIdx.x"}, fuse-loops{loops=BS_in_d0,BS_in_d1 into=b}, split-loop{loop=b factor=8 names=cy,ci}, split-loop{loop=ci factor=2 names=j,cx}, bind-thread{loop=cy axis="threadIdx.y"}, bind-thread{loop=cx axis="threadIdx.x"}, double-buffer{buffer=AS loop=k}, double-buffer{buffer=BS loop=k}, insert-thread-barriers'
// As matmul.mlir, but the next step's tiles are fetched while these are used: one barrier a step.
func.func @matmul(%A: tensor<5x35xf32>, %B: tensor<5x37xf32>) -> tensor<35x37xf32> {
  %C = te.compute "C" (%y = 0 to 35, %x = 0 to 37) sum (%k = 0 to 5) {
    %a = te.read %A[%k, %y] : tensor<5x35xf32>
    %b = te.read %B[%k, %x] : tensor<5x37xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<35x37xf32>
  func.return %C : tensor<35x37xf32>
}
