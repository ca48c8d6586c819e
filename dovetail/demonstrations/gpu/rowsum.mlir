// dovetail-opt --set-target 'nvptx -mcpu=sm_90' -p 'lower-te-to-loop, split-loop{loop=k factor=8 names=ko,kt}, rfactor{block=S loop=kt}, reorder-loops{loops=kt,ko}, promote-memory-scope{buffer=S_rf scope=shared at=y}, bind-thread{loop=y axis="blockIdx.x"}, bind-thread{loop=kt axis="threadIdx.x"}, insert-thread-barriers'
// Each thread of a group adds up a part of a row, and one of them the parts.
func.func @rowsum(%A: tensor<5x37xf32>) -> tensor<5xf32> {
  %S = te.compute "S" (%y = 0 to 5) sum (%k = 0 to 37) {
    %a = te.read %A[%y, %k] : tensor<5x37xf32>
    te.yield %a : f32
  } : tensor<5xf32>
  func.return %S : tensor<5xf32>
}
