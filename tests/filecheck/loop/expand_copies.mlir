// RUN: not dovetail-opt %s -p 'expand-copies' --split-input-file 2>&1 | filecheck %s
// RUN: not dovetail-opt %s -p 'expand-copies' --split-input-file 2>&1 | filecheck %s --check-prefix=REFUSED

// A tail is clipped by the domain, on the way in and on the way out.
// CHECK-LABEL: func.func @tiles
// CHECK:         %T = loop.alloc at [%y * 4] : memref<4xf32, "inp">
// CHECK-NEXT:    loop.for %T_in_d0 = 0 to 4 {
// CHECK-NEXT:      loop.block "T_in" (%v_d0 < 13 = %y * 4 + %T_in_d0) {
// CHECK-NEXT:        [[A:%.*]] = loop.load %A[%v_d0] : memref<13xf32>
// CHECK-NEXT:        loop.store [[A]], %T[%v_d0] : memref<4xf32, "inp">
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    loop.for %T_out_d0 = 0 to 4 {
// CHECK-NEXT:      loop.block "T_out" ([[V:%.*]] < 13 = %y * 4 + %T_out_d0) {
// CHECK-NEXT:        [[B:%.*]] = loop.load %T[[[V]]] : memref<4xf32, "inp">
// CHECK-NEXT:        loop.store [[B]], %B[[[V]]] : memref<13xf32>
func.func @tiles(%A: memref<13xf32>, %B: memref<13xf32>) {
  loop.for %y = 0 to 4 {
    %T = loop.alloc at [%y * 4] : memref<4xf32, "inp">
    loop.copy %A to %T : memref<13xf32> to memref<4xf32, "inp">
    loop.copy %T to %B : memref<4xf32, "inp"> to memref<13xf32>
  }
  func.return
}

// -----

// What the source does not have is filled with the pad first; nothing is, where it has all of it.
// CHECK-LABEL: func.func @padded
// CHECK:         loop.for %T_pad_d0 = 0 to 3 {
// CHECK-NEXT:      loop.block "T_pad" (%v_d0 < 10 = %y + %T_pad_d0) {
// CHECK-NEXT:        [[P:%.*]] = arith.constant 7 : i8
// CHECK-NEXT:        loop.store [[P]], %T[%v_d0 - 1] : memref<3xi8>
// CHECK:         loop.for %T_in_d0 = 0 to 3 {
// CHECK-NEXT:      loop.block "T_in" ([[V:%.*]] < 8 = %y + %T_in_d0 - 1) {
// CHECK:         %U = loop.alloc
// CHECK-NEXT:    loop.for %U_in_d0
// CHECK-NOT:     pad
func.func @padded(%A: memref<8xi8>) {
  loop.for %y = 0 to 8 {
    %T = loop.alloc at [%y - 1] : memref<3xi8>
    loop.copy %A to %T pad 7 : i8 : memref<8xi8> to memref<3xi8>
    %U = loop.alloc at [%y] : memref<1xi8>
    loop.copy %A to %U pad 7 : i8 : memref<8xi8> to memref<1xi8>
  }
  func.return
}

// -----

// A tile of a tile, and a symbolic extent.
// CHECK-LABEL: func.func @inner
// CHECK:         loop.block "S_in" (%v_d0 < 15 = %y * 4 + %S_in_d0) where (%S_in_d0 - 1 >= 0) {
// CHECK:         loop.block "T_in" ([[V:%.*]] < %m = %y * 4 + %T_in_d0 + 1) {
func.func @inner(%A: memref<?xf32, #loop.layout<["m"]>>) {
  %m = loop.dim "m"
  loop.for %y = 0 to 4 {
    %T = loop.alloc at [%y * 4 + 1] : memref<4xf32>
    %S = loop.alloc at [%y * 4] : memref<3xf32>
    loop.copy %T to %S : memref<4xf32> to memref<3xf32>
    loop.copy %A to %T : memref<?xf32, #loop.layout<["m"]>> to memref<4xf32>
  }
  func.return
}

// -----

// REFUSED: error: expand-copies: the copy of %A to %B has no constant size; copy a tile
func.func @whole(%A: memref<?xf32, #loop.layout<["m"]>>, %B: memref<?xf32, #loop.layout<["m"]>>) {
  %m = loop.dim "m"
  loop.copy %A to %B : memref<?xf32, #loop.layout<["m"]>> to memref<?xf32, #loop.layout<["m"]>>
  func.return
}
