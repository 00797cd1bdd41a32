"""Whether a figure can be what it says it is: inside its band, not too far from the one before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.data.adjust import Closes, growth
from signals.data.series import Days, Series
from signals.nine_decimals import Sign, meets, to_decimals
from signals.rules import GATE

Bools = npt.NDArray[np.bool_]

_SPLITS = np.array([2.0, 3.0, 1.5, 4.0, 5.0, 10.0])
_NO_SPLIT = (0.0, 1.0)
_NAMES = ("2:1", "3:1", "3:2", "4:1", "5:1", "10:1")


def implausible_steps(series: Series, bars: Closes) -> Bools:
    """Return where a figure cannot follow the one before it, by position.

    It moved further than is plausible, as traded or with distributions, or it brings a distribution that cannot be.
    """
    found = np.zeros(len(bars), dtype=np.bool_)
    found[1:] = _implausible(series, bars[:-1], bars[1:])
    return found


def implausible_after(series: Series, before: pd.DataFrame, rows: pd.DataFrame) -> Bools:
    """Return which of these rows cannot follow one row, by position."""
    return _implausible(series, Closes.of(before)[np.zeros(len(rows), dtype=np.int64)], Closes.of(rows))


def _implausible(series: Series, before: Closes, bars: Closes) -> Bools:
    if series.move is None or not len(bars):
        return np.zeros(len(bars), dtype=np.bool_)
    earlier, later = before.price, bars.price
    if series.move.absolute:
        return np.asarray(meets(np.abs(later - earlier), Sign.ABOVE, series.move.limit), dtype=np.bool_)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = meets(np.abs(later / earlier - 1.0), Sign.ABOVE, series.move.limit)
    if series.is_price:
        found = found | meets(np.abs(growth(before, bars) - 1.0), Sign.ABOVE, series.move.limit)
        if bars.paid.any():  # most bars bring none
            found = (
                found | meets(bars.paid, Sign.BELOW, 0.0) | meets(bars.paid, Sign.ABOVE, GATE.distribution * earlier)
            )
    return np.asarray(found, dtype=np.bool_)


def cannot_be_confirmed(series: Series, before: pd.DataFrame, row: pd.DataFrame) -> bool:
    """Whether a row that cannot follow another stays so, however often it is repeated.

    A distribution that is negative or no less than the close before it; a step as by a split, because a split is
    carried out in all the bars before it.
    """
    bar_before, bar = Closes.of(before), Closes.of(row)
    close, paid = bar_before.price[0], bar.paid[0]
    if series.is_price and (meets(paid, Sign.BELOW, 0.0) or meets(paid, Sign.AT_LEAST, close)):
        return True
    return _split(series, bar_before, bar) is not None


def what_is_implausible(series: Series, before: pd.DataFrame, row: pd.DataFrame) -> str:
    """Return why a row cannot follow another, as the end of a sentence; empty where it can."""
    bar_before, bar = Closes.of(before), Closes.of(row)
    if not _implausible(series, bar_before, bar)[0]:
        return ""
    confirmed = "used once a later request confirms it"
    close, paid = bar_before.price[0], bar.paid[0]
    if series.is_price and (meets(paid, Sign.BELOW, 0.0) or meets(paid, Sign.ABOVE, GATE.distribution * close)):
        until = "used once it is corrected" if cannot_be_confirmed(series, before, row) else confirmed
        return f"brings a distribution of {paid:,.6g} on a close of {close:,.6g}; {until}"
    split = _split(series, bar_before, bar)
    if split is not None:
        return f"moved as by a split of {split} that the bars before it do not show; used once they do"
    limit = series.move.text(series.unit) if series.move else ""
    step = "session" if series.days is Days.SESSION else "step"
    return f"moved more than {limit} in one {step}; {confirmed}"


def _split(series: Series, before: Closes, bar: Closes) -> str | None:
    """Return the split by which a row seems to have moved, one listed for that day first; only stocks have any."""
    if not series.is_price or series.days is not Days.SESSION:
        return None
    moved, listed = bar.price[0] / before.price[0], bar.split[0]
    if series.move and listed not in _NO_SPLIT and meets(abs(moved * listed - 1.0), Sign.AT_MOST, series.move.limit):
        return f"{listed:g}:1"
    for step in (moved, growth(before, bar)[0]):
        for name, ratio in zip(_NAMES, _SPLITS, strict=True):
            for by in (ratio, 1.0 / ratio):
                if meets(abs(step / by - 1.0), Sign.AT_MOST, GATE.split_like):
                    return name
    return None


def outside_band(series: Series, frame: pd.DataFrame) -> pd.Series[bool]:
    """Return where a figure lies outside the plausible band of its series, in the unit of the rules."""
    found: pd.Series[bool] = pd.Series(beyond_band(series, Closes.of(frame).price), index=frame.index)
    return found


def beyond_band(series: Series, figures: npt.NDArray[np.float64]) -> Bools:
    """Return where a figure lies outside the plausible band of its series, by position."""
    if series.band is None:
        return np.zeros(len(figures), dtype=np.bool_)
    smallest, largest = series.band
    beyond = meets(figures, Sign.BELOW, smallest) | meets(figures, Sign.ABOVE, largest)
    return np.asarray(beyond, dtype=np.bool_)


def in_rule_units(series: Series, vintages: pd.DataFrame) -> pd.DataFrame:
    """Scale the figures of a source by its declared unit; never by what they look like."""
    if series.scale == 1.0:
        return vintages
    return vintages.assign(value=to_decimals(vintages["value"] * series.scale))
