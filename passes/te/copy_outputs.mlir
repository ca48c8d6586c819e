// dovetail-opt -p copy-outputs
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %y = graph.call @relu(%x) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
  func.return %y, %y : tensor<4xf32>, tensor<4xf32>
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
// -----
builtin.module {
  func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %y = graph.call @relu(%x) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
    %y_1 = graph.call @copy_y(%y) on "cpu" : (tensor<4xf32>) -> tensor<4xf32>
    func.return %y, %y_1 : tensor<4xf32>, tensor<4xf32>
  }
  func.func private @copy_y(%source: tensor<4xf32>) -> tensor<4xf32> {
    %0 = te.compute "copy" (%i0 = 0 to 4) {
      %1 = te.read %source[%i0] : tensor<4xf32>
      te.yield %1 : f32
    } : tensor<4xf32>
    func.return %0 : tensor<4xf32>
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
