// RUN: not dovetail-opt %s -p 'expand-unrolled-loops' 2>&1 | filecheck %s --check-prefix=RUNTIME
// RUN: not dovetail-opt %s -t loop-expanded 2>&1 | filecheck %s --check-prefix=TARGET

// RUNTIME: error: expand-unrolled-loops: the extent of loop 'i' is only known at run time
// TARGET: error: expand-unrolled-loops: the extent of loop 'i' is only known at run time

func.func @runtime(%M: memref<?xf32, #loop.layout<["m"]>>) {
  %m = loop.dim "m"
  loop.for %i = 0 to %m unrolled {
    loop.block "M" (%v_i < %m = %i) {
      %one = arith.constant 1.0 : f32
      loop.store %one, %M[%v_i] : memref<?xf32, #loop.layout<["m"]>>
    }
  }
  func.return
}
