"""What followed each confirmed breakout, beside what followed any date."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bot.charts.frame import Frame
from signals.episode import Outcome
from signals.evaluate import History
from signals.record.event_study import Study
from signals.record.events import RULES
from signals.record.model import ASSETS, Followed
from signals.record.studies import Studies

_PLACE = 2
"""Of each asset's horizons the third: three months."""


def draw(frame: Frame, history: History) -> None:
    """Draw for each asset a histogram of three months after any date, and the cases as marks below it."""
    _ = frame.words.gettext
    title = _("Three months after a confirmed breakout")
    studies = Studies.of(history)
    days = studies.events(RULES["breakout.confirmed"].find(history))
    wanted = [studies.all[key, ASSETS[key].horizons[_PLACE]] for key in studies.prices]
    rows = [(study, study.follow(days)) for study in wanted if len(study.dates)]
    if not rows:
        frame.nothing(title, _("No asset has three months of prices yet."))
        return
    frame.title(title, _case_count(frame, len(days.days)))
    outcomes = {e.confirmed: e.outcome for e in history.episodes}
    colours = frame.colours
    marks = {
        Outcome.ESTABLISHED: (_("held"), {"color": colours.good, "marker": "o"}),
        Outcome.FAILED: (_("failed"), {"color": colours.bad, "marker": "X"}),
        Outcome.OPEN: (_("open"), {"color": colours.main, "marker": "^"}),
    }
    legend = [
        frame.patch(_("any date"), color=colours.shade),
        frame.line(_("its median"), color=colours.ink, linewidth=1, linestyle=(0, (3, 1.5))),
        frame.line(_("median of the cases"), color=colours.other, linewidth=1.6),
        *(frame.line(label, linestyle="", markersize=5, **style) for label, style in marks.values()),
    ]
    titles = [(1.0, _panel_title(frame, followed)) for _study, followed in rows]
    panels = frame.panels(*titles, legend=legend, own_ticks=True)
    for axes, (study, followed) in zip(panels, rows, strict=True):
        _draw_row(frame, axes, study, followed, {day: marks[outcomes[day]][1] for day in days.days})


def _case_count(frame: Frame, count: int) -> str:
    return frame.words.ngettext("%d case, beside any other date", "%d cases, beside any other date", count) % count


def _panel_title(frame: Frame, followed: Followed) -> str:
    text = frame.words.ngettext("%(asset)s: change, %(n)d case", "%(asset)s: change, %(n)d cases", followed.n)
    return text % {"asset": frame.words.gettext(ASSETS[followed.asset].title), "n": followed.n}


def _draw_row(frame: Frame, axes: Axes, study: Study, followed: Followed, styles: dict[Any, dict[str, Any]]) -> None:
    colours = frame.colours
    changes = study.changes[study.dates]
    known = {case.event: case.outcome.change for case in followed.known if case.outcome}
    low, high = np.quantile(changes, [0.005, 0.995])
    low, high = min(low, *known.values(), 0.0), max(high, *known.values(), 0.0)
    heights, edges = np.histogram(changes, bins=48, range=(low, high))
    axes.stairs(heights / heights.max(), edges, fill=True, color=colours.shade)
    axes.axvline(float(np.median(changes)), color=colours.ink, linewidth=1, linestyle=(0, (3, 1.5)))
    if followed.numbers:
        axes.axvline(followed.numbers.median, color=colours.other, linewidth=1.6)
    axes.axvline(0, color=colours.quiet, linewidth=0.6)
    for event, change in known.items():
        axes.plot(change, -0.28, linestyle="", markersize=5, clip_on=False, zorder=4,
                  markeredgecolor=colours.paper, markeredgewidth=0.5, **styles[event])  # fmt: skip
    margin = (high - low) * 0.03
    axes.set_xlim(low - margin, high + margin)
    axes.set_ylim(-0.55, 1.1)
    axes.set_yticks([])
    axes.set_xticks([at for at in MaxNLocator(6).tick_values(low, high) if low + margin < at < high + margin])
    axes.xaxis.set_major_formatter(lambda value, _: frame.figures.percent(value, 0, sign=True) if value else "0")
