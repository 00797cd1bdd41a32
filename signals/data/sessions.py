"""NYSE sessions and the instants they stand for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd

from signals.errors import NotASessionError
from signals.rules import EVENING

NEW_YORK = ZoneInfo("America/New_York")
FIRST_SESSION = "1987-01-02"


def nyse_sessions(now: datetime) -> pd.DatetimeIndex:
    """Return every NYSE session from 1987 to the end of the second year after ``now``, as naive dates.

    The bounds are given because the library's own default reaches only a year past the day it was built.
    """
    return _sessions_through(now.year + 2)


@cache
def _sessions_through(year: int) -> pd.DatetimeIndex:
    # The library takes as long for a decade more as for a year more: it is asked once for all years of one.
    whole = _library_sessions(year // 10 * 10 + 9)
    return whole[: whole.searchsorted(pd.Timestamp(year + 1, 1, 1))]


@cache
def _library_sessions(year: int) -> pd.DatetimeIndex:
    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST_SESSION, end=f"{year}-12-31")
    return pd.DatetimeIndex(calendar.sessions).as_unit("us")


def check_session(day: date, sessions: pd.DatetimeIndex) -> None:
    """Refuse a date that is none of these sessions.

    Raises
    ------
    NotASessionError
        With the nearest sessions.
    """
    if pd.Timestamp(day) not in sessions:
        after = int(sessions.searchsorted(pd.Timestamp(day)))
        nearest = " and ".join(f"{session:%Y-%m-%d}" for session in sessions[max(after - 1, 0) : after + 1])
        raise NotASessionError(f"{day} is not a NYSE session; the nearest are {nearest}")


def closed_sessions(sessions: pd.DatetimeIndex, now: datetime) -> list[date]:
    """Return every one of these sessions whose decision time has come at ``now``."""
    closed: list[date] = sessions[decision_times(sessions) <= pd.Timestamp(now)].date.tolist()
    return closed


def decision_times(sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the decision time (17:30 New York, in UTC) of each session; early closes too."""
    return instants(sessions, pd.Timedelta(hours=EVENING.decision.hour, minutes=EVENING.decision.minute))


def instants(days: pd.DatetimeIndex, offset: pd.Timedelta) -> pd.DatetimeIndex:
    """Return the UTC instant at ``offset`` of New York wall-clock time after midnight of each day."""
    return (days + offset).tz_localize(NEW_YORK).tz_convert("UTC")


def decision_time(session: date) -> datetime:
    """Return the decision time of one session, in UTC."""
    return datetime.combine(session, EVENING.decision, NEW_YORK).astimezone(UTC)


def last_calls(days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the last call of each day, in UTC."""
    return instants(days, pd.Timedelta(days=1, hours=EVENING.last_call.hour, minutes=EVENING.last_call.minute))


def last_call(session: date) -> datetime:
    """Return when a session is written with whatever is unknown: 08:00 New York the next day, in UTC."""
    return datetime.combine(session + timedelta(days=1), EVENING.last_call, NEW_YORK).astimezone(UTC)
