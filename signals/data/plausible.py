"""Whether a figure can be what it says it is: inside its band, not too far from the one before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.data.adjust import price
from signals.data.series import Series
from signals.nine_decimals import Sign, meets, to_decimals

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def moved_too_far(series: Series, frame: pd.DataFrame) -> pd.Series[bool]:
    """Return where a figure moved further than is plausible from the one before."""
    return _flags(far_moves(series, np.asarray(price(frame), dtype=np.float64)), frame)


def far_moves(series: Series, figures: Floats) -> Bools:
    """Return where a figure moved further than is plausible from the one before, by position."""
    far = np.zeros(len(figures), dtype=np.bool_)
    if series.move is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.diff(figures) if series.move.absolute else figures[1:] / figures[:-1] - 1
        far[1:] = meets(np.abs(change), Sign.ABOVE, series.move.limit)
    return far


def outside_band(series: Series, frame: pd.DataFrame) -> pd.Series[bool]:
    """Return where a figure lies outside the plausible band of its series, in the unit of the rules."""
    return _flags(beyond_band(series, np.asarray(price(frame), dtype=np.float64)), frame)


def beyond_band(series: Series, figures: Floats) -> Bools:
    """Return where a figure lies outside the plausible band of its series, by position."""
    if series.band is None:
        return np.zeros(len(figures), dtype=np.bool_)
    smallest, largest = series.band
    beyond = meets(figures, Sign.BELOW, smallest) | meets(figures, Sign.ABOVE, largest)
    return np.asarray(beyond, dtype=np.bool_)


def _flags(flags: Bools, frame: pd.DataFrame) -> pd.Series[bool]:
    found: pd.Series[bool] = pd.Series(flags, index=frame.index)
    return found


def in_rule_units(series: Series, vintages: pd.DataFrame) -> pd.DataFrame:
    """Scale the figures of a source by its declared unit; never by what they look like."""
    if series.scale == 1.0:
        return vintages
    return vintages.assign(value=to_decimals(vintages["value"] * series.scale))
