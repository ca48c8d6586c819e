"""The layout attribute: where the logical elements of a tensor or memref lie.

It is the layout of a memref and the encoding of a graph or te tensor, so that a pass which packs
or pads a tensor changes a type and never a body.
"""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AffineMapAttr,
    ArrayAttr,
    FloatAttr,
    IntAttr,
    IntegerAttr,
    MemRefLayoutAttr,
    MemRefType,
    NoneAttr,
    StringAttr,
    TensorType,
)
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.ir.affine import AffineDimExpr, AffineExpr, AffineMap
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException


@irdl_attr_definition
class LayoutAttr(ParametrizedAttribute, MemRefLayoutAttr):
    """Where the logical elements of a tensor or memref lie.

    `map` takes logical to physical coordinates (a halo's shift included), `extents` are the
    physical sizes (an integer, or the name of a symbolic dimension), `pad` is the value of the
    elements that no logical coordinate reaches. The identity map is left out of the text:
    `#loop.layout<["m", 64]>` is a row-major tensor of m x 64.
    """

    name = "loop.layout"

    map: AffineMapAttr
    extents: ArrayAttr[IntAttr | StringAttr]
    pad: FloatAttr | IntegerAttr | NoneAttr

    @staticmethod
    def of(
        map: AffineMap,
        extents: Sequence[int | str],
        pad: FloatAttr | IntegerAttr | None = None,
    ) -> "LayoutAttr":
        """The layout with this map and these physical extents."""
        sizes = [IntAttr(e) if isinstance(e, int) else StringAttr(e) for e in extents]
        return LayoutAttr(AffineMapAttr(map), ArrayAttr(sizes), NoneAttr() if pad is None else pad)

    @property
    def physical(self) -> tuple[int | str, ...]:
        """The physical extents."""
        return tuple(e.data for e in self.extents.data)

    @property
    def is_identity(self) -> bool:
        """Whether logical and physical coordinates are the same."""
        return self.map.data == AffineMap.identity(len(self.extents.data))

    def get_affine_map(self) -> AffineMap:
        offset: AffineExpr = AffineExpr.constant(0)
        for result, extent in zip(self.map.data.results, self.physical, strict=True):
            assert isinstance(extent, int), f"{self} has a symbolic extent"
            offset = offset * extent + result
        return AffineMap(self.map.data.num_dims, 0, (offset,))

    def verify(self) -> None:
        if len(self.map.data.results) != len(self.extents.data):
            raise VerifyException(
                f"loop.layout: the map has {len(self.map.data.results)} results for "
                f"{len(self.extents.data)} physical extents"
            )
        if self.map.data.num_symbols:
            raise VerifyException("loop.layout: the map must not have symbols")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        def extent() -> IntAttr | StringAttr:
            if (name := parser.parse_optional_str_literal()) is not None:
                return StringAttr(name)
            return IntAttr(parser.parse_integer(allow_boolean=False, allow_negative=False))

        with parser.in_angle_brackets():
            found = None
            if parser.parse_optional_keyword("affine_map") is not None:
                with parser.in_angle_brackets():
                    found = parser.parse_affine_map()
                parser.parse_punctuation(",")
            extents = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, extent)
            layout_map = AffineMapAttr(found or AffineMap.identity(len(extents)))
            pad: Attribute = NoneAttr()
            if parser.parse_optional_punctuation(",") is not None:
                parser.parse_keyword("pad")
                pad = parser.parse_attribute()
        return (layout_map, ArrayAttr(extents), pad)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            if not self.is_identity:
                printer.print_attribute(self.map)
                printer.print_string(", ")
            with printer.in_square_brackets():
                printer.print_list(
                    self.physical,
                    lambda e: (
                        printer.print_string(str(e))
                        if isinstance(e, int)
                        else printer.print_string_literal(e)
                    ),
                )
            if not isinstance(self.pad, NoneAttr):
                printer.print_string(", pad ")
                printer.print_attribute(self.pad)


def layout_of(type: Attribute) -> LayoutAttr | None:
    """The layout of a tensor or memref type, None where it is row-major and static."""
    if isinstance(type, TensorType) and isinstance(type.encoding, LayoutAttr):
        return type.encoding
    if isinstance(type, MemRefType) and isinstance(type.layout, LayoutAttr):
        return type.layout
    return None


def pad_of(type: Attribute) -> FloatAttr | IntegerAttr | None:
    """What is in the cells of a type that hold no element; None if nothing is known of them, so
    that anyone may write them."""
    layout = layout_of(type)
    return None if layout is None or isinstance(layout.pad, NoneAttr) else layout.pad


def logical_shape(type: Attribute) -> tuple[int | str, ...]:
    """The shape of a tensor or memref type; a `?` is given by the name its layout has for it."""
    assert isinstance(type, TensorType | MemRefType)
    shape: list[int | str] = list(type.get_shape())
    if (layout := layout_of(type)) is not None:
        for result, extent in zip(layout.map.data.results, layout.physical, strict=True):
            if isinstance(result, AffineDimExpr) and shape[result.position] == DYNAMIC_INDEX:
                shape[result.position] = extent
    return tuple(shape)


def physical_shape(type: Attribute) -> tuple[int | str, ...]:
    """The physical extents of a tensor or memref type."""
    layout = layout_of(type)
    return logical_shape(type) if layout is None else layout.physical


def symbolic_extents(type: Attribute) -> tuple[str, ...]:
    """The symbolic dimensions that the size of a tensor or memref type is a product of, sorted."""
    return tuple(sorted(e for e in physical_shape(type) if isinstance(e, str)))


def layout_map(type: Attribute) -> AffineMap:
    """The map from logical to physical coordinates of a tensor or memref type."""
    layout = layout_of(type)
    return AffineMap.identity(len(logical_shape(type))) if layout is None else layout.map.data


def scope_of(type: Attribute) -> str:
    """The memory scope of a memref type; `global` where it names none."""
    assert isinstance(type, MemRefType)
    return type.memory_space.data if isinstance(type.memory_space, StringAttr) else "global"
