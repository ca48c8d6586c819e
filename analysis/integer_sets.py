"""Exact sets of integer points, given by affine forms, for questions of legality.

A set is the image of points under forms: `{ [e0, e1, ...] : conditions }`, where some variables
run over all integers that the conditions allow (they are hidden) and all others are parameters.
Two sets may be compared if they were written with the same `Names`.
"""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import islpy as isl

from analysis.affine import Affine, Quotient


@dataclass
class Names:
    """How the variables of forms are spelled in the text of sets."""

    known: dict[Hashable, str] = field(default_factory=dict[Hashable, str])

    def of(self, variable: Hashable) -> str:
        """The identifier of a variable."""
        return self.known.setdefault(variable, f"v{len(self.known)}")

    def text(self, form: Affine) -> str:
        """A form as isl reads it."""
        parts = [str(form.const)]
        for atom, coefficient in form.terms.items():
            if isinstance(atom, Quotient):
                spelled = f"floor(({self.text(atom.numerator)})/{atom.divisor})"
            else:
                spelled = self.of(atom)
            parts.append(f"{coefficient}*{spelled}")
        return " + ".join(parts)

    def points(
        self,
        place: Sequence[Affine],
        conditions: Sequence[Affine],
        hidden: Collection[Hashable],
        ways: Sequence[Sequence[Affine]] | None = None,
    ) -> isl.Set:
        """The points `place` where no condition is negative, for some value of what is hidden.

        If there are `ways`, no form of one of them is negative either.
        """
        coordinates = [f"c{i}" for i in range(len(place))]
        every = (*place, *conditions, *(form for way in ways or () for form in way))
        used = {v for form in every for v in form.variables()}
        parameters = sorted(self.of(v) for v in used if v not in hidden)
        bound = sorted(self.of(v) for v in used if v in hidden)
        equations = [f"{c} = {self.text(f)}" for c, f in zip(coordinates, place, strict=True)]
        tests = [f"{self.text(form)} >= 0" for form in conditions]
        if ways is not None:
            shown = (" and ".join(f"{self.text(form)} >= 0" for form in way) for way in ways)
            tests.append(f"({' or '.join(f'({way})' for way in shown) or 'false'})")
        inner = " and ".join([*equations, *tests]) or "true"
        if bound:
            inner = f"exists {', '.join(bound)} : {inner}"
        return isl.Set(f"[{', '.join(parameters)}] -> {{ [{', '.join(coordinates)}] : {inner} }}")

    def sample(self, points: isl.Set) -> tuple[dict[Hashable, int], tuple[int, ...]]:
        """A point of a set that is not empty: what its parameters are, and its coordinates."""
        space = points.get_space()
        count = space.dim(isl.dim_type.param)
        spelled = [space.get_dim_name(isl.dim_type.param, i) or "" for i in range(count)]
        points = points.move_dims(isl.dim_type.set, 0, isl.dim_type.param, 0, count)
        numbers = coordinates_of(
            (points.lexmin() if points.is_bounded() else points).sample_point()
        )
        variables = {name: variable for variable, name in self.known.items()}
        values = {variables[name]: n for name, n in zip(spelled, numbers[:count], strict=True)}
        return values, numbers[count:]


def solve(conditions: Sequence[Affine]) -> dict[Hashable, int] | None:
    """Values of the variables with which no condition is negative, None if there are none."""
    names = Names()
    tests = sorted({f"{names.text(form)} >= 0" for form in conditions})
    values = point_of(", ".join(names.known.values()), " and ".join(tests) or "true")
    return None if values is None else dict(zip(names.known, values, strict=True))


@lru_cache(maxsize=1 << 14)
def point_of(variables: str, conditions: str) -> tuple[int, ...] | None:
    """A point of the set `{ [variables] : conditions }`, None if it is empty.

    The primitives of a schedule ask much the same about a block that each of them leaves as it is,
    in the same words, as names count the variables of one question.
    """
    found = isl.Set(f"{{ [{variables}] : {conditions} }}")
    if found.is_empty():
        return None
    smallest = found.lexmin() if found.is_bounded() else found
    return coordinates_of(smallest.sample_point())


def coordinates_of(point: isl.Point) -> tuple[int, ...]:
    """The numbers that a point is."""
    count = point.get_space().dim(isl.dim_type.set)
    return tuple(point.get_coordinate_val(isl.dim_type.set, i).to_python() for i in range(count))


def parameters_of(point: isl.Point) -> dict[str, int]:
    """The values that the parameters of a set have at a point of it."""
    space = point.get_space()
    kind = isl.dim_type.param
    return {
        str(space.get_dim_name(kind, i)): point.get_coordinate_val(kind, i).to_python()
        for i in range(space.dim(kind))
    }
