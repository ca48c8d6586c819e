"""The target: what machine code is made for, as a value and as an attribute.

A module says what it is compiled for in one attribute, and passes read it there and nowhere else:

    builtin.module attributes {target = #target.target<"llvm -mcpu=znver5">} { ... }

(`#target<...>` alone is not an attribute name xDSL can register; `dialect.name` is the shortest.)
The text in quotes is also what `--target` takes:

    llvm -mcpu=NAME [-mattr=+a,-b] [-num-threads=N] [-l1=BYTES] [-l2=BYTES] [-l3=BYTES]
    vta  [-config=FILE|NAME] [-preset=NAME] [-num-threads=N]

The text is all that is stored, so it prints back and compares as written (options in the order
above). What it means, the `Machine`, is answered by the package that registered the device in the
entry point group `dovetail.targets`: a function from `Target` to `Machine`. So a CPU's features
come from LLVM, which knows every CPU. A device of another package is registered as a `Device`, that
function together with the options there are, and needs no change here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import cast

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Attribute, Dialect, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from analysis.errors import UserError, nearest
from analysis.extensions import entries, extension

SYNTAX = "llvm -mcpu=NAME [-mattr=+a,-b] [-num-threads=N] [-l1=BYTES] [-l2=BYTES] [-l3=BYTES]"

OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "llvm": ("mcpu", "mattr", "num-threads", "l1", "l2", "l3"),
        "vta": ("config", "preset", "num-threads"),
    }
)
"""The options of each device of this package, in the order in which they are printed."""

NUMBERS = frozenset({"num-threads", "l1", "l2", "l3"})


@dataclass(frozen=True)
class Scope:
    """A memory that a tile can be placed in.

    `capacity` is in bytes (None: not limited), `element` the shape and type of what one address
    holds (None: one element of any type), `shared_by` the thread axes whose threads see the same
    memory. `fill` and `drain` are the execution units that move boxes from global memory into it
    and out of it; where there is one, such a move is one operation. `shadow` is the scope whose
    addresses it shares: each of its elements is a view of the element there.
    """

    name: str
    capacity: int | None = None
    element: tuple[tuple[int, ...], str] | None = None
    shared_by: tuple[str, ...] = ()
    fill: str | None = None
    drain: str | None = None
    shadow: str | None = None


@dataclass(frozen=True)
class Costs:
    """Cycles of an accelerator's operations, beside those of the bytes that are moved.

    A call of an instruction that reduces takes one.
    """

    move: int = 0
    """What a move between memories takes beside its bytes."""
    nest: int = 0
    """What a nest of calls takes beside the calls."""
    step: int = 1
    """What a call that does not reduce takes."""
    store: int = 0
    """What moving an element of a result out takes."""


@dataclass(frozen=True)
class Machine:
    """What a target is: the facts that passes and schedules ask for. Sizes are in bytes."""

    device: str
    cpu: str
    features: frozenset[str]
    units: tuple[str, ...]
    vector_bytes: int
    vector_registers: int
    scopes: tuple[Scope, ...]
    l1_bytes: int
    l2_bytes: int
    l3_bytes: int
    cores: int
    bandwidths: tuple[tuple[str, float], ...]
    """What one core reads from `l1`, `l2`, `l3` and `dram`, sustained, in GB/s."""
    tile_registers: int = 0
    """How many registers for two-dimensional tiles there are."""
    clock: float = 1.0
    """Cycles a nanosecond."""
    multiply_adds: float = 2
    """Multiply-adds of whole vectors that begin in a cycle."""
    loads: float = 2
    """Whole vectors that are loaded in a cycle."""
    latency: int = 4
    """Cycles from a multiply-add to one that needs its result."""
    queues: tuple[tuple[str, str], ...] = ()
    """The pairs of units between which tokens can be sent."""
    costs: Costs = Costs()
    group_threads: int = 0
    """The most threads that a thread group has; 0 where loops cannot be bound to thread axes."""

    @property
    def is_accelerator(self) -> bool:
        """Whether it has memories whose elements have a shape, which its instructions work on."""
        return any(scope.element is not None for scope in self.scopes)

    def bandwidth(self, memory: str) -> float:
        """What one core reads from `memory`, in GB/s."""
        return dict(self.bandwidths)[memory]

    def bytes_per_cycle(self, memory: str) -> float:
        """What one core reads from `memory` in a cycle."""
        return self.bandwidth(memory) / self.clock

    def scope(self, name: str) -> Scope:
        """The memory scope called `name`."""
        for scope in self.scopes:
            if scope.name == name:
                return scope
        raise UserError(
            f"a {self.device} target has no memory scope '{name}': "
            + nearest(name, [scope.name for scope in self.scopes])
        )


@dataclass(frozen=True)
class Device:
    """A device as a package registers it in `dovetail.targets`.

    `options` are printed in this order; those that `numbers` names are whole numbers from 1.
    """

    options: tuple[str, ...]
    machine: "Callable[[Target], Machine]"
    numbers: tuple[str, ...] = ()

    def __call__(self, target: "Target") -> Machine:
        return self.machine(target)


def registered_device(name: str) -> Device | None:
    """The device of that name of another package."""
    found = None if name in OPTIONS else extension("dovetail.targets", name)
    return found if isinstance(found, Device) else None


def options_of(device: str) -> tuple[str, ...] | None:
    """The options of a device in the order in which they are printed; None if it is not known."""
    found = registered_device(device)
    return OPTIONS.get(device) if found is None else found.options


def is_number(device: str, option: str) -> bool:
    """Whether an option of a device is a whole number from 1."""
    found = registered_device(device)
    return option in (NUMBERS if found is None else found.numbers)


@dataclass(frozen=True)
class Target:
    """A target as written: the device and its options. Equal texts are equal targets."""

    device: str
    options: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def parse(text: str) -> "Target":
        """The target that `text` describes; what it does not know is an error that says what is."""
        words = text.split()
        if not words:
            raise UserError(f"an empty target: write {SYNTAX}")
        device, *rest = words
        options = options_of(device)
        if options is None:
            known = sorted({*OPTIONS, *entries("dovetail.targets")})
            raise UserError(
                f"target '{text}': no device is called '{device}': {nearest(device, known)}"
            )
        given: dict[str, str] = {}
        for word in rest:
            name, value = _option(text, device, word)
            if name in given:
                raise UserError(f"target '{text}': option -{name} is given twice")
            given[name] = value
        return Target(device, tuple((n, given[n]) for n in options if n in given))

    def get(self, name: str) -> str | None:
        """The value of option `name`, if it is given."""
        return dict(self.options).get(name)

    def number(self, name: str) -> int | None:
        """The value of the whole-number option `name`, if it is given."""
        value = self.get(name)
        return None if value is None else int(value)

    def having(self, **options: str | int | None) -> "Target":
        """This target with these options set (None removes one); `_` stands for `-`."""
        new = dict(self.options)
        for name, value in options.items():
            new.pop(name.replace("_", "-"), None)
            if value is not None:
                new[name.replace("_", "-")] = str(value)
        return Target.parse(" ".join([self.device, *(f"-{n}={v}" for n, v in new.items())]))

    @property
    def machine(self) -> Machine:
        """The facts about this target."""
        return describe(self)

    def __str__(self) -> str:
        return " ".join([self.device, *(f"-{name}={value}" for name, value in self.options)])


def _option(text: str, device: str, word: str) -> tuple[str, str]:
    """Split `-name=value`, checked."""
    name, equals, value = word.removeprefix("-").partition("=")
    if not word.startswith("-") or not equals or not value:
        raise UserError(f"target '{text}': '{word}' is not of the form -option=value")
    options = options_of(device) or ()
    if name not in options:
        raise UserError(
            f"target '{text}': {device} has no option -{name}: {nearest(name, options)}"
        )
    if is_number(device, name) and not (value.isascii() and value.isdigit() and int(value) > 0):
        raise UserError(f"target '{text}': -{name} is a whole number from 1, not '{value}'")
    if name == "mattr":
        for feature in value.split(","):
            if len(feature) < 2 or feature[0] not in "+-":
                raise UserError(
                    f"target '{text}': '{feature}' in -mattr is not of the form +feature or "
                    "-feature"
                )
    return name, value


@cache
def describe(target: Target) -> Machine:
    """Ask the package that knows `target`'s device what it is."""
    found = extension("dovetail.targets", target.device)
    if found is None:
        raise UserError(f"target '{target}': nothing installed describes {target.device} devices")
    return cast(Callable[[Target], Machine], found)(target)


@irdl_attr_definition
class TargetAttr(ParametrizedAttribute):
    """What a module is compiled for: `#target.target<"llvm -mcpu=znver5">`."""

    name = "target.target"

    text: StringAttr

    @staticmethod
    def of(target: Target) -> "TargetAttr":
        """The attribute that holds `target`."""
        return TargetAttr(StringAttr(str(target)))

    @property
    def target(self) -> Target:
        """The value."""
        return Target.parse(self.text.data)

    def verify(self) -> None:
        try:
            target = self.target
        except UserError as error:
            raise VerifyException(str(error)) from None
        if str(target) != self.text.data:
            raise VerifyException(f"target '{self.text.data}' is written '{target}'")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            position = parser.pos
            text = parser.parse_str_literal()
            try:
                target = Target.parse(text)
            except UserError as error:
                parser.raise_error(str(error), position, parser.pos)
        return (StringAttr(str(target)),)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.text.data)


def target_of(module: ModuleOp) -> Target:
    """The target of `module`; a module without one is an error that shows the syntax."""
    found = module.attributes.get("target")
    if found is None:
        raise UserError(
            "the module has no target: give dovetail-opt --set-target host (or 'llvm -mcpu=NAME'), "
            'or write attributes {target = #target.target<"llvm -mcpu=NAME">} on the module'
        )
    if not isinstance(found, TargetAttr):
        raise UserError(f'the module\'s target is {found}, not #target.target<"...">')
    return found.target


TargetDialect = Dialect("target", [], [TargetAttr])
