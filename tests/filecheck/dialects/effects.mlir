// RUN: dovetail-opt %s -p dce | filecheck %s --check-prefix=DCE
// RUN: dovetail-opt %s -p canonicalize | filecheck %s --check-prefix=DCE
// RUN: dovetail-opt %s -p cse | filecheck %s --check-prefix=CSE

// Loads nobody reads go, and so does a buffer nobody uses; equal loads are one until a store.
// DCE-LABEL:  func.func @memory
// DCE-NEXT:     loop.block "b" (%v < 5 = 0) {
// DCE-NEXT:       %x = loop.load %A[%v] : memref<5xf32>
// DCE-NEXT:       %y = loop.load %A[%v] : memref<5xf32>
// DCE-NEXT:       %s = arith.addf %x, %y : f32
// DCE-NEXT:       loop.store %s, %A[%v] : memref<5xf32>
// DCE-NEXT:       %z = loop.load %A[%v] : memref<5xf32>
// DCE-NEXT:       loop.store %z, %B[%v] : memref<5xf32>
// DCE-NEXT:     }
// CSE-LABEL:  func.func @memory
// CSE:            %x = loop.load %A[%v] : memref<5xf32>
// CSE-NEXT:       %s = arith.addf %x, %x : f32
// CSE-NEXT:       loop.store %s, %A[%v] : memref<5xf32>
// CSE-NEXT:       %z = loop.load %A[%v] : memref<5xf32>
// CSE-NEXT:       loop.store %z, %B[%v] : memref<5xf32>
func.func @memory(%A: memref<5xf32>, %B: memref<5xf32>) {
  %T = loop.alloc : memref<5xf32>
  loop.block "b" (%v < 5 = 0) {
    %x = loop.load %A[%v] : memref<5xf32>
    %y = loop.load %A[%v] : memref<5xf32>
    %s = arith.addf %x, %y : f32
    loop.store %s, %A[%v] : memref<5xf32>
    %z = loop.load %A[%v] : memref<5xf32>
    loop.store %z, %B[%v] : memref<5xf32>
    %unread = loop.load %B[%v] : memref<5xf32>
  }
  func.return
}

// Two buffers of one type are two buffers.
// CSE-LABEL:  func.func @buffers
// CSE:          %T = loop.alloc : memref<5xf32>
// CSE-NEXT:     %U = loop.alloc : memref<5xf32>
// CSE-NEXT:     loop.copy %A to %T : memref<5xf32> to memref<5xf32>
// CSE-NEXT:     loop.copy %B to %U : memref<5xf32> to memref<5xf32>
func.func @buffers(%A: memref<5xf32>, %B: memref<5xf32>) {
  %T = loop.alloc : memref<5xf32>
  %U = loop.alloc : memref<5xf32>
  loop.copy %A to %T : memref<5xf32> to memref<5xf32>
  loop.copy %B to %U : memref<5xf32> to memref<5xf32>
  func.return
}

// Tensor expressions are values: equal ones are one, and one that nobody reads goes.
// DCE-LABEL:  func.func @tensors
// DCE:          %C = te.compute "C"
// DCE:          %D = te.compute "C"
// DCE-NOT:      te.compute
// CSE-LABEL:  func.func @tensors
// CSE:          %C = te.compute "C"
// CSE-NOT:      te.compute
// CSE:          graph.add(%C, %C)
func.func @tensors(%A: tensor<5xf32>) -> tensor<5xf32> {
  %C = te.compute "C" (%y = 0 to 5) {
    %a = te.read %A[%y] : tensor<5xf32>
    te.yield %a : f32
  } : tensor<5xf32>
  %D = te.compute "C" (%y = 0 to 5) {
    %a = te.read %A[%y] : tensor<5xf32>
    te.yield %a : f32
  } : tensor<5xf32>
  %E = te.compute "E" (%y = 0 to 5) {
    %a = te.read %A[%y] : tensor<5xf32>
    te.yield %a : f32
  } : tensor<5xf32>
  %s = graph.add(%C, %D) : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
  func.return %s : tensor<5xf32>
}

// Loops, barriers, tokens and instructions stay, and stay two.
// DCE-LABEL:  func.func @hardware
// DCE-COUNT-2:  loop.barrier
// DCE-COUNT-2:  loop.push_dep
// DCE-COUNT-2:  vta.gemm
// DCE-COUNT-2:  loop.for
// CSE-LABEL:  func.func @hardware
// CSE-COUNT-2:  loop.barrier
// CSE-COUNT-2:  loop.push_dep
// CSE-COUNT-2:  vta.gemm
// CSE-COUNT-2:  loop.for
vta.uop_kernel @row {(0, 0, 0)}
func.func @hardware() {
  loop.barrier
  loop.barrier
  loop.push_dep "ld" to "ex"
  loop.push_dep "ld" to "ex"
  vta.gemm @row at [0, 0, 0]
  vta.gemm @row at [0, 0, 0]
  loop.for %i = 0 to 4 {
    loop.barrier
  }
  loop.for %i = 0 to 4 {
    loop.barrier
  }
  func.return
}
