// dovetail-opt -p elide-halo-guards
!halo = memref<8xf32, #loop.layout<affine_map<(d0) -> (d0 + 1)>, [10], pad 0.0 : f32>>
func.func @left(%X: !halo, %Y: memref<8xf32>) {
  loop.for %i = 0 to 8 {
    loop.block "Y" (%v < 8 = %i) {
      %zero = arith.constant 0.0 : f32
      %x = loop.load %X[%v - 1] where (%v >= 1) else %zero : !halo
      loop.store %x, %Y[%v] : memref<8xf32>
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @left(%X: memref<8xf32, #loop.layout<affine_map<(d0) -> ((d0 + 1))>, [10], pad 0.000000e+00 : f32>>, %Y: memref<8xf32>) {
    loop.for %i = 0 to 8 {
      loop.block "Y" (%v < 8 = %i) {
        %zero = arith.constant 0.000000e+00 : f32
        %x = loop.load %X[%v - 1] : memref<8xf32, #loop.layout<affine_map<(d0) -> ((d0 + 1))>, [10], pad 0.000000e+00 : f32>>
        loop.store %x, %Y[%v] : memref<8xf32>
      }
    }
    func.return
  }
}
