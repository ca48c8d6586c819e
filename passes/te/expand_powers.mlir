// dovetail-opt -p expand-powers,dce
func.func @power(%x: f32) -> f32 {
  %e = arith.constant 0.75 : f32
  %y = math.powf %x, %e : f32
  func.return %y : f32
}
// -----
builtin.module {
  func.func @power(%x: f32) -> f32 {
    %0 = math.sqrt %x : f32
    %1 = math.sqrt %0 : f32
    %y = arith.mulf %0, %1 : f32
    func.return %y : f32
  }
}
