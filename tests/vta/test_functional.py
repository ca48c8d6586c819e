"""The functional simulator: whole programs, what implementations do differently, and its errors."""

import random

import numpy as np
import pytest

from vta import assembly, isa
from vta.config import Config
from vta.implementations import CHISEL, FSIM, HLS
from vta.isa import MicroOp
from vta.simulator.functional import Simulator
from vta.simulator.memory import SramInit

SMALL = Config.from_name("1x8_i8w8a32_14_14_16_16")
STREAM_AT = 4096
OUT_AT = 1024 // SMALL.out.element_bytes

UOPS = "load uop 0 at 0 rows 1 of 2\n"
ACC = "load acc 4 at 0 rows 1 of 2\n"
STORE = f"store out {OUT_AT} at 0 rows 1 of 2 pop_prev push_prev\n"
END = "nop compute pop_next\nfinish\n"


def image_of(text, uops=((0, 0, 0), (1, 1, 0)), acc=None, config=SMALL, words=()):
    """Micro-ops at byte 0, two accumulators at element 4, the stream at STREAM_AT."""
    image = np.zeros(8192, np.uint8)
    data = b"".join(isa.encode_uop(MicroOp(*uop), config) for uop in uops)
    image[: len(data)] = np.frombuffer(data, np.uint8)
    if acc is not None:
        at = 4 * config.acc.element_bytes
        image[at : at + 4 * acc.size] = acc.astype("<i4").reshape(-1).view(np.uint8)
    stream = isa.encode_stream(assembly.assemble(text, config), config) + b"".join(words)
    image[STREAM_AT : STREAM_AT + len(stream)] = np.frombuffer(stream, np.uint8)
    return image, len(stream) // 16


def run(text, implementation=FSIM, sram="zero", choose=min, **given):
    image, count = image_of(text, **given)
    simulator = Simulator(SMALL, image, implementation, SramInit.parse(sram))
    simulator.run(STREAM_AT, count, choose)
    return simulator


def stored(simulator):
    return simulator.dram[1024 : 1024 + 16].view(np.int8).reshape(2, 8)


def test_a_store_truncates():
    acc = np.array([range(100, 900, 100), range(-4, 4)])
    found = run(UOPS + ACC + "nop compute push_next\n" + STORE + END, acc=acc)
    np.testing.assert_array_equal(stored(found), acc.astype(np.int8))


TOUCH = "alu add uop 0 to 2 imm 0\n"


@pytest.mark.parametrize(
    ("code", "implementation", "expected"),
    [
        ("", FSIM, 5),
        ("", HLS, 0),
        ("", CHISEL, 0),
        (TOUCH, HLS, 5),
        (TOUCH, CHISEL, 5),
        (TOUCH + "gemm reset uop 0 to 2\n", FSIM, 0),
        (TOUCH + "gemm reset uop 0 to 2\n", HLS, -1),
        (TOUCH + "gemm reset uop 0 to 2\n", CHISEL, 5),
        ("alu shr uop 0 to 2 imm -17\nalu shr uop 0 to 2 imm 16\n", FSIM, 10),
        ("alu shr uop 0 to 2 imm 33\n", HLS, 2),
        ("alu shr uop 0 to 2 imm 16\nalu add uop 0 to 2 imm 3\n", HLS, 3),
        ("alu shr uop 0 to 2 imm -33\n", CHISEL, 10),
    ],
)
def test_what_a_store_finds_after(code, implementation, expected):
    text = UOPS + ACC + code + "nop compute push_next\n" + STORE + END
    found = run(text, implementation, acc=np.full((2, 8), 5))
    np.testing.assert_array_equal(stored(found), np.full((2, 8), expected))


@pytest.mark.parametrize(("implementation", "expected"), [(FSIM, 3), (HLS, 3), (CHISEL, 11)])
def test_the_operand_of_an_immediate(implementation, expected):
    text = UOPS + ACC + "alu add uop 0 to 1 imm 1 push_next\n" + STORE + END
    found = run(text, implementation, uops=[(0, 1, 0)], acc=np.repeat([[2], [10]], 8, 1))
    assert stored(found)[0].tolist() == [expected] * 8


def test_a_register_shifts_left_in_fsim_and_hls_only():
    text = UOPS + ACC + "alu shr uop 0 to 1 push_next\n" + STORE + END
    acc = np.repeat([[3], [-2]], 8, 1)
    given = {"uops": [(0, 1, 0)], "acc": acc}
    assert stored(run(text, FSIM, **given))[0, 0] == 12
    assert stored(run(text, HLS, **given))[0, 0] == 12
    assert stored(run(text, CHISEL, **given))[0, 0] == 0


def test_hardware_wraps_an_index():
    text = UOPS + ACC + "alu add uop 0 to 1 outer 2 by [2047, 0] imm 1 push_next\n" + STORE + END
    acc = np.repeat([[2], [10]], 8, 1)
    found = run(text, HLS, uops=[(1, 1, 0)], acc=acc)
    assert stored(found)[:, 0].tolist() == [3, 11]


def fails(text, message, *details, **given):
    with pytest.raises(isa.StreamError) as caught:
        run(text, **given)
    assert caught.value.message == f"vta: {message}"
    assert caught.value.details == details


@pytest.mark.parametrize(
    ("text", "implementation", "message"),
    [
        (
            "alu add uop 0 to 1 outer 3 by [1024, 0] imm 1\nfinish",
            FSIM,
            "instruction 1, ALU ADD: it reaches acc[2048], past the depth of 2048",
        ),
        (
            "load inp 1020 at 0 rows 2 of 4\nfinish",
            FSIM,
            "instruction 1, LOAD INP: row 1 reaches DRAM element 1027, bytes 8216 to 8223, past "
            "the image of 8192 bytes",
        ),
        (
            "alu shr uop 0 to 1 imm 32\nfinish",
            FSIM,
            "instruction 1, ALU SHR: it shifts by 32, outside -31 to 31",
        ),
        (
            "alu mul uop 0 to 1\nfinish",
            HLS,
            "instruction 1, ALU MUL: alu_opcode is MUL, which hls does not have",
        ),
        (
            "load acc8 0 at 0 rows 1 of 1\nfinish",
            CHISEL,
            "instruction 1, LOAD ACC_8BIT: memory_type is ACC_8BIT, which chisel does not have",
        ),
        (
            "gemm uop 0 to 1 outer 0 by [0, 0, 0]\nfinish",
            CHISEL,
            "instruction 1, GEMM: iter_out is 0, which chisel takes for 16384",
        ),
        (
            "load uop 0 at 2000 rows 1 of 49\nfinish",
            CHISEL,
            "instruction 1, LOAD UOP: it fills micro-ops up to 2049; chisel has 2048",
        ),
        (
            "nop load pop_prev\nfinish",
            FSIM,
            "instruction 1, LOAD INP: pop_prev is set, but the load unit has no prev unit: load "
            "and store meet only compute",
        ),
        (
            "nop load",
            FSIM,
            "FINISH is missing: the stream ends with instruction 1, LOAD INP",
        ),
        (
            "finish\nnop load",
            FSIM,
            "instruction 1, FINISH: FINISH ends a stream, but this one has 3 instructions",
        ),
        (
            "nop load push_next\nfinish",
            FSIM,
            "instruction 1, LOAD INP: the token that it pushes into load->compute is left over; "
            "it would mislead the next launch",
        ),
        (
            "nop store pop_prev\nfinish",
            FSIM,
            "instruction 2, FINISH: it retires before instruction 1, STORE, has run; compute must "
            "pop a token of store first",
        ),
    ],
)
def test_an_error_names_the_instruction(text, implementation, message):
    fails(UOPS + text, message, implementation=implementation)


def test_a_deadlock_names_who_waits():
    fails(
        "nop load pop_next\nnop compute pop_prev\nfinish",
        "deadlock: instruction 0, LOAD INP, waits for a token in compute->load",
        "instruction 1, LOAD UOP, waits for a token in load->compute",
    )


def test_full_queues_block():
    text = "nop load push_next\n" * 256 + "nop compute pop_prev\n" * 256 + "finish\n"
    image = np.zeros(16 * 600, np.uint8)
    data = isa.encode_stream(assembly.assemble(text, SMALL), SMALL)
    image[: len(data)] = np.frombuffer(data, np.uint8)
    Simulator(SMALL, image, CHISEL).run(0, len(data) // 16)
    text = "nop compute push_next\n" * 256 + "nop compute pop_next\n" * 256 + "finish\n"
    data = isa.encode_stream(assembly.assemble(text, SMALL), SMALL)
    image[: len(data)] = np.frombuffer(data, np.uint8)
    with pytest.raises(isa.StreamError, match="waits for room in compute->store, which holds 255"):
        Simulator(SMALL, image, CHISEL).run(0, len(data) // 16)


def test_unwritten_memory_can_be_an_error():
    fails(
        UOPS + "gemm uop 0 to 1\nfinish",
        "instruction 1, GEMM: it reads acc[0], which nothing has written",
        sram="error",
    )
    fails(
        "alu add uop 0 to 1\nfinish",
        "instruction 0, ALU ADD: it reads uop[0], which nothing has written",
        sram="error",
    )
    reset = UOPS + "gemm reset uop 0 to 2\ngemm uop 0 to 1\nfinish"
    fails(reset, "instruction 2, GEMM: it reads inp[0], which nothing has written", sram="error")


def test_poison_has_a_seed():
    text = "nop compute push_next\n" + STORE + END
    once, twice, other = (stored(run(text, sram=f"poison:{s}")).tolist() for s in (1, 1, 2))
    assert once == twice != other
    with pytest.raises(isa.UserError, match=r"cannot begin as 'ones'; there are error, zero"):
        SramInit.parse("ones")


def test_instructions_lie_where_they_can():
    simulator = Simulator(SMALL, np.zeros(64, np.uint8))
    with pytest.raises(isa.StreamError, match="byte 8: they begin at a multiple of 16"):
        simulator.run(8, 1)
    with pytest.raises(isa.StreamError, match="end at byte 80, past the image of 64 bytes"):
        simulator.run(48, 2)


def test_without_races_every_order_gives_the_same():
    load = "load inp 64 at 0 rows 1 of 2 pop_next push_next\n"
    work = "gemm uop 0 to 2 pop_prev push_prev push_next\nalu add uop 0 to 2 imm 1 pop_next\n"
    text = UOPS + "gemm reset uop 0 to 2 push_prev\nload wgt 0 at 0 rows 1 of 1\n"
    text += (
        load + work + STORE
    ) * 2 + "nop load pop_next push_next\nnop compute pop_prev\nfinish\n"
    expected = stored(run(text))
    assert expected.any()
    for seed in range(5):
        choose = random.Random(seed).choice
        np.testing.assert_array_equal(stored(run(text, choose=choose)), expected)
