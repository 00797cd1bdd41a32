"""The crypto window: ether and bitcoin from the day of each confirmation on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bot.charts.frame import SMALL, Frame
from signals.evaluate import History
from signals.rules import WINDOW

_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (2.5, 1.5)))
_NAMED = 6
_DAYS = WINDOW.closes


@dataclass(frozen=True, slots=True)
class _Path:
    """Prices over that of day 0, one a day, and whether the days go on."""

    confirmed: date
    levels: pd.Series[float]
    is_open: bool


def draw(frame: Frame, history: History) -> None:
    """Draw what ether and bitcoin did after each confirmed breakout, the newest above all others."""
    _, figures = frame.words.gettext, frame.figures
    found = {name: _paths(history, key) for key, name in (("ETH-USD", "ETH"), ("BTC-USD", "BTC"))}
    title = _("Crypto after a confirmed breakout")
    if not any(found.values()):
        frame.nothing(title, _("No breakout was confirmed on a day with a price of ether or bitcoin yet."))
        return
    days = sorted({path.confirmed for paths in found.values() for path in paths})
    newest = days[-1]
    is_open = any(path.is_open for paths in found.values() for path in paths)
    below = _("Day 0 is %s: the window is ahead or open") if is_open else _("Last confirmation %s: its window is over")
    frame.title(title, below % figures.day(newest))
    colours = frame.colours
    legend = [
        frame.line(_("newest"), color=colours.main, linewidth=2.2), frame.line(_("earlier"), color=colours.quiet),
        frame.patch(_("window"), color=colours.shade),
        frame.line(_("response"), color=colours.good, linestyle=(0, (1, 1.5)), linewidth=1.4),
    ]  # fmt: skip
    eth, btc = frame.panels(
        (1, _("ETH, change since day 0, log scale")), (1, _("BTC, change since day 0, log scale")),
        legend=legend, own_ticks=True,
    )  # fmt: skip
    eth.axhline(1 + WINDOW.response, color=colours.good, linestyle=(0, (1, 1.5)), linewidth=1.4)
    for axes, (name, paths) in zip((eth, btc), found.items(), strict=True):
        _draw_fan(frame, axes, name, paths, days)
    btc.set_xlabel(_("days since the confirmation"), fontsize=SMALL, color=colours.quiet, labelpad=1)


def _paths(history: History, key: str) -> list[_Path]:
    prices = history.crypto.measuring.daily(key)
    found = []
    for response in history.crypto.responses:
        day_0 = pd.Timestamp(response.confirmed)
        anchor = float(prices.get(day_0, np.nan))
        if np.isfinite(anchor):
            days = prices[(prices.index >= day_0) & (prices.index <= day_0 + pd.Timedelta(days=_DAYS))] / anchor
            goes_on = history.panel.sessions[-1] < day_0 + pd.Timedelta(days=_DAYS)
            is_open = bool(goes_on) and response.episode.failed is None
            numbered = days.set_axis((pd.DatetimeIndex(days.index) - day_0).days)
            found.append(_Path(response.confirmed, numbered, is_open))
    return found


def _draw_fan(frame: Frame, axes: Axes, name: str, paths: list[_Path], days: list[date]) -> None:
    _, colours, figures = frame.words.gettext, frame.colours, frame.figures
    axes.set_xlim(0, _DAYS)
    axes.set_xticks([0, WINDOW.opens, 60, _DAYS])
    axes.axvspan(WINDOW.opens, _DAYS, color=colours.shade, alpha=0.5, linewidth=0)
    if not paths:
        frame.say(axes, _("%s had no price at any confirmation.") % name)
        return
    newest = days[-1]
    for path in (path for path in paths if path.confirmed != newest):
        # The same in both panels.
        dashes = _DASHES[days.index(path.confirmed) % len(_DASHES)]
        axes.plot(path.levels.index, path.levels, color=colours.quiet, linewidth=1.1, linestyle=dashes)
    for path in paths[-1:]:
        if path.confirmed == newest:
            axes.plot(path.levels.index, path.levels, color=colours.main, linewidth=2.2)
            axes.plot(path.levels.index[-1:], path.levels.iloc[-1:], color=colours.main, marker="o", markersize=4)
    levels = pd.concat([path.levels for path in paths])
    low, high = min(float(levels.min()), 0.9) * 0.95, max(float(levels.max()), 1 + WINDOW.response) * 1.05
    axes.axhline(1, color=colours.ink, linewidth=0.6)
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    _name_years(frame, axes, paths)
    # The lowest would stand in the way of what is written below.
    levels_within = [level for level in _LEVELS if low * (high / low) ** 0.05 < level < high]
    axes.set_yticks(levels_within[:: max(1, round(len(levels_within) / 6))])
    frame.write_y(axes, lambda level: figures.percent(level - 1, 0, sign=True))


_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 15, 20)


def _name_years(frame: Frame, axes: Axes, paths: list[_Path]) -> None:
    """Write the year of the last few beside where they end, each clear of the others."""
    shown = sorted(paths[-_NAMED:], key=lambda path: path.levels.iloc[-1])
    low, high = np.log(axes.get_ylim())
    places = spread([(float(np.log(path.levels.iloc[-1])) - low) / (high - low) for path in shown], 0.095)
    for path, place in zip(shown, places, strict=True):
        at = min(int(path.levels.index[-1]), _DAYS - 1) / _DAYS
        right = at > 0.85
        axes.text(
            at + (-0.01 if right else 0.01), place, str(path.confirmed.year), transform=axes.transAxes, size=SMALL,
            ha="right" if right else "left", va="center", color=frame.colours.ink, zorder=5,
            bbox={"facecolor": frame.colours.paper, "alpha": 0.7, "linewidth": 0, "pad": 0.6},
        )  # fmt: skip


def spread(places: list[float], least: float) -> list[float]:
    """Move ascending places in the unit interval apart, so that none is nearer to the next than ``least``."""
    edge = least / 2
    moved = [max(place, edge) for place in places]
    for i in range(1, len(moved)):
        moved[i] = max(moved[i], moved[i - 1] + least)
    over = 1 - edge
    for i in reversed(range(len(moved))):
        moved[i] = over = min(moved[i], over)
        over -= least
    return moved
