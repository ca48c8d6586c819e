// Threads that turn a row around in a memory that they share, without waiting for each other.
builtin.module attributes {target = #target.target<"nvptx -mcpu=sm_90">} {
  func.func @reverse(%A: memref<8xf32>, %B: memref<8xf32>) {
    loop.for %t = 0 to 8 bind "threadIdx.x" {
      %T = loop.alloc shared_by ["threadIdx.x"] : memref<8xf32, "shared">
      loop.block "write" (%v < 8 = %t) {
        %a = loop.load %A[%v] : memref<8xf32>
        loop.store %a, %T[%v] : memref<8xf32, "shared">
      }
      loop.block "read" (%v < 8 = %t) {
        %a = loop.load %T[-%v + 7] : memref<8xf32, "shared">
        loop.store %a, %B[%v] : memref<8xf32>
      }
    }
    func.return
  }
}
