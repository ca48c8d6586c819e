// RUN: dovetail-opt %s --split-input-file -p fuse-operators,lower-graph-to-te,transform-network-layout | filecheck %s

// The feature map between two convolutions has its channels in vectors of 16 and the halo of the
// convolution that reads it. The input has too few channels for vectors; it is copied for its halo.
// The output keeps the identity layout, and so do weights. Kernels have the layouts in their types
// and the same bodies.
// CHECK-LABEL: func.func private @copy_x
// CHECK-NEXT:    te.compute "copy" (%n = 0 to 1, %c = 0 to 3, %h = 0 to 9, %w = 0 to 9) {
// CHECK-LABEL: func.func @convolutions
// CHECK:         %x_1 = graph.call @copy_x(%x)
// CHECK-SAME:      -> tensor<1x3x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, d1, (d2 + 1), (d3 + 1))>, [1, 3, 11, 11], pad 0.000000e+00 : f32>>
// CHECK-NEXT:    graph.weight
// CHECK-NEXT:    graph.weight
// CHECK-NEXT:    %a = graph.call @conv(%x_1, %w)
// CHECK-SAME:      -> tensor<1x32x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 16), d2, (d3 + 1), (d1 mod 16))>, [1, 2, 11, 11, 16], pad 0.000000e+00 : f32>>
// CHECK-NEXT:    %b = graph.call @conv_1(%a, %v)
// CHECK-SAME:      tensor<16x32x3x3xf32>) -> tensor<1x16x9x9xf32>
// CHECK-LABEL: func.func private @conv(
// CHECK:         } : tensor<1x32x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 16), d2, (d3 + 1), (d1 mod 16))>
// CHECK-LABEL: func.func private @conv_1(%a: tensor<1x32x9x9xf32, #loop.layout<
// CHECK:         te.read %a[%n, %rc, %y + %ry, %x + %rx - 1] where (-%y - %ry + 8 >= 0, %x + %rx - 1 >= 0, -%x - %rx + 9 >= 0) else
builtin.module attributes {target = #target.target<"llvm -mcpu=skylake-avx512">} {
func.func @convolutions(%x: tensor<1x3x9x9xf32>) -> tensor<1x16x9x9xf32> {
  %w = graph.weight @w splat(0.5) : tensor<32x3x3x3xf32>
  %v = graph.weight @v splat(0.5) : tensor<16x32x3x3xf32>
  %a = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [1, 1, 1, 1] : (tensor<1x3x9x9xf32>, tensor<32x3x3x3xf32>) -> tensor<1x32x9x9xf32>
  %b = graph.conv(%a, %v) strides = [1, 1] dilations = [1, 1] pads = [0, 1, 2, 1] : (tensor<1x32x9x9xf32>, tensor<16x32x3x3xf32>) -> tensor<1x16x9x9xf32>
  func.return %b : tensor<1x16x9x9xf32>
}
}

// -----

// Groups of 8 channels cut vectors of 16: their channels stay apart. One channel in each group is as
// good as no groups.
// CHECK-LABEL: func.func @groups
// CHECK:         %a = graph.call @conv(
// CHECK-SAME:      -> tensor<1x24x9x9xf32>{{$}}
// CHECK:         %b = graph.call @conv_1(
// CHECK-SAME:      -> tensor<1x24x9x9xf32>{{$}}
// CHECK:         %c = graph.call @conv_2(
// CHECK-SAME:      -> tensor<1x24x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 16), d2, d3, (d1 mod 16))>, [1, 2, 9, 9, 16]>>
builtin.module attributes {target = #target.target<"llvm -mcpu=skylake-avx512">} {
func.func @groups(%x: tensor<1x24x9x9xf32>) -> tensor<1x24x9x9xf32> {
  %w = graph.weight @w splat(0.5) : tensor<24x24x1x1xf32>
  %v = graph.weight @v splat(0.5) : tensor<24x8x1x1xf32>
  %u = graph.weight @u splat(0.5) : tensor<24x1x1x1xf32>
  %a = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x24x9x9xf32>, tensor<24x24x1x1xf32>) -> tensor<1x24x9x9xf32>
  %b = graph.conv(%a, %v) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] groups = 3 : (tensor<1x24x9x9xf32>, tensor<24x8x1x1xf32>) -> tensor<1x24x9x9xf32>
  %c = graph.conv(%b, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x24x9x9xf32>, tensor<24x24x1x1xf32>) -> tensor<1x24x9x9xf32>
  %d = graph.conv(%c, %u) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] groups = 24 : (tensor<1x24x9x9xf32>, tensor<24x1x1x1xf32>) -> tensor<1x24x9x9xf32>
  func.return %d : tensor<1x24x9x9xf32>
}
}

// -----

// Nothing is gained where tensors are no feature maps, or where the caller gets them.
// CHECK-LABEL: func.func @pointwise
// CHECK-NEXT:    %a = graph.call @softmax(%x) on "cpu" : (tensor<1x32x9xf32>) -> tensor<1x32x9xf32>{{$}}
// CHECK-NEXT:    %b = graph.call @softmax_1(%a) on "cpu" : (tensor<1x32x9xf32>) -> tensor<1x32x9xf32>{{$}}
builtin.module attributes {target = #target.target<"llvm -mcpu=skylake-avx512">} {
func.func @pointwise(%x: tensor<1x32x9xf32>) -> tensor<1x32x9xf32> {
  %a = graph.softmax(%x) : (tensor<1x32x9xf32>) -> tensor<1x32x9xf32>
  %b = graph.softmax(%a) : (tensor<1x32x9xf32>) -> tensor<1x32x9xf32>
  func.return %b : tensor<1x32x9xf32>
}
// CHECK-LABEL: func.func @returned
// CHECK:         %a = graph.call @conv(
// CHECK-SAME:      -> tensor<1x32x9x9xf32>{{$}}
func.func @returned(%x: tensor<1x32x9x9xf32>) -> (tensor<1x32x9x9xf32>, tensor<1x32x9x9xf32>) {
  %w = graph.weight @w splat(0.5) : tensor<32x32x1x1xf32>
  %a = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x32x9x9xf32>, tensor<32x32x1x1xf32>) -> tensor<1x32x9x9xf32>
  %b = graph.conv(%a, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x32x9x9xf32>, tensor<32x32x1x1xf32>) -> tensor<1x32x9x9xf32>
  func.return %a, %b : tensor<1x32x9x9xf32>, tensor<1x32x9x9xf32>
}
}

// -----

// Padding with anything but zeros stays a matter of guards.
// CHECK-LABEL: func.func @max_pool
// CHECK:         graph.call @max_pool_1(
// CHECK-SAME:      #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 16), d2, d3, (d1 mod 16))>, [1, 2, 9, 9, 16]>>) -> tensor<1x32x9x9xf32>
builtin.module attributes {target = #target.target<"llvm -mcpu=skylake-avx512">} {
func.func @max_pool(%x: tensor<1x32x9x9xf32>) -> tensor<1x32x9x9xf32> {
  %a = graph.max_pool(%x) kernel = [3, 3] strides = [1, 1] dilations = [1, 1] pads = [1, 1, 1, 1] : (tensor<1x32x9x9xf32>) -> tensor<1x32x9x9xf32>
  func.return %a : tensor<1x32x9x9xf32>
}
}

// -----

// The number of samples may be symbolic: the layout has its name, and the halo is where it is for
// any number. A symbolic height leaves the layout as it is.
// CHECK-LABEL: func.func @samples
// CHECK:         graph.call @copy_x(%x)
// CHECK-SAME:      ["n", 3, 11, 11], pad
// CHECK:         %a = graph.call @conv(
// CHECK-SAME:      -> tensor<?x32x9x9xf32, #loop.layout<affine_map<(d0, d1, d2, d3) -> (d0, (d1 floordiv 16), (d2 + 1), (d3 + 1), (d1 mod 16))>, ["n", 2, 11, 11, 16], pad 0.000000e+00 : f32>>
// CHECK:         %d = graph.call @conv_2(
// CHECK-SAME:      -> tensor<1x32x?x9xf32, #loop.layout<[1, 32, "h", 9]>>
builtin.module attributes {target = #target.target<"llvm -mcpu=skylake-avx512">} {
func.func @samples(%x: tensor<?x3x9x9xf32, #loop.layout<["n", 3, 9, 9]>>, %z: tensor<1x32x?x9xf32, #loop.layout<[1, 32, "h", 9]>>) -> (tensor<?x32x9x9xf32, #loop.layout<["n", 32, 9, 9]>>, tensor<1x32x?x9xf32, #loop.layout<[1, 32, "h", 9]>>) {
  %w = graph.weight @w splat(0.5) : tensor<32x3x3x3xf32>
  %v = graph.weight @v splat(0.5) : tensor<32x32x3x3xf32>
  %u = graph.weight @u splat(0.5) : tensor<32x32x1x1xf32>
  %a = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [1, 1, 1, 1] : (tensor<?x3x9x9xf32, #loop.layout<["n", 3, 9, 9]>>, tensor<32x3x3x3xf32>) -> tensor<?x32x9x9xf32, #loop.layout<["n", 32, 9, 9]>>
  %b = graph.conv(%a, %v) strides = [1, 1] dilations = [1, 1] pads = [1, 1, 1, 1] : (tensor<?x32x9x9xf32, #loop.layout<["n", 32, 9, 9]>>, tensor<32x32x3x3xf32>) -> tensor<?x32x9x9xf32, #loop.layout<["n", 32, 9, 9]>>
  %d = graph.conv(%z, %u) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x32x?x9xf32, #loop.layout<[1, 32, "h", 9]>>, tensor<32x32x1x1xf32>) -> tensor<1x32x?x9xf32, #loop.layout<[1, 32, "h", 9]>>
  %e = graph.conv(%d, %u) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0] : (tensor<1x32x?x9xf32, #loop.layout<[1, 32, "h", 9]>>, tensor<32x32x1x1xf32>) -> tensor<1x32x?x9xf32, #loop.layout<[1, 32, "h", 9]>>
  func.return %b, %e : tensor<?x32x9x9xf32, #loop.layout<["n", 32, 9, 9]>>, tensor<1x32x?x9xf32, #loop.layout<[1, 32, "h", 9]>>
}
}
