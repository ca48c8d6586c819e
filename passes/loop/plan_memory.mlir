// dovetail-opt -p plan-memory
func.func @main(%x: memref<24xf32>, %y: memref<24xf32>) {
  %a = loop.alloc : memref<24xf32>
  func.call @k(%x, %a) : (memref<24xf32>, memref<24xf32>) -> ()
  %b = loop.alloc : memref<24xf32>
  func.call @k(%a, %b) : (memref<24xf32>, memref<24xf32>) -> ()
  %c = loop.alloc : memref<24xf32>
  func.call @k(%b, %c) : (memref<24xf32>, memref<24xf32>) -> ()
  func.call @k(%c, %y) : (memref<24xf32>, memref<24xf32>) -> ()
  func.return
}
func.func private @k(%x: memref<24xf32>, %y: memref<24xf32>) {
  func.return
}
// -----
builtin.module {
  func.func @main(%x: memref<24xf32>, %y: memref<24xf32>) {
    %a = loop.alloc {offset = 0 : i64} : memref<24xf32>
    func.call @k(%x, %a) : (memref<24xf32>, memref<24xf32>) -> ()
    %b = loop.alloc {offset = 128 : i64} : memref<24xf32>
    func.call @k(%a, %b) : (memref<24xf32>, memref<24xf32>) -> ()
    %c = loop.alloc {offset = 0 : i64} : memref<24xf32>
    func.call @k(%b, %c) : (memref<24xf32>, memref<24xf32>) -> ()
    func.call @k(%c, %y) : (memref<24xf32>, memref<24xf32>) -> ()
    func.return
  }
  func.func private @k(%x: memref<24xf32>, %y: memref<24xf32>) {
    func.return
  }
}
