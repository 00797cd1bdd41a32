"""Whether a figure can be what it says it is: inside its band, not too far from the one before."""

from __future__ import annotations

import numpy as np
import pandas as pd

from signals.data.adjust import price
from signals.data.series import Series


def moved_too_far(series: Series, frame: pd.DataFrame) -> pd.Series[bool]:
    """Return where a figure moved further than is plausible from the one before."""
    far = np.zeros(len(frame), dtype=np.bool_)
    if series.move is not None:
        figures = price(frame).to_numpy(dtype=float)
        change = np.diff(figures) if series.move.absolute else figures[1:] / figures[:-1] - 1
        far[1:] = np.abs(change) > series.move.limit
    return pd.Series(far, index=frame.index)


def outside_band(series: Series, frame: pd.DataFrame) -> pd.Series[bool]:
    """Return where a figure lies outside the plausible band of its series, in the unit of the rules."""
    if series.band is None:
        return pd.Series(False, index=frame.index)
    smallest, largest = series.band
    figures = price(frame)
    return (figures < smallest) | (figures > largest)


def in_rule_units(series: Series, vintages: pd.DataFrame) -> pd.DataFrame:
    """Scale the figures of a source by its declared unit; never by what they look like."""
    if series.scale == 1.0:
        return vintages
    return vintages.assign(value=np.round(vintages["value"] * series.scale, 9))
