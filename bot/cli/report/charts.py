"""Charts of the track record as SVG, to stand inside a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, PercentFormatter

from bot.messages.figures import SPACE
from signals.episode import Episode, Outcome
from signals.record.event_study import Study
from signals.record.model import ASSETS, Followed, Scale, TrackRecord
from signals.record.studies import Studies

_WIDTH, _HEIGHT = 4.6, 3.0
_NAMES = ("ink", "muted", "bars", "event", "good", "bad", "rejected", "open", "paper")
# The page's style has these colours, for light and for dark; what is drawn only holds their places.
_INK, _MUTED, _BARS, _EVENT, _GOOD, _BAD, _REJECTED, _OPEN, _PAPER = _PLACES = [f"#0000{i:02x}" for i in range(1, 10)]
# A colour alone would tell some readers nothing.
_OUTCOMES = {
    Outcome.ESTABLISHED: ("held", _GOOD, "o"),
    Outcome.FAILED: ("failed", _BAD, "X"),
    Outcome.REJECTED: ("rejected", _REJECTED, "s"),
    Outcome.OPEN: ("open", _OPEN, "^"),
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cascade",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _BARS,
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
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
        episodes = [event.episode for event in record.events]
        for outcome, (label, colour, marker) in _OUTCOMES.items():
            found = [episode for episode in episodes if episode.outcome == outcome and episode.level_verified]
            _scatter(axes, found, label, color=colour, marker=marker)
        # Hollow, and not counted among the others: no statistic has it.
        unverified = [episode for episode in episodes if not episode.level_verified]
        _scatter(axes, unverified, "level unverified", facecolor=_PAPER, edgecolor=_MUTED, marker="o")
        axes.set_ylabel("close, index points (log)")
        axes.legend(frameon=False, loc="upper left", fontsize=9)
        return _svg(figure, "Closes of the Russell 2000 and the breakouts from a long base, by outcome")


def _scatter(axes: Axes, episodes: Sequence[Episode], label: str, **style: Any) -> None:
    if episodes:
        days, closes = pd.DatetimeIndex([each.attempt for each in episodes]), [each.close for each in episodes]
        axes.scatter(days, closes, s=30, zorder=3, label=f"{label} ({len(episodes)})", **style)


def distribution_chart(study: Study, followed: Followed) -> str:
    """Draw what followed any date as a histogram, and what followed each event as a mark below it."""
    changes = study.changes[study.dates]
    low, high = np.quantile(changes, [0.005, 0.995])
    with _figure() as (figure, axes):
        axes.hist(np.clip(changes, low, high), bins=40, color=_BARS)
        axes.axvline(float(np.median(changes)), ymax=0.7, color=_MUTED, linestyle="--", label="median of any date")
        height = axes.get_ylim()[1]
        beyond = _mark(axes, followed, -0.05 * height, low, high)
        axes.set_ylim(-0.11 * height, 1.45 * height)
        axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=f"{SPACE}%"))
        axes.yaxis.set_visible(False)
        axes.set_xlabel(_unit(followed, beyond))
        axes.legend(frameon=False, loc="upper right", fontsize=9)
        return _svg(figure, f"What followed: {ASSETS[followed.asset].title} after {followed.horizon}")


def _mark(axes: Axes, followed: Followed, at: float, low: float, high: float) -> int:
    """Mark each event, those beyond the edges at them. Returns how many those are."""
    events = np.array([case.change for case in followed.known], dtype=np.float64)
    style: dict[str, Any] = {"color": _EVENT, "markersize": 11, "markeredgewidth": 1.6}
    label = f"after a confirmed breakout ({len(events)})"
    axes.plot(np.clip(events, low, high), np.full(len(events), at), "|", label=label, **style)
    if followed.numbers:
        axes.axvline(followed.numbers.median, ymax=0.7, color=_EVENT, linewidth=1.2, label="their median")
    return int(((events < low) | (events > high)).sum())


def _unit(followed: Followed, beyond: int) -> str:
    scale = "sessions" if ASSETS[followed.asset].scale is Scale.SESSIONS else "days"
    outside = f"; events beyond the edge: {beyond}" if beyond else ""
    return f"change after {followed.horizon} {scale}{outside}"


def distribution_charts(studies: Studies, record: TrackRecord) -> dict[str, str]:
    """Return a chart of what followed a confirmed breakout for each asset that has any."""
    main = next(rule for rule in record.rules if rule.key == "breakout.confirmed")
    return {
        followed.asset: distribution_chart(study, followed)
        for followed in main.followed
        if SHOWN[followed.asset] == followed.horizon
        and len((study := studies.all[followed.asset, followed.horizon]).dates)
    }


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
    for place, name in zip(_PLACES, _NAMES, strict=True):
        body = body.replace(place, f"var(--{name})")
    return body.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
