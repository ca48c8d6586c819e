// dovetail-opt -p 'bind-thread{loop=y axis="blockIdx.x"},bind-thread{loop=x axis="threadIdx.x"}'
builtin.module attributes {target = #target.target<"nvptx -mcpu=sm_90">} {
  func.func @double(%A: memref<13x32xf32>, %B: memref<13x32xf32>) {
    loop.for %y = 0 to 13 {
      loop.for %x = 0 to 32 {
        loop.block "B" (%v_y < 13 = %y, %v_x < 32 = %x) {
          %a = loop.load %A[%v_y, %v_x] : memref<13x32xf32>
          %b = arith.addf %a, %a : f32
          loop.store %b, %B[%v_y, %v_x] : memref<13x32xf32>
        }
      }
    }
    func.return
  }
}
// -----
builtin.module attributes {target = #target.target<"nvptx -mcpu=sm_90">} {
  func.func @double(%A: memref<13x32xf32>, %B: memref<13x32xf32>) {
    loop.for %y = 0 to 13 bind "blockIdx.x" {
      loop.for %x = 0 to 32 bind "threadIdx.x" {
        loop.block "B" (%v_y < 13 = %y, %v_x < 32 = %x) {
          %a = loop.load %A[%v_y, %v_x] : memref<13x32xf32>
          %b = arith.addf %a, %a : f32
          loop.store %b, %B[%v_y, %v_x] : memref<13x32xf32>
        }
      }
    }
    func.return
  }
}
