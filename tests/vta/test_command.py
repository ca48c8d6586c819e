"""`dovetail vta`: what each subcommand does, and that every mistake is an error of the user."""

import itertools
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from dovetail import cli
from vta import assembly, isa
from vta.config import Config
from vta.isa import MicroOp, Unit
from vta.timing import PRESETS, time_stream

CONFIG = Config()
TEXT = """\
load uop 0 at 0 rows 1 of 2
gemm reset uop 0 to 2
tile: load inp 32 at 0 rows 1 of 2 push_next
load wgt 4 at 0 rows 1 of 1 push_next
nop compute pop_prev
gemm uop 0 to 2 pop_prev push_next
store out 256 at 0 rows 1 of 2 pop_prev push_prev
nop compute pop_next
finish
"""
STREAM_AT = 6144


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a stream as text and the image that it runs on."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.vta").write_text(TEXT)
    rng = np.random.default_rng(0)
    image = np.zeros(8192, np.uint8)
    uops = b"".join(isa.encode_uop(MicroOp(i, i, 0), CONFIG) for i in range(2))
    image[: len(uops)] = np.frombuffer(uops, np.uint8)
    image[512:544] = rng.integers(0, 8, 32)
    image[1024:1280] = rng.integers(0, 4, 256)
    image.tofile("image.bin")
    return tmp_path


def dovetail(*args):
    return cli.run(["vta", *args])


def error(capsys, *args):
    """What the command says when it refuses; nothing on stdout."""
    capsys.readouterr()
    assert dovetail(*args) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ")
    return err.removeprefix("error: ").rstrip("\n")


def run_args(*more, out="after.bin"):
    return ("run", "s.vta", "--dram", "image.bin", "--insn-addr", str(STREAM_AT), "--out", out,
            *more)  # fmt: skip


def test_text_and_bytes(here, capsys):
    assert dovetail("asm", "s.vta") == 0
    expected = isa.encode_stream(assembly.assemble(TEXT, CONFIG), CONFIG)
    assert (here / "s.bin").read_bytes() == expected
    assert dovetail("disasm", "s.bin") == 0
    assert capsys.readouterr().out == TEXT.replace("tile: ", "")
    assert dovetail("disasm", "s.bin", "--positions", "-o", "t.s") == 0
    assert re.search(r"^finish +# 8$", (here / "t.s").read_text(), re.M)
    assert dovetail("asm", "t.s", "-o", "t.bin") == 0
    assert (here / "t.bin").read_bytes() == expected


def test_micro_ops(here, capsys):
    (here / "u.txt").write_text("(1, 2, 3)\n(4, 5, 6)\n")
    assert dovetail("asm", "u.txt", "--uops") == 0
    assert len((here / "u.bin").read_bytes()) == 8
    assert dovetail("disasm", "u.bin", "--uops") == 0
    assert capsys.readouterr().out == "(1, 2, 3)\n(4, 5, 6)\n"
    (here / "u.bin").write_bytes(bytes(6))
    message = "u.bin: 6 bytes are not micro-ops of 4 bytes each"
    assert error(capsys, "disasm", "u.bin", "--uops") == message


def test_a_configuration_by_file_and_by_name(here, capsys):
    name = "1x8_i8w8a32_14_14_16_16"
    (here / "c.json").write_text(Config.from_name(name).to_json())
    assert dovetail("asm", "s.vta", "--config", "c.json") == 0
    by_file = (here / "s.bin").read_bytes()
    assert dovetail("asm", "s.vta", "--config", name) == 0
    assert (here / "s.bin").read_bytes() == by_file
    assert dovetail("asm", "s.vta") == 0
    assert (here / "s.bin").read_bytes() != by_file
    (here / "c.json").write_text("{")
    assert error(capsys, "asm", "s.vta", "--config", "c.json").startswith("c.json: the vta conf")
    assert error(capsys, "asm", "s.vta", "--config", "16x16").startswith("'16x16' is no vta config")
    assert error(capsys, "time", "s.vta", "--config", "no.json") == "no.json: there is no such file"


def check_result(path):
    before = np.fromfile("image.bin", np.uint8)
    after = np.fromfile(path, np.uint8)
    inputs = before[512:544].reshape(2, 16).astype(int)
    weights = before[1024:1280].reshape(16, 16).astype(int)
    expected = (inputs @ weights.T).astype(np.uint8)
    np.testing.assert_array_equal(after[4096:4128].reshape(2, 16), expected)


def test_run(here):
    assert dovetail(*run_args("--sram-out", "sram.npz")) == 0
    check_result("after.bin")
    assert (here / "after.bin").stat().st_size == 8192
    with np.load("sram.npz") as sram:
        assert set(sram) == {"uop", "inp", "wgt", "acc", "out"}
        found = sram["acc"][:2, 0].astype(np.uint8)
    np.testing.assert_array_equal(
        found, np.fromfile("after.bin", np.uint8)[4096:4128].reshape(2, 16)
    )


def test_run_what_the_image_has(here, capsys):
    assert dovetail(*run_args(out="loaded.bin")) == 0
    image = np.fromfile("loaded.bin", np.uint8)
    image[4096:4128] = 0
    image.tofile("loaded.bin")
    run = ("run", "--dram", "loaded.bin", "--insn-addr", "0x1800", "--out", "after.bin")
    assert dovetail(*run, "--count", "9") == 0
    check_result("after.bin")
    assert error(capsys, *run) == (
        "dovetail vta run: without STREAM, --count says how many instructions run"
    )


def test_sram_goes_from_run_to_run(here, capsys):
    (here / "s.vta").write_text("load uop 0 at 0 rows 1 of 2\nfinish\n")
    assert dovetail(*run_args("--sram-out", "sram.npz")) == 0
    (here / "s.vta").write_text("gemm reset uop 0 to 2\nfinish\n")
    strict = ("--sram-init", "error")
    assert error(capsys, *run_args(*strict)) == (
        "s.vta: instruction 0, GEMM: it reads uop[0], which nothing has written"
    )
    assert dovetail(*run_args("--sram-in", "sram.npz", *strict)) == 0
    np.savez("sram.npz", inp=np.zeros((2, 1, 16), np.int8))
    assert error(capsys, *run_args("--sram-in", "sram.npz")) == (
        "sram.npz: inp is int8[2, 1, 16]; in this configuration it is int8[2048, 1, 16]"
    )
    np.savez("sram.npz", weights=np.zeros(2, np.int8))
    assert error(capsys, *run_args("--sram-in", "sram.npz")) == (
        "sram.npz: there is no memory 'weights'; there are uop, inp, wgt, acc, out"
    )


def test_a_run_that_fails_leaves_no_image(here, capsys):
    """The store of instruction 6 has happened when instruction 7, with its label, goes wrong."""
    late = "late: load acc 5000 at 0 rows 1 of 1 pop_next"
    (here / "s.vta").write_text(TEXT.replace("nop compute pop_next", late))
    message = error(capsys, *run_args("--sram-out", "sram.npz"))
    assert message == (
        's.vta: instruction 7, LOAD ACC "late": row 0 reaches DRAM element 5000, bytes 320000 to '
        "320063, past the image of 8192 bytes"
    )
    assert not (here / "after.bin").exists() and not (here / "sram.npz").exists()


def test_modes_differ(here, capsys):
    (here / "s.vta").write_text(TEXT.replace("finish", "alu mul uop 0 to 1\nfinish"))
    assert dovetail(*run_args()) == 0
    assert error(capsys, *run_args("--mode", "hls")).endswith("alu_opcode is MUL, which hls does "
                                                             "not have")  # fmt: skip
    assert "hls does not have" in error(capsys, "verify", "s.vta", "--mode", "hls")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("asm", "no.vta"), "no.vta: there is no such file"),
        (("verify", "s.txt"),
         "s.txt: a stream is bytes in a file *.bin or text in a file *.vta or *.s"),
        (("disasm", "image.bin"), "image.bin: instruction 32: opcode is 6, which means nothing"),
        (("dissasm", "s.bin"), "dovetail vta has no command 'dissasm': did you mean disasm? "),
        (("asm", "image.bin"), "image.bin: it is no text: byte 0 is 0"),
        (("gantt", "s.vta", "-o", "g.png"), "g.png: the picture is SVG, so give a file *.svg"),
        (("gantt", "s.vta", "-o", "g.svg", "--cycles", "9:5"),
         "--cycles 9:5: there is nothing; the stream takes cycles 0 to "),
        (("gantt", "s.vta", "-o", "g.svg", "--cycles", "9"), "--cycles is FIRST:LAST, as in "),
        (("time", "s.vta", "--preset", "hsl"), "vta: no timing is called 'hsl': did you mean hls"),
        (("time", "s.vta", "--trace", "no/t.json"), "cannot write no/t.json: No such file"),
        (("run", "s.vta", "--dram", "image.bin", "--insn-addr", "8100", "--out", "o"),
         "image.bin: a stream of 144 bytes at byte 8100 ends at byte 8244, past the image of 8192"),
        (("run", "s.vta", "--dram", "image.bin", "--insn-addr", "8", "--out", "o"),
         "s.vta: instructions at byte 8: they begin at a multiple of 16"),
        (("run", "s.vta", "--dram", "image.bin", "--insn-addr", "-1", "--out", "o"),
         "dovetail vta run: argument --insn-addr: '-1' is not a number from 0, such as 4096"),
        (("run", "s.vta", "--dram", "image.bin", "--insn-addr", "0", "--out", "o", "--sram-init",
          "noise"), "vta: SRAM cannot begin as 'noise'; there are error, zero, poison, poison:"),
    ],
)  # fmt: skip
def test_mistakes(here, capsys, args, message):
    assert error(capsys, *args).startswith(message)
    assert sorted(path.name for path in here.iterdir()) == ["image.bin", "s.vta"]


def test_verify(here, capsys):
    assert dovetail("verify", "s.vta", "--dram", "image.bin") == 0
    assert capsys.readouterr().out == "s.vta: proven, 9 instructions\n"
    assert dovetail("verify", "s.vta", "--json", "f.json") == 3
    assert capsys.readouterr().out.splitlines() == [
        "s.vta: not proven; --dram IMAGE would give the micro-ops",
        "  not checked: what 2 GEMM and ALU instructions access, from instruction 1, GEMM on: "
        "their micro-ops are in an image of DRAM, which was not given",
    ]
    assert [row["certain"] for row in json.loads((here / "f.json").read_text())] == [False]


def test_verify_tells_what_is_wrong(here, capsys):
    wrong = TEXT.replace(" push_next\nload wgt", "\nload wgt").replace("nop compute pop_prev\n", "")
    wrong = wrong.replace("gemm uop 0 to 2 pop_prev", "gemm uop 0 to 2").replace(
        "nop compute pop_next", "nop compute pop_prev pop_next"
    )
    (here / "s.vta").write_text(wrong)
    message = error(capsys, "verify", "s.vta", "--dram", "image.bin", "--json", "f.json")
    assert message.splitlines() == [
        "s.vta: race on wgt[0]: instruction 3, LOAD WGT, writes it and instruction 4, GEMM, reads "
        "it, and no token orders them",
        "       3  load wgt 4 at 0 rows 1 of 1 push_next",
        "       4  gemm uop 0 to 2 push_next",
        '  race on inp[0..1]: instruction 2, LOAD INP "tile", writes it and instruction 4, GEMM, '
        "reads it, and no token orders them",
        "       2  tile: load inp 32 at 0 rows 1 of 2",
        "       4  gemm uop 0 to 2 push_next",
    ]
    rows = json.loads((here / "f.json").read_text())
    assert [row["positions"] for row in rows] == [[3, 4], [2, 4]]


def test_verify_tells_ten_races_and_counts_the_others(here, capsys):
    body = "load inp 32 at 0 rows 1 of 1 pop_next\ngemm uop 0 to 1 push_prev\n"
    text = "load uop 0 at 0 rows 1 of 2\ngemm reset uop 0 to 2 push_prev\n" + 14 * body
    (here / "s.vta").write_text(
        text + "nop load pop_next push_next\nnop compute pop_prev\nfinish\n"
    )
    lines = error(capsys, "verify", "s.vta", "--dram", "image.bin").splitlines()
    assert len(lines) == 31 and lines[-1] == "  and 4 more"


def test_time(here, capsys):
    assert dovetail("time", "s.vta", "--json", "t.json") == 0
    expected = time_stream(assembly.assemble(TEXT, CONFIG), CONFIG, PRESETS["hls"])
    out = capsys.readouterr().out
    assert out.startswith(f"{expected.cycles} cycles (hls), 9 instructions\n")
    assert re.search(r"^compute +36 +\d+\.\d% ", out, re.M)
    assert re.search(r"^GEMM +2 +20$", out, re.M)
    figures = json.loads((here / "t.json").read_text())
    assert figures["cycles"] == expected.cycles
    for unit in Unit:
        row = figures["units"][unit.word]
        assert row["busy"] + sum(row["stalls"].values()) == expected.cycles
    assert figures["kinds"]["NOP"] == {"count": 2, "cycles": 4}
    assert dovetail("time", "s.vta", "--serial", "--preset", "pynq", "--json", "t.json") == 0
    assert json.loads((here / "t.json").read_text())["cycles"] > expected.cycles


def test_what_does_nothing_takes_two_cycles_and_moves_its_tokens(here):
    assert (
        dovetail("time", "s.vta", "--without", "gemm", "--without", "load", "--json", "t.json") == 0
    )
    kinds = json.loads((here / "t.json").read_text())["kinds"]
    assert kinds == {
        "NOP": {"count": 7, "cycles": 14},
        "STORE": {"count": 1, "cycles": 14},
        "FINISH": {"count": 1, "cycles": 2},
    }


def test_a_trace_has_a_track_a_unit_and_arrows_that_begin_and_end_in_instructions(here):
    assert dovetail("time", "s.vta", "--trace", "t.json") == 0
    events = json.loads((here / "t.json").read_text())["traceEvents"]
    tracks = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert tracks == {0: "load", 1: "compute", 2: "store"}
    slices = [e for e in events if e.get("cat") == "instruction"]
    assert [e["args"]["position"] for e in slices] == list(range(9))
    assert slices[2]["name"] == "tile" and slices[5]["name"] == "GEMM"

    def at(event):
        """The instruction in whose time and track an arrow's end lies."""
        (found,) = [
            s["args"]["position"] for s in slices
            if s["tid"] == event["tid"] and s["ts"] <= event["ts"] < s["ts"] + s["dur"]
        ]  # fmt: skip
        return found

    arrows = {
        (at(start), at(end))
        for start in events if start["ph"] == "s"
        for end in events if end["ph"] == "f" and end["id"] == start["id"]
    }  # fmt: skip
    assert arrows == {(2, 4), (3, 5), (5, 6), (6, 7)}
    for track in tracks:
        rows = sorted((e["ts"], e["dur"]) for e in events if e["ph"] == "X" and e["tid"] == track)
        for (start, cycles), (following, _) in itertools.pairwise(rows):
            assert start + cycles <= following


def test_the_picture(here):
    assert dovetail("gantt", "s.vta", "-o", "g.svg") == 0
    first = (here / "g.svg").read_bytes()
    texts = {"".join(t.itertext()).strip() for t in ET.fromstring(first).iter() if "text" in t.tag}
    assert {"tile", "STORE", "LOAD WGT", "load", "compute", "store"} <= texts
    assert {"waits: token of load", "waits: token of compute", "done"} <= texts
    assert dovetail("gantt", "s.vta", "-o", "g.svg") == 0
    assert (here / "g.svg").read_bytes() == first
    assert dovetail("gantt", "s.vta", "-o", "g.svg", "--cycles", "0:20") == 0
    assert b"STORE" not in (here / "g.svg").read_bytes()


def test_help(capsys):
    assert dovetail() == 0
    assert "gantt " in capsys.readouterr().out
