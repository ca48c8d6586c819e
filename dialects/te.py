from xdsl.ir import Dialect

Te = Dialect("te", [], [])
