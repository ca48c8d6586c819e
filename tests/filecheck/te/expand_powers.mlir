// RUN: dovetail-opt %s -p expand-powers,dce | filecheck %s

// CHECK-LABEL: func.func @square
// CHECK-NEXT:    %{{.*}} = arith.mulf %x, %x : f32
// CHECK-NEXT:    func.return
func.func @square(%x: f32) -> f32 {
  %e = arith.constant 2.0 : f32
  %y = math.powf %x, %e : f32
  func.return %y : f32
}

// CHECK-LABEL: func.func @three_quarters
// CHECK-NEXT:    [[R:%.*]] = math.sqrt %x : f32
// CHECK-NEXT:    [[Q:%.*]] = math.sqrt [[R]] : f32
// CHECK-NEXT:    [[Y:%.*]] = arith.mulf [[R]], [[Q]] : f32
// CHECK-NEXT:    func.return [[Y]]
func.func @three_quarters(%x: f32) -> f32 {
  %e = arith.constant 0.75 : f32
  %y = math.powf %x, %e : f32
  func.return %y : f32
}

// CHECK-LABEL: func.func @inverse_root
// CHECK-NEXT:    [[R:%.*]] = math.sqrt %x : f32
// CHECK-NEXT:    [[ONE:%.*]] = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:    [[Y:%.*]] = arith.divf [[ONE]], [[R]] : f32
func.func @inverse_root(%x: f32) -> f32 {
  %e = arith.constant -0.5 : f32
  %y = math.powf %x, %e : f32
  func.return %y : f32
}

// Other exponents, and those that are computed, stay.
// CHECK-LABEL: func.func @others
// CHECK:         math.powf %x, %third
// CHECK:         math.powf %x, %five
// CHECK:         math.powf %x, %y
func.func @others(%x: f32, %y: f32) -> (f32, f32, f32) {
  %third = arith.constant 0.3 : f32
  %five = arith.constant 5.0 : f32
  %a = math.powf %x, %third : f32
  %b = math.powf %x, %five : f32
  %c = math.powf %x, %y : f32
  func.return %a, %b, %c : f32, f32, f32
}
