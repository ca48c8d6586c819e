"""Loops and blocks as nested `for` lines around the lines of the bodies.

A block's variables are replaced by what they are bound to, tiles are indexed from their own
beginning, and a guard is only listed where the loops let it fail.
"""

from collections.abc import Hashable, Sequence

from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, NoneAttr, TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from analysis.affine import Affine, Interval, Ranges, from_expression
from dialects import loop
from dialects.layout import layout_of, logical_shape, scope_of
from dovetail.printing.bodies import Body
from dovetail.printing.boxes import not_negative, origin_of, smallest
from dovetail.printing.expressions import PRODUCT, Expression, affine, atom, conditions
from dovetail.printing.listing import Form, Listing, element_comment, shape_text
from dovetail.printing.moves import list_move
from dovetail.printing.scalars import constant
from passes.loop.nests import begin_forms
from passes.loop.primitive import only_child

THREADS = {"blockIdx": "thread_group", "threadIdx": "thread_item"}


def list_dim(listing: Listing, op: loop.DimOp) -> None:
    """A dimension is known by its name."""
    listing.ranges[op.result] = (0, None)


def list_for(listing: Listing, op: loop.ForOp) -> None:
    """A loop, or loops over thread axes that stand directly in each other.

    Loops that only fill or copy a box are one line. A loop inside of one over the same axis is one
    iteration of the thread, so only its body is listed.
    """
    if list_move(listing, op):
        return
    outer = next((o for o in listing.loops if o.kind.data == op.kind.data), None)
    if op.kind.data in loop.THREAD_AXES and outer is not None:
        listing.fixed[op.induction] = listing.form(outer.induction)
        listing.block(op.body.block)
        return
    chain = [op]
    if op.kind.data in loop.THREAD_AXES:
        family = op.kind.data.partition(".")[0]
        inner = only_child(op)
        while isinstance(inner, loop.ForOp) and inner.kind.data.startswith(family):
            chain.append(inner)
            inner = only_child(inner)
    names = listing.names
    listing.names = names.inner()
    header, comment = header_of(listing, chain)
    with listing.indented(header, comment):
        listing.block(chain[-1].body.block)
        del listing.loops[-len(chain) :]
    listing.names = names


def header_of(listing: Listing, chain: Sequence[loop.ForOp]) -> tuple[str, str]:
    """The line of a loop, or of nested thread axes, and a comment to it."""
    kind = chain[0].kind.data
    ranges: list[str] = []
    for op in chain:
        low, high = listing.enter(op)
        ends = [low, high] if low != Affine({}) else [high]
        ranges.append(", ".join(affine(e, listing.atom).text for e in ends))
    names = [listing.names.define(op.induction, op.loop_name.data) for op in chain]
    if kind in loop.THREAD_AXES:
        word = THREADS[kind.partition(".")[0]]
        dims = "".join(op.kind.data[-1] for op in chain)
        comment = "" if "zyx".endswith(dims) else ", ".join(op.kind.data for op in chain)
        if len(chain) == 1:
            return f"for {word} {names[0]} in range({ranges[0]}):", comment
        sizes = [f"range({r})" if "," in r else r for r in ranges]
        return f"for {word} ({', '.join(names)}) in cross({', '.join(sizes)}):", comment
    if kind == "vthread":
        return f"for vthread {names[0]} in range({ranges[0]}):", ""
    word = "range" if kind == "serial" else kind
    return f"for {names[0]} in {word}({ranges[0]}):", ""


def list_alloc(listing: Listing, op: loop.AllocOp) -> None:
    """`register C_register[4, 32]`; what is special about the type is a comment.

    A part of another buffer is `T = R[k % 2]`.
    """
    name = listing.names.define(op.result, op.result.name_hint)
    type = op.result.type
    if op.memory is not None:
        part = affine(listing.forms_of(op, "part")[0], listing.atom).text
        listing.line(f"{name} = {listing.value(op.memory)}[{part}]", layout_comment("", type))
        return
    text = f"{scope_of(type)} {name}[{shape_text(type)}]"
    comments = (element_comment(type), layout_comment("", type))
    previous = listing.lines[-1] if listing.lines else ""
    before = op.prev_op
    same = isinstance(before, loop.AllocOp) and scope_of(before.result.type) == scope_of(type)
    if same and not any(comments) and "#" not in previous:
        listing.lines[-1] += f", {name}[{shape_text(type)}]"
    else:
        listing.line(text, *comments)


def layout_comment(name: str, type: Attribute) -> str:
    """Where the elements of a buffer with a layout lie."""
    if not isinstance(type, MemRefType | TensorType):
        return ""
    layout = layout_of(type)
    if layout is None or layout.is_identity:
        return ""
    rank = type.get_num_dims()
    letters = list("ijklmn"[:rank]) if rank <= 6 else [f"d{i}" for i in range(rank)]
    dims = [Affine.variable(letter) for letter in letters]
    ranges: dict[Hashable, Interval] = {
        letter: (0, size - 1)
        for letter, size in zip(letters, logical_shape(type), strict=True)
        if isinstance(size, int)
    }
    places = [from_expression(e, dims, ranges) for e in layout.map.data.results]
    text = ", ".join(affine(p, lambda v: atom(str(v))).text for p in places)
    sizes = ", ".join(map(str, layout.physical))
    pad = "" if isinstance(layout.pad, NoneAttr) else f", pad {constant(layout.pad).text}"
    return f"{name}[{', '.join(letters)}] is at [{text}] of [{sizes}]{pad}"


def list_block(listing: Listing, op: loop.BlockOp) -> None:
    """The lines of a block below its guards; an init region that was left in comes first."""
    guards = guards_of(listing, op)
    outer, listing.names = listing.names, listing.names.inner()
    if guards:
        with listing.indented(f"if {conditions(guards, listing.atom, listing.ranges).text}:"):
            list_regions(listing, op)
    else:
        list_regions(listing, op)
    listing.names = outer


def guards_of(listing: Listing, op: loop.BlockOp) -> list[Affine]:
    """The forms that decide whether an instance runs, without those that always let it."""
    found: list[Affine] = []
    domains = listing.forms_of(op, "domains")
    for domain, binding in zip(domains, listing.forms_of(op, "bindings"), strict=True):
        found += [binding, domain - binding - 1]
    found += listing.forms_of(op, "where")
    return list(dict.fromkeys(f for f in found if not not_negative(listing, f)))


def list_regions(listing: Listing, op: loop.BlockOp) -> None:
    """What a block does where it runs."""
    if op.init is not None:
        forms = [f.substitute(listing.fixed, listing.ranges) for f in begin_forms(op, ())]
        begin = [form for form in forms if form != Affine({})]
        if all(smallest(listing, form) <= 0 for form in begin):
            if begin:
                tests = [f"{affine(f, listing.atom).text} == 0" for f in begin]
                with listing.indented(f"if {' and '.join(tests)}:"):
                    body_of(listing, op).run(op.init.block)
            else:
                body_of(listing, op).run(op.init.block)
    body_of(listing, op).run(op.body.block)


def body_of(listing: Listing, block: loop.BlockOp) -> Body:
    """The folding of a region of a block."""
    bindings = listing.forms_of(block, "bindings")
    regions = [region for region in (block.body, block.init) if region is not None]
    variables: dict[SSAValue, Affine] = {
        variable: binding
        for region in regions
        for variable, binding in zip(region.block.args, bindings, strict=True)
    }

    def define(name: str, value: Expression) -> None:
        listing.line(f"{name} = {value.text}")

    domains: Ranges = {
        variable: (0, domain.const - 1)
        for region in regions
        for variable, domain in zip(
            region.block.args, listing.forms_of(block, "domains"), strict=True
        )
        if domain.is_constant
    }
    return Body(
        listing,
        variables,
        origins_of(listing, block),
        domains,
        lambda form: not_negative(listing, form),
        define,
    )


def origins_of(listing: Listing, block: Operation) -> dict[SSAValue, list[Affine]]:
    """Where the tiles that a block uses begin."""
    tiles = {v for op in block.walk() for v in op.operands if isinstance(v.owner, loop.AllocOp)}
    return {tile: origin_of(listing, tile) for tile in tiles}


def list_prefetch(listing: Listing, op: loop.PrefetchOp) -> None:
    """`prefetch(W[oc, ic + 16] + kh*384, locality=2)`: an address."""
    place = ", ".join(affine(f, listing.atom).text for f in listing.forms_of(op, "map"))
    distance = listing.forms_of(op, "distance")[0]
    text = f"{listing.value(op.memref)}[{place}]"
    if distance != Affine({}):
        text += f" + {affine(distance, listing.atom).inside(PRODUCT)}"
    listing.line(f"prefetch({text}, locality={op.locality.data})")


def list_push(listing: Listing, op: loop.PushDepOp) -> None:
    listing.line(f"{op.source.data}.push_dep_to({op.target.data})")


def list_pop(listing: Listing, op: loop.PopDepOp) -> None:
    listing.line(f"{op.target.data}.pop_dep_from({op.source.data})")


def list_barrier(listing: Listing, op: loop.BarrierOp) -> None:
    listing.line("memory_barrier_among_threads()")


def list_call(listing: Listing, op: func.CallOp) -> None:
    """A call of a kernel; its results are buffers among its arguments."""
    text = f"{op.callee.string_value()}({', '.join(listing.value(v) for v in op.arguments)})"
    if op.results:
        names = [listing.names.define(r, r.name_hint) for r in op.results]
        text = f"{', '.join(names)} = {text}"
    listing.line(text)


FORMS: dict[type[Operation], Form] = {
    func.CallOp: list_call,
    loop.AllocOp: list_alloc,
    loop.BarrierOp: list_barrier,
    loop.BlockOp: list_block,
    loop.DimOp: list_dim,
    loop.ForOp: list_for,
    loop.PopDepOp: list_pop,
    loop.PrefetchOp: list_prefetch,
    loop.PushDepOp: list_push,
}
