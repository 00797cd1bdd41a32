"""Every series aligned to sessions by the instant it was public: the only place where time is aligned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from signals.adjust import adjusted_close
from signals.rules import GATE
from signals.series import SERIES
from signals.sessions import available_at, decision_times
from signals.vintages import Archive


@dataclass(frozen=True)
class Panel:
    """The archive as each session saw it.

    Attributes
    ----------
    calendar
        All sessions, past and future. ``sessions`` is its beginning, up to the last one evaluated.
    age
        Sessions × series: how many sessions old the newest public observation was; NaN before the first.
    """

    archive: Archive
    calendar: pd.DatetimeIndex
    sessions: pd.DatetimeIndex
    age: pd.DataFrame

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
        frame = self.archive.get(key)
        if frame is None:
            return pd.Series(np.nan, index=self.sessions)
        closes = adjusted_close(frame).reindex(self.sessions)
        return closes.ffill(limit=GATE.late_sessions) if carried else closes


def align(archive: Archive, calendar: pd.DatetimeIndex, through: date) -> Panel:
    """Align an archive to all sessions from the calendar's first through ``through``.

    An observation counts for a session when its release clock puts it at or before the decision time.
    """
    sessions = calendar[calendar <= pd.Timestamp(through)]
    decided = decision_times(sessions)
    seen: dict[str, pd.DataFrame] = {}
    ages: dict[str, pd.Series[float]] = {}
    for key, frame in archive.items():
        public = available_at(SERIES[key].clock, pd.DatetimeIndex(frame.index))
        known = frame[public <= decided[-1]] if len(decided) else frame.iloc[:0]
        if not len(known):
            continue
        seen[key] = known
        position = np.searchsorted(public.asi8, decided.asi8, side="right") - 1
        newest = calendar.get_indexer(pd.DatetimeIndex(frame.index)[np.maximum(position, 0)])
        age = np.where(position >= 0, np.arange(len(sessions)) - newest, np.nan)
        ages[key] = pd.Series(age, index=sessions)
    return Panel(seen, calendar, sessions, pd.DataFrame(ages, index=sessions))
