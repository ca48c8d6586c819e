// RUN: dovetail-opt %s -p 'lower-te-to-loop' | filecheck %s --check-prefix=CHECK

// An axis keeps its name if it is free, else the compute's name comes before it.

// CHECK-LABEL: func.func @matmul(%A: memref<5x7xf32>, %B: memref<7x6xf32>, %bias: memref<6xf32>, %D: memref<5x6xf32>) {
// CHECK-NEXT:  %C = loop.alloc : memref<5x6xf32>
// CHECK-NEXT:  loop.for %y = 0 to 5 {
// CHECK-NEXT:    loop.for %x = 0 to 6 {
// CHECK-NEXT:      loop.for %k = 0 to 7 {
// CHECK-NEXT:        loop.block "C" (%v_y < 5 = %y, %v_x < 6 = %x, reduce %v_k < 7 = %k) init {
// CHECK-NEXT:          %0 = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:          loop.store %0, %C[%v_y, %v_x] : memref<5x6xf32>
// CHECK-NEXT:        } {
// CHECK-NEXT:          %acc = loop.load %C[%v_y, %v_x] : memref<5x6xf32>
// CHECK-NEXT:          %zero = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:          %a = loop.load %A[%v_y, %v_k - 1] where (%v_k - 1 >= 0) else %zero : memref<5x7xf32>
// CHECK-NEXT:          %b = loop.load %B[%v_k, %v_x] : memref<7x6xf32>
// CHECK-NEXT:          %p = arith.mulf %a, %b fastmath<contract> : f32
// CHECK-NEXT:          %1 = arith.addf %acc, %p fastmath<contract> : f32
// CHECK-NEXT:          loop.store %1, %C[%v_y, %v_x] : memref<5x6xf32>
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }
// CHECK-NEXT:  loop.for %D_y = 0 to 5 {
// CHECK-NEXT:    loop.for %D_x = 0 to 6 {
// CHECK-NEXT:      loop.block "D" (%v_y_1 < 5 = %D_y, %v_x_1 < 6 = %D_x) {
// CHECK-NEXT:        %c = loop.load %C[%v_y_1, %v_x_1] : memref<5x6xf32>
// CHECK-NEXT:        %b_1 = loop.load %bias[%v_x_1] : memref<6xf32>
// CHECK-NEXT:        %s = arith.addf %c, %b_1 : f32
// CHECK-NEXT:        loop.store %s, %D[%v_y_1, %v_x_1] : memref<5x6xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }
// CHECK-LABEL: func.func @pick(%A: memref<5x?xi32, #loop.layout<[5, "m"]>>, %N: memref<5xindex>) {
// CHECK-NEXT:  %m = loop.dim "m"
// CHECK-NEXT:  %V = loop.alloc : memref<5xi32>
// CHECK-NEXT:  loop.for %y = 0 to 5 {
// CHECK-NEXT:    loop.for %k = 0 to %m {
// CHECK-NEXT:      loop.block "pick" (%v_y < 5 = %y, reduce %v_k < %m = %k) init {
// CHECK-NEXT:        %0 = arith.constant 2147483647 : i32
// CHECK-NEXT:        %1 = arith.constant 0 : index
// CHECK-NEXT:        loop.store %0, %V[%v_y] : memref<5xi32>
// CHECK-NEXT:        loop.store %1, %N[%v_y] : memref<5xindex>
// CHECK-NEXT:      } {
// CHECK-NEXT:        %acc = loop.load %V[%v_y] : memref<5xi32>
// CHECK-NEXT:        %acc_1 = loop.load %N[%v_y] : memref<5xindex>
// CHECK-NEXT:        %v = loop.load %A[%v_y, %v_k] : memref<5x?xi32, #loop.layout<[5, "m"]>>
// CHECK-NEXT:        %2 = arith.cmpi slt, %v, %acc : i32
// CHECK-NEXT:        %3 = arith.cmpi eq, %v, %acc : i32
// CHECK-NEXT:        %4 = arith.cmpi slt, %v_k, %acc_1 : index
// CHECK-NEXT:        %5 = arith.andi %3, %4 : i1
// CHECK-NEXT:        %6 = arith.ori %2, %5 : i1
// CHECK-NEXT:        %7 = arith.select %6, %v, %acc : i32
// CHECK-NEXT:        %8 = arith.select %6, %v_k, %acc_1 : index
// CHECK-NEXT:        loop.store %7, %V[%v_y] : memref<5xi32>
// CHECK-NEXT:        loop.store %8, %N[%v_y] : memref<5xindex>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }
// CHECK-LABEL: func.func @scatter(%T: memref<9xf32>, %I: memref<4xindex>, %out: memref<9xf32>) {
// CHECK-NEXT:  loop.for %d0 = 0 to 9 {
// CHECK-NEXT:    loop.block "out_copy" (%v_d0 < 9 = %d0) {
// CHECK-NEXT:      %0 = loop.load %T[%v_d0] : memref<9xf32>
// CHECK-NEXT:      loop.store %0, %out[%v_d0] : memref<9xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:  }
// CHECK-NEXT:  loop.for %i = 0 to 4 {
// CHECK-NEXT:    loop.block "out" (reduce %v_i < 4 = %i) {
// CHECK-NEXT:      %n = loop.load %I[%v_i] : memref<4xindex>
// CHECK-NEXT:      %one = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:      %1 = loop.load %out[%n] : memref<9xf32>
// CHECK-NEXT:      %2 = arith.maximumf %1, %one : f32
// CHECK-NEXT:      loop.store %2, %out[%n] : memref<9xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:  }
// CHECK-LABEL: func.func @any(%A: memref<3x4xi1>, %R: memref<3xi1>) {
// CHECK-NEXT:  %no = arith.constant false
// CHECK-NEXT:  loop.for %y = 0 to 3 {
// CHECK-NEXT:    loop.for %k = 0 to 4 {
// CHECK-NEXT:      loop.block "R" (%v_y < 3 = %y, reduce %v_k < 4 = %k) init {
// CHECK-NEXT:        loop.store %no, %R[%v_y] : memref<3xi1>
// CHECK-NEXT:      } {
// CHECK-NEXT:        %acc = loop.load %R[%v_y] : memref<3xi1>
// CHECK-NEXT:        %v = loop.load %A[%v_y, %v_k] : memref<3x4xi1>
// CHECK-NEXT:        %o = arith.ori %acc, %v : i1
// CHECK-NEXT:        loop.store %o, %R[%v_y] : memref<3xi1>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:  }

func.func @matmul(%A: tensor<5x7xf32>, %B: tensor<7x6xf32>, %bias: tensor<6xf32>) -> tensor<5x6xf32> {
  %C = te.compute "C" (%y = 0 to 5, %x = 0 to 6) sum (%k = 0 to 7) {
    %zero = arith.constant 0.0 : f32
    %a = te.read %A[%y, %k - 1] where (%k >= 1) else %zero : tensor<5x7xf32>
    %b = te.read %B[%k, %x] : tensor<7x6xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<5x6xf32>
  %D = te.compute "D" (%y = 0 to 5, %x = 0 to 6) {
    %c = te.read %C[%y, %x] : tensor<5x6xf32>
    %b = te.read %bias[%x] : tensor<6xf32>
    %s = arith.addf %c, %b : f32
    te.yield %s : f32
  } : tensor<5x6xf32>
  func.return %D : tensor<5x6xf32>
}
func.func @pick(%A: tensor<5x?xi32, #loop.layout<[5, "m"]>>) -> tensor<5xindex> {
  %m = te.dim "m"
  %V, %N = te.compute "pick" (%y = 0 to 5) argmin (%k = 0 to %m) {
    %v = te.read %A[%y, %k] : tensor<5x?xi32, #loop.layout<[5, "m"]>>
    te.yield %v, %k : i32, index
  } : tensor<5xi32>, tensor<5xindex>
  func.return %N : tensor<5xindex>
}
func.func @scatter(%T: tensor<9xf32>, %I: tensor<4xindex>) -> tensor<9xf32> {
  %out = te.scatter "out" (%i = 0 to 4) max into %T {
    %n = te.read %I[%i] : tensor<4xindex>
    %one = arith.constant 1.0 : f32
    te.yield %one, %n : f32, index
  } : tensor<9xf32>
  func.return %out : tensor<9xf32>
}
func.func @any(%A: tensor<3x4xi1>) -> tensor<3xi1> {
  %no = arith.constant false
  %R = te.compute "R" (%y = 0 to 3) reduce (%k = 0 to 4) from (%no : i1) combine (%a, %b) {
    %o = arith.ori %a, %b : i1
    te.yield %o : i1
  } {
    %v = te.read %A[%y, %k] : tensor<3x4xi1>
    te.yield %v : i1
  } : tensor<3xi1>
  func.return %R : tensor<3xi1>
}
