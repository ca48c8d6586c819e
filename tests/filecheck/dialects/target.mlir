// RUN: dovetail-opt %s | filecheck %s
// RUN: dovetail-opt %s | dovetail-opt | filecheck %s

// CHECK: builtin.module attributes {target = #target.target<"llvm -mcpu=skylake-avx512 -mattr=+avx512vnni,-clwb -num-threads=2">} {
builtin.module attributes {target = #target.target<"llvm -num-threads=2 -mattr=+avx512vnni,-clwb  -mcpu=skylake-avx512">} {
  // CHECK: accelerator = #target.target<"vta -config=chip.json">
  "test.op"() {accelerator = #target.target<"vta -config=chip.json">} : () -> ()
}
