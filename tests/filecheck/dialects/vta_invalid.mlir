// RUN: dovetail-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics 2>&1 | filecheck %s

// CHECK: vta.load: no load fills 'out'; there are uop, wgt, inp, acc, acc8
vta.uop_kernel @k {(0, 0, 0)}
vta.load out [0] at [0] rows 1 of 1
// -----
// CHECK: vta.load: wgt takes no pads
vta.uop_kernel @k {(0, 0, 0)}
vta.load wgt [0] at [0] rows 1 of 1 pad [0, 0, 1, 0]
// -----
// CHECK: vta.load: micro-ops are loaded as one row
vta.uop_kernel @k {(0, 0, 0)}
vta.load uop [0] at [0] rows 2 of 1
// -----
// CHECK: vta.load: a pad is 16, outside 0 to 15
vta.uop_kernel @k {(0, 0, 0)}
vta.load inp [0] at [0] rows 1 of 1 pad [16, 0, 0, 0]
// -----
// CHECK: vta.load: the row size is 0, outside 1 to 65535
vta.uop_kernel @k {(0, 0, 0)}
vta.load inp [0] at [0] rows 1 of 0
// -----
// CHECK: vta.load: the number of rows is 65536, outside 1 to 65535
vta.uop_kernel @k {(0, 0, 0)}
vta.load inp [0] at [0] rows 65536 of 1
// -----
// CHECK: vta.load: the stride is -1, outside 0 to 65535
vta.uop_kernel @k {(0, 0, 0)}
vta.load inp [0] at [0] rows 1 of 1 stride -1
// -----
// CHECK: vta.load: the SRAM address is 65536, outside 0 to 65535
vta.uop_kernel @k {(0, 0, 0)}
vta.load inp [0] at [65536] rows 1 of 1
// -----
// CHECK: a pad is [rows before, rows after, elements before, after]
vta.uop_kernel @k {(0, 0, 0)}
vta.load inp [0] at [0] rows 1 of 1 pad [1]
// -----
// CHECK: vta.store: a store reads out, not 'acc'
vta.uop_kernel @k {(0, 0, 0)}
vta.store acc [0] at [0] rows 1 of 1
// -----
// CHECK: vta.store: a store has no pads
vta.uop_kernel @k {(0, 0, 0)}
vta.store out [0] at [0] rows 1 of 1 pad [0, 0, 0, 1]
// -----
// CHECK: vta.gemm: the outer trip count is 16384, outside 1 to 16383
vta.uop_kernel @k {(0, 0, 0)}
vta.gemm @k at [0, 0, 0] outer 16384 by [0, 0, 0]
// -----
// CHECK: vta.gemm: the inner trip count is 0, outside 1 to 16383
vta.uop_kernel @k {(0, 0, 0)}
vta.gemm @k at [0, 0, 0] inner 0 by [0, 0, 0]
// -----
// CHECK: vta.gemm: 2 outer factors, not 3
vta.uop_kernel @k {(0, 0, 0)}
vta.gemm @k at [0, 0, 0] outer 2 by [0, 0]
// -----
// CHECK: vta.gemm: an address has 3 expressions of its operands
vta.uop_kernel @k {(0, 0, 0)}
vta.gemm @k at [0, 0]
// -----
// CHECK: vta.gemm: no vta.uop_kernel is called @other
vta.uop_kernel @k {(0, 0, 0)}
vta.gemm @other at [0, 0, 0]
// -----
// CHECK: vta.alu: no operation is called 'sub'; there are min, max, add, shr, mul
vta.uop_kernel @k {(0, 0, 0)}
vta.alu sub @k at [0, 0]
// -----
// CHECK: vta.alu: the immediate is 32768, outside -32768 to 32767
vta.uop_kernel @k {(0, 0, 0)}
vta.alu add @k at [0, 0] imm 32768
// -----
// CHECK: vta.uop_kernel @e: a kernel has a micro-op at least
vta.uop_kernel @k {(0, 0, 0)}
vta.uop_kernel @e {}
// -----
// CHECK: vta.uop_kernel @e: a weight index is -1, outside 0 to 65535
vta.uop_kernel @k {(0, 0, 0)}
vta.uop_kernel @e {(0, 0, -1)}
// -----
// CHECK: a micro-op is (accumulator, source, weight)
vta.uop_kernel @k {(0, 0, 0)}
vta.uop_kernel @e {(0, 0)}
// -----
// CHECK: vta.push_dep: no queue leads from load to store; load and store meet only compute
vta.uop_kernel @k {(0, 0, 0)}
vta.push_dep "load" to "store"
// -----
// CHECK: vta.pop_dep: no unit is called 'ex'; there are load, compute, store
vta.uop_kernel @k {(0, 0, 0)}
vta.pop_dep "ex" to "load"
