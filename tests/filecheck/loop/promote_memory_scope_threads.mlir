// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=A scope=shared at=k tile=AS}' | filecheck %s --check-prefix=SHARED
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=A scope=local at=k tile=AL}' | filecheck %s --check-prefix=LOCAL
// RUN: dovetail-opt %s -p 'promote-memory-scope{buffer=P scope=shared at=u tile=PS}' | filecheck %s --check-prefix=PASSED
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=A scope=shard at=k}' 2>&1 | filecheck %s --check-prefix=SCOPE
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=A scope=local at=k tile=AL},promote-memory-scope{buffer=AL scope=shared at=i}' 2>&1 | filecheck %s --check-prefix=OWN
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=A scope=global at=k}' 2>&1 | filecheck %s --check-prefix=GROUPS
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=A scope=local at=g}' 2>&1 | filecheck %s --check-prefix=BELOW
// RUN: not dovetail-opt %s -p 'promote-memory-scope{buffer=D scope=shared at=h}' 2>&1 | filecheck %s --check-prefix=APART
// RUN: not dovetail-opt %s --set-target 'nvptx -mcpu=sm_90 -shared=63' -p 'promote-memory-scope{buffer=A scope=shared at=k}' 2>&1 | filecheck %s --check-prefix=ROOM
// RUN: not dovetail-opt %s --set-target 'nvptx -mcpu=sm_90 -shared=100' -p 'promote-memory-scope{buffer=A scope=shared at=k tile=AS},promote-memory-scope{buffer=AS scope=shared at=i}' 2>&1 | filecheck %s --check-prefix=BESIDE

// The box is what all threads read in an iteration of k: 4 threads, 4 elements each. Each of them
// fills all of it, until the loop of the copy is bound.
// SHARED:      loop.for %t = 0 to 4 bind "threadIdx.x" {
// SHARED-NEXT:   loop.for %k = 0 to 8 {
// SHARED-NEXT:     %AS = loop.alloc at [%k, %g * 16] shared_by ["threadIdx.x"] : memref<1x16xi32, "shared">
// SHARED-NEXT:     loop.for %AS_in_d0 = 0 to 1 {
// SHARED-NEXT:       loop.for %AS_in_d1 = 0 to 16 {
// SHARED-NEXT:         loop.block "AS_in" (%v_d0 < 8 = %k + %AS_in_d0, %v_d1 < 32 = %g * 16 + %AS_in_d1) {

// LOCAL:         %AL = loop.alloc at [%k, %g * 16 + %t * 4] : memref<1x4xi32, "local">

// What a thread reads others have written, in an earlier statement of the same iteration.
// PASSED:      %PS = loop.alloc shared_by ["threadIdx.x"] : memref<8xi32, "shared">
// PASSED-NEXT: loop.block "P"
// PASSED:        loop.store %{{.*}}, %PS[%v] : memref<8xi32, "shared">
// PASSED:      loop.block "Q"
// PASSED-NOT:  PS_

// SCOPE: error: a nvptx target has no memory scope 'shard': did you mean shared? there are: shared, global, local, register
// OWN: error: promote-memory-scope: each thread of threadIdx.x has its own %AL, so they cannot share a tile of it in shared; choose another scope
// GROUPS: error: promote-memory-scope: loop 'k' is in a kernel, whose thread groups share global and cannot wait for each other; choose a loop around the kernel, or another scope
// BELOW: error: promote-memory-scope: the threads of threadIdx.x, loop 't' below loop 'g', do not share local; choose a loop inside of it, or another scope
// APART: error: promote-memory-scope: the threads of blockIdx.x, loop 'z' below loop 'h', do not share shared; choose a loop inside of it, or another scope
// ROOM: error: promote-memory-scope: %A_shared needs 64 bytes of shared, which has 63; choose a loop further in, or smaller tiles
// BESIDE: error: promote-memory-scope: %AS_shared needs 52 bytes of shared beside 64 of %AS, which has 100; choose a loop further in, or smaller tiles

builtin.module attributes {target = #target.target<"nvptx -mcpu=sm_90">} {
  func.func @sum(%A: memref<8x32xi32>, %C: memref<32xi32>) {
    loop.for %g = 0 to 2 bind "blockIdx.x" {
      loop.for %t = 0 to 4 bind "threadIdx.x" {
        loop.for %k = 0 to 8 {
          loop.for %i = 0 to 4 {
            loop.block "C" (%v < 32 = %g * 16 + %t * 4 + %i, reduce %r < 8 = %k) init {
              %zero = arith.constant 0 : i32
              loop.store %zero, %C[%v] : memref<32xi32>
            } {
              %c = loop.load %C[%v] : memref<32xi32>
              %a = loop.load %A[%r, %v] : memref<8x32xi32>
              %s = arith.addi %c, %a : i32
              loop.store %s, %C[%v] : memref<32xi32>
            }
          }
        }
      }
    }
    func.return
  }

  func.func @pass(%X: memref<8xi32>, %Y: memref<8xi32>) {
    %P = loop.alloc : memref<8xi32>
    loop.for %u = 0 to 8 bind "threadIdx.x" {
      loop.block "P" (%v < 8 = %u) {
        %x = loop.load %X[%v] : memref<8xi32>
        loop.store %x, %P[%v] : memref<8xi32>
      }
      loop.block "Q" (%v < 8 = %u) {
        %x = loop.load %P[-%v + 7] : memref<8xi32>
        loop.store %x, %Y[%v] : memref<8xi32>
      }
    }
    func.return
  }

  func.func @apart(%D: memref<8x4xi32>) {
    loop.for %h = 0 to 8 {
      loop.for %z = 0 to 4 bind "blockIdx.x" {
        loop.block "D" (%v < 8 = %h, %w < 4 = %z) {
          %zero = arith.constant 0 : i32
          loop.store %zero, %D[%v, %w] : memref<8x4xi32>
        }
      }
    }
    func.return
  }
}
