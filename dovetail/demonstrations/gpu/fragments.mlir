// dovetail-opt --set-target 'nvptx -mcpu=sm_90' -p 'import-intrinsics{library=mma}, lower-te-to-loop, tile-loops{loops=y,x,k sizes=32,48,16 names=gy,gx,ko,yw,xw,ki block=C}, tile-loops{loops=yw,xw sizes=16,16 names=wy,wx,yi,xi block=C}, reorder-loops{loops=gy,gx,wy,wx,ko,yi,xi,ki}, bind-thread{loop=gy axis="blockIdx.y"}, bind-thread{loop=gx axis="blockIdx.x"}, bind-thread{loop=wy axis="threadIdx.z"}, bind-thread{loop=wx axis="threadIdx.y"}, decompose-reduction{block=C loop=ko}, promote-memory-scope{buffer=C scope=local at=wx tile=fragment}, promote-memory-scope{buffer=B scope=shared at=ko tile=BS}, promote-memory-scope{buffer=A scope=shared at=ko tile=AS}, split-loop{loop=AS_in_d0 factor=16 names=az,ai}, bind-thread{loop=az axis="threadIdx.z"}, split-loop{loop=AS_in_d1 factor=3 names=ao,ay}, bind-thread{loop=ay axis="threadIdx.y"}, split-loop{loop=BS_in_d0 factor=8 names=bz,bi}, bind-thread{loop=bz axis="threadIdx.z"}, split-loop{loop=BS_in_d1 factor=16 names=by,bo}, bind-thread{loop=by axis="threadIdx.y"}, tensorize{block=C_init intrinsic=mma16x16x16}, tensorize{block=C intrinsic=mma16x16x16}, insert-thread-barriers'
// The matrix instruction of a warp, on tiles that its group has fetched together.
func.func @matmul(%A: tensor<64x32xf16>, %B: tensor<32x48xf16>) -> tensor<64x48xf32> {
  %C = te.compute "C" (%y = 0 to 64, %x = 0 to 48) sum (%k = 0 to 32) {
    %a = te.read %A[%y, %k] : tensor<64x32xf16>
    %b = te.read %B[%k, %x] : tensor<32x48xf16>
    %wa = arith.extf %a : f16 to f32
    %wb = arith.extf %b : f16 to f32
    %p = arith.mulf %wa, %wb : f32
    te.yield %p : f32
  } : tensor<64x48xf32>
  func.return %C : tensor<64x48xf32>
}
