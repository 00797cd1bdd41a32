"""Every series aligned to sessions by the instant it was public: the only place where time is aligned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.data.adjust import adjusted_close
from signals.data.release import available_at, lateness
from signals.data.series import SERIES, Days
from signals.data.sessions import decision_times
from signals.data.vintages import Archive
from signals.rules import GATE

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
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

    @property
    def fresh(self) -> npt.NDArray[np.bool_]:
        """Where the newest expected observation is there."""
        return np.asarray((self.position >= 0) & (self.overdue == 0), dtype=np.bool_)

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Where the newest observation is there or late, not stale."""
        return np.asarray((self.position >= 0) & (self.overdue <= self.late_for), dtype=np.bool_)


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
    alignments: dict[str, Alignment]

    @cached_property
    def days(self) -> list[date]:
        """The sessions as dates."""
        return [session.date() for session in self.sessions]

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
        closes = self.adjusted_closes(key).reindex(self.sessions)
        return closes.ffill(limit=GATE.late_sessions) if carried else closes

    def adjusted_closes(self, key: str) -> pd.Series[float]:
        """Return dividend-adjusted closes on the dates observed."""
        if key not in self._adjusted:
            self._adjusted[key] = adjusted_close(self.archive[key])
        return self._adjusted[key]

    @cached_property
    def _adjusted(self) -> dict[str, pd.Series[float]]:
        return {}

    def align(
        self, observed: pd.DatetimeIndex, keys: Iterable[str], days: Days, ended: date | None = None
    ) -> Alignment:
        """Align observations made of several series: public when the last of them is."""
        clocks = [SERIES[key].clock for key in keys]
        public = np.maximum.reduce([available_at(clock, observed).asi8 for clock in clocks])
        available = pd.DatetimeIndex(public.view("datetime64[us]")).tz_localize("UTC")
        position, overdue = lateness(observed, available, clocks, days, self.sessions, self.decided, ended)
        return Alignment(observed, position, overdue, GATE.late_days if days.is_weekly else GATE.late_sessions)


def align(archive: Archive, calendar: pd.DatetimeIndex, through: date) -> Panel:
    """Align an archive to all sessions from its first observation through ``through``.

    An observation counts for a session when its release clock puts it at or before the decision time.
    """
    calendar = calendar[
        calendar >= min((frame.index[0] for frame in archive.values() if len(frame)), default=calendar[0])
    ]
    sessions = calendar[calendar <= pd.Timestamp(through)]
    decided = decision_times(sessions)
    panel = Panel({}, calendar, sessions, decided, {})
    seen: dict[str, pd.DataFrame] = {}
    alignments: dict[str, Alignment] = {}
    for key, frame in archive.items():
        series = SERIES[key]
        public = available_at(series.clock, pd.DatetimeIndex(frame.index))
        known = frame[public <= decided[-1]] if len(decided) else frame.iloc[:0]
        if len(known):
            seen[key] = known
            alignments[key] = panel.align(pd.DatetimeIndex(known.index), [key], series.days, series.ended)
    return replace(panel, archive=seen, alignments=alignments)
