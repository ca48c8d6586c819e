// RUN: not dovetail-opt %s -t asm 2>&1 | filecheck %s

// CHECK: error: target 'vta' is no CPU: LLVM compiles for llvm -mcpu=NAME
builtin.module attributes {target = #target.target<"vta">} {
}
