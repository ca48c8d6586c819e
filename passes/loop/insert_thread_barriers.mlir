// dovetail-opt -p insert-thread-barriers
builtin.module attributes {target = #target.target<"nvptx -mcpu=sm_90">} {
  func.func @reverse(%A: memref<8x32xf32>, %B: memref<8x32xf32>) {
    loop.for %t = 0 to 32 bind "threadIdx.x" {
      loop.for %k = 0 to 8 {
        %T = loop.alloc at [%k, 0] shared_by ["threadIdx.x"] : memref<1x32xf32, "shared">
        loop.block "T" (%v_k < 8 = %k, %v < 32 = %t) {
          %a = loop.load %A[%v_k, %v] : memref<8x32xf32>
          loop.store %a, %T[%v_k, %v] : memref<1x32xf32, "shared">
        }
        loop.block "B" (%v_k < 8 = %k, %v < 32 = %t) {
          %a = loop.load %T[%v_k, -%v + 31] : memref<1x32xf32, "shared">
          loop.store %a, %B[%v_k, %v] : memref<8x32xf32>
        }
      }
    }
    func.return
  }
}
// -----
builtin.module attributes {target = #target.target<"nvptx -mcpu=sm_90">} {
  func.func @reverse(%A: memref<8x32xf32>, %B: memref<8x32xf32>) {
    loop.for %t = 0 to 32 bind "threadIdx.x" {
      loop.for %k = 0 to 8 {
        %T = loop.alloc at [%k, 0] shared_by ["threadIdx.x"] : memref<1x32xf32, "shared">
        loop.block "T" (%v_k < 8 = %k, %v < 32 = %t) {
          %a = loop.load %A[%v_k, %v] : memref<8x32xf32>
          loop.store %a, %T[%v_k, %v] : memref<1x32xf32, "shared">
        }
        loop.barrier
        loop.block "B" (%v_k_1 < 8 = %k, %v_1 < 32 = %t) {
          %a_1 = loop.load %T[%v_k_1, -%v_1 + 31] : memref<1x32xf32, "shared">
          loop.store %a_1, %B[%v_k_1, %v_1] : memref<8x32xf32>
        }
        loop.barrier
      }
    }
    func.return
  }
}
