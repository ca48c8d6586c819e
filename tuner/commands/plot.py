"""The picture of `dovetail bench tuner`: for each space how close searches come, trial by trial.

Lines are means over the seeds, shades reach down to the worst seed.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from tuner.replay import TRIALS, Replay

SETTINGS: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "dovetail", "font.size": 8}
COLUMNS = 3
PANEL_INCHES = 3.2, 2.4


def draw(replays: Sequence[Replay]) -> bytes:
    """The SVG, a panel for each task."""
    tasks = list(dict.fromkeys(replay.table.name for replay in replays))
    columns = min(COLUMNS, len(tasks))
    rows = -(-len(tasks) // columns)
    width, height = PANEL_INCHES
    with rc_context(SETTINGS):
        figure = Figure(figsize=(width * columns, height * rows + 0.4), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for panel in panels.flat[len(tasks) :]:
            panel.set_visible(False)
        for panel, task in zip(panels.flat, tasks, strict=False):
            panel.set_title(task)
            panel.set_xscale("log", base=2)
            panel.set_xticks(TRIALS)
            panel.xaxis.set_major_formatter(ScalarFormatter())
            panel.set_ylim(0.4, 1.01)
            panel.set_xlabel("trials")
            panel.grid(alpha=0.3)
            for replay in replays:
                if replay.table.name == task:
                    trials = np.arange(1, replay.fractions.shape[1] + 1)
                    mean = replay.fractions.mean(axis=0)
                    (line,) = panel.plot(trials, mean, label=replay.explorer)
                    worst = replay.fractions.min(axis=0)
                    panel.fill_between(trials, worst, mean, color=line.get_color(), alpha=0.15)
        figure.supylabel("best possible / best found")
        handles, labels = panels.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=8, frameon=False)
        out = BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": "dovetail"})
        return out.getvalue()
