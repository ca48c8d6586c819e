// RUN: dovetail-opt %s -p 'pack-buffer{buffer=A map="(r,k)->(k,r)" function=rowsum}' | filecheck %s --check-prefix=COPY
// RUN: dovetail-opt %s -p 'pack-buffer{buffer=S map="(r)->(r floordiv 4,r mod 4)" function=rowsum}' | filecheck %s --check-prefix=RESULT
// RUN: dovetail-opt %s -p 'split-loop{loop=k factor=8 function=rowsum},pack-buffer{buffer=A map="(r,k)->(k,r)" at=k_o tile=T scope=local function=rowsum}' | filecheck %s --check-prefix=TILE
// RUN: dovetail-opt %s -p 'pack-buffer{buffer=W map="(r)->(r floordiv 4,r mod 4)" function=own},pack-buffer{buffer=T map="(r)->(r mod 4,r floordiv 4)" function=own}' | filecheck %s --check-prefix=OWN
// RUN: dovetail-opt %s -p 'pack-buffer{buffer=X map="(r,k)->(r,k floordiv 16,k mod 16)" function=symbolic}' | filecheck %s --check-prefix=SYMBOLIC
// RUN: dovetail-opt %s -p 'pack-buffer{buffer=X map="(r)->(r mod 4,r floordiv 4)" function=halo}' | filecheck %s --check-prefix=HALO
// RUN: dovetail-opt %s -p 'pack-buffer{buffer=U map="(r)->(r mod 4,r floordiv 4)" function=partly}' | filecheck %s --check-prefix=PARTLY
// RUN: dovetail-opt %s -p 'pack-buffer{buffer=G map="(r)->(r mod 4,r floordiv 4)" function=gather}' | filecheck %s --check-prefix=GATHER
// RUN: dovetail-opt %s -p 'pack-buffer{buffer=O map="(r)->(r mod 4,r floordiv 4)" function=scatter}' | filecheck %s --check-prefix=SCATTER
// RUN: dovetail-opt %s -p 'pack-buffer{buffer=X map="(r)->(r floordiv 4,r mod 4)" pads=true function=window}' | filecheck %s --check-prefix=PADS
// RUN: dovetail-opt %s -p 'split-loop{loop=i factor=4 function=window},pack-buffer{buffer=X map="(r)->(r)" at=i_o pads=true function=window}' | filecheck %s --check-prefix=PADS-TILE
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=X map="(r)->(r)" pads=true function=pads_apart}' 2>&1 | filecheck %s --check-prefix=PADS-APART
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=Y map="(r)->(r)" pads=true function=pads_apart}' 2>&1 | filecheck %s --check-prefix=PADS-GUARD
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=Z map="(r)->(r)" pads=true function=pads_apart}' 2>&1 | filecheck %s --check-prefix=PADS-WRITTEN
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=S map="(r)->(r)" pads=true at=a function=pads_sized}' 2>&1 | filecheck %s --check-prefix=PADS-SIZED
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=A map="(r)->(r)" function=rowsum}' 2>&1 | filecheck %s --check-prefix=RANK
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=A map="(r,k)->(k,r floordiv 2)" function=rowsum}' 2>&1 | filecheck %s --check-prefix=SHARED
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=A map="(r,k)->(k,r)" tile=S function=rowsum}' 2>&1 | filecheck %s --check-prefix=NAME
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=T map="(r)->(r)" scope=local function=own}' 2>&1 | filecheck %s --check-prefix=PLACE
// RUN: dovetail-opt %s -p 'pack-buffer{buffer=T map="(r)->(r mod 4,r floordiv 4)" function=own},pack-buffer{buffer=T map="(r)->(r floordiv 2,r mod 2)" function=own}' | filecheck %s --check-prefix=ALREADY
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=A map="(r,k)->(k,r)" function=copied}' 2>&1 | filecheck %s --check-prefix=COPIED
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=N map="(r)->(r)" function=copied}' 2>&1 | filecheck %s --check-prefix=NOTHING
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=A map="(r,k)->(k,r)" at=S function=rowsum}' 2>&1 | filecheck %s --check-prefix=LOOP
// RUN: not dovetail-opt %s --set-target vta -p 'pack-buffer{buffer=A map="(r,k)->(k,r)" scope=inp at=r function=rowsum}' 2>&1 | filecheck %s --check-prefix=MOVED
// RUN: not dovetail-opt %s -p 'pack-buffer{buffer=C map="(y, x) -> (x, y)" function=padded_product}' 2>&1 | filecheck %s --check-prefix=ROOM

// COPY. an argument is copied once, before what uses it.
// COPY-LABEL: func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
// COPY-NEXT:  %A_packed = loop.alloc : memref<8x20xf32, #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [20, 8]>>
// COPY-NEXT:  loop.for %A_packed_in_d0 = 0 to 8 {
// COPY-NEXT:    loop.for %A_packed_in_d1 = 0 to 20 {
// COPY-NEXT:      loop.block "A_packed_in" (%v_d0 < 8 = %A_packed_in_d0, %v_d1 < 20 = %A_packed_in_d1) {
// COPY-NEXT:        %0 = loop.load %A[%v_d0, %v_d1] : memref<8x20xf32>
// COPY-NEXT:        loop.store %0, %A_packed[%v_d0, %v_d1]
// COPY:       loop.for %r = 0 to 8 {
// COPY:         %a = loop.load %A_packed[%v_r, %v_k]

// RESULT. what is written goes back behind the last statement; all of it is, so nothing is copied in.
// RESULT-LABEL: func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
// RESULT-NEXT:  %S_packed = loop.alloc : memref<8xf32, #loop.layout<affine_map<(d0) -> ((d0 floordiv 4), (d0 mod 4))>, [2, 4]>>
// RESULT-NEXT:  loop.for %r = 0 to 8 {
// RESULT-NOT:   %S[
// RESULT:       loop.for %S_packed_out_r = 0 to 8 {
// RESULT-NEXT:    loop.block "S_packed_out" (%v_r_1 < 8 = %S_packed_out_r) {
// RESULT-NEXT:      %0 = loop.load %S_packed[%v_r_1]
// RESULT-NEXT:      loop.store %0, %S[%v_r_1] : memref<8xf32>

// TILE. in a loop it is a tile with the layout, of its own extents.
// TILE-LABEL: func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
// TILE:      loop.for %k_o = 0 to 3 {
// TILE-NEXT:   %T = loop.alloc at [%r, %k_o * 8] : memref<1x8xf32, #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [8, 1]>, "local">
// TILE-NEXT:   loop.for %T_in_d0 = 0 to 1 {
// TILE-NEXT:     loop.for %T_in_d1 = 0 to 8 {
// TILE-NEXT:       loop.block "T_in" (%v_d0 < 8 = %r + %T_in_d0, %v_d1 < 20 = %k_o * 8 + %T_in_d1) {

// OWN. a constant of the network and a buffer of the function get the layout; nothing is copied.
// OWN-LABEL: func.func @own(%W: memref<8xf32, #loop.layout<affine_map<(d0) -> ((d0 floordiv 4), (d0 mod 4))>, [2, 4]>> {dovetail.weight}, %Z: memref<8xf32>) {
// OWN-NEXT:  %T = loop.alloc : memref<8xf32, #loop.layout<affine_map<(d0) -> ((d0 mod 4), (d0 floordiv 4))>, [4, 2]>>
// OWN-NEXT:  loop.for %r1 = 0 to 8 {

// SYMBOLIC-LABEL: func.func @symbolic(%X: memref<?x40xf32, #loop.layout<["n", 40]>>, %Y: memref<?x40xf32, #loop.layout<["n", 40]>>) {
// SYMBOLIC-NEXT:  %n = loop.dim "n"
// SYMBOLIC-NEXT:  %X_packed = loop.alloc : memref<?x40xf32, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 16), (d1 mod 16))>, ["n", 3, 16]>>
// SYMBOLIC-NEXT:  loop.for %X_packed_in_d0 = 0 to %n {
// SYMBOLIC-NEXT:    loop.for %X_packed_in_d1 = 0 to 40 {
// SYMBOLIC-NEXT:      loop.block "X_packed_in" (%v_d0 < %n = %X_packed_in_d0, %v_d1 < 40 = %X_packed_in_d1) {

// HALO. the frame that is read is packed, too; the map counts from its beginning.
// HALO-LABEL: func.func @halo(
// HALO-NEXT:   %X_packed = loop.alloc at [-1] : memref<10xf32, #loop.layout<affine_map<(d0) -> ((d0 mod 4), (d0 floordiv 4))>, [4, 3]>>
// HALO-NEXT:   loop.for %X_packed_in_d0 = 0 to 10 {
// HALO-NEXT:     loop.block "X_packed_in" (%v_d0 < 10 = %X_packed_in_d0) {
// HALO-NEXT:       %0 = loop.load %X[%v_d0 - 1]
// HALO-NEXT:       loop.store %0, %X_packed[%v_d0 - 1]

// PARTLY. only what was written goes back.
// PARTLY-LABEL: func.func @partly(
// PARTLY-NEXT:   %U_packed = loop.alloc
// PARTLY-NEXT:   loop.for %p = 0 to 3 {
// PARTLY:        loop.for %U_packed_out_p = 0 to 3 {
// PARTLY-NEXT:     loop.block "U_packed_out" (%v_1 < 3 = %U_packed_out_p) {

// GATHER. what is read is only known at run time, so all is there.
// GATHER-LABEL: func.func @gather(
// GATHER-NEXT:   %G_packed = loop.alloc : memref<8xf32
// GATHER:        %a = loop.load %G_packed[%n]

// SCATTER. so it is where something is written: all goes in, and all goes back.
// SCATTER-LABEL: func.func @scatter(
// SCATTER-NEXT:   %O_packed = loop.alloc : memref<8xf32
// SCATTER-NEXT:   loop.for %O_packed_in_d0 = 0 to 8 {
// SCATTER:          loop.store %a, %O_packed[%n]
// SCATTER:        loop.for %O_packed_out_d0 = 0 to 8 {
// SCATTER-NEXT:     loop.block "O_packed_out" (%v_d0_1 < 8 = %O_packed_out_d0) {

// RANK: error: pack-buffer: map="(r)->(r)" takes 1 coordinates, but %A_packed has 2 dimensions
// SHARED: error: pack-buffer: map="(r,k)->(k,r floordiv 2)" puts two elements of %A_packed in one place; a layout keeps them apart
// SHARED-NEXT:   %A_packed[0, 0] and %A_packed[1, 0] would both be at [0, 0]
// NAME: error: pack-buffer: the name 'S' is that of another buffer; choose another
// PLACE: error: pack-buffer: %T is packed where it is, as nobody else sees it in its old layout; scope=, tile= and pads= are for a copy, which at= makes in a loop
// A layout takes the place of another one.
// ALREADY: %T = loop.alloc : memref<8xf32, #loop.layout<affine_map<(d0) -> ((d0 floordiv 2), (d0 mod 2))>, [4, 2]>>
// COPIED: error: pack-buffer: %A is used by loop.copy, which would see it in its old layout; pack it in a loop with at=, or before that is there
// NOTHING: error: pack-buffer: nothing in @copied uses %N
// LOOP: error: pack-buffer: no loop is named 'S':
// MOVED: error: pack-buffer: tiles in inp have the layout of their buffer, which the target moves; give %A the layout with transform-layout

func.func @rowsum(%A: memref<8x20xf32>, %S: memref<8xf32>) {
  loop.for %r = 0 to 8 {
    loop.for %k = 0 to 20 {
      loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v_r] : memref<8xf32>
      } {
        %s = loop.load %S[%v_r] : memref<8xf32>
        %a = loop.load %A[%v_r, %v_k] : memref<8x20xf32>
        %t = arith.addf %s, %a : f32
        loop.store %t, %S[%v_r] : memref<8xf32>
      }
    }
  }
  func.return
}

func.func @own(%W: memref<8xf32> {dovetail.weight}, %Z: memref<8xf32>) {
  %T = loop.alloc : memref<8xf32>
  loop.for %r1 = 0 to 8 {
    loop.block "T" (%v < 8 = %r1) {
      %w = loop.load %W[%v] : memref<8xf32>
      %d = arith.addf %w, %w : f32
      loop.store %d, %T[%v] : memref<8xf32>
    }
  }
  loop.for %r2 = 0 to 8 {
    loop.block "Z" (%v < 8 = %r2) {
      %t = loop.load %T[%v] : memref<8xf32>
      loop.store %t, %Z[%v] : memref<8xf32>
    }
  }
  func.return
}

func.func @symbolic(%X: memref<?x40xf32, #loop.layout<["n", 40]>>, %Y: memref<?x40xf32, #loop.layout<["n", 40]>>) {
  %n = loop.dim "n"
  loop.for %r = 0 to %n {
    loop.for %k = 0 to 40 {
      loop.block "Y" (%v_r < %n = %r, %v_k < 40 = %k) {
        %x = loop.load %X[%v_r, %v_k] : memref<?x40xf32, #loop.layout<["n", 40]>>
        loop.store %x, %Y[%v_r, %v_k] : memref<?x40xf32, #loop.layout<["n", 40]>>
      }
    }
  }
  func.return
}

func.func @halo(%X: memref<8xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [10]>>, %Z: memref<8xf32>) {
  loop.for %o = 0 to 8 {
    loop.for %t = 0 to 3 {
      loop.block "Z" (%v < 8 = %o, reduce %w < 3 = %t) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %Z[%v] : memref<8xf32>
      } {
        %z = loop.load %Z[%v] : memref<8xf32>
        %x = loop.load %X[%v + %w - 1] : memref<8xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [10]>>
        %s = arith.addf %z, %x : f32
        loop.store %s, %Z[%v] : memref<8xf32>
      }
    }
  }
  func.return
}

func.func @partly(%X: memref<8xf32>, %U: memref<8xf32>) {
  loop.for %p = 0 to 3 {
    loop.block "U" (%v < 3 = %p) {
      %x = loop.load %X[%v] : memref<8xf32>
      loop.store %x, %U[%v * 2] : memref<8xf32>
    }
  }
  func.return
}

func.func @gather(%G: memref<8xf32>, %I: memref<8xindex>, %O: memref<8xf32>) {
  loop.for %i = 0 to 8 {
    loop.block "O" (%v < 8 = %i) {
      %n = loop.load %I[%v] : memref<8xindex>
      %a = loop.load %G[%n] : memref<8xf32>
      loop.store %a, %O[%v] : memref<8xf32>
    }
  }
  func.return
}

func.func @scatter(%G: memref<8xf32>, %I: memref<8xindex>, %O: memref<8xf32>) {
  loop.for %j = 0 to 8 {
    loop.block "scatter" (%v < 8 = %j) {
      %n = loop.load %I[%v] : memref<8xindex>
      %a = loop.load %G[%v] : memref<8xf32>
      loop.store %a, %O[%n] : memref<8xf32>
    }
  }
  func.return
}

func.func @copied(%A: memref<8x20xf32>, %N: memref<8xf32>, %S: memref<8x20xf32>) {
  %T = loop.alloc : memref<8x20xf32, "local">
  loop.copy %A to %T : memref<8x20xf32> to memref<8x20xf32, "local">
  loop.copy %T to %S : memref<8x20xf32, "local"> to memref<8x20xf32>
  func.return
}


// ROOM: error: pack-buffer: block 'C' also writes cells of %C that hold no element, for which the copy has no room; pack it before pad-block
func.func @padded_product(%A: memref<9x4xi8>, %B: memref<4x11xi8>, %C: memref<9x11xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 8), (d1 mod 8))>, [9, 2, 8]>>) {
  loop.for %y = 0 to 9 {
    loop.for %x = 0 to 12 {
      loop.for %k = 0 to 4 {
        loop.block "C" (%v_y < 9 = %y, %v_x < 12 = %x, reduce %v_k < 4 = %k) init {
          %0 = arith.constant 0 : i8
          loop.store %0, %C[%v_y, %v_x] : memref<9x11xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 8), (d1 mod 8))>, [9, 2, 8]>>
        } {
          %acc = loop.load %C[%v_y, %v_x] : memref<9x11xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 8), (d1 mod 8))>, [9, 2, 8]>>
          %a = loop.load %A[%v_y, %v_k] : memref<9x4xi8>
          %pad = arith.constant 0 : i8
          %b = loop.load %B[%v_k, %v_x] where (-%v_x + 10 >= 0) else %pad : memref<4x11xi8>
          %p = arith.muli %a, %b : i8
          %1 = arith.addi %acc, %p : i8
          loop.store %1, %C[%v_y, %v_x] : memref<9x11xi8, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 8), (d1 mod 8))>, [9, 2, 8]>>
        }
      }
    }
  }
  func.return
}

// What guarded reads find outside of a buffer lies in the copy, and nothing is left to be tested.

// PADS-LABEL: func.func @window(%X: memref<9xf32>, %Y: memref<9xf32>) {
// PADS-NEXT:    %X_packed = loop.alloc at [-1] : memref<11xf32, #loop.layout<affine_map<(d0) -> ((d0 floordiv 4), (d0 mod 4))>, [3, 4]>>
// PADS-NEXT:    loop.for %X_packed_in_d0 = 0 to 11 {
// PADS-NEXT:      loop.block "X_packed_in" (%v_d0 < 11 = %X_packed_in_d0) {
// PADS-NEXT:        %0 = arith.constant 2.000000e+00 : f32
// PADS-NEXT:        %1 = loop.load %X[%v_d0 - 1] where (%v_d0 - 1 >= 0, -%v_d0 + 9 >= 0) else %0 : memref<9xf32>
// PADS-NEXT:        loop.store %1, %X_packed[%v_d0 - 1]
// PADS:             loop.load %X_packed[%v + %w - 1] : memref<11xf32

// PADS-TILE:      loop.for %i_o = 0 to 3 {
// PADS-TILE-NEXT:   %X_packed = loop.alloc at [%i_o * 4 - 1] : memref<6xf32
// PADS-TILE-NEXT:   loop.for %X_packed_in_d0 = 0 to 6 {
// PADS-TILE-NEXT:     loop.block "X_packed_in" (%v_d0 < 14 = %i_o * 4 + %X_packed_in_d0) {
func.func @window(%X: memref<9xf32>, %Y: memref<9xf32>) {
  loop.for %i = 0 to 9 {
    loop.for %t = 0 to 3 {
      loop.block "Y" (%v < 9 = %i, reduce %w < 3 = %t) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %Y[%v] : memref<9xf32>
      } {
        %y = loop.load %Y[%v] : memref<9xf32>
        %two = arith.constant 2.0 : f32
        %x = loop.load %X[%v + %w - 1] where (%v + %w >= 1, 9 - %v - %w >= 0) else %two : memref<9xf32>
        %s = arith.addf %y, %x : f32
        loop.store %s, %Y[%v] : memref<9xf32>
      }
    }
  }
  func.return
}

// PADS-APART: error: pack-buffer: reads of %X find different values outside of it, and a move has one pad; choose a loop around only one of them
// PADS-GUARD: error: pack-buffer: a read of %Y in block 'two' has a guard other than that it is inside the buffer, or else no constant, and a move into the tile cannot have that
// PADS-WRITTEN: error: pack-buffer: block 'two' writes %Z, and only what is never written is copied with its pads; pack it without pads=true
func.func @pads_apart(%X: memref<9xf32>, %Y: memref<9xf32>, %Z: memref<9xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  loop.for %i = 0 to 9 {
    loop.block "two" (%v < 9 = %i) {
      %x = loop.load %X[%v - 1] where (%v >= 1) else %zero : memref<9xf32>
      %y = loop.load %X[%v + 1] where (%v < 8) else %one : memref<9xf32>
      %z = loop.load %Y[%v] where (%v < 8) else %one : memref<9xf32>
      %u = loop.load %Z[%v - 1] where (%v >= 1) else %one : memref<9xf32>
      %s = arith.addf %x, %y : f32
      %t = arith.addf %s, %z : f32
      %r = arith.addf %t, %u : f32
      loop.store %r, %Z[%v] : memref<9xf32>
    }
  }
  func.return
}

// PADS-SIZED: error: pack-buffer: only a run knows where the box of %S begins that loop 'a' reads; pack it without pads=true
func.func @pads_sized(%S: memref<9xf32>, %O: memref<?x9xf32, #loop.layout<["n", 9]>>) {
  %n = loop.dim "n"
  loop.for %a = 0 to %n {
    loop.block "sized" (%v < %n = %a) {
      %zero = arith.constant 0.0 : f32
      %x = loop.load %S[%v - 1] where (%v >= 1, 9 - %v >= 0) else %zero : memref<9xf32>
      loop.store %x, %O[%v, 0] : memref<?x9xf32, #loop.layout<["n", 9]>>
    }
  }
  func.return
}
