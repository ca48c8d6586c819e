// dovetail-opt -p deduplicate-kernels
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %t = graph.call @relu(%x) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
  %y = graph.call @relu_1(%t) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
func.func private @relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = te.compute "y" (%i = 0 to 4) {
    %zero = arith.constant 0.0 : f32
    %a = te.read %x[%i] : tensor<4xf32>
    %m = arith.maximumf %a, %zero : f32
    te.yield %m : f32
  } : tensor<4xf32>
  func.return %y : tensor<4xf32>
}
func.func private @relu_1(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = te.compute "z" (%j = 0 to 4) {
    %zero = arith.constant 0.0 : f32
    %a = te.read %x[%j] : tensor<4xf32>
    %m = arith.maximumf %a, %zero : f32
    te.yield %m : f32
  } : tensor<4xf32>
  func.return %y : tensor<4xf32>
}
// -----
builtin.module {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %t = graph.call @relu(%x) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
    %y = graph.call @relu(%t) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
    func.return %y : tensor<4xf32>
  }
  func.func private @relu(%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = te.compute "y" (%i = 0 to 4) {
      %zero = arith.constant 0.000000e+00 : f32
      %a = te.read %x[%i] : tensor<4xf32>
      %m = arith.maximumf %a, %zero : f32
      te.yield %m : f32
    } : tensor<4xf32>
    func.return %y : tensor<4xf32>
  }
}
