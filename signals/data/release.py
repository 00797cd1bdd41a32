"""When figures become public, and which figure should be the newest by then."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
from pandas.tseries.holiday import (
    AbstractHolidayCalendar,
    GoodFriday,
    Holiday,
    USFederalHolidayCalendar,
    nearest_workday,
    sunday_to_monday,
)

from signals.data.series import Days, ReleaseClock, Series
from signals.data.sessions import instants

_WEEKLY = {Days.WEDNESDAY: "W-WED", Days.THURSDAY: "W-THU", Days.FRIDAY: "W-FRI"}
_FIRST = pd.Timestamp("1950-01-01")


def _on_its_day(rule: Holiday) -> Holiday:
    kept = copy(rule)
    if kept.observance is nearest_workday:
        kept.observance = sunday_to_monday
    return kept


@cache
def _closed(year: int, *, bonds: bool) -> np.ndarray:
    last = pd.Timestamp(year, 12, 31)
    # As the Fed keeps them: a holiday on a Saturday moves to no other day.
    rules = [_on_its_day(rule) for rule in USFederalHolidayCalendar.rules]
    rules += [GoodFriday] if bonds else []
    days = AbstractHolidayCalendar("Federal Reserve", rules).holidays(_FIRST, last)
    return np.asarray(days, dtype="datetime64[D]")


def _holidays(days: pd.DatetimeIndex, *, bonds: bool = False) -> np.ndarray:
    # Worked out once for decades and not for each year anew.
    return _closed(int(days.max().year) // 20 * 20 + 40, bonds=bonds)


def available_at(clock: ReleaseClock, observed_on: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the UTC instant at which each observation is public by its release clock."""
    if clock.utc:
        return (observed_on.as_unit("us") + pd.Timedelta(days=1)).tz_localize("UTC")
    at = pd.Timedelta(hours=clock.at.hour, minutes=clock.at.minute)
    if not clock.business or not len(observed_on):
        return instants(observed_on, at + pd.Timedelta(days=clock.days))
    dates = observed_on.to_numpy().astype("datetime64[D]") + np.timedelta64(clock.days, "D")
    moved = np.busday_offset(dates, 0, roll="forward", holidays=_holidays(observed_on))
    return instants(pd.DatetimeIndex(moved).as_unit("us"), at)


def expected_dates(days: Days, first: pd.Timestamp, last: pd.Timestamp, sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the dates from ``first`` to ``last`` on which there should be an observation.

    Parameters
    ----------
    sessions
        All NYSE sessions, for series that have one a session.
    """
    if days is Days.SESSION:
        return sessions[(sessions >= first) & (sessions <= last)]
    if days in (Days.BUSINESS, Days.BOND):
        every = pd.date_range(first, last, freq="B", unit="us")
        closed = _holidays(pd.DatetimeIndex([last]), bonds=days is Days.BOND)
        return every[~np.isin(every.to_numpy().astype("datetime64[D]"), closed)]
    return pd.date_range(first, last, freq=_WEEKLY.get(days, "D"), unit="us")


def newest_expected(series: Series, sessions: pd.DatetimeIndex, now: pd.Timestamp) -> pd.Timestamp | None:
    """Return the date of the newest observation that should be public at ``now``, if any."""
    today = now.tz_convert("UTC").tz_localize(None).normalize()
    last = today if series.ended is None else min(today, pd.Timestamp(series.ended))
    dates = expected_dates(series.days, last - pd.Timedelta(days=30), last, sessions)
    public = dates[available_at(series.clock, dates) <= now]
    return public[-1] - _slack(series.days) if len(public) else None


def _slack(days: Days) -> pd.Timedelta:
    """Return how much earlier than its day an observation may be: a week's survey is, when Thursday is a holiday."""
    return pd.Timedelta(days=3 if days is Days.THURSDAY else 0)


def lateness(
    observed: pd.DatetimeIndex,
    available: pd.DatetimeIndex,
    clocks: Iterable[ReleaseClock],
    days: Days,
    sessions: pd.DatetimeIndex,
    decided: pd.DatetimeIndex,
    ended: date | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Judge how far behind a series was at each decision.

    Parameters
    ----------
    observed, available
        The dates of its observations, ascending, and when each was public.
    clocks
        Of everything it is made of: an observation is expected when the last of them is due.
    sessions, decided
        The sessions judged, and their decision times.
    ended
        The last day on which an observation is expected.

    Returns
    -------
    position
        Per session the position of the newest public observation, -1 before the first.
    overdue
        Per session 0 when the newest expected observation is there; else for how long the next one is overdue: in
        sessions, or for a weekly series in days. At least 1 when overdue.
    """
    position = np.searchsorted(np.maximum.accumulate(available.asi8), decided.asi8, side="right") - 1
    overdue = np.zeros(len(sessions), dtype=np.int64)
    if not len(observed) or not len(sessions):
        return np.full(len(sessions), -1), overdue
    last = sessions[-1] if ended is None else min(sessions[-1], pd.Timestamp(ended))
    grid = expected_dates(days, observed[0], last, sessions)
    due_at = np.maximum.reduce([available_at(clock, grid).asi8 for clock in clocks])
    following = np.searchsorted(grid.asi8, (observed + _slack(days)).asi8, side="right")
    due = np.append(due_at, np.iinfo(np.int64).max)[following]
    # The session at which the observation after each one is due.
    due_session = np.searchsorted(decided.asi8, due, side="left")
    known = position >= 0
    since = due_session[position[known]]
    here = np.flatnonzero(known)
    late = here >= since
    if days.is_weekly:
        dates = sessions.to_numpy().astype("datetime64[D]").astype(np.int64)
        behind = dates[here] - dates[np.minimum(since, len(dates) - 1)] + 1
    else:
        behind = here - since + 1
    overdue[here[late]] = behind[late]
    return position, overdue
