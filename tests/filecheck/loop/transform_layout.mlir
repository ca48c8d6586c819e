// RUN: dovetail-opt %s -p 'transform-layout{buffer=A map="(r,k)->(k floordiv 16,r,k mod 16)" function=rowsum}' | filecheck %s --check-prefix=BLOCKED
// RUN: dovetail-opt %s -p 'transform-layout{buffer=A map="(r,k)->(r+1,k+1)" extents=10,22 function=rowsum}' | filecheck %s --check-prefix=SHIFTED
// RUN: not dovetail-opt %s -p 'transform-layout{buffer=A map="r,k->k" function=rowsum}' 2>&1 | filecheck %s --check-prefix=TEXT
// RUN: not dovetail-opt %s -p 'transform-layout{buffer=A map="(r)->(r)" function=rowsum}' 2>&1 | filecheck %s --check-prefix=RANK
// RUN: dovetail-opt %s -p 'transform-layout{buffer=A map="(r,k)->(k floordiv 16,r,k mod 16)" pad=3 function=rowsum},transform-layout{buffer=A map="(r,k)->(k,r)" function=rowsum}' | filecheck %s --check-prefix=AGAIN
// RUN: not dovetail-opt %s -p 'transform-layout{buffer=X map="(r)->(r)" function=halo}' 2>&1 | filecheck %s --check-prefix=ALREADY
// RUN: not dovetail-opt %s -p 'transform-layout{buffer=A map="(r,k)->(k,r)" extents=20 function=rowsum}' 2>&1 | filecheck %s --check-prefix=COUNT
// RUN: not dovetail-opt %s -p 'transform-layout{buffer=A map="(r,k)->(k,r+1)" extents=20,8 function=rowsum}' 2>&1 | filecheck %s --check-prefix=HOLDS
// RUN: not dovetail-opt %s -p 'transform-layout{buffer=A map="(r,k)->(k,r floordiv 2)" function=rowsum}' 2>&1 | filecheck %s --check-prefix=SHARED
// RUN: dovetail-opt %s -p 'transform-layout{buffer=B map="(r,k)->(r,k floordiv 16,k mod 16)" function=symbolic}' | filecheck %s --check-prefix=SYMBOLIC
// RUN: not dovetail-opt %s -p 'transform-layout{buffer=B map="(r,k)->(r floordiv 4,k,r mod 4)" function=symbolic}' 2>&1 | filecheck %s --check-prefix=CUT
// RUN: not dovetail-opt %s -p 'transform-layout{buffer=B map="(r,k)->(r,k)" extents=4,40 function=symbolic}' 2>&1 | filecheck %s --check-prefix=FIXED
// RUN: dovetail-opt %s -p 'transform-layout{buffer=A map="(r,k)->(k floordiv 16,r,k mod 16)" pad=3 function=rowsum}' | filecheck %s --check-prefix=PAD
// RUN: not dovetail-opt %s -p 'transform-layout{buffer=T map="(r)->(r)" pad=0 function=local}' 2>&1 | filecheck %s --check-prefix=LOCAL
// RUN: not dovetail-opt %s -p 'transform-layout{buffer=X map="(r)->(r)" pad=300 function=local}' 2>&1 | filecheck %s --check-prefix=VALUE

// A blocked dimension keeps the whole block even where the size is smaller; a frame is given by a
// shift and the extents.

// BLOCKED-LABEL: func.func @rowsum(%A: memref<8x20xf32, #loop.layout<affine_map<(d0, d1) -> ((d1 floordiv 16), d0, (d1 mod 16))>, [2, 8, 16]>>, %S: memref<8xf32>) {
// BLOCKED-NEXT:  loop.for %r = 0 to 8 {
// BLOCKED-NEXT:    loop.for %k = 0 to 20 {
// BLOCKED-NEXT:      loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k) init {
// BLOCKED-NEXT:        %zero = arith.constant 0.000000e+00 : f32
// BLOCKED-NEXT:        loop.store %zero, %S[%v_r] : memref<8xf32>
// BLOCKED-NEXT:      } {
// BLOCKED-NEXT:        %s = loop.load %S[%v_r] : memref<8xf32>
// BLOCKED-NEXT:        %a = loop.load %A[%v_r, %v_k] : memref<8x20xf32, #loop.layout<affine_map<(d0, d1) -> ((d1 floordiv 16), d0, (d1 mod 16))>, [2, 8, 16]>>
// BLOCKED-NEXT:        %t = arith.addf %s, %a : f32
// BLOCKED-NEXT:        loop.store %t, %S[%v_r] : memref<8xf32>
// BLOCKED-NEXT:      }
// BLOCKED-NEXT:    }
// BLOCKED-NEXT:  }

// SHIFTED-LABEL: func.func @rowsum(%A: memref<8x20xf32, #loop.layout<affine_map<(d0, d1) -> ((d0 + 1), (d1 + 1))>, [10, 22]>>, %S: memref<8xf32>) {
// SHIFTED-NEXT:  loop.for %r = 0 to 8 {
// SHIFTED-NEXT:    loop.for %k = 0 to 20 {
// SHIFTED-NEXT:      loop.block "S" (%v_r < 8 = %r, reduce %v_k < 20 = %k) init {
// SHIFTED-NEXT:        %zero = arith.constant 0.000000e+00 : f32
// SHIFTED-NEXT:        loop.store %zero, %S[%v_r] : memref<8xf32>
// SHIFTED-NEXT:      } {
// SHIFTED-NEXT:        %s = loop.load %S[%v_r] : memref<8xf32>
// SHIFTED-NEXT:        %a = loop.load %A[%v_r, %v_k] : memref<8x20xf32, #loop.layout<affine_map<(d0, d1) -> ((d0 + 1), (d1 + 1))>, [10, 22]>>
// SHIFTED-NEXT:        %t = arith.addf %s, %a : f32
// SHIFTED-NEXT:        loop.store %t, %S[%v_r] : memref<8xf32>
// SHIFTED-NEXT:      }
// SHIFTED-NEXT:    }
// SHIFTED-NEXT:  }

// A layout takes the place of another one.
// AGAIN: func.func @rowsum(%A: memref<8x20xf32, #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [20, 8]>>,

// TEXT: error: transform-layout: map="r,k->k" is no affine map
// RANK: error: transform-layout: map="(r)->(r)" takes 1 coordinates, but %A has 2 dimensions
// ALREADY: error: transform-layout: %X already has the layout #loop.layout<affine_map<(d0) -> ((d0 + 1))>, [10]>, and cells of it are used that hold no element and would not be there in another one
// ALREADY-NEXT:   %X[-1] is read by block 'Z' (v=0, w=0)
// COUNT: error: transform-layout: extents= gives 1 sizes; the map has 2
// HOLDS: error: transform-layout: physical dimension 1 of %A runs from 1 to 8; an extent of 8 does not hold it
// SHARED: error: transform-layout: map="(r,k)->(k,r floordiv 2)" puts two elements of %A in one place; a layout keeps them apart
// SHARED-NEXT:   %A[0, 0] and %A[1, 0] would both be at [0, 0]

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

func.func @others(%A: memref<8xf32>, %I: memref<8xindex>, %O: memref<8xf32>, %M: memref<?xf32, #loop.layout<["m"]>>) {
  loop.for %i = 0 to 8 {
    loop.block "gather" (%v < 8 = %i) {
      %n = loop.load %I[%v] : memref<8xindex>
      %a = loop.load %A[%n] : memref<8xf32>
      loop.store %a, %O[%v] : memref<8xf32>
    }
  }
  loop.for %j = 0 to 4 {
    loop.for %l = 0 to 2 {
      loop.block "two" (%v < 8 = %j * 2 + %l, %w < 8 = %j + %l * 4) {
        %a = loop.load %A[%v] : memref<8xf32>
        %b = loop.load %A[%w] : memref<8xf32>
        %c = arith.addf %a, %b : f32
        loop.store %c, %O[%v] : memref<8xf32>
      }
    }
  }
  loop.for %n = 0 to 4 {
    loop.for %p = 0 to 4 {
      loop.block "sized" (%v < 16 = %n * 4 + %p) {
        %m = loop.load %M[%v] : memref<?xf32, #loop.layout<["m"]>>
        loop.store %m, %O[0] : memref<8xf32>
      }
    }
  }
  func.return
}
func.func @halo(%X: memref<8xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [10]>>, %Z: memref<8xf32>) {
  loop.for %o = 0 to 2 {
    loop.for %n4 = 0 to 4 {
      loop.for %t = 0 to 3 {
        loop.block "Z" (%v < 8 = %o * 4 + %n4, reduce %w < 3 = %t) init {
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
  }
  func.return
}

// SYMBOLIC: func.func @symbolic(%B: memref<?x40xf32, #loop.layout<affine_map<(d0, d1) -> (d0, (d1 floordiv 16), (d1 mod 16))>, ["n", 3, 16]>>)
// CUT: error: transform-layout: physical dimension 0 of %B has no constant size; symbolic dimensions stay as they are, and extents= gives sizes of constant ones
// FIXED: error: transform-layout: physical dimension 0 of %B has no constant size; symbolic
func.func @symbolic(%B: memref<?x40xf32, #loop.layout<["n", 40]>>) {
  %n = loop.dim "n"
  loop.for %r = 0 to %n {
    loop.for %k = 0 to 40 {
      loop.block "B" (%v_r < %n = %r, %v_k < 40 = %k) {
        %b = arith.constant 0.0 : f32
        loop.store %b, %B[%v_r, %v_k] : memref<?x40xf32, #loop.layout<["n", 40]>>
      }
    }
  }
  func.return
}

// What lies behind the elements is said of arguments, which a caller fills.

// PAD-LABEL: func.func @rowsum(%A: memref<8x20xf32, #loop.layout<{{.*}}, [2, 8, 16], pad 3.000000e+00 : f32>>
// LOCAL: error: transform-layout: %T is no argument of the function, so that nobody fills the cells around its elements with the pad 0
// VALUE: error: transform-layout: the pad 300 of %X is no i8
func.func @local(%X: memref<8xi8>) {
  %T = loop.alloc : memref<8xi8>
  loop.for %r = 0 to 8 {
    loop.block "B" (%v < 8 = %r) {
      %x = loop.load %X[%v] : memref<8xi8>
      loop.store %x, %T[%v] : memref<8xi8>
    }
  }
  func.return
}
