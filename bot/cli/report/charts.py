"""Charts of the track record as SVG, to stand inside a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from signals.record.model import ASSETS, Followed, Scale, TrackRecord
from signals.record.studies import Studies
from signals.record.study import Study

_WIDTH, _HEIGHT = 4.6, 3.0
_MUTED, _BASE, _EVENT = "#6b7785", "#c9d3dd", "#c0392b"
# A colour alone would tell some readers nothing.
_OUTCOMES = {
    "established": ("#1a7f4e", "o"),
    "failed": ("#c0392b", "X"),
    "rejected": ("#8a5a00", "s"),
    "open": ("#3b6fb5", "^"),
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cascade",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": _BASE,
    "axes.labelcolor": _MUTED,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
SHOWN = {"^RUT": 63, "IWM/SPY": 63, "BTC-USD": 91, "ETH-USD": 91, "altcoin basket": 91}
"""The horizon of each asset's distribution."""


def price_chart(closes: pd.Series[float], record: TrackRecord) -> str:
    """Draw the Russell 2000's closes with every breakout from a long base, by its outcome."""
    with _figure() as (figure, axes):
        known = closes.dropna()
        axes.plot(known.index, known.to_numpy(), color=_MUTED, linewidth=0.7, label="close")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
        for outcome, (colour, marker) in _OUTCOMES.items():
            found = [event.episode for event in record.events if event.episode.outcome == outcome]
            if found:
                days = pd.DatetimeIndex([episode.attempt for episode in found])
                closes_then, label = [episode.close for episode in found], f"{outcome} ({len(found)})"
                axes.scatter(days, closes_then, s=26, color=colour, marker=marker, zorder=3, label=label)
        axes.set_ylabel("close, index points (log)")
        axes.legend(frameon=False, loc="upper left", fontsize=8)
        return _svg(figure, "Closes of the Russell 2000 and the breakouts from a long base, by outcome")


def distribution_chart(study: Study, followed: Followed) -> str:
    """Draw what followed any date as a histogram, and what followed each event as a mark below it."""
    changes = study.changes[study.dates]
    low, high = np.quantile(changes, [0.005, 0.995])
    with _figure() as (figure, axes):
        axes.hist(np.clip(changes, low, high), bins=40, color=_BASE)
        axes.axvline(float(np.median(changes)), ymax=0.78, color=_MUTED, linestyle="--", label="median of any date")
        height = axes.get_ylim()[1]
        beyond = _mark(axes, followed, -0.05 * height, low, high)
        axes.set_ylim(-0.11 * height, 1.3 * height)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.yaxis.set_visible(False)
        axes.set_xlabel(_unit(followed, beyond))
        axes.legend(frameon=False, loc="upper right", fontsize=8)
        return _svg(figure, f"What followed: {ASSETS[followed.asset].title} after {followed.horizon}")


def _mark(axes: Axes, followed: Followed, at: float, low: float, high: float) -> int:
    """Mark each event, those beyond the edges at them. Returns how many those are."""
    events = np.array([case.change for case in followed.known], dtype=np.float64)
    style: dict[str, Any] = {"color": _EVENT, "markersize": 11, "markeredgewidth": 1.6}
    label = f"after a confirmed breakout ({len(events)})"
    axes.plot(np.clip(events, low, high), np.full(len(events), at), "|", label=label, **style)
    if followed.numbers:
        axes.axvline(followed.numbers.median, ymax=0.78, color=_EVENT, linewidth=1.2, label="their median")
    return int(((events < low) | (events > high)).sum())


def _unit(followed: Followed, beyond: int) -> str:
    scale = "sessions" if ASSETS[followed.asset].scale is Scale.SESSIONS else "days"
    outside = f"; events beyond the edge: {beyond}" if beyond else ""
    return f"change after {followed.horizon} {scale}{outside}"


def distribution_charts(studies: Studies, record: TrackRecord) -> Iterator[tuple[str, int, str]]:
    """Yield asset, horizon and chart of what followed a confirmed breakout."""
    main = next(rule for rule in record.rules if rule.key == "breakout.confirmed")
    for followed in main.followed:
        study = studies.all[followed.asset, followed.horizon]
        if SHOWN[followed.asset] == followed.horizon and len(study.dates):
            yield followed.asset, followed.horizon, distribution_chart(study, followed)


@contextmanager
def _figure() -> Iterator[tuple[Figure, Axes]]:
    """Yield a figure in the page's style, its labels left as text."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        yield figure, figure.add_subplot()


def _svg(figure: Figure, title: str) -> str:
    drawn = StringIO()
    figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    # The page says how wide it is; what names a document of its own, and its address, goes.
    body = drawn.getvalue()[drawn.getvalue().index("<svg") :]
    body = re.sub(r' (width|height)="[^"]*pt"', "", body, count=2)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    return body.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
