"""The breakout from a long base: attempts, confirmations, failures and outcomes, from closes alone.

Every event depends only on closes up to its own session, so one pass over the whole history gives what each
evening would have seen. Sessions whose close is unknown are stepped over: streaks neither grow nor break, and
a deadline that falls on one is judged at the next known close.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.episode import BaseClass, Episode, High
from signals.nine_decimals import Sign, meets
from signals.rules import BREAKOUT, BreakoutRules

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RecordHighs:
    """The known closes and how each stands to the record before it. Arrays share one axis.

    ``ordinal`` counts sessions from the first of the calendar; ``level`` is the highest close before (``-inf``
    on the first); ``level_at`` the position that last closed at it; ``base`` the sessions since.
    """

    ordinal: Ints
    close: Floats
    level: Floats
    level_at: Ints
    base: Ints
    is_high: Bools


def record_highs(close: pd.Series[float]) -> RecordHighs:
    """Compare each known close with the record before it.

    Parameters
    ----------
    close
        Index closes, one row a session of the calendar, NaN where unknown.
    """
    values: Floats = np.asarray(close, dtype=np.float64)
    ordinal = np.flatnonzero(~np.isnan(values))
    known: Floats = values[ordinal]
    level: Floats = np.full_like(known, -np.inf)
    level[1:] = np.maximum.accumulate(known)[:-1]
    position = np.arange(known.size)
    # A tie counts as closing at the record, so it moves the start of the base.
    at_record = np.maximum.accumulate(np.where(known >= level, position, 0))
    level_at = np.zeros_like(at_record)
    level_at[1:] = at_record[:-1]
    is_high = (known > level) & (position > 0)
    return RecordHighs(ordinal, known, level, level_at, ordinal - ordinal[level_at], is_high)


def base_class(base: int, rules: BreakoutRules = BREAKOUT) -> BaseClass | None:
    """Return the class of a base of ``base`` sessions, ``None`` for one too short to have a class."""
    if base >= rules.primary:
        return BaseClass.PRIMARY
    if base >= rules.intermediate:
        return BaseClass.INTERMEDIATE
    if base >= rules.minor:
        return BaseClass.MINOR
    return BaseClass.CONTINUATION if base >= rules.continuation else None


def find_highs(close: pd.Series[float], rules: BreakoutRules = BREAKOUT) -> list[High]:
    """Return the minor and continuation highs: reported as what they are, they start no episode."""
    highs = record_highs(close)
    short = highs.is_high & (highs.base >= rules.continuation) & (highs.base < rules.intermediate)
    calendar = pd.DatetimeIndex(close.index)
    return [
        High(_day(calendar, highs.ordinal[i]), float(highs.close[i]), float(highs.level[i]), int(highs.base[i]), kind)
        for i in np.flatnonzero(short)
        if (kind := base_class(int(highs.base[i]), rules))
    ]


def find_episodes(
    close: pd.Series[float], calendar: pd.DatetimeIndex, rules: BreakoutRules = BREAKOUT
) -> list[Episode]:
    """Return every breakout episode, oldest first.

    Parameters
    ----------
    close
        Index closes, one row a session, NaN where unknown; its index starts where ``calendar`` starts.
    calendar
        All sessions, reaching past the last close, so that a deadline in the future has a date.
    """
    highs = record_highs(close)
    starts = np.flatnonzero(highs.is_high & (highs.base >= rules.intermediate))
    ends = np.append(starts[1:], highs.close.size)[: len(starts)]
    first = int(highs.ordinal[0]) if highs.ordinal.size else 0
    return [
        _Path(highs, int(start), int(end), calendar, rules).episode(first)
        for start, end in zip(starts, ends, strict=True)
    ]


def _day(calendar: pd.DatetimeIndex, ordinal: np.int64 | int) -> date:
    return calendar[int(ordinal)].date()


@dataclass(frozen=True, slots=True)
class _Path:
    """The closes from one attempt (position ``start``) until the next one (``end``, excluded)."""

    highs: RecordHighs
    start: int
    end: int
    calendar: pd.DatetimeIndex
    rules: BreakoutRules

    @property
    def level(self) -> float:
        return float(self.highs.level[self.start])

    def episode(self, first_ordinal: int) -> Episode:
        highs, start = self.highs, self.start
        confirmed, rejected = self._decision()
        failed, warning = self._failure(confirmed)
        lost = failed if failed is not None else rejected
        established = self._established(confirmed, failed)
        level_age = int(highs.ordinal[highs.level_at[start]]) - first_ordinal
        base = int(highs.base[start])
        return Episode(
            attempt=self._date(start),
            close=float(highs.close[start]),
            level=self.level,
            base_sessions=base,
            base_class=BaseClass.PRIMARY if base >= self.rules.primary else BaseClass.INTERMEDIATE,
            level_verified=level_age >= self.rules.unverified_sessions,
            confirm_by=_day(self.calendar, highs.ordinal[start] + self.rules.confirm_within - 1),
            confirmed=self._maybe(confirmed),
            hold_until=self._after_sessions(confirmed, self.rules.hold_sessions),
            warning=self._maybe(warning),
            rejected=self._maybe(rejected),
            failed=self._maybe(failed),
            recovered=self._maybe(self._recovered(lost)),
            established=self._maybe(established),
            ended=self._maybe(self._ended(confirmed, failed, established)),
            end_by=self._after_sessions(established, self.rules.end_after),
            recover_by=self._after_sessions(lost, self.rules.recover_within),
        )

    def _breaks(self, close: float) -> bool:
        return bool(meets(close, Sign.BELOW, self.rules.depth * self.level))

    def _date(self, position: int) -> date:
        return _day(self.calendar, self.highs.ordinal[position])

    def _maybe(self, position: int | None) -> date | None:
        return None if position is None else self._date(position)

    def _after_sessions(self, position: int | None, count: int) -> date | None:
        return None if position is None else _day(self.calendar, self.highs.ordinal[position] + count)

    def _after(self, position: int) -> Iterator[tuple[int, int, float]]:
        """Yield (position, sessions since ``position``, close) of what follows, up to the next attempt."""
        since = self.highs.ordinal - self.highs.ordinal[position]
        for i in range(position + 1, self.end):
            yield i, int(since[i]), float(self.highs.close[i])

    def _decision(self) -> tuple[int | None, int | None]:
        """Return the position of the confirmation and of the rejection; at most one of them is not None."""
        needed = self.level * (1 + self.rules.buffer)
        above = int(meets(float(self.highs.close[self.start]), Sign.ABOVE, needed))
        if above >= self.rules.confirm_closes:
            return self.start, None
        for i, since, close in self._after(self.start):
            above = above + 1 if meets(close, Sign.ABOVE, needed) else 0
            in_time = since < self.rules.confirm_within
            if in_time and above >= self.rules.confirm_closes:
                return i, None
            if self._breaks(close) or since >= self.rules.confirm_within - 1:
                return None, i
        return None, None

    def _failure(self, confirmed: int | None) -> tuple[int | None, int | None]:
        """Return the position of the failure and of the first warning before it."""
        if confirmed is None:
            return None, None
        below, warning = 0, None
        for i, since, close in self._after(confirmed):
            if since > self.rules.hold_sessions:
                break
            below = below + 1 if meets(close, Sign.BELOW, self.level) else 0
            if self._breaks(close) or below >= self.rules.fail_closes:
                return i, warning
            if below >= self.rules.warn_closes and warning is None:
                warning = i
        return None, warning

    def _established(self, confirmed: int | None, failed: int | None) -> int | None:
        if confirmed is None or failed is not None:
            return None
        return next((i for i, since, _ in self._after(confirmed) if since >= self.rules.hold_sessions), None)

    def _recovered(self, lost: int | None) -> int | None:
        if lost is None:
            return None
        within = ((i, since) for i, since, _ in self._after(lost) if self.highs.is_high[i])
        return next((i for i, since in within if since <= self.rules.recover_within), None)

    def _ended(self, confirmed: int | None, failed: int | None, established: int | None) -> int | None:
        if confirmed is None or failed is not None:
            return None
        if established is not None:
            for i, since, close in self._after(established):
                if since >= self.rules.end_after or self._breaks(close):
                    return i
        # A new attempt closes the old episode.
        return self.end if self.end < self.highs.close.size else None
