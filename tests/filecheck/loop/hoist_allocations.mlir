// RUN: dovetail-opt %s -p hoist-allocations | filecheck %s

// An allocation at the top of a kernel becomes an argument; one in a loop or in another scope stays.
// CHECK-LABEL: func.func private @kernel(%x: memref<8xf32> {dovetail.weight}, %y: memref<8xf32>, %t: memref<8xf32> {dovetail.scratch}, %u: memref<4x8xf32> {dovetail.scratch}) {
// CHECK-NEXT:    loop.alloc : memref<8xf32, "register">
// CHECK-NEXT:    loop.for %i = 0 to 8 {
// CHECK-NEXT:      loop.alloc : memref<1xf32>
// CHECK:           loop.block "t"
// CHECK-NEXT:        loop.load %x[%vi]
// CHECK-NEXT:        loop.store %a, %t[%vi]
func.func private @kernel(%x: memref<8xf32> {dovetail.weight}, %y: memref<8xf32>) {
  %t = loop.alloc : memref<8xf32>
  %u = loop.alloc : memref<4x8xf32>
  %r = loop.alloc : memref<8xf32, "register">
  loop.for %i = 0 to 8 {
    %s = loop.alloc : memref<1xf32>
    loop.block "t" (%vi < 8 = %i) {
      %a = loop.load %x[%vi] : memref<8xf32>
      loop.store %a, %t[%vi] : memref<8xf32>
      loop.store %a, %u[0, %vi] : memref<4x8xf32>
      loop.store %a, %r[%vi] : memref<8xf32, "register">
      loop.store %a, %s[0] : memref<1xf32>
      loop.store %a, %y[%vi] : memref<8xf32>
    }
  }
  func.return
}

// Nothing to hoist: no marks appear.
// CHECK-LABEL: func.func private @without(%x: memref<8xf32>) {
func.func private @without(%x: memref<8xf32>) {
  func.return
}

// A public function has no caller that could give it memory.
// CHECK-LABEL: func.func @public(%x: memref<8xf32>) {
// CHECK-NEXT:    %t = loop.alloc : memref<8xf32>
func.func @public(%x: memref<8xf32>) {
  %t = loop.alloc : memref<8xf32>
  loop.block "t" () {
    %a = loop.load %x[0] : memref<8xf32>
    loop.store %a, %t[0] : memref<8xf32>
  }
  func.return
}
