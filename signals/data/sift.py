"""The rows of a source's answer that can be true; what cannot be is left out with a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.data.release import available_at
from signals.data.series import FIELDS, Days, Series


@dataclass(frozen=True, slots=True)
class PossibleRows:
    """The rows of an answer that can be true, and one sentence on the newest of the others."""

    frame: pd.DataFrame
    reason: str


def drop_impossible_rows(
    series: Series, frame: pd.DataFrame, sessions: pd.DatetimeIndex, now: datetime
) -> PossibleRows:
    """Leave out of a source's answer what cannot be true or is not public yet.

    Parameters
    ----------
    frame
        Index dates (naive), columns among ``FIELDS``. An equal row twice is one. From a date on that has two that
        differ, nothing is used: nobody can know which of the two is right.
    sessions
        All NYSE sessions; a bar of another day is left out.
    now
        The instant of the request: what is not public by its release clock is left out without a word.
    """
    dates = pd.DatetimeIndex(frame.index).as_unit("us")
    figures = frame.reindex(columns=list(FIELDS)).to_numpy(dtype=np.float64)
    frame = pd.DataFrame(figures, index=dates, columns=list(FIELDS))
    if frame.empty:
        return PossibleRows(frame, "")
    # Calendars are not made for what is far away, and no rule looks so far back.
    near = np.asarray((dates >= _FIRST) & (dates <= pd.Timestamp(now.date())))
    if dates.has_duplicates:
        near &= ~frame.assign(date=dates).duplicated().to_numpy()
    if not near.all():
        frame, dates = frame[near], dates[near]
    if frame.empty:
        return PossibleRows(frame, "")
    public = np.asarray(available_at(series.clock, dates) <= pd.Timestamp(now))
    if not public.all():
        frame, dates = frame[public], dates[public]
    if not (dates.is_monotonic_increasing and dates.is_unique):
        twice, backwards = dates[dates.duplicated()], dates[1:][np.diff(dates.asi8) < 0]
        first = min([*twice, *backwards])
        word = "appears twice" if first in twice else "is out of order"
        reason = f"{first:%Y-%m-%d} {word} in the answer; nothing from that date on is used"
        return PossibleRows(
            drop_impossible_rows(series, frame[frame.index < first].sort_index(), sessions, now).frame, reason
        )
    faults = _row_faults(series, frame)
    faults[_wrong_day(series, dates, sessions)] = f"is not dated by {_A_DAY[series.days]}"
    bad = np.flatnonzero(faults != "")
    if not len(bad):
        return PossibleRows(frame, "")
    what = "bar" if series.is_price else "figure"
    reason = f"{dates[bad[-1]]:%Y-%m-%d}: the {what} {faults[bad[-1]]}"
    return PossibleRows(frame[faults == ""], reason)


_FIRST = pd.Timestamp(1900, 1, 1)
_PRICES = ("value", "open", "high", "low", "adj_close")
_A_DAY = {days: f"a {days}" for days in Days}
_WEEKDAY = {Days.WEDNESDAY: 2, Days.FRIDAY: 4}


def _wrong_day(series: Series, dates: pd.DatetimeIndex, sessions: pd.DatetimeIndex) -> npt.NDArray[np.bool_]:
    if series.days is Days.SESSION:
        return np.asarray(~dates.isin(sessions))
    if series.days in _WEEKDAY:
        return np.asarray(dates.day_of_week != _WEEKDAY[series.days])
    return np.zeros(len(dates), dtype=np.bool_)


def _row_faults(series: Series, frame: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Return per row what makes it impossible, empty where nothing does."""
    value, opened, high, low, adjusted = (frame[name].to_numpy() for name in _PRICES)
    faults = np.full(len(frame), "", dtype=np.object_)
    if series.is_price:
        faults[high < low] = "has a high below its low"
        below = np.logical_or.reduce([figures <= 0 for figures in (value, opened, high, low, adjusted)])
        faults[below] = "has a price of zero or less"
    close = np.where(np.isnan(value), adjusted, value)
    faults[np.isinf(frame.to_numpy()).any(axis=1)] = "has an infinite figure"
    faults[~np.isfinite(close)] = "has no close" if series.is_price else "is no number"
    return faults
