"""How far chance alone would go: random dates, resampled dates, p-values shown together. The arithmetic is SciPy's."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np
from arch.bootstrap import StationaryBootstrap
from scipy.stats import monte_carlo_test

from signals.data.panel import Ints
from signals.record.prices import Floats
from signals.rules import RECORD


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values shown together, each adjusted by Holm's step-down for how many there are."""
    # SciPy has none, and statsmodels' collects the process' garbage on every call.
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))), 1.0)
    return [float(x) for x in adjusted]


def random_dates(random: np.random.Generator, dates: int, count: int, gap: int, draws: int) -> Ints:
    """Draw ``count`` of ``dates`` positions, no two closer than ``gap``, every such choice as likely as any other.

    Returns
    -------
    Ints
        One row a draw, ascending.

    Raises
    ------
    ValueError
        When so many do not fit.
    """
    free = dates - (count - 1) * (gap - 1)
    if free < count:
        raise ValueError(f"{count} dates at least {gap} apart do not fit into {dates}")
    # Floyd's sampling without replacement, all draws at once; the gaps are put between afterwards.
    chosen = np.full((draws, count), -1, dtype=np.int64)
    for column, last in enumerate(range(free - count, free)):
        position = random.integers(0, last + 1, size=draws)
        taken = (chosen[:, :column] == position[:, None]).any(axis=1)
        chosen[:, column] = np.where(taken, last, position)
    return np.asarray(np.sort(chosen, axis=1) + np.arange(count) * (gap - 1))


def random_date_p(changes: Floats, chosen: Ints, draws: int, random: np.random.Generator) -> float:
    """Return how often random dates have a median at least as far from that of all dates as the events' dates have.

    Parameters
    ----------
    changes
        What followed each date of the era, by position; only known ones.
    chosen
        The events' positions, ascending. Random dates are no closer to each other than the closest two of them.

    Returns
    -------
    float
        Two-sided, (1 + draws as far) / (1 + draws).
    """
    base, count, gap = np.median(changes), len(chosen), int(np.diff(chosen).min(initial=len(changes)))

    def distance(values: Floats, axis: int = -1) -> Floats:
        return np.asarray(np.abs(np.median(values, axis=axis) - base))

    def drawn(*, size: tuple[int, ...]) -> Floats:
        return np.asarray(changes[random_dates(random, len(changes), count, gap, size[0])])

    outcome = monte_carlo_test(
        changes[chosen], drawn, distance, vectorized=True, n_resamples=draws, alternative="greater"
    )
    return float(outcome.pvalue)


def median_intervals(
    changes: Floats, events: Sequence[Ints], block: int, resamples: int, seed: int
) -> list[tuple[float, float] | None]:
    """Return for each group of events the interval of their median change, by stationary block bootstrap.

    Dates are resampled in runs whose mean length is ``block``, because neighbouring dates share what follows them;
    each resample's median is over whatever events fell into it.
    """
    eventful = np.zeros(len(changes), dtype=bool)
    groups = np.zeros((len(events), len(changes)), dtype=bool)
    for group, positions in zip(groups, events, strict=True):
        group[positions] = True
        eventful[positions] = True

    def medians(resampled: Ints) -> Floats:
        inside = resampled[eventful[resampled]]
        # Of a handful of figures at a time, thousands of times over: the plain median is several times as fast.
        own = (changes[inside[group[inside]]].tolist() for group in groups)
        return np.array([median(figures) if figures else np.nan for figures in own])

    bootstrap = StationaryBootstrap(block, np.arange(len(changes)), seed=np.random.default_rng(seed))
    found = bootstrap.apply(medians, resamples)
    tail = (1 - RECORD.confidence) / 2
    return [_interval(column[~np.isnan(column)], tail) for column in found.T]


def _interval(values: Floats, tail: float) -> tuple[float, float] | None:
    if not len(values):
        return None
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
