"""The text of a stream: there and back for every instruction, and where a mistake is shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vta_cases import CONFIGS, words

from vta import assembly, isa
from vta.config import Config
from vta.isa import Alu, AluOpcode, Finish, Gemm, Load, MemoryType, MicroOp, Store

DEFAULT = Config()

TEXT = """\
first: load inp 448 at 0 rows 14 of 14 stride 56 pad [1, 0, 1, 1] pop_next push_next
gemm uop 0 to 4 outer 14 by [1, 1, 0] inner 3 by [0, 1, 1] pop_prev
gemm reset uop 4 to 5
alu max uop 0 to 1 outer 14 by [1, 1] imm 0 push_next
alu add uop 0 to 1
store out 0 at 0 rows 1 of 16 pop_prev push_prev
nop compute pop_next
finish
"""

STREAM = [
    Load(
        memory_type=MemoryType.INP, dram_base=448, y_size=14, x_size=14, x_stride=56,
        y_pad_0=1, x_pad_0=1, x_pad_1=1, pop_next=True, push_next=True,
    ),
    Gemm(
        uop_bgn=0, uop_end=4, iter_out=14, dst_factor_out=1, src_factor_out=1,
        iter_in=3, src_factor_in=1, wgt_factor_in=1, pop_prev=True,
    ),
    Gemm(uop_bgn=4, uop_end=5, reset=True),
    Alu(
        alu_opcode=AluOpcode.MAX, uop_bgn=0, uop_end=1, iter_out=14, dst_factor_out=1,
        src_factor_out=1, use_imm=True, push_next=True,
    ),
    Alu(alu_opcode=AluOpcode.ADD, uop_bgn=0, uop_end=1),
    Store(y_size=1, x_size=16, x_stride=16, pop_prev=True, push_prev=True),
    isa.nop(isa.Unit.COMPUTE, pop_next=True),
    Finish(),
]  # fmt: skip


def test_the_text_of_each_instruction():
    found = assembly.assemble(TEXT, DEFAULT)
    assert found == STREAM
    assert found[0].label == "first"
    assert assembly.disassemble(found) == TEXT


def test_comments_blank_lines_and_hexadecimal():
    text = "# a stream\n\n  load inp 0x10 at 0 rows 1 of 2 // input\n"
    assert assembly.assemble(text, DEFAULT) == [
        Load(memory_type=MemoryType.INP, dram_base=16, y_size=1, x_size=2, x_stride=2)
    ]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(words())
def test_every_instruction_reads_back(case):
    config, instruction = case
    text = assembly.disassemble([instruction])
    assert assembly.assemble(text, config) == [instruction]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.sampled_from(CONFIGS), st.data())
def test_micro_ops_read_back(config, data):
    fields = isa.uop_layout(config)
    uops = [MicroOp(*(data.draw(st.integers(f.low, f.high)) for f in fields)) for _ in range(3)]
    assert assembly.assemble_uops(assembly.disassemble_uops(uops), config) == uops


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("laod inp 0", 1, "expected an instruction, not 'laod'; did you mean load?"),
        ("load ipn 0", 6, "expected a memory, not 'ipn'; did you mean inp?"),
        ("load inp x", 10, "expected a number, not 'x'"),
        ("load inp 0 at 0 rows 1 of", 26, "expected a number, not the end of the line"),
        ("load inp 0 at 0 row 1 of 2", 17, "expected 'rows', not 'row'"),
        ("load acc 0 at 0 rows 1 of 2 pad [1, 2]", 34, "4 numbers stand here, not 2"),
        ("gemm uop 0 to 1 outer 2 by [1, 1]", 29, "3 numbers stand here, not 2"),
        ("gemm uop 0 to 1 psh_next", 17, "expected a dependence bit, not 'psh_next'; did you"),
        ("finish pop_prev pop_prev", 17, "pop_prev stands here twice"),
        ("alu sub uop 0 to 1", 5, "expected an ALU operation, not 'sub'; there are: min"),
        ("  a: load inp 0 at 65536 rows 1 of 1", 6, 'LOAD INP "a": sram_base is 65536, outside'),
        ("nop fetch", 5, "expected a unit, not 'fetch'"),
        ("a:", 3, "expected an instruction, not the end of the line"),
    ],
)
def test_a_mistake_is_shown_where_it_is(line, column, message):
    with pytest.raises(isa.StreamError) as caught:
        assembly.assemble(f"# one\n{line}  # why\n", DEFAULT, "stream.vta")
    assert caught.value.message.startswith(f"stream.vta:2:{column}: ")
    assert message in caught.value.message
    assert caught.value.details == (f"{line}  # why\n{' ' * (column - 1)}^",)


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("(1, 2)", 2, "3 numbers stand here, not 2"),
        ("(2048, 0, 0)", 1, "micro-op: dst_idx is 2048, outside 0 to 2047"),
        ("(0, 0, 0) 1", 11, "expected the end of the line, not '1'"),
    ],
)
def test_a_mistake_in_a_micro_op_is_shown_where_it_is(line, column, message):
    with pytest.raises(isa.StreamError) as caught:
        assembly.assemble_uops(line, DEFAULT)
    assert caught.value.message.startswith(f"<text>:1:{column}: ")
    assert message in caught.value.message
