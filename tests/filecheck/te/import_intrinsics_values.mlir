// RUN: dovetail-opt %s -p 'import-intrinsics{library="amx+vnni"},import-intrinsics{library=amx values="rows=5"}' | filecheck %s
// RUN: not dovetail-opt %s -p 'import-intrinsics{library=amx values="columns=14"}' 2>&1 | filecheck %s --check-prefix UNKNOWN
// RUN: not dovetail-opt %s -p 'import-intrinsics{library=vnni values="rows=14"}' 2>&1 | filecheck %s --check-prefix NONE
// RUN: not dovetail-opt %s -p 'import-intrinsics{library=amx values="rows=few"}' 2>&1 | filecheck %s --check-prefix NUMBER

// A version for each number, by itself or as it was asked for. What is the same in all is there once.
// CHECK:       te.intrinsic @tdpbssd_5 (%a: tensor<5x16x4xi8>, %b: tensor<16x16x4xi8>) {
// CHECK:       } lower compute "tdpbssd_5.compute" reset "tilezero_5" update "tdpbssd_5.update" needs "amx-tile", "amx-int8" llvm [
// CHECK-NOT:   te.intrinsic @tileload_i8_groups
// CHECK:       te.intrinsic @tdpbssd_16
// CHECK:       te.intrinsic @tileload_i8_groups
// CHECK-NOT:   te.intrinsic @tileload_i8_groups
// CHECK:       te.intrinsic @tdpbssd_14
// CHECK-NOT:   te.intrinsic @tileload_i8_groups
// CHECK:       te.intrinsic @vpdpbusd

// UNKNOWN: error: import-intrinsics: library 'amx' asks for no value 'columns': there are: rows
// NONE: error: import-intrinsics: library 'vnni' asks for no value 'rows': there are none
// NUMBER: error: import-intrinsics: values="rows=few" is not of the form rows=NUMBER, a whole number from 1
builtin.module {
}
