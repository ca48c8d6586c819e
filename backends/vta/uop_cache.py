"""The micro-op memory as a cache: which kernels are there, and what must be loaded.

An instruction names micro-ops by their place, and they hold absolute indices, so that a kernel
used at two base addresses is two lists of micro-ops. Lists are placed one behind the other; at the
end of the memory the next one begins at 0 again, and those that it overwrites are gone. Loads and
uses are instructions of one unit, which is in order, so nothing else must be awaited.
"""

from dataclasses import dataclass, field

from vta.isa import MicroOp

Uops = tuple[MicroOp, ...]


@dataclass
class UopCache:
    """`depth` is the number of micro-ops that fit; DRAM holds each list once."""

    depth: int
    image: list[MicroOp] = field(default_factory=list[MicroOp])
    """The micro-ops in DRAM, in the order of their first use."""
    stored: dict[Uops, int] = field(default_factory=dict[Uops, int])
    resident: dict[Uops, int] = field(default_factory=dict[Uops, int])
    next: int = 0

    def find(self, uops: Uops) -> tuple[int, int | None]:
        """Where a list is in the memory, and, if it must be loaded first, where it is in DRAM."""
        assert len(uops) <= self.depth, f"{len(uops)} micro-ops in a kernel"
        if uops in self.resident:
            return self.resident[uops], None
        start = self.next if self.next + len(uops) <= self.depth else 0
        end = start + len(uops)
        kept = {u: at for u, at in self.resident.items() if at >= end or at + len(u) <= start}
        self.resident = {**kept, uops: start}
        self.next = end
        if uops not in self.stored:
            self.stored[uops] = len(self.image)
            self.image.extend(uops)
        return start, self.stored[uops]
