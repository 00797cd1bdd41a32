"""When figures become public, and which figure should be the newest by then."""

from __future__ import annotations

from copy import copy
from functools import cache

import numpy as np
import numpy.typing as npt
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

Ints = npt.NDArray[np.int64]

_WEEKDAYS = {Days.WEDNESDAY: 2, Days.THURSDAY: 3, Days.FRIDAY: 4}
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
    every = np.arange(first.to_datetime64().astype("datetime64[D]"), last.to_datetime64().astype("datetime64[D]") + 1)
    # 1970-01-01, day 0, was a Thursday.
    weekday = (every.astype(np.int64) + 3) % 7
    if days in _WEEKDAYS:
        every = every[weekday == _WEEKDAYS[days]]
    elif days is not Days.DAY:
        closed = _holidays(pd.DatetimeIndex([last]), bonds=days is Days.BOND)
        every = every[(weekday < 5) & ~np.isin(every, closed)]
    return pd.DatetimeIndex(every).as_unit("us")


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


class Timetable:
    """When the figures of every day of a span are public, and which days should have one: worked out once.

    Days are counted from 1970-01-01, instants are microseconds since then, in UTC.

    Parameters
    ----------
    first, last
        The span, both days included.
    sessions
        All NYSE sessions, for series that have one figure a session.
    """

    def __init__(self, first: pd.Timestamp, last: pd.Timestamp, sessions: pd.DatetimeIndex) -> None:
        self._days = pd.date_range(first, last, freq="D", unit="us")
        self._first = int(day_numbers(self._days[:1])[0])
        self._sessions = sessions
        self._public: dict[tuple[ReleaseClock, ...], Ints] = {}
        self._expected: dict[Days, Ints] = {}

    def public_at(self, days: Ints, clocks: tuple[ReleaseClock, ...]) -> Ints:
        """Return when figures of these days are public that wait for the last of several clocks."""
        if clocks not in self._public:
            each = [available_at(clock, self._days).as_unit("us").asi8 for clock in clocks]
            self._public[clocks] = np.maximum.reduce(each)
        return self._public[clocks][days - self._first]

    def expected(self, kind: Days) -> Ints:
        """Return the days of the span on which there should be a figure, ascending."""
        if kind not in self._expected:
            self._expected[kind] = day_numbers(expected_dates(kind, self._days[0], self._days[-1], self._sessions))
        return self._expected[kind]


def day_numbers(dates: pd.Index) -> Ints:
    """Return dates as days since 1970-01-01."""
    return dates.to_numpy().astype("datetime64[D]").astype(np.int64)


def lateness(
    timetable: Timetable,
    observed: Ints,
    clocks: tuple[ReleaseClock, ...],
    kind: Days,
    decided: Ints,
    sessions: Ints,
    last: int,
) -> tuple[Ints, Ints]:
    """Judge how far behind a series was at each decision.

    Parameters
    ----------
    observed
        The days of its observations, ascending.
    clocks
        Of everything it is made of: an observation is public, and expected, when the last of them is due.
    decided, sessions
        The decision times, and the days of the sessions judged.
    last
        The last day on which an observation is expected.

    Returns
    -------
    position
        Per session the position of the newest public observation, -1 before the first.
    overdue
        Per session 0 when the newest expected observation is there; else for how long the next one is overdue: in
        sessions, or for a weekly series in days. At least 1 when overdue.
    """
    overdue = np.zeros(len(sessions), dtype=np.int64)
    if not len(observed) or not len(sessions):
        return np.full(len(sessions), -1), overdue
    available = np.maximum.accumulate(timetable.public_at(observed, clocks))
    position = np.searchsorted(available, decided, side="right") - 1
    grid = timetable.expected(kind)
    grid = grid[np.searchsorted(grid, observed[0]) : np.searchsorted(grid, last, side="right")]
    following = np.searchsorted(grid, observed + _slack(kind).days, side="right")
    due = np.append(timetable.public_at(grid, clocks), np.iinfo(np.int64).max)[following]
    # The session at which the observation after each one is due.
    due_session = np.searchsorted(decided, due, side="left")
    here = np.flatnonzero(position >= 0)
    since = due_session[position[here]]
    late = here >= since
    in_days = sessions[here] - sessions[np.minimum(since, len(sessions) - 1)] + 1
    behind = in_days if kind.is_weekly else here - since + 1
    overdue[here[late]] = behind[late]
    return position, overdue
