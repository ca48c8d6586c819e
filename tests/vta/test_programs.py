"""The programs of examples/vta: what the verifier says of them, and what they compute."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from vta_matmul import Matmul
from vta_orders import judge, perturb, show

from vta import assembly
from vta.implementations import CHISEL, FSIM, HLS
from vta.timing import PRESETS, time_stream
from vta.verify import verify

FOLDER = Path(__file__).parents[2] / "examples" / "vta"


def program(name):
    """The Python half of an example."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONV, CODED = program("blocked_conv"), program("micro_coded")


def stream_of(name):
    return assembly.assemble((FOLDER / f"{name}.vta").read_text(), CONV.CONFIG, name)


@pytest.mark.parametrize("implementation", [FSIM, HLS, CHISEL])
def test_the_verdict_on_the_published_listing(implementation):
    """Thread 2 loads weights as soon as thread 0 has used them; thread 1 may still do."""
    stream = stream_of("blocked_conv_listing")
    found = verify(stream, CONV.CONFIG, CONV.make_image(), implementation)
    assert [failure.message for failure in found] == [
        'race on wgt[0..71]: instruction 12, GEMM "t1_conv", reads it and instruction 18, LOAD WGT '
        '"t2_param", writes it, and no token orders them'
    ]


def test_the_race_of_the_published_listing_changes_results():
    image = CONV.make_image()
    found = perturb(stream_of("blocked_conv_listing"), image, CONV.CONFIG, 30)
    results = {CONV.results(np.frombuffer(after, np.uint8)).tobytes() for _, after in found}
    assert len(results) > 1 and CONV.expected_results(image).tobytes() in results


def test_the_repair_moves_one_token():
    listing = [assembly.show(op) for op in stream_of("blocked_conv_listing")]
    repaired = [assembly.show(op) for op in stream_of("blocked_conv")]
    repaired.remove("t2_wait: nop load pop_next")
    changed = [pair for pair in zip(listing, repaired, strict=True) if len(set(pair)) > 1]
    assert changed == [
        (
            "t3_activ: load inp 331 at 25 rows 1 of 25 pop_next push_next",
            "t3_activ: load inp 331 at 25 rows 1 of 25 push_next",
        )
    ]


@pytest.mark.parametrize(
    ("name", "module", "implementation"),
    [
        ("blocked_conv", CONV, FSIM),
        ("blocked_conv", CONV, HLS),
        ("blocked_conv", CONV, CHISEL),
        ("micro_coded", CODED, FSIM),
    ],
)
def test_a_program_is_proven_and_computes_what_numpy_does_in_every_order(
    name, module, implementation
):
    stream, image = stream_of(name), module.make_image(seed=3)
    assert verify(stream, module.CONFIG, image, implementation) == []
    found = perturb(stream, image, module.CONFIG, 40, implementation)
    (after,) = {after for _, after in found}
    expected = module.expected_results(image)
    assert len(np.unique(expected)) > 20
    np.testing.assert_array_equal(module.results(np.frombuffer(after, np.uint8)), expected)


def test_loads_of_one_thread_run_under_the_work_of_another():
    stream = stream_of("blocked_conv")
    timing = time_stream(stream, CONV.CONFIG, PRESETS["hls"])
    spans = {op.label: span for op, span in zip(stream, timing.spans, strict=True)}
    for load, work in (("t1_activ", "t0_conv"), ("t3_activ", "t2_conv"), ("t2_param", "t2_ldbuf")):
        assert max(spans[load].start, spans[work].start) < min(spans[load].end, spans[work].end)
    assert spans["t0_stbuf"].start < spans["t1_high"].end
    assert timing.cycles < time_stream(stream, CONV.CONFIG, PRESETS["hls"], serial=True).cycles


def test_no_wrong_change_of_a_token_is_proven():
    streams = [
        (stream_of(name), module.make_image(), module.CONFIG)
        for name, module in (("blocked_conv", CONV), ("micro_coded", CODED))
    ]
    sample = None if "ROUNDS" in os.environ else 30
    counts, missed = judge(streams, orders=8, sample=sample)
    show(counts, missed)
    assert missed == []
    assert counts["refused as they are"] == 0
    assert counts["refused"] > 35 and counts["unseen"] < 10, counts


@pytest.mark.parametrize("seed", range(8))
def test_overlapping_matrix_products(seed):
    product = Matmul(seed)
    stream, image = product.stream(), product.image()
    for implementation in (FSIM, HLS, CHISEL):
        assert verify(stream, product.config, image, implementation) == []
    ((_, after), *others) = perturb(stream, image, product.config, 10)
    assert {other for _, other in others} == {after}
    found = product.result(np.frombuffer(after, np.uint8))
    np.testing.assert_array_equal(found, product.expected())
