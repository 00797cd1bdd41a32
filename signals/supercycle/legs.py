"""Up-legs of an index: found from closes up to each day, so that no baseline knows what came later."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from signals.nine_decimals import Sign, meets

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Legs:
    """Up-legs between corrections, by position.

    Attributes
    ----------
    age
        Observations since the trough the current leg began at; NaN while none is under way.
    median, rank
        Median length of the legs completed so far, and the share of them the current one has outlived.
    completed
        How many have been completed so far.
    """

    age: Floats
    median: Floats
    rank: Floats
    completed: npt.NDArray[np.int64]


def up_legs(closes: Floats, correction: float) -> Legs:
    """Follow the up-legs of ``closes``.

    A leg begins at the trough of a drawdown of at least ``correction`` (a fraction), once the close is that much
    above it; it ends at its highest close, once the close is that much below it.
    """
    lengths: list[int] = []
    ended_at: list[int] = []
    starts: list[float] = []
    began = np.nan
    rising, high, low = True, 0, 0
    # Plain numbers compare many times faster than an array's, one by one.
    values: list[float] = closes.tolist()
    for i, close in enumerate(values):
        if rising:
            high = i if close >= values[high] else high
            if meets(1 - close / values[high], Sign.AT_LEAST, correction):
                if not np.isnan(began):
                    lengths.append(high - int(began))
                    ended_at.append(i)
                rising, began, low = False, np.nan, i
        else:
            low = i if close <= values[low] else low
            if meets(close / values[low] - 1, Sign.AT_LEAST, correction):
                rising, began, high = True, float(low), i
        starts.append(began)
    age: Floats = np.arange(len(closes), dtype=np.float64) - np.array(starts, dtype=np.float64)
    completed = np.searchsorted(ended_at, np.arange(len(closes)), side="right")
    median, rank = np.full(len(closes), np.nan), np.full(len(closes), np.nan)
    # Between two completed legs the baseline stays the same.
    for count, (start, end) in enumerate(pairwise([*ended_at, len(closes)]), 1):
        so_far = np.sort(lengths[:count])
        median[start:end] = np.median(so_far)
        rank[start:end] = np.searchsorted(so_far, age[start:end], side="left") / count
    return Legs(age, median, np.where(np.isnan(age), np.nan, rank), completed)
