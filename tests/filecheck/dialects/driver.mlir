// RUN: dovetail-opt %s -p canonicalize | filecheck %s
// RUN: not dovetail-opt %s -p cannonicalize 2>&1 | filecheck %s --check-prefix=UNKNOWN

// CHECK: func.func @f
func.func @f() {
  func.return
}

// UNKNOWN: error: -p:1:1: no pass is named 'cannonicalize': did you mean canonicalize?
// UNKNOWN:      {{^  cannonicalize$}}
// UNKNOWN-NEXT: {{^  \^{13}$}}
