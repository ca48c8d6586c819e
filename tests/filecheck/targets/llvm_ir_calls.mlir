// RUN: dovetail-opt %s -t llvm-ir | filecheck %s

// The functions that the text of an instruction defines are called with what their parameters ask
// for: addresses, a stride that is a number, one that is only known at run time, a scalar. They are
// in the module once, and what they declare only where the module does not have it.
// CHECK-LABEL: define i32 @"rows"
// CHECK:         %"n" = load i64, ptr
// CHECK:         [[A:%".*"]] = getelementptr i32, ptr %{{.*}}, i64 7
// CHECK-NEXT:    call void @"sums"(ptr %{{.*}}, ptr [[A]], i64 20, i32 7)
// CHECK:         [[S:%".*"]] = mul i64 4, %"n"
// CHECK-NEXT:    call void @"sums"(ptr %{{.*}}, ptr %{{.*}}, i64 [[S]], i32 8)
// CHECK:       declare i32 @llvm.smax.i32(i32, i32)
// CHECK-NEXT:  define internal void @sums(ptr %c, ptr %a, i64 %a_stride_0, i32 %n) alwaysinline {
// CHECK-NEXT:    ret void
// CHECK-NEXT:  }
// CHECK-NEXT:  define internal i32 @helper(i32 %x) {
// CHECK-NEXT:    ret i32 %x
// CHECK-NEXT:  }
// CHECK-NEXT:  declare void @"dovetail_barrier"
// CHECK-NOT:   @sums
builtin.module attributes {target = #target.target<"llvm -mcpu=x86-64-v3">} {
te.intrinsic @sums (%a: tensor<2x2xi32>, %n: i32) {
  %c = te.compute "c" (%i = 0 to 2) sum (%j = 0 to 2) {
    %x = te.read %a[%i, %j] : tensor<2x2xi32>
    %y = arith.muli %x, %n : i32
    te.yield %y : i32
  } : tensor<2xi32>
  te.yield %c : tensor<2xi32>
} lower compute "sums" reset "unused" update "unused" needs "avx2" llvm [
  "; a comment",
  "declare i32 @llvm.smax.i32(i32, i32)",
  "define internal void @sums(ptr %c, ptr %a, i64 %a_stride_0, i32 %n) alwaysinline {",
  "  ret void",
  "}",
  "define internal i32 @helper(i32 %x) {",
  "  ret i32 %x",
  "}"
]
func.func @rows(%A: memref<4x5xi32>, %B: memref<4x?xi32, #loop.layout<[4, "n"]>>, %C: memref<4xi32>) {
  loop.block "first" () {
    loop.intrinsic @sums "compute"(%C[i0], %A[i0 + 1, i1 + 2]) writes 1 imm [7] : memref<4xi32>, memref<4x5xi32>
  }
  loop.block "second" () {
    loop.intrinsic @sums "compute"(%C[i0 + 2], %B[i0, i1]) writes 1 imm [8] : memref<4xi32>, memref<4x?xi32, #loop.layout<[4, "n"]>>
  }
  func.return
}
}
