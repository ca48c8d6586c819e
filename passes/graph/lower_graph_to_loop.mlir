// dovetail-opt -p lower-graph-to-loop
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = graph.weight @w splat(0.5) : tensor<4xf32>
  %t = graph.call @add(%x, %w) on "cpu" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = graph.call @add(%t, %w) on "cpu" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
func.func private @add(%a: memref<4xf32>, %b: memref<4xf32>, %c: memref<4xf32>) {
  loop.for %i = 0 to 4 {
    loop.block "c" (%v < 4 = %i) {
      %l = loop.load %a[%v] : memref<4xf32>
      %r = loop.load %b[%v] : memref<4xf32>
      %s = arith.addf %l, %r : f32
      loop.store %s, %c[%v] : memref<4xf32>
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @main(%x: memref<4xf32>, %w: memref<4xf32> {dovetail.weight = #graph.content<splat(0.5) : tensor<4xf32>>}, %y: memref<4xf32>) attributes {dovetail.outputs = 1 : i64} {
    %t = loop.alloc : memref<4xf32>
    func.call @add(%x, %w, %t) {device = "cpu"} : (memref<4xf32>, memref<4xf32>, memref<4xf32>) -> ()
    func.call @add(%t, %w, %y) {device = "cpu"} : (memref<4xf32>, memref<4xf32>, memref<4xf32>) -> ()
    func.return
  }
  func.func private @add(%a: memref<4xf32>, %b: memref<4xf32>, %c: memref<4xf32>) {
    loop.for %i = 0 to 4 {
      loop.block "c" (%v < 4 = %i) {
        %l = loop.load %a[%v] : memref<4xf32>
        %r = loop.load %b[%v] : memref<4xf32>
        %s = arith.addf %l, %r : f32
        loop.store %s, %c[%v] : memref<4xf32>
      }
    }
    func.return
  }
}
