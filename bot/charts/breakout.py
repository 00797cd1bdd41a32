"""The Russell 2000 against its record: bases, breakouts and the volume behind them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bot.charts.frame import Frame
from bot.messages.chart_kinds import Period
from signals.episode import Outcome, Phase
from signals.evaluate import History
from signals.nine_decimals import Sign, meets
from signals.rules import BREAKOUT, CHECKS

_POINTS = 230
"""About how many points the picture is wide."""


def draw(frame: Frame, history: History) -> None:
    """Draw closes, the record, bases and what became of breakouts; below, IWM's relative volume."""
    _, figures = frame.words.gettext, frame.figures
    closes = history.panel.close("^RUT").dropna()
    title = _("Russell 2000 and its record")
    if not len(closes):
        frame.nothing(title, _("No close of the Russell 2000 is known yet."))
        return
    shown = frame.shown(closes.index)
    closes = closes.loc[shown]
    record = pd.Series(history.standing.record, index=history.panel.sessions).loc[shown]
    frame.title(title, frame.dates(shown))
    marks = _marks(frame, history, shown)
    colours = frame.colours
    legend = [
        frame.line(_("close, log scale"), color=colours.ink, linewidth=1.0),
        frame.line(_("record"), color=colours.main, linewidth=1.0, linestyle=(0, (4, 2))),
        frame.patch(_("long base"), color=colours.shade),
        *(frame.line(label, linestyle="", markersize=5, **style) for label, style, days in marks if len(days)),
    ]
    price, volume = frame.panels((3.2, _("Close, index points")), (1, _volume_title(frame)), legend=legend)
    for begin, end in _bases(history):
        inside = shown[(shown >= begin) & (shown <= end)]
        price.fill_between(inside, closes.loc[inside], record.loc[inside], color=colours.shade, linewidth=0)
    price.plot(shown, record, color=colours.main, linewidth=0.9, linestyle=(0, (4, 2)))
    price.plot(shown, closes, color=colours.ink, linewidth=0.9)
    for _label, style, days in marks:
        price.plot(days, closes.reindex(days), linestyle="", markersize=5.5, clip_on=False, zorder=4,
                   markeredgecolor=colours.paper, markeredgewidth=0.6, **style)  # fmt: skip
    frame.log_prices(price, closes.min() * 0.97, record.max() * 1.04, lambda value: figures.decimal(value, 0))
    _draw_volume(frame, volume, history, shown)
    frame.date_axis([price, volume], shown)


def _marks(frame: Frame, history: History, shown: pd.DatetimeIndex) -> list[tuple[str, dict[str, Any], Any]]:
    """Return each kind of mark with its days: over all years what became of an attempt, else every event."""
    _, colours = frame.words.gettext, frame.colours
    good, bad = {"color": colours.good, "marker": "o"}, {"color": colours.bad, "marker": "X"}
    warn, main = {"color": colours.warn, "marker": "s"}, {"color": colours.main, "marker": "^"}
    if frame.chart.period is Period.ALL:
        outcomes = {
            Outcome.ESTABLISHED: (_("established"), good), Outcome.FAILED: (_("failed"), bad),
            Outcome.REJECTED: (_("rejected"), warn), Outcome.OPEN: (_("open"), main),
        }  # fmt: skip
        return [
            (label, style, _within(shown, [e.attempt for e in history.episodes if e.outcome is outcome]))
            for outcome, (label, style) in outcomes.items()
        ]
    phases = {
        Phase.ATTEMPT: (_("attempt"), main), Phase.CONFIRMED: (_("confirmed"), {"color": colours.main, "marker": "D"}),
        Phase.WARNING: (_("warning"), {"color": colours.warn, "marker": "v"}), Phase.REJECTED: (_("rejected"), warn),
        Phase.FAILED: (_("failed"), bad), Phase.RECOVERED: (_("recovered"), {"color": colours.other, "marker": "P"}),
        Phase.ESTABLISHED: (_("established"), good),
    }  # fmt: skip
    events = [event for episode in history.episodes for event in episode.events().items()]
    return [
        (label, style, _within(shown, [on for each, on in events if each is phase]))
        for phase, (label, style) in phases.items()
    ]


def _within(shown: pd.DatetimeIndex, days: list[Any]) -> pd.DatetimeIndex:
    return shown.intersection(pd.DatetimeIndex(days).as_unit(shown.unit)) if days else shown[:0]


def _bases(history: History) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return where the bases of breakouts begin and end, and last the one that lasts, once it is long."""
    sessions = history.panel.sessions
    ends = [(history.panel.position(episode.attempt), episode.base_sessions) for episode in history.episodes]
    last = history.last_usable.item(-1)
    lasting = history.standing.base_sessions.item(last)
    if lasting >= BREAKOUT.intermediate:
        ends.append((last, int(lasting)))
    return [(sessions[end - length], sessions[end]) for end, length in ends]


def _volume_title(frame: Frame) -> str:
    _, mean = frame.words.gettext, {"mean": CHECKS.volume_mean}
    match frame.chart.period:
        case Period.YEAR:
            return _("IWM volume over its %(mean)d-session mean") % mean
        case Period.FIVE_YEARS:
            return _("IWM volume over its %(mean)d-session mean, by week") % mean
    return _("IWM volume over its %(mean)d-session mean, best week") % mean


def _draw_volume(frame: Frame, axes: Axes, history: History, shown: pd.DatetimeIndex) -> None:
    colours = frame.colours
    volume = pd.Series(history.checks.relative_volume, index=history.panel.sessions).reindex(shown).dropna()
    if not len(volume):
        frame.say(axes, frame.words.gettext("IWM's volume is not known for these dates."))
        return
    enough = CHECKS.volume_day if frame.chart.period is Period.YEAR else CHECKS.volume_days_mean
    if frame.chart.period is not Period.YEAR:
        volume = volume.resample("W").mean().dropna()
    if frame.chart.period is Period.ALL:
        volume = volume.resample("QE").max().dropna()
    # Every quarter has a busy week.
    is_high = np.asarray(meets(volume, Sign.AT_LEAST, enough)) & (frame.chart.period is not Period.ALL)
    tints = np.where(is_high, colours.warn, colours.quiet).tolist()
    wide = min(_POINTS / len(volume) * 0.8, 3.0)
    axes.vlines(pd.DatetimeIndex(volume.index), 0, volume, colors=tints, linewidth=wide)
    axes.axhline(enough, color=colours.ink, linewidth=0.8, linestyle=(0, (1, 1.5)))
    axes.set_ylim(0, max(float(volume.max()), enough) * 1.1)
    top = int(axes.get_ylim()[1])
    axes.set_yticks([0, enough, *(whole for whole in range(0, top + 1, 1 + top // 4) if whole > enough + top / 8)])
    frame.write_y(axes, lambda value: f"{frame.figures.decimal(value, 0 if value == int(value) else 1)}×")
