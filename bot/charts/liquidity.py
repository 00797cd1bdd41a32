"""Net liquidity, what it is made of, and the regime of the nine conditions."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from bot.charts.frame import Frame, on_axis, runs
from signals.evaluate import History

_TRILLION = 1_000.0
_REGIMES = 3


def draw(frame: Frame, history: History) -> None:
    """Draw net liquidity over bands of the regime, its three parts, and the regime as three lanes."""
    _, colours = frame.words.gettext, frame.colours
    measuring, sessions = history.crypto.measuring, history.panel.sessions
    net = measuring.net_liquidity / _TRILLION
    regime = pd.Series(history.liquidity.shown, index=sessions).dropna()
    title = _("US liquidity and its regime")
    if not len(net) and not len(regime):
        frame.nothing(title, _("US liquidity is not measured yet."))
        return
    begin = min(series.index[0] for series in (net, regime) if len(series))
    shown = frame.shown(sessions[sessions >= begin])
    frame.title(title, frame.dates(shown))
    tints = (colours.bad, colours.quiet, colours.good)
    parts = (
        (_("Fed assets"), measuring.figures("WALCL"), {"color": colours.main, "linestyle": "-"}),
        (_("Treasury account"), measuring.treasury_account, {"color": colours.warn, "linestyle": (0, (4, 1.5))}),
        (_("reverse repo"), measuring.reverse_repo, {"color": colours.other, "linestyle": (0, (1, 1))}),
    )
    legend = [frame.line(label, linewidth=1.4, **style) for label, _values, style in parts]
    level, made_of, lanes = frame.panels(
        (2.0, _("Net liquidity, USD trillion: Fed assets less the other two")), (1.5, _("Its parts, USD trillion")),
        (1.6, _("Regime")), legend=legend,
    )  # fmt: skip
    codes = pd.Series(history.liquidity.shown, index=sessions).reindex(shown)
    for first, after, code in runs(codes):
        if code == code:
            span = on_axis([shown[first], shown[after] if after < len(shown) else frame.end(shown)])
            tint = tints[int(code)]
            if tint != colours.quiet:
                level.axvspan(*span, color=tint, alpha=colours.tint, linewidth=0)
            lane = _REGIMES - 1 - code
            lanes.plot(span, [lane, lane], color=tint, linewidth=4, solid_capstyle="butt")
    _plot(frame, level, net, shown, color=colours.ink, linewidth=1.1)
    for _label, values, style in parts:
        _plot(frame, made_of, values / _TRILLION, shown, linewidth=1.1, **style)
    made_of.set_ylim(bottom=0)
    frame.lanes(lanes, [_("easing"), _("neutral"), _("tightening")])
    frame.date_axis([level, made_of, lanes], shown)


def _plot(frame: Frame, axes: Axes, values: pd.Series[float], shown: pd.DatetimeIndex, **style: Any) -> None:
    within = values[(values.index >= shown[0]) & (values.index <= shown[-1])]
    axes.plot(pd.DatetimeIndex(within.index), within, **style)
    axes.locator_params(axis="y", nbins=5)
    frame.write_y(axes, lambda value: frame.figures.decimal(value, 0 if value == round(value) else 1))
