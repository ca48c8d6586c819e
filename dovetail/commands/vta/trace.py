"""A timing as a trace that Perfetto and chrome://tracing read: a track a unit, arrows for tokens.

A cycle is a microsecond there. The format is Chrome's Trace Event Format: complete events (X),
flow events from the last cycle of who pushes (s) to the first of who pops (f), metadata (M).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from vta import assembly
from vta.isa import Instruction, Unit, kind
from vta.queues import show_queue
from vta.timing import Timing

Event = dict[str, Any]

PROCESS = 1


def _metadata(timing: Timing) -> Iterator[Event]:
    names = {"process_name": f"VTA, {timing.preset}"}
    for name, value in names.items():
        yield {"ph": "M", "pid": PROCESS, "name": name, "args": {"name": value}}
    for unit in Unit:
        track = {"ph": "M", "pid": PROCESS, "tid": int(unit)}
        yield track | {"name": "thread_name", "args": {"name": unit.word}}
        yield track | {"name": "thread_sort_index", "args": {"sort_index": int(unit)}}


def _slices(stream: Sequence[Instruction], timing: Timing) -> Iterator[Event]:
    for op, span in zip(stream, timing.spans, strict=True):
        track = {"ph": "X", "pid": PROCESS, "tid": int(span.unit)}
        for wait in span.waits:
            yield track | {
                "cat": "stall", "name": str(wait.cause), "ts": wait.start, "dur": wait.cycles,
            }  # fmt: skip
        yield track | {
            "cat": "instruction",
            "name": op.label or kind(op),
            "ts": span.start,
            "dur": span.cycles,
            "args": {
                "position": span.position,
                "text": assembly.show(op),
                "cycles waiting for the bus": span.bus_cycles,
            },
        }


def _flows(timing: Timing) -> Iterator[Event]:
    for number, token in enumerate(timing.tokens):
        pushed, popped = timing.spans[token.pushed_by], timing.spans[token.popped_by]
        flow = {
            "pid": PROCESS, "cat": "token", "id": number, "name": show_queue(token.queue),
        }  # fmt: skip
        yield flow | {"ph": "s", "tid": int(pushed.unit), "ts": pushed.end - 1}
        yield flow | {"ph": "f", "bp": "e", "tid": int(popped.unit), "ts": popped.start}


def trace_events(stream: Sequence[Instruction], timing: Timing) -> dict[str, Any]:
    """The trace as a JSON object."""
    events = [*_metadata(timing), *_slices(stream, timing), *_flows(timing)]
    return {"displayTimeUnit": "ns", "traceEvents": events}
