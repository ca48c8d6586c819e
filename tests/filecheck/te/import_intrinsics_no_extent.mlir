// RUN: not dovetail-opt %s --set-target 'llvm -mcpu=x86-64' -p 'import-intrinsics{library=vta}' 2>&1 | filecheck %s
// RUN: not dovetail-opt %s -p 'import-intrinsics{library=vta}' 2>&1 | filecheck %s --check-prefix NONE

// CHECK: error: import-intrinsics: library 'vta' needs the extent $inp0 of an element, which the target 'llvm -mcpu=x86-64' does not have: there are none
// NONE: error: the module has no target
builtin.module {
}
