"""What somebody watches a price for, judged on its closed bars: a record after a base, or a level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from signals.breakout.episodes import find_episodes
from signals.nine_decimals import Sign, meets

# So far in the future an episode's dates may lie, in bars.
_AHEAD = 400
_NEVER = pd.DatetimeIndex([])


@dataclass(frozen=True, slots=True)
class Firing:
    """The bar on which what was watched for happened. ``level`` is the one it closed beyond, ``base`` is in bars."""

    on: date
    close: float
    level: float
    base: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """How a watch stands after the newest bar: whether it is armed, and the last time it fired since it was judged."""

    armed: bool
    fired: Firing | None


def judge_record(closes: pd.Series[float], through: date) -> Judged:
    """Look for a record close after a base, on bars after ``through``: the attempt of a breakout.

    By the same rule it is armed again: after a base without a record, however long that takes.

    Parameters
    ----------
    closes
        The whole history, one row a bar, at least one, ascending, none of them NaN.
    """
    bars = pd.DatetimeIndex(closes.index)
    ahead = pd.date_range(bars[-1], periods=_AHEAD + 1, freq="D", unit="us")[1:]
    attempts = [e for e in find_episodes(closes, pd.DatetimeIndex([*bars, *ahead])) if e.attempt > through]
    if not attempts:
        return Judged(True, None)
    last = attempts[-1]
    return Judged(True, Firing(last.attempt, last.close, last.level, last.base_sessions))


def judge_level(
    closes: pd.Series[float],
    through: date,
    side: Sign,
    level: float,
    *,
    armed: bool,
    rebased: pd.DatetimeIndex = _NEVER,
) -> Judged:
    """Look for a close beyond a level on bars after ``through``; it is armed again once one is not beyond it.

    On a day of ``rebased`` it does not fire: a split, and no trade, may have brought the price there.
    """
    fired: Firing | None = None
    for day, close in closes[closes.index > pd.Timestamp(through)].items():
        beyond = bool(meets(float(close), side, level))
        if beyond and armed and day not in rebased:
            fired = Firing(pd.Timestamp(str(day)).date(), float(close), level)
        armed = not beyond
    return Judged(armed, fired)
