"""Every series aligned to sessions by the instant it was public: the only place where time is aligned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.data.adjust import Closes, adjusted_close
from signals.data.plausible import implausible_steps
from signals.data.release import Timetable, day_numbers, lateness
from signals.data.series import SERIES, Days
from signals.data.sessions import decision_times
from signals.data.vintages import Archive
from signals.model import Freshness
from signals.rules import GATE

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

OK, LATE, STALE, INVALID, NEVER_HAD = range(5)
STATUSES = (Freshness.OK, Freshness.LATE, Freshness.STALE, Freshness.INVALID, Freshness.NEVER_HAD)
"""What a status says. A figure may be used where ``status <= LATE``; states follow it only where it is OK."""


@dataclass(frozen=True)
class Alignment:
    """Observations as sessions saw them.

    Attributes
    ----------
    dates
        Of the observations, ascending.
    position
        Per session the position of the newest public one, -1 before the first.
    overdue
        Per session 0, or for how many sessions (weekly series: days) the next one has been missing.
    late_for
        Up to how much of that the newest one is still used.
    """

    dates: pd.DatetimeIndex
    position: Ints
    overdue: Ints
    late_for: int

    @cached_property
    def status(self) -> Ints:
        """Per session OK, LATE, STALE or NEVER_HAD: by age alone, whatever the figure."""
        aged = np.where(self.overdue == 0, OK, np.where(self.overdue <= self.late_for, LATE, STALE))
        return np.where(self.position < 0, NEVER_HAD, aged)

    @cached_property
    def days(self) -> npt.NDArray[np.datetime64]:
        """The dates as NumPy days: ``.item(i)`` is a ``date``."""
        return self.dates.to_numpy().astype("datetime64[D]")

    def day(self, session: int) -> date | None:
        """Return the date of the newest observation on the session at a position."""
        at = self.position.item(session)
        return None if at < 0 else as_date(self.days, at)

    def on_sessions(self, values: npt.ArrayLike, worst: int = LATE) -> Floats:
        """Return per session the newest of ``values``, one an observation; NaN where the status is worse."""
        figures = floats(values)
        if not len(figures):
            return np.full(len(self.position), np.nan)
        return np.where(self.status <= worst, figures[np.maximum(self.position, 0)], np.nan)


@dataclass(frozen=True)
class Panel:
    """The archive as each session saw it.

    Attributes
    ----------
    calendar
        All sessions from the first observation on, past and future. ``sessions`` is its beginning, up to the last one
        evaluated, ``decided`` their decision times.
    alignments
        Per series, which observation was the newest on each session, and how late the next one was.
    """

    archive: Archive
    calendar: pd.DatetimeIndex
    sessions: pd.DatetimeIndex
    decided: pd.DatetimeIndex
    timetable: Timetable
    alignments: dict[str, Alignment]
    _aligned: dict[tuple[Any, ...], Alignment] = field(default_factory=dict, repr=False)

    @cached_property
    def days(self) -> list[date]:
        """The sessions as dates."""
        return list(self.sessions.to_numpy().astype("datetime64[D]").tolist())

    @cached_property
    def _positions(self) -> dict[date, int]:
        return {day: position for position, day in enumerate(self.days)}

    def position(self, session: date) -> int:
        """Return the position of a session.

        Raises
        ------
        KeyError
            When the date is no session of the panel.
        """
        return self._positions[session]

    def without(self, key: str, sessions: pd.DatetimeIndex) -> Panel:
        """Return a panel in which a series has no figure on some sessions; its age stays what it was."""
        frame = self.archive[key]
        return replace(self, archive={**self.archive, key: frame[~frame.index.isin(sessions)]})

    def field(self, key: str, field: str) -> pd.Series[float]:
        """Return a field on the very sessions it was observed on, NaN elsewhere."""
        frame = self.archive.get(key)
        if frame is None:
            return pd.Series(np.nan, index=self.sessions)
        return frame[field].reindex(self.sessions)

    def close(self, key: str) -> pd.Series[float]:
        """Return closes as traded; never a dividend-adjusted one, never carried forward."""
        return self.field(key, "value")

    def adjusted(self, key: str, *, carried: bool = True) -> pd.Series[float]:
        """Return dividend-adjusted closes, carried over a gap as long as a late series may be used."""
        if key not in self.archive:
            return pd.Series(np.nan, index=self.sessions)
        if (key, carried) not in self._adjusted_on_sessions:
            closes = self.adjusted_closes(key).reindex(self.sessions)
            self._adjusted_on_sessions[key, carried] = closes.ffill(limit=GATE.late_sessions) if carried else closes
        return self._adjusted_on_sessions[key, carried]

    def adjusted_closes(self, key: str) -> pd.Series[float]:
        """Return dividend-adjusted closes on the dates observed."""
        if key not in self._adjusted:
            frame = self.archive[key]
            # A newest bar that is not to be believed shows no step.
            doubted = frame["doubted"].to_numpy(dtype=bool)
            closes = adjusted_close(frame)
            self._adjusted[key] = closes.where(~doubted) if doubted.any() else closes
        return self._adjusted[key]

    def far_moves(self, key: str) -> Bools:
        """Return which bars of a series cannot follow the one before, by position (see ``signals.data.plausible``)."""
        if key not in self._far_moves:
            self._far_moves[key] = implausible_steps(SERIES[key], Closes.of(self.archive[key]))
        return self._far_moves[key]

    @cached_property
    def _far_moves(self) -> dict[str, Bools]:
        return {}

    @cached_property
    def _adjusted(self) -> dict[str, pd.Series[float]]:
        return {}

    @cached_property
    def _adjusted_on_sessions(self) -> dict[tuple[str, bool], pd.Series[float]]:
        return {}

    def align(self, observed: pd.Index, keys: Iterable[str], days: Days, ended: date | None = None) -> Alignment:
        """Align observations made of several series: public when the last of them is."""
        clocks = tuple(dict.fromkeys(SERIES[key].clock for key in keys))
        numbers = day_numbers(observed)
        same = (numbers.tobytes(), clocks, days, ended)
        if same not in self._aligned:
            sessions = day_numbers(self.sessions)
            last = sessions[-1] if ended is None else min(sessions[-1], day_numbers(pd.DatetimeIndex([ended]))[0])
            found = lateness(self.timetable, numbers, clocks, days, self.decided.asi8, sessions, last)
            late_for = GATE.late_days if days.is_weekly else GATE.late_sessions
            self._aligned[same] = Alignment(pd.DatetimeIndex(observed), *found, late_for)
        return self._aligned[same]


def as_date(days: npt.NDArray[np.datetime64], at: int) -> date:
    """Return the date at a position of NumPy days."""
    day = days.item(at)
    assert isinstance(day, date)
    return day


def floats(values: npt.ArrayLike) -> Floats:
    """Return figures as an array."""
    return np.asarray(values, dtype=np.float64)


def align(archive: Archive, calendar: pd.DatetimeIndex, through: date) -> Panel:
    """Align an archive to all sessions from its first observation through ``through``.

    An observation counts for a session when its release clock puts it at or before the decision time.
    """
    filled = {key: frame for key, frame in archive.items() if len(frame)}
    first = min((frame.index[0] for frame in filled.values()), default=calendar[0])
    calendar = calendar[calendar >= first]
    sessions = calendar[calendar <= pd.Timestamp(through)]
    decided = decision_times(sessions)
    newest_decision = int(decided.asi8[-1]) if len(decided) else 0
    ends = [frame.index[-1] for frame in filled.values()]
    timetable = Timetable(first, max([*ends, *sessions[-1:]], default=first), calendar)
    panel = Panel({}, calendar, sessions, decided, timetable, {})
    seen: dict[str, pd.DataFrame] = {}
    alignments: dict[str, Alignment] = {}
    for key, frame in filled.items():
        series, days = SERIES[key], day_numbers(frame.index)
        counted = timetable.public_at(days, (series.clock,)) <= newest_decision
        if series.days is Days.SESSION:
            # A day that was taken out of the calendar has no bar, whatever a source says of it.
            counted &= np.isin(days, timetable.expected(Days.SESSION))
        known = frame if counted.all() else frame[counted]
        if len(known):
            seen[key] = known
            alignments[key] = panel.align(known.index, [key], series.days, series.ended)
    return replace(panel, archive=seen, alignments=alignments)
