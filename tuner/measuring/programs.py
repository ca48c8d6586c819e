"""The child's programs of the accelerator: emitted, proven, run in the simulator, timed."""

import hashlib
from dataclasses import dataclass

from backends.vta.emission import program_of
from backends.vta.launch import run
from backends.vta.program import Program
from dovetail.pipelines import VTA_BACKEND
from tuner.measuring.subject import RUNNING, Candidate, Note, Subject, WrongError
from vta.isa import StreamError, encode_stream
from vta.timing import find_preset, time_stream


@dataclass(frozen=True)
class Made:
    """A program, and a hash that is equal for programs that do the same."""

    candidate: Candidate
    program: Program
    hash: str


def make(subject: Subject, schedule: str, note: Note) -> Made:
    """The program of a candidate."""
    candidate = subject.candidate(schedule, VTA_BACKEND, note)
    program = program_of(candidate.module, subject.task.name)
    places = [(b.start, b.size, str(b.type), b.is_written) for b in program.buffers]
    stream = encode_stream(program.instructions, program.config)
    parts = (program.config.name.encode(), repr(places).encode(), program.uop_image, stream)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return Made(candidate, program, digest.hexdigest())


def simulated(made: Made, preset: str, note: Note) -> int:
    """The cycles of a program that was proven and has the expected results."""
    timing = find_preset(preset)
    candidate, program = made.candidate, made.program
    note(RUNNING, "the simulator")
    given = {**candidate.logical_inputs(), **candidate.logical_starts(1)}
    arrays = [given.get(value) for value in candidate.arguments]
    try:
        found, _ = run(program, arrays, timing.implementation.name, verified=True)
    except StreamError as error:
        raise WrongError(error.message) from None
    candidate.check_results(found)
    note(RUNNING, "the timing model")
    return time_stream(program.instructions, program.config, timing).cycles
