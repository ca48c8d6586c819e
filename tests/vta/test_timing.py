"""The cycle model: against one that steps through every cycle, and numbers worked out by hand."""

from collections import Counter
from dataclasses import replace

import pytest
import vta_cycle_model
from vta_streams import Generator
from vta_tuned import LAYERS, tuned_stream

from analysis.errors import UserError
from vta import assembly
from vta.config import Config
from vta.implementations import HLS
from vta.isa import StreamError, Unit
from vta.timing import PRESETS, Cause, Span, Token, Wait, find_preset, time_stream

DEFAULT = Config()
HLS_PRESET = PRESETS["hls"]


def timed(text, preset="hls", serial=False):
    return time_stream(assembly.assemble(text, DEFAULT), DEFAULT, PRESETS[preset], serial)


@pytest.mark.parametrize(
    ("line", "hls", "chisel", "pynq"),
    [
        ("load uop 0 at 0 rows 1 of 10", 18, 18, 44),  # 40 bytes: 10 cycles, or 11.8
        ("load inp 0 at 0 rows 3 of 4 stride 9 pad [1, 0, 1, 1]", 44, 44, 101),  # 12 and 12 zeros
        ("load wgt 0 at 0 rows 1 of 2", 72, 72, 183),
        ("load acc 0 at 0 rows 1 of 2", 24, 24, 70),
        ("load acc8 0 at 0 rows 1 of 2", 12, 12, 42),
        ("store out 0 at 0 rows 1 of 10", 38, 38, 80),  # 160 bytes: 30 cycles, or 47.1
        ("gemm uop 0 to 3 outer 2 by [1, 1, 1] inner 4 by [1, 1, 1]", 32, 32, 32),
        ("gemm reset uop 0 to 3", 11, 11, 11),
        ("alu max uop 0 to 3 imm 0", 14, 11, 14),
        ("alu max uop 0 to 3", 14, 14, 14),
        ("nop store", 2, 2, 2),
    ],
)
def test_the_cycles_of_one_instruction(line, hls, chisel, pynq):
    found = {name: timed(f"{line}\nfinish", name, serial=True).spans[0].cycles for name in PRESETS}
    assert found == {"hls": hls, "chisel": chisel, "pynq": pynq}


OVERLAP = """\
first: load inp 0 at 0 rows 1 of 32 push_next
second: load inp 0 at 32 rows 1 of 32 push_next
gemm uop 0 to 20 pop_prev push_next
store out 0 at 0 rows 1 of 16 pop_prev push_prev
nop compute pop_prev
nop compute pop_next
finish
"""


def test_a_stream_by_hand():
    """The second load and the store share the bus, asking for 8 and 16 / 3 bytes a cycle.

    The load has moved 28 * 8 of its bytes when the store's begin, in cycle 109; it moves the other
    288 at 4.8 a cycle. The store moves 192 at 3.2 till then, and its last 64 at 16 / 3.
    """
    found = timed(OVERLAP)
    fetched = [Wait(Cause.FETCH, 0, 1), Wait(Cause.FETCH, 0, 3), Wait(Cause.FETCH, 0, 4)]
    load, compute, store = Unit
    assert found.spans == (
        Span(0, load, 1, 73, (fetched[0],)),
        Span(1, load, 73, 169, (), 24),
        Span(2, compute, 73, 101, (fetched[1], Wait(Cause.LOAD, 3, 73))),
        Span(3, store, 101, 181, (fetched[2], Wait(Cause.COMPUTE, 4, 101)), 24),
        Span(4, compute, 169, 171, (Wait(Cause.LOAD, 101, 169),)),
        Span(5, compute, 181, 183, (Wait(Cause.STORE, 171, 181),)),
        Span(6, compute, 183, 185),
    )
    assert found.tokens == (
        Token((load, compute), 0, 2),
        Token((compute, store), 2, 3),
        Token((load, compute), 1, 4),
        Token((store, compute), 3, 5),
    )
    assert found.cycles == 185
    assert found.busy(load) == 2 * 72
    assert found.stalls(load) == {Cause.FETCH: 1, Cause.BUS: 24, Cause.END: 16}
    assert found.utilisation(store) == 56 / 185


def test_a_serial_stream_has_one_instruction_at_a_time():
    found = timed(OVERLAP, serial=True)
    assert [span.cycles for span in found.spans] == [72, 72, 28, 56, 2, 2, 2]
    assert found.cycles == 1 + sum(span.cycles for span in found.spans)
    assert found.spans[2].waits == (Wait(Cause.FETCH, 0, 3), Wait(Cause.TURN, 3, 145))


def test_a_serial_stream_lets_the_token_that_is_waited_for_come_first():
    text = "nop load pop_next push_next\nnop compute push_prev\nnop compute pop_prev\nfinish"
    found = timed(text, serial=True)
    assert [span.start for span in found.spans] == [4, 2, 6, 8]


def test_fetching_stands_still_while_a_queue_is_full():
    """Of 600 NOPs for the load unit 512 are fetched; the others when one retires, every 2 cycles.

    GEMM ends in cycle 2009. Then 88 times room is made, in cycle 2011 and 87 times a cycle after
    the last instruction was fetched; so the compute unit has its next one in cycle 2187.
    """
    text = "gemm reset uop 0 to 1 outer 2000 by [0, 0, 0] push_prev\nnop load pop_next\n"
    found = timed(text + "nop load\n" * 598 + "nop load push_next\nnop compute pop_prev\nfinish")
    assert found.stalls(Unit.COMPUTE) == {
        Cause.FETCH: 1 + (2187 - 2011 - 87),
        Cause.QUEUE_FULL: (2011 - 2009) + 87,
        Cause.LOAD: 2009 + 2 * 600 - 2187,
    }


def test_a_full_queue_of_tokens_stops_who_pushes():
    text = "nop load push_next\n" * 256 + "gemm uop 0 to 1 outer 1000 by [0, 0, 0]\n"
    text += "nop compute pop_prev\n" * 256 + "finish"
    chisel, hls = timed(text, "chisel"), timed(text, "hls")
    assert [wait.cause for wait in chisel.spans[255].waits] == [Cause.ROOM]
    assert hls.spans[255].waits == ()
    assert chisel.spans[255].start == chisel.spans[257].start


def check_sums(timing):
    """The cycles of each unit are those in which it works and those in which it does not."""
    for unit in Unit:
        assert timing.busy(unit) + sum(timing.stalls(unit).values()) == timing.cycles
        end = 0
        for span in timing.of(unit):
            for wait in span.waits:
                assert (wait.start, wait.cycles > 0) == (end, True)
                end = wait.end
            assert end == span.start
            end = span.end


def test_random_streams_agree_with_the_model_that_steps_through_every_cycle():
    moved = 0
    for seed in range(60):
        generator = Generator(seed, Counter())
        generator.build()
        stream, config = generator.stream, generator.config
        preset = list(PRESETS.values())[seed % 3]
        queue = (512, 3, 2)[seed // 3 % 3]
        preset = replace(preset, implementation=replace(HLS, instruction_queue=queue))
        expected = vta_cycle_model.run(stream, config, preset, queue)
        found = time_stream(stream, config, preset)
        assert [(span.start, span.end) for span in found.spans] == expected, seed
        check_sums(found)
        moved += sum(span.bus_cycles for span in found.spans)
        serial = time_stream(stream, config, preset, serial=True)
        check_sums(serial)
        assert serial.cycles >= found.cycles
    assert moved > 1000


@pytest.mark.parametrize("layer", sorted({*LAYERS} - {"C5", "C11"}))
def test_tuned_convolutions_take_what_was_measured(layer):
    found = time_stream(tuned_stream(LAYERS[layer]), DEFAULT, PRESETS["pynq"])
    assert found.cycles == pytest.approx(LAYERS[layer].measured, rel=0.015)


def test_a_stream_that_cannot_run_has_no_time():
    with pytest.raises(StreamError, match="deadlock: instruction 0, LOAD UOP, waits for a token"):
        timed("nop compute pop_prev\nfinish")
    with pytest.raises(StreamError, match="instruction 0, STORE: pop_next is set"):
        timed("store out 0 at 0 rows 1 of 1 pop_next\nfinish")


def test_an_unknown_preset():
    with pytest.raises(UserError, match="no timing is called 'pynk': did you mean pynq"):
        find_preset("pynk")
