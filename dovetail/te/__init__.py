"""Tensor expressions in Python: `import dovetail as t`, then `t.placeholder`, `t.compute`, ..."""
