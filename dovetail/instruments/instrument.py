"""What watches a pipeline while it runs.

The driver calls its instruments in order before the first pass, between any two, and after the
last, as xDSL's `PassPipeline` calls its callback; with `--split-input-file` this repeats for each
module. They see the module that the passes rewrite and leave it as it is.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass


class Instrument(ABC):
    """Watches the pipeline of one driver run."""

    @abstractmethod
    def __call__(
        self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None
    ) -> None:
        """See `module` as `previous` left it (None: as it was read) and `following` gets it
        (None: as it will be printed)."""

    def resume(self) -> None:  # noqa: B027 - few need it
        """All instruments have seen the module; the following pass starts now."""

    def finish(self) -> int:
        """Everything went through: print what there is to report; returns the exit code."""
        return 0


class Instruments(Instrument):
    """Several instruments in order, as one."""

    def __init__(self, parts: Sequence[Instrument]) -> None:
        self.parts = tuple(parts)
        self.running: ModulePass | None = None
        """The pass that runs at the moment."""

    def __call__(
        self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None
    ) -> None:
        self.running = None
        for part in self.parts:
            part(previous, module, following)
        self.resume()
        self.running = following

    def resume(self) -> None:
        for part in self.parts:
            part.resume()

    def finish(self) -> int:
        """The first exit code that is not 0; each part gets to report."""
        codes = [part.finish() for part in self.parts]
        return next((code for code in codes if code != 0), 0)
