"""Runs the pipeline step by step and notes what each step did to each function.

Schedules are replayed: the record `dovetail.schedule` of a kernel is applied to its unscheduled
form one primitive at a time, which gives the text after each.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp, StringAttr
from xdsl.ir import Attribute, Operation
from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import parse_pipeline

from backends.llvm.emitter import emit_module
from backends.llvm.machine import CodeGenerator
from backends.llvm.network import network_function
from dialects import loop, te
from dialects.graph.base import GraphOp
from dialects.graph.structure import CallOp
from dialects.layout import pad_of, symbolic_extents
from dialects.target import Target, TargetAttr
from dovetail.explain.figures import (
    argument_bytes,
    float_operations,
    layout_words,
    schedule_summary,
)
from dovetail.explain.listing import Version, blame, listing, pseudo
from dovetail.explain.nodes import Fates, Node
from dovetail.explain.report import Argument, Buffer, Call, FusionEdge, Kernel, Report
from dovetail.pipelines import CPU
from dovetail.universe import DOVETAIL_UNIVERSE
from passes.graph.fuse_operators import FuseOperatorsPass, fusion_of
from passes.graph.mark_weights import WEIGHT
from passes.graph.rewriting import functions
from passes.locations import nodes_of
from passes.loop.hoist_allocations import SCRATCH
from passes.loop.plan_memory import OFFSET, arena_of, slots_of
from passes.loop.schedule_kernels import SCHEDULE, ScheduleKernelsPass
from passes.te.lower_te_to_loop import LowerTeToLoopPass

Progress = Callable[[int, int], None]


@dataclass
class Trail:
    """What is noted while the pipeline runs; `unscheduled` are kernels as the schedule gets them.

    `last` holds the text of each function for which it was noted last, so that a step that
    changes nothing leaves no version.
    """

    nodes: dict[str, Node]
    progress: Progress
    versions: dict[str, list[Version]] = field(default_factory=dict[str, list[Version]])
    flops: dict[str, int | None] = field(default_factory=dict[str, int | None])
    results: dict[str, Attribute] = field(default_factory=dict[str, Attribute])
    edges: list[FusionEdge] = field(default_factory=list[FusionEdge])
    unscheduled: dict[str, func.FuncOp] = field(default_factory=dict[str, func.FuncOp])

    def run(self, module: ModuleOp, pipeline: tuple[ModulePass, ...]) -> None:
        """Apply the passes in order."""
        self.note("import", module)
        fused = False
        for step in pipeline:
            self.before(step, module)
            fates = None if fused else Fates.before(module)
            step.apply(Context(), module)
            fused = fused or isinstance(step, FuseOperatorsPass)
            if fates is not None and not fused:
                fates.after(step.name, module, self.nodes)
            if isinstance(step, ScheduleKernelsPass):
                self.replay_all(module)
            self.note(step.name, module)

    def before(self, step: ModulePass, module: ModuleOp) -> None:
        """Note what only shows before a step."""
        match step:
            case FuseOperatorsPass():
                for function in functions(module):
                    edges = fusion_of(function).edges()
                    self.edges += [
                        FusionEdge(
                            nodes_of(edge.producer.location),
                            nodes_of(edge.reader.location),
                            edge.producer.name,
                            edge.reader.name,
                            edge.joined,
                            edge.reason,
                        )
                        for edge in edges
                    ]
            case LowerTeToLoopPass():
                for function in functions(module):
                    name = function.sym_name.data
                    self.flops[name] = float_operations(function)
                    if function.function_type.outputs.data:
                        self.results[name] = function.function_type.outputs.data[0]
            case ScheduleKernelsPass():
                for function in functions(module):
                    self.unscheduled[function.sym_name.data] = located_clone(function)
            case _:
                pass

    def note(self, step: str, module: ModuleOp) -> None:
        """Note the text of each function that a step changed."""
        for function in functions(module):
            self.note_function(step, function)

    def note_function(self, step: str, function: func.FuncOp) -> None:
        """Note the text of one function if a step changed it."""
        lines = listing(function)
        known = self.versions.setdefault(function.sym_name.data, [])
        if not known or known[-1].lines != lines:
            known.append(Version(step, level_of(function), lines))

    def replay_all(self, module: ModuleOp) -> None:
        """Note the text of each kernel after each primitive of its schedule."""
        scheduled = [f for f in functions(module) if SCHEDULE in f.attributes]
        for number, function in enumerate(scheduled):
            self.replay(function, module)
            self.progress(number + 1, len(scheduled))

    def replay(self, function: func.FuncOp, module: ModuleOp) -> None:
        """Apply the record of one kernel's schedule to its unscheduled form, step by step."""
        record = function.attributes[SCHEDULE]
        assert isinstance(record, StringAttr)
        again = self.unscheduled[function.sym_name.data]
        alone = ModuleOp([*instructions_of(module), again])
        for spec in parse_pipeline(record.data) if record.data else ():
            primitive = DOVETAIL_UNIVERSE.all_passes[spec.name]().from_spec(spec)
            primitive.apply(Context(), alone)
            self.note_function(str(spec), again)


def instructions_of(module: ModuleOp) -> list[te.IntrinsicOp]:
    """Copies of the tensor instructions that the kernels of a module may call."""
    return [op.clone() for op in module.ops if isinstance(op, te.IntrinsicOp)]


def located_clone(function: func.FuncOp) -> func.FuncOp:
    """A copy of a function whose ops have the locations of the original's."""
    copy = function.clone()
    for old, new in zip(function.walk(), copy.walk(), strict=True):
        new.location = old.location
    return copy


def level_of(function: func.FuncOp) -> str:
    """The dialect that a function is written in."""
    ops = list(function.body.block.ops)
    if any(isinstance(op, te.ComputeOp | te.ScatterOp) for op in ops):
        return "te"
    is_graph = any(isinstance(op, GraphOp | CallOp) for op in ops)
    return "graph" if is_graph else "loop"


def explain_module(
    module: ModuleOp,
    nodes: dict[str, Node],
    model: str,
    target: Target,
    progress: Progress,
    pipeline: tuple[ModulePass, ...] = CPU,
) -> Report:
    """Compile a module for a target, down to scheduled loops, and tell how."""
    module.attributes["target"] = TargetAttr.of(target)
    trail = Trail(nodes, progress)
    trail.run(module, pipeline)
    report = Report(model, str(target), nodes, tuple(trail.edges))
    main = network_function(module)
    if main is not None:
        add_network(report, main)
        report.network = tuple(trail.versions[main.sym_name.data])
    for function in functions(module):
        if function is not main:
            kernel = kernel_of(function, trail)
            report.kernels[kernel.name] = kernel
            if main is None:
                report.calls.append(Call(kernel.name, kernel.nodes))
    for number, call in enumerate(report.calls):
        for name in call.nodes:
            if name in nodes:
                nodes[name].calls.append(number)
    return report


def kernel_of(function: func.FuncOp, trail: Trail) -> Kernel:
    """What was noted about one kernel."""
    name = function.sym_name.data
    versions = trail.versions[name]
    record = function.attributes.get(SCHEDULE)
    schedule = record.data if isinstance(record, StringAttr) else ""
    result = trail.results.get(name)
    loops = [version for version in versions if version.level == "loop"]
    return Kernel(
        name=name,
        nodes=nodes_in(function),
        versions=tuple(versions),
        blame=blame(loops),
        schedule=schedule,
        summary=schedule_summary(schedule),
        layout="" if result is None else layout_words(result),
        flops=trail.flops.get(name),
        bytes=argument_bytes(function),
        arguments=tuple(arguments_of(function)),
    )


def nodes_in(function: func.FuncOp) -> tuple[str, ...]:
    """The nodes that a function and the ops in it stand for."""
    own = nodes_of(function.location)
    found = [name for op in function.walk() for name in nodes_of(op.location)]
    return own or tuple(dict.fromkeys(found))


def arguments_of(function: func.FuncOp) -> list[Argument]:
    """The buffers of a kernel."""
    arguments = list(function.body.block.args)
    attributes: ArrayAttr[DictionaryAttr] | None = function.arg_attrs
    marks = list(attributes or [DictionaryAttr({})] * len(arguments))
    stored = {op.memref for op in function.walk() if isinstance(op, loop.StoreOp)}
    found: list[Argument] = []
    for i, (value, mark) in enumerate(zip(arguments, marks, strict=True)):
        written = value in stored
        kind = "weight" if WEIGHT in mark.data else "scratch" if SCRATCH in mark.data else ""
        name = value.name_hint or str(i)
        kind = kind or ("output" if written else "input")
        found.append(Argument(name, str(value.type), layout_words(value.type), kind))
    return found


def add_network(report: Report, main: func.FuncOp) -> None:
    """Note the calls of a network and the plan of its memory."""
    ops: list[Operation] = list(main.body.block.ops)
    for op in ops:
        if isinstance(op, func.CallOp):
            report.calls.append(Call(op.callee.root_reference.data, nodes_of(op.location)))
    buffers: list[Buffer] = []
    for number, slot in enumerate(slots_of(main)):
        alloc = slot.ops[0]
        offset = alloc.attributes.get(OFFSET)
        buffers.append(
            Buffer(
                name=alloc.result.name_hint or f"scratch{number}",
                offset=offset.value.data if isinstance(offset, IntegerAttr) else None,
                size=slot.size,
                first=slot.first,
                last=slot.last,
                stays=pad_of(alloc.result.type) is not None,
                symbols=symbolic_extents(alloc.result.type),
            )
        )
    arena = arena_of(main)
    report.buffers = tuple(buffers)
    report.arena_bytes, report.buffer_bytes = arena.size, arena.buffers


def add_code(report: Report, module: ModuleOp, target: Target, progress: Progress) -> None:
    """Add a listing, the LLVM IR and the assembly of each kernel, as it is compiled by itself."""
    generator = CodeGenerator.of(target)
    compiled = [f for f in functions(module) if f.sym_name.data in report.kernels]
    for number, function in enumerate(compiled):
        kernel = report.kernels[function.sym_name.data]
        kernel.pseudo = pseudo(ModuleOp([located_clone(function)]))
        alone = ModuleOp([*instructions_of(module), function.clone()], module.attributes)
        kernel.llvm = str(emit_module(alone))
        kernel.assembly = generator.assembly(kernel.llvm)
        progress(number + 1, len(compiled))
