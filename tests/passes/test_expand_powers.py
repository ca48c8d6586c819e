"""expand-powers against NumPy's power, on the interpreter and native."""

import numpy as np
import pytest
from native import run

TEXT = """
func.func @power(%A: tensor<37xf32>) -> tensor<37xf32> {{
  %C = te.compute "C" (%x = 0 to 37) {{
    %a = te.read %A[%x] : tensor<37xf32>
    %e = arith.constant {exponent} : f32
    %p = math.powf %a, %e : f32
    te.yield %p : f32
  }} : tensor<37xf32>
  func.return %C : tensor<37xf32>
}}
"""


@pytest.mark.parametrize("exponent", [q / 4 for q in range(-16, 17) if q])
def test_powers(exponent):
    a = np.random.default_rng(0).uniform(0.1, 9, 37).astype(np.float32)
    (c,) = run(TEXT.format(exponent=exponent), "expand-powers,lower-te-to-loop", a)
    expected = a.astype(np.float64) ** exponent
    assert np.abs(c / expected - 1).max() < 1e-6
