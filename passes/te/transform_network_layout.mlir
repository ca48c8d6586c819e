// dovetail-opt -p transform-network-layout
builtin.module attributes {target = #target.target<"llvm -mcpu=x86-64-v3">} {
  func.func @main(%x: tensor<1x16x9x9xf32>) -> tensor<1x1x9x9xf32> {
    %t = graph.call @relu(%x) on "cpu" : (tensor<1x16x9x9xf32>) -> tensor<1x16x9x9xf32>
    %y = graph.call @conv(%t) on "cpu" : (tensor<1x16x9x9xf32>) -> tensor<1x1x9x9xf32>
    func.return %y : tensor<1x1x9x9xf32>
  }
  func.func private @relu(%x: tensor<1x16x9x9xf32>) -> tensor<1x16x9x9xf32> {
    %zero = arith.constant 0.0 : f32
    %t = te.compute "t" (%n = 0 to 1, %c = 0 to 16, %h = 0 to 9, %w = 0 to 9) {
      %a = te.read %x[%n, %c, %h, %w] : tensor<1x16x9x9xf32>
      %m = arith.maximumf %a, %zero : f32
      te.yield %m : f32
    } : tensor<1x16x9x9xf32>
    func.return %t : tensor<1x16x9x9xf32>
  }
  func.func private @conv(%t: tensor<1x16x9x9xf32>) -> tensor<1x1x9x9xf32> {
    %y = te.compute "y" (%n = 0 to 1, %c = 0 to 1, %h = 0 to 9, %w = 0 to 9) sum (%k = 0 to 16, %r = 0 to 3) {
      %zero = arith.constant 0.0 : f32
      %a = te.read %t[%n, %k, %h, %w + %r - 1] where (%w + %r >= 1, 9 >= %w + %r) else %zero : tensor<1x16x9x9xf32>
      te.yield %a : f32
    } : tensor<1x1x9x9xf32>
    func.return %y : tensor<1x1x9x9xf32>
  }
}
// -----
builtin.module attributes {target = #target.target<"llvm -mcpu=x86-64-v3">} {
  func.func @main(%x: tensor<1x16x9x9xf32>) -> tensor<1x1x9x9xf32> {
    %t = graph.call @relu(%x) on "cpu" : (tensor<1x16x9x9xf32>) -> tensor<1x16x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 8), d2, (d3 + 1), (d1 mod 8))>, [1, 2, 9, 11, 8], pad 0.000000e+00 : f32>>
    %y = graph.call @conv(%t) on "cpu" : (tensor<1x16x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 8), d2, (d3 + 1), (d1 mod 8))>, [1, 2, 9, 11, 8], pad 0.000000e+00 : f32>>) -> tensor<1x1x9x9xf32>
    func.return %y : tensor<1x1x9x9xf32>
  }
  func.func private @relu(%x: tensor<1x16x9x9xf32>) -> tensor<1x16x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 8), d2, (d3 + 1), (d1 mod 8))>, [1, 2, 9, 11, 8], pad 0.000000e+00 : f32>> {
    %zero = arith.constant 0.000000e+00 : f32
    %t = te.compute "t" (%n = 0 to 1, %c = 0 to 16, %h = 0 to 9, %w = 0 to 9) {
      %a = te.read %x[%n, %c, %h, %w] : tensor<1x16x9x9xf32>
      %m = arith.maximumf %a, %zero : f32
      te.yield %m : f32
    } : tensor<1x16x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 8), d2, (d3 + 1), (d1 mod 8))>, [1, 2, 9, 11, 8], pad 0.000000e+00 : f32>>
    func.return %t : tensor<1x16x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 8), d2, (d3 + 1), (d1 mod 8))>, [1, 2, 9, 11, 8], pad 0.000000e+00 : f32>>
  }
  func.func private @conv(%t: tensor<1x16x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 8), d2, (d3 + 1), (d1 mod 8))>, [1, 2, 9, 11, 8], pad 0.000000e+00 : f32>>) -> tensor<1x1x9x9xf32> {
    %y = te.compute "y" (%n = 0 to 1, %c = 0 to 1, %h = 0 to 9, %w = 0 to 9) sum (%k = 0 to 16, %r = 0 to 3) {
      %zero = arith.constant 0.000000e+00 : f32
      %a = te.read %t[%n, %k, %h, %w + %r - 1] where (%w + %r - 1 >= 0, -%w - %r + 9 >= 0) else %zero : tensor<1x16x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 8), d2, (d3 + 1), (d1 mod 8))>, [1, 2, 9, 11, 8], pad 0.000000e+00 : f32>>
      te.yield %a : f32
    } : tensor<1x1x9x9xf32>
    func.return %y : tensor<1x1x9x9xf32>
  }
}
