"""Kernels: the loops over thread axes, and the threads that they stand for.

The outermost loop over a thread axis is a kernel. Its loops over `blockIdx` count thread groups,
those over `threadIdx` the threads of a group. All loops of one axis in a kernel have one extent, so
a loop of an axis that stands inside another one of the same axis is not a second loop: each thread
runs the one iteration that is its own. What stands outside of the loops of an axis is run by the
threads whose number along it is 0.
"""

from collections.abc import Hashable, Iterator

from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue

from dialects import loop
from passes.loop.forms import forms_of
from passes.loop.primitive import Scope, is_below, loops_around, only_child


def is_thread_loop(op: Operation) -> bool:
    """Whether an operation is a loop over a thread axis."""
    return isinstance(op, loop.ForOp) and op.kind.data in loop.THREAD_AXES


def is_group_axis(axis: str) -> bool:
    """Whether an axis counts thread groups, not the threads of one."""
    return axis.startswith("blockIdx")


def is_item_loop(op: Operation) -> bool:
    """Whether an operation is a loop over the threads of a group."""
    return isinstance(op, loop.ForOp) and is_thread_loop(op) and not is_group_axis(op.kind.data)


def kernels_in(function: func.FuncOp) -> list[loop.ForOp]:
    """The outermost loops over thread axes, in program order."""
    found: list[loop.ForOp] = []
    for op in function.walk():
        if isinstance(op, loop.ForOp) and is_thread_loop(op) and kernel_of(op) is op:
            found.append(op)
    return found


def kernel_of(op: Operation) -> loop.ForOp | None:
    """The kernel that an operation is, or stands in."""
    around = [*loops_around(op), *([op] if isinstance(op, loop.ForOp) else [])]
    return next((o for o in around if is_thread_loop(o)), None)


def loops_of_axes(root: loop.ForOp) -> Iterator[loop.ForOp]:
    """The loops over thread axes in a kernel, in program order."""
    for op in root.walk():
        if isinstance(op, loop.ForOp) and is_thread_loop(op):
            yield op


def axes_of(root: loop.ForOp) -> dict[str, loop.ForOp]:
    """The thread axes of a kernel, each with the first loop over it."""
    found: dict[str, loop.ForOp] = {}
    for op in loops_of_axes(root):
        found.setdefault(op.kind.data, op)
    return found


def threads_around(op: Operation) -> dict[str, loop.ForOp]:
    """The axes that count the threads that run an operation, each with its outermost loop."""
    found: dict[str, loop.ForOp] = {}
    for outer in loops_around(op):
        if is_thread_loop(outer):
            found.setdefault(outer.kind.data, outer)
    return found


def outer_of_same_axis(op: loop.ForOp) -> loop.ForOp | None:
    """The outermost loop of the same axis around a loop over a thread axis."""
    return threads_around(op).get(op.kind.data)


def refuse_extents(scope: Scope, root: loop.ForOp) -> None:
    """Refuse a kernel in which loops over one axis have different extents."""
    first: dict[str, loop.ForOp] = {}
    for op in loops_of_axes(root):
        axis, other = op.kind.data, first.setdefault(op.kind.data, op)
        upper, wanted = (forms_of(o, "upper")[0] for o in (op, other))
        if upper != wanted:
            found, known = (
                str(f.const) if f.is_constant else "another number" for f in (upper, wanted)
            )
            raise scope.error(
                f"loop '{op.loop_name.data}' has {found} iterations, but {axis} counts {known} in "
                f"loop '{other.loop_name.data}' of the same kernel; split it by that, and the rest "
                "has a guard"
            )


def refuse_places(scope: Scope, root: loop.ForOp) -> None:
    """Refuse a loop over groups inside of the work of one."""
    for op in loops_of_axes(root):
        around = loops_around(op)
        inside = around[around.index(root) :] if op is not root else []
        if is_group_axis(op.kind.data) and not all(
            is_group_axis(o.kind.data) and only_child(o) is not None for o in inside
        ):
            raise scope.error(
                f"loop '{op.loop_name.data}' over {op.kind.data} is inside the kernel of loop "
                f"'{root.loop_name.data}', and loops over blockIdx stand directly in each other, "
                "around all of a kernel"
            )


def own_axes(buffer: SSAValue) -> tuple[str, ...]:
    """The axes along which each thread has a buffer of its own."""
    owner = buffer.owner
    if not isinstance(owner, loop.AllocOp):
        return ()
    return tuple(axis for axis in threads_around(owner) if axis not in owner.sharing_axes)


def divergent_loop(op: Operation, root: loop.ForOp) -> tuple[loop.ForOp, loop.ForOp] | None:
    """A loop around an operation that threads of a group leave at different times.

    With it comes the loop over threads that its bounds depend on.
    """
    moved: dict[Hashable, loop.ForOp] = {
        o.induction: o for o in loops_of_axes(root) if is_item_loop(o)
    }
    for outer in loops_around(op):
        if outer is root or not is_below(outer, root):
            continue
        for which in ("lower", "upper"):
            for variable in forms_of(outer, which)[0].variables():
                if variable in moved:
                    return outer, moved[variable]
    return None
