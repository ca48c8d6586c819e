// dovetail-opt -p 'double-buffer{buffer=T loop=k}'
func.func @sums(%A: memref<40xf32>, %S: memref<5xf32>) {
  loop.for %k = 0 to 5 {
    %T = loop.alloc at [%k * 8] : memref<8xf32, "local">
    loop.for %i = 0 to 8 {
      loop.block "T" (%v < 40 = %k * 8 + %i) {
        %a = loop.load %A[%v] : memref<40xf32>
        loop.store %a, %T[%v] : memref<8xf32, "local">
      }
    }
    loop.for %j = 0 to 8 {
      loop.block "S" (%v < 5 = %k, reduce %w < 8 = %j) init {
        %zero = arith.constant 0.0 : f32
        loop.store %zero, %S[%v] : memref<5xf32>
      } {
        %s = loop.load %S[%v] : memref<5xf32>
        %t = loop.load %T[%v * 8 + %w] : memref<8xf32, "local">
        %n = arith.addf %s, %t : f32
        loop.store %n, %S[%v] : memref<5xf32>
      }
    }
  }
  func.return
}
// -----
builtin.module {
  func.func @sums(%A: memref<40xf32>, %S: memref<5xf32>) {
    %T_copies = loop.alloc : memref<2x8xf32, "local">
    %T_first = loop.alloc in %T_copies[0] of memref<2x8xf32, "local"> : memref<8xf32, "local">
    loop.for %i_first = 0 to 8 {
      loop.block "T_first" (%v < 40 = %i_first) {
        %a = loop.load %A[%v] : memref<40xf32>
        loop.store %a, %T_first[%v] : memref<8xf32, "local">
      }
    }
    loop.for %k = 0 to 5 {
      %T_next = loop.alloc at [%k * 8 + 8] in %T_copies[(%k + 1) mod 2] of memref<2x8xf32, "local"> : memref<8xf32, "local">
      loop.for %i = 0 to 8 {
        loop.block "T" (%v_1 < 40 = %k * 8 + %i + 8) where (-%k + 3 >= 0) {
          %a_1 = loop.load %A[%v_1] : memref<40xf32>
          loop.store %a_1, %T_next[%v_1] : memref<8xf32, "local">
        }
      }
      %T = loop.alloc at [%k * 8] in %T_copies[%k mod 2] of memref<2x8xf32, "local"> : memref<8xf32, "local">
      loop.for %j = 0 to 8 {
        loop.block "S" (%v_2 < 5 = %k, reduce %w < 8 = %j) init {
          %zero = arith.constant 0.000000e+00 : f32
          loop.store %zero, %S[%v_2] : memref<5xf32>
        } {
          %s = loop.load %S[%v_2] : memref<5xf32>
          %t = loop.load %T[%v_2 * 8 + %w] : memref<8xf32, "local">
          %n = arith.addf %s, %t : f32
          loop.store %n, %S[%v_2] : memref<5xf32>
        }
      }
    }
    func.return
  }
}

