"""Everything Dovetail adds to xDSL, named in one place.

`dovetail-opt`, the Python pipelines and plain `xdsl-opt` (through the entry point
`xdsl.universe`) all read these tables. A pass is listed by the path of its module below
`passes/`; its command-line name is the module's name with dashes, and its class is the
module's name in CamelCase with `Pass` at the end. Nothing is imported before it is used. Other
packages add theirs through the same entry point, with a universe that `universe_of` makes.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe
from xdsl.utils.target import Target

from analysis.errors import UserError
from analysis.extensions import broken, origin

GROUP = "xdsl.universe"
"""The entry points that name universes."""

DIALECTS: dict[str, str] = {
    "graph": "dialects.graph:Graph",
    "loop": "dialects.loop:Loop",
    "target": "dialects.target:TargetDialect",
    "te": "dialects.te:Te",
    "vta": "dialects.vta:Vta",
}

PASSES: tuple[str, ...] = (
    "graph.fold_batch_norm",
    "graph.fold_constants",
    "graph.fuse_operators",
    "graph.lower_graph_to_loop",
    "graph.lower_graph_to_te",
    "graph.mark_weights",
    "loop.bind_thread",
    "loop.bind_virtual_thread",
    "loop.blockize",
    "loop.compute_at",
    "loop.compute_in_place",
    "loop.decompose_reduction",
    "loop.double_buffer",
    "loop.elide_halo_guards",
    "loop.expand_copies",
    "loop.expand_intrinsics",
    "loop.expand_unrolled_loops",
    "loop.fuse_loops",
    "loop.hoist_allocations",
    "loop.inline_compute",
    "loop.insert_dependence_tokens",
    "loop.insert_thread_barriers",
    "loop.lower_threads_to_loops",
    "loop.lower_virtual_threads",
    "loop.pack_buffer",
    "loop.pad_block",
    "loop.parallelize_loop",
    "loop.peel_loop",
    "loop.plan_memory",
    "loop.prefetch_buffer",
    "loop.promote_memory_scope",
    "loop.reorder_loops",
    "loop.reverse_compute_at",
    "loop.reverse_inline",
    "loop.rfactor",
    "loop.schedule_kernels",
    "loop.split_loop",
    "loop.tensorize",
    "loop.tile_loops",
    "loop.transform_layout",
    "loop.unroll_loop",
    "loop.vectorize_loop",
    "te.copy_outputs",
    "te.deduplicate_kernels",
    "te.expand_powers",
    "te.import_intrinsics",
    "te.lower_te_to_loop",
    "te.transform_network_layout",
    "vta.allocate_sram",
    "vta.lower_loop_to_vta",
)

RECORDS: dict[str, str] = {"use-records": "dovetail.use_records:UseRecordsPass"}
"""The pass that reads what tuning wrote, which is no matter of a dialect."""

TARGETS: dict[str, str] = {
    "asm": "backends.llvm.targets:AssemblyTarget",
    "dot": "dovetail.printing.dot:DotTarget",
    "llvm-ir": "backends.llvm.targets:LLVMIRTarget",
    "loop-expanded": "dovetail.targets:LoopExpandedTarget",
    "pseudo": "dovetail.printing.pseudo:PseudoTarget",
    "svg": "dovetail.printing.dot:SvgTarget",
    "vta-asm": "backends.vta.targets:AssemblyTarget",
    "vta-bin": "backends.vta.targets:StreamTarget",
    "vta-dram": "backends.vta.targets:ImageTarget",
}


def load(path: str) -> object:
    """The object that `module:name` stands for; UserError if there is none."""
    module, _, name = path.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"a universe names {path}, which cannot be loaded: {error}", *origin(error)
        ) from error


def pass_name(path: str) -> str:
    """The command-line name of the pass in `path`: `loop.split_loop` is `split-loop`."""
    return path.rpartition(".")[2].replace("_", "-")


def class_path(path: str) -> str:
    """Where the class of the pass in `path` is: `loop.split_loop` holds `SplitLoopPass`."""
    camel = "".join(part.capitalize() for part in path.rpartition(".")[2].split("_"))
    return f"passes.{path}:{camel}Pass"


def pass_class(path: str) -> type[ModulePass]:
    """The class of the pass in `path`."""
    return _pass(class_path(path))()


def _dialect(path: str) -> Callable[[], Dialect]:
    def factory() -> Dialect:
        dialect = load(path)
        assert isinstance(dialect, Dialect)
        return dialect

    return factory


def _pass(path: str) -> Callable[[], type[ModulePass]]:
    def factory() -> type[ModulePass]:
        cls = load(path)
        assert isinstance(cls, type) and issubclass(cls, ModulePass)
        return cls

    return factory


def _target(path: str) -> Callable[[], type[Target]]:
    def factory() -> type[Target]:
        cls = load(path)
        assert isinstance(cls, type) and issubclass(cls, Target)
        return cls

    return factory


def universe_of(
    dialects: Mapping[str, str], passes: Mapping[str, str], targets: Mapping[str, str]
) -> Universe:
    """The universe of dialects, passes and targets at `module:name`; none is imported yet."""
    return Universe(
        all_dialects={name: _dialect(path) for name, path in dialects.items()},
        all_passes={name: _pass(path) for name, path in passes.items()},
        all_targets={name: _target(path) for name, path in targets.items()},
    )


DOVETAIL_UNIVERSE = universe_of(
    DIALECTS, {**{pass_name(path): class_path(path) for path in PASSES}, **RECORDS}, TARGETS
)


@cache
def installed() -> Universe:
    """All that xDSL, Dovetail and other packages bring; UserError if one of them is broken."""
    try:
        return Universe.get_multiverse()
    except ValueError as error:
        raise UserError(f"the installed packages do not fit together: {error}") from None
    except (ImportError, AttributeError):
        for entry in entry_points(group=GROUP):
            try:
                entry.load()
            except (ImportError, AttributeError) as error:
                raise broken(entry, error) from error
        raise
