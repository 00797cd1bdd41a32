"""The cascade over the years: its stage, and each of the four links."""

from __future__ import annotations

import numpy as np

from bot.charts.frame import Frame, on_axis, runs
from signals.evaluate import History


def draw(frame: Frame, history: History) -> None:
    """Draw the stage as a ribbon, and below it when each link was on, off or unknown."""
    _, colours, cascade = frame.words.gettext, frame.colours, history.cascade
    title = _("Stage of the cascade and its links")
    known = np.any([~np.isnan(link.state) for link in cascade.links], axis=0)
    if not known.any():
        frame.nothing(title, _("No link of the cascade is measured yet."))
        return
    sessions = history.panel.sessions
    shown = frame.shown(sessions[int(known.argmax()) :])
    start = len(sessions) - len(shown)
    frame.title(title, frame.dates(shown))
    on, off = {"color": colours.main}, {"color": colours.shade}
    unknown = {"facecolor": colours.paper, "edgecolor": colours.quiet, "hatch": "//////", "linewidth": 0}
    is_on, is_off = frame.words.pgettext("link", "on"), frame.words.pgettext("link", "off")
    legend = [frame.patch(is_on, **on), frame.patch(is_off, **off), frame.patch(_("unknown"), **unknown)]
    names = [_("Bonds"), _("Equities"), _("Small caps"), _("Crypto")]
    stage, lanes = frame.panels(
        (1.4, _("Stage: how many links are on, from the first")),
        (2.4, _("The four links, in their order")),
        legend=legend,
    )
    days = on_axis([*shown, frame.end(shown)])
    ribbon = [*cascade.stage[start:], cascade.stage[-1]]
    stage.fill_between(days, ribbon, step="post", color=colours.main, linewidth=0)
    stage.set_ylim(0, len(names) + 0.2)
    stage.set_yticks(range(len(names) + 1))
    frame.write_y(stage, lambda value: frame.figures.decimal(value, 0))
    for lane, link in enumerate(cascade.links):
        found = runs(link.state[start:])
        for state, style, tall in ((1.0, on, 0.56), (0.0, off, 0.14), (np.nan, unknown, 0.36)):
            bars = [
                (days[first], days[after] - days[first])
                for first, after, value in found
                if value == state or (np.isnan(value) and np.isnan(state))
            ]
            lanes.broken_barh(bars, (lane - tall / 2, tall), **style)
    frame.lanes(lanes, names)
    frame.date_axis([stage, lanes], shown)
