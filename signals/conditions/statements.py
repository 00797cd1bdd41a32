"""Statements that are on, off or unknown, as arrays over sessions; how unknown ones are counted, once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from signals.conditions.rows import optional
from signals.model import Check

# A state is a float series: 1.0 on, 0.0 off, NaN unknown.


@dataclass(frozen=True)
class Statement:
    """One measured statement over all sessions: its state, its value, and the threshold between them."""

    key: str
    state: pd.Series[float]
    value: pd.Series[float]
    threshold: float
    parts: tuple[Statement, ...] = ()

    @cached_property
    def _rows(self) -> tuple[list[bool | None], list[float | None]]:
        passed = [None if on is None else bool(on) for on in optional(self.state)]
        values = optional(self.value)
        return passed, values

    def check(self, at: int) -> Check:
        """Return the statement as it stood on the session at a position."""
        passed, values = self._rows
        return Check(self.key, passed[at], values[at], self.threshold, tuple(part.check(at) for part in self.parts))


def state(statement: pd.Series[bool], *inputs: pd.Series[float]) -> pd.Series[float]:
    """Return the statement as a state, unknown wherever one of its inputs is."""
    known = np.logical_and.reduce([series.notna().to_numpy() for series in inputs])
    return statement.astype(float).where(known)


def above_mean(ratio: pd.Series[float], sessions: int) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return whether a series is above its mean of ``sessions``, and by what fraction."""
    mean = ratio.rolling(sessions).mean()
    return state(ratio > mean, ratio, mean), ratio / mean - 1


def sessions_since_high(ratio: pd.Series[float], sessions: int) -> pd.Series[float]:
    """Return how many sessions ago a series last was at its high of ``sessions`` (0: now, inf: never)."""
    at_high = (ratio >= ratio.rolling(sessions).max()).to_numpy()
    position = np.arange(len(ratio), dtype=float)
    last = np.maximum.accumulate(np.where(at_high, position, -np.inf)) if len(ratio) else position
    measurable = ratio.notna() & (ratio.notna().cumsum() >= sessions)
    return pd.Series(position - last, index=ratio.index).where(measurable)


def votes(
    states: pd.DataFrame,
    *,
    least_on: int | None = None,
    share_on: float | None = None,
    least_counted: int = 1,
) -> pd.Series[float]:
    """Count states: on when enough are on, off when they cannot be, unknown when a missing one decides.

    Parameters
    ----------
    states
        Sessions × statements. Until a statement could first be measured it is left out of the count; afterwards
        an unknown one is tried both ways.
    least_on, share_on
        How many must be on, or which share of those counted.
    least_counted
        With fewer than this many counted the answer is unknown.
    """
    had = states.notna().cummax()
    on = (states == 1.0).sum(axis=1)
    missing = (had & states.isna()).sum(axis=1)
    counted = had.sum(axis=1)
    needed = pd.Series(least_on, index=states.index) if share_on is None else share_on * counted
    result = pd.Series(np.nan, index=states.index)
    result[on >= needed] = 1.0
    result[on + missing < needed] = 0.0
    return result.where(counted >= max(least_counted, least_on or 0))
