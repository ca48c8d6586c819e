// RUN: dovetail-opt %s -t dot | filecheck %s
// RUN: dovetail-opt %s -t dot{groups=true} | filecheck %s --check-prefix=GROUPS
// RUN: dovetail-opt %s -p fuse-operators -t dot | filecheck %s --check-prefix=FUSED
// RUN: dovetail-opt %s -p fuse-operators,mark-weights,lower-graph-to-te,copy-outputs,lower-te-to-loop,schedule-kernels -t dot | filecheck %s --check-prefix=LOOP
// RUN: dovetail-opt %s -p fuse-operators,mark-weights,lower-graph-to-te,copy-outputs,lower-te-to-loop,schedule-kernels,lower-graph-to-loop,plan-memory -t dot | filecheck %s --check-prefix=CALLS

// Operators alone: what they are, their node, their weights. Edges have shapes and stand last.
// CHECK:      digraph "network" {
// CHECK:        n1 [label=<<b>x</b><br/><font point-size="9">1x3x8x8</font>> shape="ellipse"]
// CHECK-NEXT:   n2 [label=<<b>conv</b><br/><font point-size="9">first &lt;1&gt;</font><br/><font point-size="9">4x3x3x3</font>> fillcolor="#cfe2ff"]
// CHECK-NEXT:   n3 [label=<<b>relu</b>> fillcolor="#f1f1f1"]
// CHECK-NEXT:   n4 [label=<<b>add</b>> fillcolor="#f1f1f1"]
// CHECK-NEXT:   n5 [label=<<b>arg_max</b>> fillcolor="#d8f0d2"]
// CHECK-NEXT:   n6 [label=<<b>a</b><br/><font point-size="9">1x4x4 i64</font>> shape="ellipse"]
// CHECK-NEXT:   n1 -> n2 [label="1x3x8x8"]
// CHECK-NEXT:   n2 -> n3 [label="1x4x4x4"]
// CHECK-NEXT:   n3 -> n4 [label="1x4x4x4"]
// CHECK-NEXT:   n2 -> n4 [label="1x4x4x4"]
// CHECK-NEXT:   n4 -> n5 [label="1x4x4x4"]
// CHECK-NEXT:   n5 -> n6 [label="1x4x4 i64"]
// CHECK-NEXT: }

// One colour a group that fuse-operators would make.
// GROUPS:       <b>conv</b>{{.*}} fillcolor="#cfe2ff"
// GROUPS-NEXT:  <b>relu</b>{{.*}} fillcolor="#cfe2ff"
// GROUPS-NEXT:  <b>add</b>{{.*}} fillcolor="#cfe2ff"
// GROUPS-NEXT:  <b>arg_max</b>{{.*}} fillcolor="#d8f0d2"

// A kernel is a frame around its operators.
// FUSED:        n1 [label=<<b>x</b>
// FUSED-NEXT:   subgraph cluster_1 {
// FUSED-NEXT:     label="conv_relu_add"
// FUSED-NEXT:     style
// FUSED-NEXT:     n2 [label=<<b>conv</b>
// FUSED-NEXT:     n3 [label=<<b>relu</b>
// FUSED-NEXT:     n4 [label=<<b>add</b>
// FUSED-NEXT:   }
// FUSED-NEXT:   subgraph cluster_2 {
// FUSED-NEXT:     label="arg_max"
// FUSED-NEXT:     style
// FUSED-NEXT:     n5 [label=<<b>arg_max</b>
// FUSED-NEXT:   }
// FUSED-NEXT:   n6 [label=<<b>a</b>
// FUSED-NEXT:   n1 -> n2
// FUSED-NEXT:   n2 -> n3
// FUSED-NEXT:   n3 -> n4
// FUSED-NEXT:   n2 -> n4
// FUSED-NEXT:   n4 -> n5
// FUSED-NEXT:   n5 -> n6

// A lowered kernel is a box; its schedule is the tooltip.
// LOOP:         n2 [label=<<b>conv_relu_add</b>{{.*}}<font point-size="9">4x3x3x3</font>> fillcolor="#cfe2ff" tooltip="{{[a-z-]+}}{
// LOOP-NEXT:    n3 [label=<<b>arg_max</b>>
// LOOP:         n1 -> n2 [label="1x3x8x8"]
// LOOP-NEXT:    n2 -> n3 [label="1x4x4x4"]
// LOOP-NEXT:    n3 -> n4 [label="1x4x4 i64"]

// So it is where kernels write into buffers.
// CALLS:        n2 [label=<<b>conv_relu_add</b>{{.*}}<font point-size="9">4x3x3x3</font>> fillcolor="#cfe2ff" tooltip="{{[a-z-]+}}{
// CALLS-NEXT:   n3 [label=<<b>arg_max</b>>
// CALLS-NEXT:   n4 [label=<<b>a</b><br/><font point-size="9">1x4x4 i64</font>> shape="ellipse"]
// CALLS-NEXT:   n1 -> n2 [label="1x3x8x8"]
// CALLS-NEXT:   n2 -> n3 [label="1x4x4x4"]
// CALLS-NEXT:   n3 -> n4 [label="1x4x4 i64"]

builtin.module attributes {target = #target.target<"llvm -mcpu=x86-64-v3">} {
  func.func @network(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x4xi64> {
    %w = graph.weight @w splat(0.02) : tensor<4x3x3x3xf32>
    %c = graph.conv(%x, %w) strides = [2, 2] dilations = [1, 1] pads = [1, 1, 1, 1] : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x4x4xf32> loc("model.onnx"("first <1>"))
    %r = graph.relu(%c) : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
    %s = graph.add(%r, %c) : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
    %a = graph.arg_max(%s) axis = 1 keepdims = false : (tensor<1x4x4x4xf32>) -> tensor<1x4x4xi64>
    func.return %a : tensor<1x4x4xi64>
  }
}
