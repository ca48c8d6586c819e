// RUN: dovetail-opt %s -p lower-te-to-loop,reverse-loop{loop=i} | filecheck %s
// RUN: not dovetail-opt %s -p lower-te-to-loop,reverse-loop{loop=k} 2>&1 | filecheck %s --check-prefix REDUCTION
// RUN: not dovetail-opt %s -p lower-te-to-loop,reverse-loop{loop=y} 2>&1 | filecheck %s --check-prefix UNKNOWN
// RUN: not dovetail-opt %s -p lower-te-to-loop,unroll-loop{loop=i},reverse-loop{loop=i} 2>&1 | filecheck %s --check-prefix KIND

// CHECK:      loop.for %i = 0 to 5 {
// CHECK-NEXT:   loop.for %k = 0 to 8 {
// CHECK-NEXT:     loop.block "sum" (%v_i < 5 = -%i + 4, reduce %v_k < 8 = %k) init {

// REDUCTION: error: reverse-loop: loop 'k' runs over the reduction of block 'sum'; only a spatial loop can be reversed
// UNKNOWN: error: reverse-loop: no loop is named 'y': there are: i, k
// KIND: error: reverse-loop: loop 'i' is unrolled; reverse it before it is given a kind
func.func @row_sums(%x: tensor<5x8xf32>) -> tensor<5xf32> {
  %sum = te.compute "sum" (%i = 0 to 5) sum (%k = 0 to 8) {
    %a = te.read %x[%i, %k] : tensor<5x8xf32>
    te.yield %a : f32
  } : tensor<5xf32>
  func.return %sum : tensor<5xf32>
}
