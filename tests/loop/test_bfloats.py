"""bf16 in kernels: loads, stores, and arithmetic that computes in single and rounds once."""

import ml_dtypes
import numpy as np
import pytest
from native import run

BF16 = np.dtype(ml_dtypes.bfloat16)
EDGES = [0.0, -0.0, 1.0, 1.00390625, 1.01171875, 3.4e38, -3.4e38, 1e-40, -1e-40, 9e-41]
EDGES += [float("inf"), -float("inf"), float("nan")]


def elementwise(body: str, given: str, result: str) -> str:
    """A function of one tensor of 37 elements; `body` computes %z of %x."""
    return f"""
    func.func @f(%X: tensor<37x{given}>) -> tensor<37x{result}> {{
      %Y = te.compute "Y" (%i = 0 to 37) {{
        %x = te.read %X[%i] : tensor<37x{given}>
        {body}
        te.yield %z : {result}
      }} : tensor<37x{result}>
      func.return %Y : tensor<37x{result}>
    }}
    """


SCHEDULES = {
    "scalar": "lower-te-to-loop",
    "vectors": "lower-te-to-loop, split-loop{loop=i factor=16}, vectorize-loop{loop=i_i}",
}


def values(dtype: np.dtype) -> np.ndarray:
    found = np.random.default_rng(0).standard_normal(37)
    found[: len(EDGES)] = EDGES
    with np.errstate(over="ignore"):
        return found.astype(dtype)


def check(got: np.ndarray, expected: np.ndarray) -> None:
    """Equal bit for bit, but for what a NaN holds."""
    nan = np.isnan(expected.astype(np.float64))
    assert got.dtype == expected.dtype and (np.isnan(got.astype(np.float64)) == nan).all()
    bits = np.uint16 if expected.dtype == BF16 else np.uint32
    np.testing.assert_array_equal(got.view(bits)[~nan], expected.view(bits)[~nan])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rounding(schedule):
    x = values(np.dtype(np.float32))
    text = elementwise("%z = arith.truncf %x : f32 to bf16", "f32", "bf16")
    check(run(text, SCHEDULES[schedule], x)[0], x.astype(BF16))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rounding_once_from_double(schedule):
    """One and a half units of the last place and a little: rounded via single it would be even."""
    x = np.linspace(1, 2, 37) + 2.0**-8 + 2.0**-40
    text = elementwise("%z = arith.truncf %x : f64 to bf16", "f64", "bf16")
    steps = x * 2**7
    expected = (np.rint(steps) / 2**7).astype(BF16)
    check(run(text, SCHEDULES[schedule], x)[0], expected)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_widening(schedule):
    x = values(BF16)
    text = elementwise("%z = arith.extf %x : bf16 to f32", "bf16", "f32")
    check(run(text, SCHEDULES[schedule], x)[0], x.astype(np.float32))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_arithmetic(schedule):
    body = """%c = arith.constant 0.3 : bf16
        %p = arith.mulf %x, %c : bf16
        %s = arith.addf %p, %x : bf16
        %b = arith.cmpf olt, %s, %c : bf16
        %z = arith.select %b, %s, %p : bf16"""
    x = values(BF16)
    wide, c = x.astype(np.float32), np.float32(BF16.type(0.3))
    with np.errstate(over="ignore", invalid="ignore"):
        p = (wide * c).astype(BF16)
        s = (p.astype(np.float32) + wide).astype(BF16)
    expected = np.where(s.astype(np.float32) < c, s, p)
    check(run(elementwise(body, "bf16", "bf16"), SCHEDULES[schedule], x)[0], expected)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_integers(schedule):
    x = np.arange(-18, 19, dtype=np.int32) * 1237
    text = elementwise("%z = arith.sitofp %x : i32 to bf16", "i32", "bf16")
    check(run(text, SCHEDULES[schedule], x)[0], x.astype(np.float32).astype(BF16))
