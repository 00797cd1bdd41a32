"""From a history to a picture."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib as mpl

from bot.charts import breakout, cascade, crypto, liquidity, record
from bot.charts.frame import Frame
from bot.messages.chart_kinds import Chart, Kind
from bot.messages.figures import Figures
from bot.messages.languages import figures_of
from signals.evaluate import History

_DRAW: dict[Kind, Callable[[Frame, History], None]] = {
    Kind.BREAKOUT: breakout.draw,
    Kind.LIQUIDITY: liquidity.draw,
    Kind.CASCADE: cascade.draw,
    Kind.CRYPTO: crypto.draw,
    Kind.RECORD: record.draw,
}


def drawn(chart: Chart, history: History, *, simulated: bool, figures: Figures | None = None) -> Frame:
    """Return a chart of a history through its last session; ``simulated`` is written across it."""
    with mpl.rc_context({"hatch.linewidth": 0.5, "path.simplify_threshold": 0.5}):
        frame = Frame(chart, figures or figures_of(chart.language), simulated=simulated)
        _DRAW[chart.kind](frame, history)
        return frame
