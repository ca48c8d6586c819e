// RUN: dovetail-opt %s -p 'import-intrinsics{library=amx},import-intrinsics{library=amx values="rows=14"}' | filecheck %s
// RUN: not dovetail-opt %s -p 'import-intrinsics{library=amx values="columns=14"}' 2>&1 | filecheck %s --check-prefix UNKNOWN
// RUN: not dovetail-opt %s -p 'import-intrinsics{library=vnni values="rows=14"}' 2>&1 | filecheck %s --check-prefix NONE
// RUN: not dovetail-opt %s -p 'import-intrinsics{library=amx values="rows=few"}' 2>&1 | filecheck %s --check-prefix NUMBER

// What has no number in its name is there already.
// CHECK:       te.intrinsic @tdpbssd_14 (%a: tensor<14x16x4xi8>, %b: tensor<16x16x4xi8>) {
// CHECK:       } lower compute "tdpbssd_14.compute" reset "tilezero_14" update "tdpbssd_14.update" needs "amx-tile", "amx-int8" llvm [
// CHECK-NOT:   @tileload_i8_groups
// CHECK:       te.intrinsic @tdpbssd_16
// CHECK:       te.intrinsic @tileload_i8_groups

// UNKNOWN: error: import-intrinsics: library 'amx' asks for no value 'columns': there are: rows
// NONE: error: import-intrinsics: library 'vnni' asks for no value 'rows': there are none
// NUMBER: error: import-intrinsics: values="rows=few" is not of the form rows=NUMBER, a whole number from 1
builtin.module {
}
