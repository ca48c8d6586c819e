"""Before loops are touched: what is computed twice rather than stored, and who shares a layout."""

from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineBinaryOpExpr, AffineBinaryOpKind, AffineConstantExpr, AffineExpr

from analysis.errors import ScheduleError
from dialects import loop
from dialects.layout import LayoutAttr, layout_of, logical_shape
from passes.loop.inline_compute import InlineComputePass
from passes.loop.library.recipe import Recipe
from passes.loop.primitive import accesses, block_of, body_accesses
from passes.loop.transform_layout import TransformLayoutPass


def inline_all(recipe: Recipe) -> None:
    """Inline every computation of one value a point whose result is only read."""
    for name in recipe.block_names():
        block = recipe.find(name)
        assert block is not None
        if any(block.is_reduce) or not is_cheap(recipe, block):
            continue
        try:
            recipe.do(InlineComputePass(name))
        except ScheduleError:
            continue


def is_cheap(recipe: Recipe, block: loop.BlockOp) -> bool:
    """Whether computing a block's value again for every read costs less than storing it."""
    stores = [a for a in body_accesses(block) if isinstance(a, loop.StoreOp)]
    if len(stores) != 1 or not isinstance(stores[0].memref.owner, loop.AllocOp):
        return False
    reads = [a for a in accesses(recipe.function, stores[0].memref) if a is not stores[0]]
    if any(isinstance(a, loop.LoadOp) and a.otherwise is not None for a in reads):
        return False
    heavy = any(op.name.startswith("math.") for op in block.body.walk())
    if not heavy:
        return True
    return len(reads) == 1 and not any(block_of(reads[0]).is_reduce)


def share_layouts(recipe: Recipe) -> None:
    """Give an intermediate buffer the layout of a result of the same shape."""
    results = [
        a for a in recipe.function.body.block.args if lies_elsewhere(a) and is_written(recipe, a)
    ]
    for op in list(recipe.function.body.block.ops):
        if not isinstance(op, loop.AllocOp) or lies_elsewhere(op.result):
            continue
        for result in results:
            if logical_shape(result.type) == logical_shape(op.result.type):
                layout = layout_of(result.type)
                name = op.result.name_hint
                if layout is not None and name is not None:
                    recipe.do(TransformLayoutPass(name, plain_map(layout)))
                break


def lies_elsewhere(buffer: SSAValue) -> bool:
    """Whether a buffer's elements do not lie in the order of their coordinates."""
    layout = layout_of(buffer.type)
    return layout is not None and not layout.is_identity


def is_written(recipe: Recipe, buffer: SSAValue) -> bool:
    """Whether the function stores into a buffer."""
    return any(isinstance(a, loop.StoreOp) for a in accesses(recipe.function, buffer))


def plain_map(layout: LayoutAttr) -> str:
    """The text of a layout's map without the shifts of a halo."""

    def unshifted(expr: AffineExpr) -> AffineExpr:
        if (
            isinstance(expr, AffineBinaryOpExpr)
            and expr.kind is AffineBinaryOpKind.Add
            and isinstance(expr.rhs, AffineConstantExpr)
        ):
            return expr.lhs
        return expr

    map = layout.map.data
    dims = ", ".join(f"d{i}" for i in range(map.num_dims))
    return f"({dims}) -> ({', '.join(str(unshifted(e)) for e in map.results)})"
