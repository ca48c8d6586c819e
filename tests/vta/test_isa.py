"""Encoding: the published bit positions, every configuration there and back, what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vta_cases import CONFIGS, configs, words

from vta import isa
from vta.config import Config
from vta.isa import Alu, AluOpcode, Finish, Gemm, Load, MemoryType, MicroOp, Opcode, Store, Unit

DEFAULT = Config()

# (instruction with one field set, first bit): the published positions of the default
POSITIONS = [
    (Finish, {}, "pop_prev", 3),
    (Finish, {}, "pop_next", 4),
    (Finish, {}, "push_prev", 5),
    (Finish, {}, "push_next", 6),
    *[
        (Store, {"memory_type": MemoryType.UOP}, name, bit)
        for name, bit in (
            ("sram_base", 10),
            ("dram_base", 26),
            ("y_size", 64),
            ("x_size", 80),
            ("x_stride", 96),
            ("y_pad_0", 112),
            ("y_pad_1", 116),
            ("x_pad_0", 120),
            ("x_pad_1", 124),
        )
    ],
    *[
        (Gemm, {"uop_bgn": 0, "uop_end": 0, "iter_out": 0, "iter_in": 0}, name, bit)
        for name, bit in (
            ("reset", 7),
            ("uop_bgn", 8),
            ("uop_end", 21),
            ("iter_out", 35),
            ("iter_in", 49),
            ("dst_factor_out", 64),
            ("dst_factor_in", 75),
            ("src_factor_out", 86),
            ("src_factor_in", 97),
            ("wgt_factor_out", 108),
            ("wgt_factor_in", 118),
        )
    ],
    *[
        (
            Alu,
            {"alu_opcode": AluOpcode.MIN, "uop_bgn": 0, "uop_end": 0, "iter_out": 0, "iter_in": 0},
            name,
            bit,
        )
        for name, bit in (
            ("dst_factor_in", 75),
            ("src_factor_in", 97),
            ("use_imm", 111),
            ("imm", 112),
        )
    ],
]


@pytest.mark.parametrize(("kind", "base", "name", "bit"), POSITIONS)
def test_a_field_lies_where_the_specification_says(kind, base, name, bit):
    word = int.from_bytes(isa.encode(kind(**(base | {name: 1})), DEFAULT), "little")
    assert word == kind.OPCODE | 1 << bit


def test_the_opcode_of_alu_lies_above_the_factors():
    alu = Alu(alu_opcode=AluOpcode.MAX, uop_bgn=0, uop_end=0, iter_out=0, iter_in=0)
    assert int.from_bytes(isa.encode(alu, DEFAULT), "little") == 4 | 1 << 108


def test_a_published_word():
    """fields of every width, written down by hand from section 2"""
    load = Load(
        memory_type=MemoryType.INP,
        sram_base=0x1234,
        dram_base=0x89ABCDEF,
        y_size=0x11,
        x_size=0x22,
        x_stride=0x33,
        y_pad_0=1,
        y_pad_1=2,
        x_pad_0=3,
        x_pad_1=4,
        push_next=True,
    )
    low = 0 | 1 << 6 | 2 << 7 | 0x1234 << 10 | 0x89ABCDEF << 26
    assert isa.encode(load, DEFAULT) == low.to_bytes(8, "little") + bytes.fromhex(
        "1100 2200 3300 21 43"
    )


def test_the_fields_move_with_the_configuration():
    small = Config.from_name("2x8_i8w8a32_10_11_12_13")  # index bits: uop 8, inp 7, wgt 6, acc 7
    alu = Alu(
        alu_opcode=AluOpcode.SHR, uop_bgn=3, uop_end=256, iter_out=5, iter_in=7,
        dst_factor_out=9, dst_factor_in=10, src_factor_out=11, src_factor_in=12,
        use_imm=True, imm=-3,
    )  # fmt: skip
    word = int.from_bytes(isa.encode(alu, small), "little")
    low = 4 | 3 << 8 | 256 << 16 | 5 << 25 | 7 << 39
    high = 9 | 10 << 7 | 11 << 14 | 12 << 21 | 3 << 28 | 1 << 31 | (65536 - 3) << 32
    assert word == low | high << 64
    assert isa.encode_uop(MicroOp(1, 2, 3), small) == (1 | 2 << 7 | 3 << 14).to_bytes(4, "little")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(words())
def test_instructions_read_back(case):
    config, instruction = case
    data = isa.encode(instruction, config)
    assert isa.decode(data, config) == instruction
    assert isa.encode(isa.decode(data, config), config) == data


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from(CONFIGS) | configs, st.data())
def test_micro_ops_read_back(config, data):
    fields = isa.uop_layout(config)
    uop = MicroOp(*(data.draw(st.integers(f.low, f.high)) for f in fields))
    assert isa.decode_uop(isa.encode_uop(uop, config), config) == uop


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.name)
@pytest.mark.parametrize("opcode", Opcode)
def test_no_fields_overlap_and_none_straddles_the_words(config, opcode):
    used = 7
    for field in isa.layout(opcode, config)[4:]:
        bits = (1 << field.width) - 1 << field.start
        assert not used & bits
        assert field.start // 64 == (field.start + max(field.width, 1) - 1) // 64
        used |= bits
    assert used < 1 << 128


def test_unused_bits_are_read_as_anything():
    data = bytearray(isa.encode(Finish(), DEFAULT))
    data[15] = 0xFF
    assert isa.decode(bytes(data), DEFAULT) == Finish()


def gemm(**fields):
    return Gemm(**({"uop_bgn": 0, "uop_end": 1} | fields))


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (
            gemm(iter_out=16384, label="tile"),
            'vta: GEMM "tile": iter_out is 16384, outside 0 to 16383, what 14 bits hold in '
            "configuration 1x16_i8w8a32_15_15_18_17",
        ),
        (gemm(wgt_factor_in=1024), "GEMM: wgt_factor_in is 1024, outside 0 to 1023"),
        (
            Alu(alu_opcode=AluOpcode.ADD, uop_bgn=0, uop_end=1, imm=32768),
            "ALU ADD: imm is 32768, outside -32768 to 32767",
        ),
        (
            Load(memory_type=MemoryType.ACC, x_pad_1=16),
            "LOAD ACC: x_pad_1 is 16, outside 0 to 15",
        ),
        (Store(dram_base=-1), "STORE: dram_base is -1, outside 0 to 4294967295"),
    ],
)
def test_a_value_that_no_field_holds_is_refused(instruction, message):
    with pytest.raises(isa.StreamError) as caught:
        isa.encode(instruction, DEFAULT)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (5, "vta: instruction 1: opcode is 5, which means nothing; there are LOAD 0, STORE 1"),
        (0 | 6 << 7, "vta: instruction 1, LOAD: memory_type is 6, which means nothing; there are"),
        (4 | 7 << 108, "vta: instruction 1, ALU: alu_opcode is 7, which means nothing"),
    ],
)
def test_a_word_that_means_nothing_is_refused(word, message):
    data = isa.encode(Finish(), DEFAULT) + word.to_bytes(16, "little")
    with pytest.raises(isa.StreamError) as caught:
        isa.decode_stream(data, DEFAULT)
    assert caught.value.message.startswith(message)


def test_a_stream_has_whole_instructions():
    with pytest.raises(isa.StreamError, match="20 bytes ends inside an instruction"):
        isa.decode_stream(bytes(20), DEFAULT)
    stream = [isa.nop(Unit.LOAD, push_next=True), gemm(pop_prev=True), Finish()]
    assert isa.decode_stream(isa.encode_stream(stream, DEFAULT), DEFAULT) == stream


@pytest.mark.parametrize("unit", Unit)
def test_a_nop_belongs_to_its_unit_and_is_legal(unit):
    nop = isa.nop(unit)
    assert nop.unit is unit and nop.is_nop and nop.sram_size == 0
    assert isa.illegality(nop) is None


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (isa.nop(Unit.LOAD, pop_prev=True), "pop_prev is set, but the load unit has no prev unit"),
        (isa.nop(Unit.LOAD, push_prev=True), "push_prev is set"),
        (isa.nop(Unit.STORE, pop_next=True), "pop_next is set, but the store unit has no next"),
        (Store(memory_type=MemoryType.ACC), "memory_type is ACC; a store reads OUT"),
        (Load(memory_type=MemoryType.OUT), "memory_type is OUT, which no load fills"),
        (Load(memory_type=MemoryType.UOP, x_size=4, y_size=2), "y_size is 2; micro-ops"),
        (Load(memory_type=MemoryType.WGT, x_size=4, y_size=1, x_pad_0=1), "x_pad_0 is 1; a tr"),
        (Store(x_size=4, y_size=1, y_pad_1=2), "y_pad_1 is 2; a transfer of OUT has no pads"),
    ],
)
def test_what_must_not_be_executed(instruction, message):
    assert (isa.illegality(instruction) or "").startswith(message)


def test_compute_has_neighbours_on_both_sides():
    assert isa.illegality(isa.nop(Unit.COMPUTE, **dict.fromkeys(isa.TOKEN_FIELDS, True))) is None
