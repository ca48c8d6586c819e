// The instructions of VTA, for any configuration: `$inp0` is the first extent of an element of the
// scope inp of the module's target, and so on. A name in `lower` is what the vta dialect makes of
// the call: `gemm`, `gemm.reset`, an operation of the ALU, or `out`, which is the narrower view of
// an accumulator that a store sees, no instruction.

te.intrinsic @gemm (%x: tensor<${inp0}x${inp1}xi8>, %w: tensor<${wgt0}x${wgt1}xi8>) {
  %c = te.compute "c" (%n = 0 to $inp0, %oc = 0 to $wgt0) sum (%ic = 0 to $wgt1) {
    %a = te.read %x[%n, %ic] : tensor<${inp0}x${inp1}xi8>
    %b = te.read %w[%oc, %ic] : tensor<${wgt0}x${wgt1}xi8>
    %a32 = arith.extsi %a : i8 to i32
    %b32 = arith.extsi %b : i8 to i32
    %p = arith.muli %a32, %b32 : i32
    te.yield %p : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %c : tensor<${acc0}x${acc1}xi32>
} lower compute "gemm" reset "gemm.reset" update "gemm" on "ex"

te.intrinsic @shr_imm (%x: tensor<${acc0}x${acc1}xi32>, %imm: i32) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = arith.shrsi %a, %imm : i32
    te.yield %b : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %r : tensor<${acc0}x${acc1}xi32>
} lower compute "alu.shr" on "ex"

te.intrinsic @add_imm (%x: tensor<${acc0}x${acc1}xi32>, %imm: i32) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = arith.addi %a, %imm : i32
    te.yield %b : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %r : tensor<${acc0}x${acc1}xi32>
} lower compute "alu.add" on "ex"

te.intrinsic @min_imm (%x: tensor<${acc0}x${acc1}xi32>, %imm: i32) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = arith.minsi %a, %imm : i32
    te.yield %b : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %r : tensor<${acc0}x${acc1}xi32>
} lower compute "alu.min" on "ex"

te.intrinsic @max_imm (%x: tensor<${acc0}x${acc1}xi32>, %imm: i32) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = arith.maxsi %a, %imm : i32
    te.yield %b : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %r : tensor<${acc0}x${acc1}xi32>
} lower compute "alu.max" on "ex"

te.intrinsic @mul_imm (%x: tensor<${acc0}x${acc1}xi32>, %imm: i32) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = arith.muli %a, %imm : i32
    te.yield %b : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %r : tensor<${acc0}x${acc1}xi32>
} lower compute "alu.mul" on "ex"

te.intrinsic @shl_imm (%x: tensor<${acc0}x${acc1}xi32>, %imm: i32) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = arith.shli %a, %imm : i32
    te.yield %b : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %r : tensor<${acc0}x${acc1}xi32>
} lower compute "alu.shl" on "ex"

te.intrinsic @shr (%x: tensor<${acc0}x${acc1}xi32>, %y: tensor<${acc0}x${acc1}xi32>) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = te.read %y[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %s = arith.shrsi %a, %b : i32
    te.yield %s : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %r : tensor<${acc0}x${acc1}xi32>
} lower compute "alu.shr" on "ex"

te.intrinsic @add (%x: tensor<${acc0}x${acc1}xi32>, %y: tensor<${acc0}x${acc1}xi32>) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = te.read %y[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %s = arith.addi %a, %b : i32
    te.yield %s : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %r : tensor<${acc0}x${acc1}xi32>
} lower compute "alu.add" on "ex"

te.intrinsic @min (%x: tensor<${acc0}x${acc1}xi32>, %y: tensor<${acc0}x${acc1}xi32>) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = te.read %y[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %s = arith.minsi %a, %b : i32
    te.yield %s : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %r : tensor<${acc0}x${acc1}xi32>
} lower compute "alu.min" on "ex"

te.intrinsic @max (%x: tensor<${acc0}x${acc1}xi32>, %y: tensor<${acc0}x${acc1}xi32>) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = te.read %y[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %s = arith.maxsi %a, %b : i32
    te.yield %s : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %r : tensor<${acc0}x${acc1}xi32>
} lower compute "alu.max" on "ex"

te.intrinsic @mul (%x: tensor<${acc0}x${acc1}xi32>, %y: tensor<${acc0}x${acc1}xi32>) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = te.read %y[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %s = arith.muli %a, %b : i32
    te.yield %s : i32
  } : tensor<${acc0}x${acc1}xi32>
  te.yield %r : tensor<${acc0}x${acc1}xi32>
} lower compute "alu.mul" on "ex"

te.intrinsic @cast (%x: tensor<${acc0}x${acc1}xi32>) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %b = arith.trunci %a : i32 to i8
    te.yield %b : i8
  } : tensor<${out0}x${out1}xi8>
  te.yield %r : tensor<${out0}x${out1}xi8>
} lower compute "out" on "ex"

te.intrinsic @cast_saturate (%x: tensor<${acc0}x${acc1}xi32>) {
  %r = te.compute "r" (%n = 0 to $acc0, %c = 0 to $acc1) {
    %a = te.read %x[%n, %c] : tensor<${acc0}x${acc1}xi32>
    %low = arith.constant -128 : i32
    %high = arith.constant 127 : i32
    %b = arith.maxsi %a, %low : i32
    %d = arith.minsi %b, %high : i32
    %e = arith.trunci %d : i32 to i8
    te.yield %e : i8
  } : tensor<${out0}x${out1}xi8>
  te.yield %r : tensor<${out0}x${out1}xi8>
} lower compute "out.saturate" on "ex"
