"""Up-legs and drawdowns of an index: found from closes up to each day, so that no baseline knows what came later."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

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
    # Rounding costs more than all the rest: only what is near the limit is rounded.
    near = correction - 1e-8
    for i, close in enumerate(closes.tolist()):
        if rising:
            high = i if close >= closes[high] else high
            if (fall := 1 - close / closes[high]) >= near and round(fall, 9) >= correction:
                if not np.isnan(began):
                    lengths.append(high - int(began))
                    ended_at.append(i)
                rising, began, low = False, np.nan, i
        else:
            low = i if close <= closes[low] else low
            if (rise := close / closes[low] - 1) >= near and round(rise, 9) >= correction:
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


@dataclass(frozen=True, slots=True)
class Drawdowns:
    """Drawdowns from record closes, as known on each position.

    ``worst_depth`` and ``worst_length`` are those of the drawdowns open at any time in the last ``year``; the
    quartiles are of those completed so far. Depths are positive fractions, lengths observations from the record.
    """

    worst_depth: Floats
    worst_length: Floats
    depth_quartile: Floats
    length_quartile: Floats
    completed: npt.NDArray[np.int64]


def drawdowns(closes: Floats, least: float, year: int) -> Drawdowns:
    """Follow every drawdown of at least ``least`` (a fraction), from the record close it fell from to the next."""
    count = len(closes)
    at_record = closes >= np.maximum.accumulate(closes) if count else np.zeros(0, dtype=bool)
    worst = np.zeros((2, count))
    quartiles = np.full((2, count), np.nan)
    completed = np.zeros(count, dtype=np.int64)
    done: list[tuple[float, float]] = []
    starts = np.append(np.flatnonzero(at_record), count)
    for start, following in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        if following - start < 2:
            continue
        depth = np.maximum.accumulate(np.round(1 - closes[start:following] / closes[start], 9))
        open_at = np.flatnonzero(depth >= least)
        if not len(open_at):
            continue
        span = np.arange(start + open_at[0], min(following + year - 1, count))
        inside = np.minimum(span - start, following - start - 1)
        worst[0, span] = np.maximum(worst[0, span], depth[inside])
        worst[1, span] = np.maximum(worst[1, span], np.minimum(span, following) - start)
        if following < count:
            done.append((float(depth[-1]), float(following - start)))
            quartiles[:, following:] = np.quantile(np.array(done), 0.75, axis=0)[:, None]
            completed[following:] = len(done)
    return Drawdowns(worst[0], worst[1], quartiles[0], quartiles[1], completed)
