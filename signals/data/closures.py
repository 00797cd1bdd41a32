"""Days on which the exchange was closed and the library's calendar does not know it, as a day of mourning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import numpy as np
import pandas as pd

from signals.data.panel import Bools
from signals.data.series import SECTORS
from signals.data.sessions import last_call
from signals.data.vintages import Archive
from signals.rules import GATE


def without(sessions: pd.DatetimeIndex, closed: Iterable[date]) -> pd.DatetimeIndex:
    """Return a calendar less the days on which the exchange was closed."""
    return sessions.difference(pd.DatetimeIndex([*closed]).as_unit("us"))


@dataclass(frozen=True)
class Bars:
    """On which sessions of a calendar there are bars of what trades on each of them."""

    archive: Archive
    sessions: pd.DatetimeIndex

    @cached_property
    def closures(self) -> list[date]:
        """The sessions that were none.

        Bars of later ones are there, and its own are missing from ^RUT, IWM and SPY, as far as they had begun, and
        from enough of the sectors that have earlier bars and later ones.
        """
        begun, goes_on = _begun(self._blocking), _goes_on(self._blocking)
        sectors = _begun(self._sectors) & _goes_on(self._sectors) & ~self._sectors
        closed = self._is_empty & (goes_on | ~begun).all(axis=0) & (sectors.sum(axis=0) >= GATE.closed_sectors)
        days: list[date] = self.sessions[closed].date.tolist()
        return days

    def is_doubtful(self, session: date, now: datetime) -> bool:
        """Return whether a session may yet turn out to have been none: without a bar, until it can be told."""
        at = int(self.sessions.searchsorted(pd.Timestamp(session)))
        if not self._is_empty[at]:
            return False
        later = np.flatnonzero(self._blocking[:, at + 1 :].any(axis=0))
        if not len(later):
            return True
        lacking = (_begun(self._sectors) & ~self._sectors)[:, at].sum()
        following = self.sessions[at + 1 + int(later[0])].date()
        return bool(lacking >= GATE.closed_sectors) and now < last_call(following)

    @cached_property
    def _is_empty(self) -> Bools:
        """The sessions without a bar of ^RUT, IWM and SPY, of which at least one had begun."""
        return np.asarray(_begun(self._blocking).any(axis=0) & ~self._blocking.any(axis=0))

    @cached_property
    def _blocking(self) -> Bools:
        return self._of(GATE.blocking)

    @cached_property
    def _sectors(self) -> Bools:
        return self._of(SECTORS)

    def _of(self, keys: Iterable[str]) -> Bools:
        """Return one row a series, one column a session: whether there is a bar."""
        there = [self.sessions.isin(self.archive[key].index) for key in keys if key in self.archive]
        return np.array(there, dtype=np.bool_).reshape(len(there), len(self.sessions))


def _begun(bars: Bools) -> Bools:
    return np.logical_or.accumulate(bars, axis=1)


def _goes_on(bars: Bools) -> Bools:
    return np.logical_or.accumulate(bars[:, ::-1], axis=1)[:, ::-1]
