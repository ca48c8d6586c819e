"""`dovetail bench vta-resnet`: what a row says, and that its schedules replay."""

import json

import pytest
from xdsl.universe import Universe

from analysis.errors import UserError
from backends.vta.emission import program_of
from dovetail.commands.vta.resnet import run
from dovetail.measuring.convolutions import RESNET18, program
from dovetail.measuring.vta_layers import Bounds, apply, cycles, loops_of
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.pipelines import VTA_BACKEND
from vta.config import Config
from vta.timing import PRESETS

LAYERS = {layer.name: layer for layer in RESNET18}


def replayed(text, layer, preset):
    """The cycles of a layer whose schedule is pipeline text."""
    module, _ = loops_of(program(layer), Config())
    apply(parse_passes(Source("-p", text), Universe.get_multiverse().all_passes), module)
    apply(VTA_BACKEND, module)
    return cycles(program_of(module), PRESETS[preset])


def test_a_row_and_its_schedules(tmp_path, capsys):
    file = tmp_path / "rows.json"
    assert run(["C11", "--json", str(file)]) == 0
    (row,) = json.loads(file.read_text())
    table = capsys.readouterr().out
    assert "C11" in table and f"{row['cycles']:,}" in table
    assert (row["layer"], row["gemm"], row["dense"]) == ("C11", 25_088, 39_200)
    assert row["floor"] < row["dense"] < row["cycles"] < row["best_serial"]
    assert row["best_serial"] <= row["cycles_serial"]
    assert row["pynq"] == 108_090
    assert replayed(row["schedule"], LAYERS["C11"], "hls") == row["cycles"]
    assert replayed(row["tuned_schedule"], LAYERS["C11"], "pynq") == row["tuned_pynq"]


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("C2", (451_584, 564_480, 541_248)),
        ("C4", (225_792, 282_240, 270_624)),
        ("C8", (25_088, 53_312, 50_176)),
        ("C10", (225_792, 239_904, 217_344)),
        ("C12", (451_584, 465_696, 382_208)),
    ],
)
def test_what_follows_from_a_layer(name, figures):
    found = Bounds.of(LAYERS[name], 1, Config())
    assert (found.gemm, found.dense, found.floor) == figures


def test_mistakes():
    with pytest.raises(UserError, match=r"no layer is called 'C1': did you mean C1"):
        run(["C1"])
    with pytest.raises(UserError, match="no timing is called 'fast'"):
        run(["C2", "--preset", "fast"])
