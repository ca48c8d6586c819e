"""The verifier: the text of each failure, and its verdict against every interleaving."""

import itertools
import random

import numpy as np
import pytest

from vta import assembly, isa
from vta.config import Config
from vta.implementations import CHISEL, FSIM, HLS
from vta.isa import MicroOp, Unit
from vta.verify import verify

SMALL = Config.from_name("1x8_i8w8a32_14_14_16_16")

RIGHT = """\
load uop 0 at 0 rows 1 of 4
gemm reset uop 0 to 4 push_prev
load wgt 16 at 0 rows 1 of 1
{load}
{gemm}
store out 256 at 0 rows 1 of 4 pop_prev push_prev
nop load pop_next push_next
nop compute pop_prev
nop compute pop_next
finish
"""
LOAD = "load inp 128 at 0 rows 1 of 4 pop_next push_next"
GEMM = "work: gemm uop 0 to 4 pop_prev push_prev push_next"


def image():
    dram = np.zeros(1 << 14, np.uint8)
    data = b"".join(isa.encode_uop(MicroOp(i, i, 0), SMALL) for i in range(4))
    dram[: len(data)] = np.frombuffer(data, np.uint8)
    return dram


def verdict(text, implementation=FSIM):
    return verify(assembly.assemble(text, SMALL), SMALL, image(), implementation)


def test_a_right_stream_is_proven():
    assert verdict(RIGHT.format(load=LOAD, gemm=GEMM)) == []


@pytest.mark.parametrize(
    ("load", "gemm", "messages"),
    [
        (
            LOAD.replace(" push_next", ""),
            GEMM.replace(" pop_prev", ""),
            {
                "race on inp[0..3]: instruction 3, LOAD INP, writes it and instruction 4, GEMM "
                '"work", reads it, and no token orders them',
                "race on wgt[0]: instruction 2, LOAD WGT, writes it and instruction 4, GEMM "
                '"work", reads it, and no token orders them',
            },
        ),
        (
            LOAD,
            GEMM + "\nlate: alu add uop 3 to 4 imm 1",
            {
                'race on acc[3]: instruction 5, ALU ADD "late", writes it and instruction 6, '
                "STORE, reads it, and no token orders them"
            },
        ),
        (
            LOAD,
            GEMM + "\nnop compute push_prev\nload inp 256 at 8 rows 1 of 4 pop_next push_next\n"
            "nop compute pop_prev",
            {
                "race on DRAM bytes 2048 to 2079: instruction 6, LOAD INP, reads it and "
                "instruction 8, STORE, writes it, and no token orders them"
            },
        ),
        (
            LOAD,
            GEMM.replace(" push_prev", ""),
            {
                "deadlock: instruction 6, LOAD INP, waits for a token in compute->load; "
                "instruction 7, LOAD UOP, waits for a token in load->compute"
            },
        ),
        (
            LOAD,
            GEMM + "\nnop compute push_next",
            {
                "instruction 5, LOAD UOP: the token that it pushes into compute->store is left "
                "over; it would mislead the next launch"
            },
        ),
        (
            LOAD + "\nload inp 160 at 3000 rows 1 of 1",
            GEMM,
            {"instruction 4, LOAD INP: it reaches inp[3000], past the depth of 2048"},
        ),
    ],
)
def test_a_failure_shows_the_guilty_pair(load, gemm, messages):
    found = verdict(RIGHT.format(load=load, gemm=gemm))
    assert {failure.message for failure in found} == messages


def test_the_finish_comes_after_all():
    text = RIGHT.replace("nop compute pop_next\n", "").replace(
        " pop_prev push_prev\nnop", " pop_prev\nnop"
    )
    (failure,) = verdict(text.format(load=LOAD, gemm=GEMM))
    assert failure.message == (
        "instruction 8, FINISH, may retire before instruction 5, STORE: no token of store proves "
        "that it is done"
    )
    assert failure.positions == (5, 8)


def test_every_place_without_its_token_is_told_and_none_around_it():
    """Of a loop whose loads nobody waits for, each load and its own GEMM, but no later one."""
    body = "load inp 128 at {0} rows 1 of 1 pop_next\ngemm uop {0} to {1} push_prev\n"
    text = "load uop 0 at 0 rows 1 of 4 push_prev\ngemm reset uop 0 to 4\n"
    text += "".join(body.format(i, i + 1) for i in (0, 1, 0))
    text += "nop load pop_next push_next\nnop compute pop_prev\nfinish"
    found = verdict(text)
    assert [failure.positions for failure in found] == [(2, 3), (4, 5), (6, 7)]


def test_places_that_are_apart():
    text = RIGHT.format(load=LOAD, gemm=GEMM + "\nalu add uop 0 to 2 outer 2 by [2, 0] imm 1")
    text = text.replace("store out 256 at 0 rows 1 of 4", "store out 256 at 0 rows 1 of 1")
    (failure,) = verdict(text)
    assert failure.message.startswith("race on acc[0]: ")
    uops = image()
    data = b"".join(isa.encode_uop(MicroOp(i, i, 0), SMALL) for i in (0, 2, 3, 6))
    uops[: len(data)] = np.frombuffer(data, np.uint8)
    text = RIGHT.format(load=LOAD.replace("1 of 4", "1 of 7"), gemm=GEMM.replace(" pop_prev", ""))
    text = text.replace("nop compute pop_prev", "nop compute pop_prev\nnop compute pop_prev")
    stream = assembly.assemble(text, SMALL)
    assert verify(stream, SMALL, uops)[0].message.startswith(
        "race on inp[0] and 3 other places up to 6: instruction 3, LOAD INP, writes it and "
    )


def test_without_an_image_micro_ops_are_unknown():
    stream = assembly.assemble(RIGHT.format(load=LOAD, gemm=GEMM), SMALL)
    (unchecked,) = verify(stream, SMALL, None)
    assert not unchecked.certain and unchecked.positions == (1, 4)
    assert unchecked.message == (
        "not checked: what 2 GEMM and ALU instructions access, from instruction 1, GEMM on: their "
        "micro-ops are in an image of DRAM, which was not given"
    )
    racing = RIGHT.format(load=LOAD, gemm=GEMM.replace("push_prev ", "") + "\nnop compute")
    racing = racing.replace("nop load pop_next", "load inp 128 at 9 rows 1 of 1")
    possible, unchecked = verify(assembly.assemble(racing, SMALL), SMALL, None)
    assert not possible.certain and not unchecked.certain
    assert possible.message == (
        'possible race on inp: instruction 4, GEMM "work", reads it and instruction 7, LOAD INP, '
        "writes it, and no token orders them; where, the image of DRAM would say"
    )
    moved = GEMM + "\nnop compute push_prev\nload inp 256 at 8 rows 1 of 4 pop_next push_next\n"
    moved = RIGHT.format(load=LOAD, gemm=moved + "nop compute pop_prev")
    race, unchecked = verify(assembly.assemble(moved, SMALL), SMALL, None)
    assert race.certain and race.message.startswith("race on DRAM bytes 2048 to 2079: ")


def test_micro_ops_must_be_those_of_the_image():
    (failure,) = verdict("load uop 0 at 0 rows 1 of 2\ngemm reset uop 1 to 3\nfinish")
    assert failure.message == ("instruction 1, GEMM: it reads uop[2], which nothing has written")
    start = "load uop 0 at 0 rows 1 of 4\ngemm reset uop 0 to 4 push_next\n"
    start += "store out {} at 0 rows 1 of 1 pop_prev push_prev\n"
    end = "load uop 3 at 3 rows 1 of 1 pop_next\ngemm reset uop 3 to 4\nfinish"
    assert verdict(start.format(2) + end) == []
    (failure,) = verdict(start.format(1) + end)
    assert failure.message == (
        "instruction 3, LOAD UOP: it loads micro-ops that the stream has stored, which nobody can "
        "check"
    )


@pytest.mark.parametrize("implementation", [HLS, CHISEL])
def test_the_pipeline_must_not_write_again_too_soon(implementation):
    start = "load uop 0 at 0 rows 1 of 4\n"
    gemm = start + "gemm reset uop 0 to {} outer 2 by [0, 0, 0]\nfinish"
    assert verdict(gemm.format(3), implementation) == []
    assert verdict(gemm.format(2)) == []
    (failure,) = verdict(gemm.format(2), implementation)
    assert failure.message == (
        f"instruction 1, GEMM: it writes acc[0] again at distance 2; the pipeline of "
        f"{implementation.name} needs more than 2"
    )
    alu = start + "alu add uop 0 to {} outer 2 by [0, 0] imm 1\nfinish"
    assert verdict(alu.format(2), implementation) == []
    assert "again at distance 1" in verdict(alu.format(1), implementation)[0].message


@pytest.mark.parametrize("implementation", [FSIM, HLS, CHISEL])
@pytest.mark.parametrize("put", ["load acc 64 at 0 rows 1 of 4", "gemm reset uop 0 to 4"])
def test_what_is_stored_has_been_computed(put, implementation):
    text = f"load uop 0 at 0 rows 1 of 4\n{put}\n{{}}nop compute push_next\n"
    text += "store out 256 at 1 rows 1 of 2 pop_prev push_prev\nnop compute pop_next\nfinish"
    assert verdict(text.format("alu add uop 0 to 4 imm 1\n"), implementation) == []
    found = verdict(text.format("alu add uop 0 to 2 imm 1\n"), implementation)
    if not implementation.separate_out:
        assert found == []
        return
    assert found[0].message == (
        "instruction 4, STORE: it stores out[2], which lacks what instruction 1 has put into "
        f"acc[2]; {implementation.name} stores what GEMM and ALU have computed since"
    )


def random_stream(r):
    """Instructions on few places, with tokens that balance, then sometimes one bit flipped."""
    held = dict.fromkeys(((0, 1), (1, 0), (1, 2), (2, 1)), 0)
    lines = ["load uop 0 at 0 rows 1 of 4"]
    for _ in range(r.randint(3, 6)):
        unit, x = r.randrange(3), r.randrange(2)
        line = (
            f"load inp {128 + x} at {x} rows 1 of 1",
            f"gemm uop {x} to {x + 1}",
            f"store out {256 + x} at {x} rows 1 of 1",
        )[unit]
        for name, other in (("prev", unit - 1), ("next", unit + 1)):
            if (other, unit) in held and held[other, unit] and r.random() < 0.8:
                held[other, unit] -= 1
                line += f" pop_{name}"
        for name, other in (("prev", unit - 1), ("next", unit + 1)):
            if (unit, other) in held and r.random() < 0.5:
                held[unit, other] += 1
                line += f" push_{name}"
        lines.append(line)
    names = ("load", "compute", "store")
    for unit in (0, 2, 1):
        if unit != 1 and r.random() < 0.8:  # so that FINISH knows
            side = "next" if unit == 0 else "prev"
            lines.append(f"nop {names[unit]} push_{side}")
            held[unit, 1] += 1
        for (source, target), count in held.items():
            if target == unit:
                side = "prev" if source < target else "next"
                lines += [f"nop {names[unit]} pop_{side}"] * count
                held[source, target] = 0
    return [*lines, "finish"]


def accesses(op):
    """(reads, writes) of an instruction that `random_stream` makes."""
    if op.is_nop or isinstance(op, isa.Finish) or getattr(op, "memory_type", None) == 0:
        return set(), set()
    if isinstance(op, isa.Load):
        return set(), {("inp", op.sram_base)}
    if isinstance(op, isa.Store):
        return {("acc", op.sram_base)}, set()
    return {("inp", op.uop_bgn)}, {("acc", op.uop_bgn)}


def truth(stream):
    """Whether every interleaving runs to the end and orders conflicting instructions the same."""
    units = [[i for i, op in enumerate(stream) if op.unit == u] for u in range(3)]
    effects = [accesses(op) for op in stream]

    def conflict(i, j):
        (r, w), (s, v) = effects[i], effects[j]
        return bool(w & (s | v) or v & r)

    pairs = [
        p for p in itertools.combinations(range(len(stream)), 2)
        if stream[p[0]].unit != stream[p[1]].unit and conflict(*p)
    ]  # fmt: skip
    orders = {pair: set() for pair in pairs}
    seen, good = set(), True
    tasks = [(0, 0, 0)]
    while tasks:
        state = tasks.pop()
        if state in seen:
            continue
        seen.add(state)
        done = {i for u in range(3) for i in units[u][: state[u]]}
        for i, j in pairs:
            if (i in done) != (j in done):
                orders[i, j].add(i in done)
        tokens = {}
        for i in done:
            op, u = stream[i], stream[i].unit
            for flag, key, change in (
                (op.pop_prev, (u - 1, u), -1), (op.pop_next, (u + 1, u), -1),
                (op.push_prev, (u, u - 1), 1), (op.push_next, (u, u + 1), 1),
            ):  # fmt: skip
                tokens[key] = tokens.get(key, 0) + change * flag
        moved = False
        for u in range(3):
            if state[u] == len(units[u]):
                continue
            op = stream[units[u][state[u]]]
            if op.pop_prev and not tokens.get((u - 1, u)):
                continue
            if op.pop_next and not tokens.get((u + 1, u)):
                continue
            moved = True
            if isinstance(op, isa.Finish) and len(done) != len(stream) - 1:
                good = False
            tasks.append(tuple(n + (v == u) for v, n in enumerate(state)))
        if not moved and (len(done) != len(stream) or any(tokens.values())):
            good = False
    return good and all(len(found) < 2 for found in orders.values())


def test_the_verdict_is_that_of_every_interleaving():
    """Balanced streams, and each of them with one token bit flipped."""
    verdicts = {True: 0, False: 0}
    for seed in range(150):
        r = random.Random(seed)
        stream = assembly.assemble("\n".join(random_stream(r)), SMALL)
        variants = [stream]
        position = r.randrange(1, len(stream))
        sides = {Unit.LOAD: ["next"], Unit.STORE: ["prev"], Unit.COMPUTE: ["prev", "next"]}
        name = f"{r.choice(('pop', 'push'))}_{r.choice(sides[stream[position].unit])}"
        flipped = type(stream[position])(
            **(vars(stream[position]) | {name: not getattr(stream[position], name)})
        )
        variants.append([*stream[:position], flipped, *stream[position + 1 :]])
        for variant in variants:
            expected = truth(variant)
            found = verify(variant, SMALL, image())
            assert (found == []) == expected, (seed, assembly.disassemble(variant), found)
            verdicts[expected] += 1
    assert min(verdicts.values()) > 20, verdicts
