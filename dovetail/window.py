"""xDSL's window for trying passes, which survives a pass that refuses."""

from pathlib import Path

from xdsl.interactive import app
from xdsl.interactive.app import InputApp
from xdsl.interactive.passes import AvailablePass


class Window(InputApp):
    """The window; a refusal is shown as its output."""

    TITLE = "Dovetail"
    CSS_PATH = Path(app.__file__).with_name("app.tcss")

    def compute_available_pass_list(self) -> tuple[AvailablePass, ...]:
        """What can follow; nothing can follow a pass that refuses, and then xDSL's window ends."""
        try:
            return super().compute_available_pass_list()
        except Exception:
            return ()
