"""Whether a pass changed a module, found out without keeping a copy of it.

A fingerprint is the hash of the printed module, names of values and locations included, so two
modules with the same one print the same. Large constants enter it by hashes of their contents; as
constants are immutable, each is hashed once, and later only looked up.
"""

import hashlib
from io import StringIO

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, ModuleOp
from xdsl.ir import Attribute
from xdsl.printer import Printer

from dialects.graph.weights import Held, Stored, WeightAttr


class Fingerprints:
    """Fingerprints of the modules of one run."""

    def __init__(self) -> None:
        self.digests: dict[Attribute, str] = {}

    def of(self, module: ModuleOp) -> str:
        """Equal for two states of a module exactly if these print the same."""
        text = StringIO()
        _Digesting(text, self.digests).print_op(module)
        return hashlib.sha256(text.getvalue().encode()).hexdigest()


class _Digesting(Printer):
    """A printer that writes hashes in the place of large constants.

    It prints the generic form, where each attribute goes through `print_attribute`.
    """

    def __init__(self, stream: StringIO, digests: dict[Attribute, str]) -> None:
        super().__init__(stream=stream, print_debuginfo=True, print_generic_format=True)
        self.digests = digests

    def print_attribute(self, attribute: Attribute) -> None:
        match attribute:
            case WeightAttr(data) if isinstance(data.source, Held | Stored):
                self.print_string(f"weight {data.sha} {data.type}")
            case DenseIntOrFPElementsAttr():
                if attribute not in self.digests:
                    contents = hashlib.sha256(attribute.data.data)
                    self.digests[attribute] = f"dense {contents.hexdigest()} {attribute.type}"
                self.print_string(self.digests[attribute])
            case _:
                super().print_attribute(attribute)
