// RUN: dovetail-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics 2>&1 | filecheck %s

// CHECK: an empty target: write llvm -mcpu=NAME
builtin.module attributes {target = #target.target<"">} {}
// -----
// CHECK: target 'llmv -mcpu=znver5': no device is called 'llmv': did you mean llvm? there are: llvm, nvptx, vdla, vta
builtin.module attributes {target = #target.target<"llmv -mcpu=znver5">} {}
// -----
// CHECK: target 'llvm -cpu=znver5': llvm has no option -cpu: did you mean mcpu? there are: mcpu, mattr, num-threads, l1, l2, l3
builtin.module attributes {target = #target.target<"llvm -cpu=znver5">} {}
// -----
// CHECK: target 'llvm -mcpu': '-mcpu' is not of the form -option=value
builtin.module attributes {target = #target.target<"llvm -mcpu">} {}
// -----
// CHECK: target 'llvm -mcpu=a -mcpu=b': option -mcpu is given twice
builtin.module attributes {target = #target.target<"llvm -mcpu=a -mcpu=b">} {}
// -----
// CHECK: target 'llvm -mcpu=a -num-threads=0': -num-threads is a whole number from 1, not '0'
builtin.module attributes {target = #target.target<"llvm -mcpu=a -num-threads=0">} {}
// -----
// CHECK: target 'llvm -mcpu=a -mattr=avx2': 'avx2' in -mattr is not of the form +feature or -feature
builtin.module attributes {target = #target.target<"llvm -mcpu=a -mattr=avx2">} {}
