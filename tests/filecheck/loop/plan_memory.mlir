// RUN: dovetail-opt %s --split-input-file -p plan-memory | filecheck %s

// %a and %c are never live together; %b is live with both.
// CHECK-LABEL: func.func @chain
// CHECK-NEXT:    %a = loop.alloc {offset = 0 : i64} : memref<64xf32>
// CHECK-NEXT:    %b = loop.alloc {offset = 256 : i64} : memref<64xf32>
// CHECK-NEXT:    %c = loop.alloc {offset = 0 : i64} : memref<3xf32>
func.func @chain(%x: memref<64xf32>, %y: memref<3xf32>) {
  %a = loop.alloc : memref<64xf32>
  %b = loop.alloc : memref<64xf32>
  %c = loop.alloc : memref<3xf32>
  func.call @reverse(%x, %a) : (memref<64xf32>, memref<64xf32>) -> ()
  func.call @reverse(%a, %b) : (memref<64xf32>, memref<64xf32>) -> ()
  func.call @some(%b, %c) : (memref<64xf32>, memref<3xf32>) -> ()
  func.call @few(%c, %y) : (memref<3xf32>, memref<3xf32>) -> ()
  func.return
}
func.func private @reverse(%x: memref<64xf32>, %y: memref<64xf32>) {
  loop.for %i = 0 to 64 {
    loop.block "y" (%vi < 64 = %i) {
      %a = loop.load %x[63 - %vi] : memref<64xf32>
      %b = math.exp %a : f32
      loop.store %b, %y[%vi] : memref<64xf32>
    }
  }
  func.return
}
func.func private @some(%x: memref<64xf32>, %y: memref<3xf32>) {
  loop.for %i = 0 to 3 {
    loop.block "y" (%vi < 3 = %i) {
      %a = loop.load %x[%vi] : memref<64xf32>
      %b = math.exp %a : f32
      loop.store %b, %y[%vi] : memref<3xf32>
    }
  }
  func.return
}
func.func private @few(%x: memref<3xf32>, %y: memref<3xf32>) {
  loop.for %i = 0 to 3 {
    loop.block "y" (%vi < 3 = %i) {
      %a = loop.load %x[%vi] : memref<3xf32>
      %b = math.exp %a : f32
      loop.store %b, %y[%vi] : memref<3xf32>
    }
  }
  func.return
}

// -----

// Element by element, a result may lie over an operand that dies; over an input of the network it
// may not.
// CHECK-LABEL: func.func @in_place
// CHECK-NEXT:    %a = loop.alloc {offset = 0 : i64}
// CHECK-NEXT:    %b = loop.alloc {offset = 0 : i64}
// CHECK-NEXT:    %c = loop.alloc {offset = 0 : i64}
func.func @in_place(%x: memref<64xf32>, %y: memref<64xf32>) {
  %a = loop.alloc : memref<64xf32>
  %b = loop.alloc : memref<64xf32>
  %c = loop.alloc : memref<64xf32>
  func.call @exp(%x, %a) : (memref<64xf32>, memref<64xf32>) -> ()
  func.call @exp(%a, %b) : (memref<64xf32>, memref<64xf32>) -> ()
  func.call @tiled(%b, %c) : (memref<64xf32>, memref<64xf32>) -> ()
  func.call @exp(%c, %y) : (memref<64xf32>, memref<64xf32>) -> ()
  func.return
}
func.func private @exp(%x: memref<64xf32>, %y: memref<64xf32>) {
  loop.for %i = 0 to 64 {
    loop.block "y" (%vi < 64 = %i) {
      %a = loop.load %x[%vi] : memref<64xf32>
      %b = math.exp %a : f32
      loop.store %b, %y[%vi] : memref<64xf32>
    }
  }
  func.return
}
// Split, with its last iterations peeled off.
func.func private @tiled(%x: memref<64xf32>, %y: memref<64xf32>) {
  loop.for %i_o = 0 to 6 {
    loop.for %i_i = 0 to 10 vectorized {
      loop.block "y" (%vi < 64 = %i_o * 10 + %i_i) {
        %a = loop.load %x[%vi] : memref<64xf32>
        %b = math.exp %a : f32
        loop.store %b, %y[%vi] : memref<64xf32>
      }
    }
  }
  loop.for %j = 0 to 10 {
    loop.block "y_tail" (%vj < 64 = %j + 60) {
      %a = loop.load %x[%vj] : memref<64xf32>
      %b = math.exp %a : f32
      loop.store %b, %y[%vj] : memref<64xf32>
    }
  }
  func.return
}

// -----

// The operand is read later, or twice, or in another element's turn, or is not the first to be
// written, or has another type: no sharing.
// CHECK-LABEL: func.func @apart
// CHECK-NEXT:    %a = loop.alloc {offset = 0 : i64}
// CHECK-NEXT:    %b = loop.alloc {offset = 256 : i64}
// CHECK-NEXT:    %c = loop.alloc {offset = 256 : i64}
// CHECK-NEXT:    %d = loop.alloc {offset = 0 : i64}
// CHECK-NEXT:    %e = loop.alloc {offset = 256 : i64}
// CHECK-NEXT:    %f = loop.alloc {offset = 0 : i64}
// CHECK-NEXT:    %g = loop.alloc {offset = 256 : i64}
// CHECK-NEXT:    %h = loop.alloc {offset = 0 : i64}
func.func @apart(%x: memref<64xf32>, %y: memref<64xi32>) {
  %a = loop.alloc : memref<64xf32>
  %b = loop.alloc : memref<64xf32>
  %c = loop.alloc : memref<64xf32>
  %d = loop.alloc : memref<64xf32>
  %e = loop.alloc : memref<64xf32>
  %f = loop.alloc : memref<64xf32>
  %g = loop.alloc : memref<64xf32>
  %h = loop.alloc : memref<64xi32>
  func.call @exp(%x, %a) : (memref<64xf32>, memref<64xf32>) -> ()
  func.call @exp(%a, %b) : (memref<64xf32>, memref<64xf32>) -> ()
  func.call @add(%b, %a, %c) : (memref<64xf32>, memref<64xf32>, memref<64xf32>) -> ()
  func.call @add(%c, %c, %d) : (memref<64xf32>, memref<64xf32>, memref<64xf32>) -> ()
  func.call @again(%d, %e) : (memref<64xf32>, memref<64xf32>) -> ()
  func.call @late(%e, %f) : (memref<64xf32>, memref<64xf32>) -> ()
  func.call @guarded(%f, %g) : (memref<64xf32>, memref<64xf32>) -> ()
  func.call @cast(%g, %h) : (memref<64xf32>, memref<64xi32>) -> ()
  func.call @unknown(%h, %y) : (memref<64xi32>, memref<64xi32>) -> ()
  func.return
}
func.func private @exp(%x: memref<64xf32>, %y: memref<64xf32>) {
  loop.for %i = 0 to 64 {
    loop.block "y" (%vi < 64 = %i) {
      %a = loop.load %x[%vi] : memref<64xf32>
      %b = math.exp %a : f32
      loop.store %b, %y[%vi] : memref<64xf32>
    }
  }
  func.return
}
func.func private @add(%x: memref<64xf32>, %z: memref<64xf32>, %y: memref<64xf32>) {
  loop.for %i = 0 to 64 {
    loop.block "y" (%vi < 64 = %i) {
      %a = loop.load %x[%vi] : memref<64xf32>
      %b = loop.load %z[%vi] : memref<64xf32>
      %c = arith.addf %a, %b : f32
      loop.store %c, %y[%vi] : memref<64xf32>
    }
  }
  func.return
}
// Every element is computed twice, the second time from its own result.
func.func private @again(%x: memref<64xf32>, %y: memref<64xf32>) {
  loop.for %t = 0 to 2 {
    loop.for %i = 0 to 64 {
      loop.block "y" (%vi < 64 = %i) {
        %a = loop.load %x[%vi] : memref<64xf32>
        %b = math.exp %a : f32
        loop.store %b, %y[%vi] : memref<64xf32>
      }
    }
  }
  func.return
}
// The result is written before the operand is read.
func.func private @late(%x: memref<64xf32>, %y: memref<64xf32>) {
  loop.for %i = 0 to 64 {
    loop.block "y" (%vi < 64 = %i) {
      %z = arith.constant 0.0 : f32
      loop.store %z, %y[%vi] : memref<64xf32>
      %a = loop.load %x[%vi] : memref<64xf32>
      loop.store %a, %y[%vi] : memref<64xf32>
    }
  }
  func.return
}
// The neighbour is read too.
func.func private @guarded(%x: memref<64xf32>, %y: memref<64xf32>) {
  loop.for %i = 0 to 64 {
    loop.block "y" (%vi < 64 = %i) {
      %z = arith.constant 0.0 : f32
      %a = loop.load %x[%vi] : memref<64xf32>
      %b = loop.load %x[%vi - 1] where (%vi >= 1) else %z : memref<64xf32>
      %c = arith.addf %a, %b : f32
      loop.store %c, %y[%vi] : memref<64xf32>
    }
  }
  func.return
}
func.func private @cast(%x: memref<64xf32>, %y: memref<64xi32>) {
  loop.for %i = 0 to 64 {
    loop.block "y" (%vi < 64 = %i) {
      %a = loop.load %x[%vi] : memref<64xf32>
      %b = arith.fptosi %a : f32 to i32
      loop.store %b, %y[%vi] : memref<64xi32>
    }
  }
  func.return
}
func.func private @unknown(memref<64xi32>, memref<64xi32>) -> ()

// -----

!halo = memref<8xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [10], pad 0.0 : f32>>

// A place with a halo is shared with nothing but buffers of its type, and only while they are not
// live together; one that nobody uses has no place.
// CHECK-LABEL: func.func @halo
// CHECK-NEXT:    %a = loop.alloc {offset = [[A:[0-9]+]] : i64} : memref<8xf32, #loop.layout
// CHECK-NEXT:    %b = loop.alloc {offset = 0 : i64} : memref<16xf64>
// CHECK-NEXT:    %c = loop.alloc {offset = [[C:[0-9]+]] : i64} : memref<8xf32, #loop.layout
// CHECK-NEXT:    %d = loop.alloc {offset = 0 : i64} : memref<16xf32>
// CHECK-NEXT:    %e = loop.alloc {offset = [[A]] : i64} : memref<8xf32, #loop.layout
// CHECK-NEXT:    %f = loop.alloc {offset = 0 : i64} : memref<?xf32
// CHECK-NEXT:    %g = loop.alloc : memref<8xf32>
func.func @halo(%x: memref<?xf32, #loop.layout<["n"]>>) {
  %a = loop.alloc : !halo
  %b = loop.alloc : memref<16xf64>
  %c = loop.alloc : !halo
  %d = loop.alloc : memref<16xf32>
  %e = loop.alloc : !halo
  %f = loop.alloc : memref<?xf32, #loop.layout<["n"]>>
  %g = loop.alloc : memref<8xf32>
  func.call @one(%x, %a) : (memref<?xf32, #loop.layout<["n"]>>, !halo) -> ()
  func.call @two(%a, %b, %c) : (!halo, memref<16xf64>, !halo) -> ()
  func.call @three(%c, %d) : (!halo, memref<16xf32>) -> ()
  func.call @four(%d, %e) : (memref<16xf32>, !halo) -> ()
  func.call @five(%e, %f) : (!halo, memref<?xf32, #loop.layout<["n"]>>) -> ()
  func.return
}
func.func private @one(memref<?xf32, #loop.layout<["n"]>>, !halo) -> ()
func.func private @two(!halo, memref<16xf64>, !halo) -> ()
func.func private @three(!halo, memref<16xf32>) -> ()
func.func private @four(memref<16xf32>, !halo) -> ()
func.func private @five(!halo, memref<?xf32, #loop.layout<["n"]>>) -> ()

// -----

!rows = memref<?x40xf32, #loop.layout<["n", 40]>>
!wide = memref<?x50xf32, #loop.layout<["n", 50]>>
!square = memref<?x?xf32, #loop.layout<["m", "n"]>>
!turned = memref<?x?xf32, #loop.layout<["n", "m"]>>
!input = memref<?x?xf32, #loop.layout<["n", "m"]>>

// Buffers of n times something share an arena, in which offsets are multiples of n and of the
// alignment; so do those of m times n, in any order. %a and %c are never live together.
// CHECK-LABEL: func.func @symbolic
// CHECK-NEXT:    %a = loop.alloc {offset = 256 : i64} : memref<?x40xf32
// CHECK-NEXT:    %b = loop.alloc {offset = 0 : i64} : memref<?x50xf32
// CHECK-NEXT:    %c = loop.alloc {offset = 256 : i64} : memref<?x40xf32
// CHECK-NEXT:    %d = loop.alloc {offset = 0 : i64} : memref<?x?xf32
// CHECK-NEXT:    %e = loop.alloc {offset = 64 : i64} : memref<?x?xf32
func.func @symbolic(%x: !input) {
  %a = loop.alloc : !rows
  %b = loop.alloc : !wide
  %c = loop.alloc : !rows
  %d = loop.alloc : !square
  %e = loop.alloc : !turned
  func.call @one(%x, %a) : (!input, !rows) -> ()
  func.call @two(%a, %b) : (!rows, !wide) -> ()
  func.call @three(%b, %c, %d) : (!wide, !rows, !square) -> ()
  func.call @four(%c, %d, %e) : (!rows, !square, !turned) -> ()
  func.return
}
func.func private @one(!input, !rows) -> ()
func.func private @two(!rows, !wide) -> ()
func.func private @three(!wide, !rows, !square) -> ()
func.func private @four(!rows, !square, !turned) -> ()
