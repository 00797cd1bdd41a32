"""Chance: random dates are drawn fairly, p is small where something was planted and uniform where nothing was."""

from __future__ import annotations

import os
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest
from statsmodels.stats.multitest import multipletests

from signals.record.inference import holm, median_intervals, random_date_p, random_dates

# ``make statistics`` asks for the whole of it.
SEEDS = int(os.environ.get("STATISTICS_SEEDS", "60"))
DRAWS = int(os.environ.get("STATISTICS_DRAWS", "200"))


def noise(seed: int, dates: int = 3_000, horizon: int = 63) -> tuple[np.ndarray, np.random.Generator]:
    """Return what followed each date of a random walk, overlapping as real outcomes do."""
    random = np.random.default_rng(seed)
    walk = np.cumsum(random.standard_normal(dates + horizon) * 0.01)
    return walk[horizon:] - walk[:-horizon], random


class TestRandomDates:
    @given(st.integers(1, 8), st.integers(1, 40), st.integers(0, 50), st.integers(0, 2**32))
    def test_they_are_ascending_inside_the_era_and_far_enough_apart(
        self, count: int, gap: int, more: int, seed: int
    ) -> None:
        dates = count + (count - 1) * (gap - 1) + more
        drawn = random_dates(np.random.default_rng(seed), dates, count, gap, 20)
        assert drawn.shape == (20, count)
        assert drawn.min() >= 0
        assert drawn.max() < dates
        assert (np.diff(drawn, axis=1) >= gap).all()

    def test_every_choice_is_as_likely_as_any_other(self) -> None:
        dates, count, gap = 9, 3, 2
        possible = [c for c in combinations(range(dates), count) if min(np.diff(c)) >= gap]
        drawn = random_dates(np.random.default_rng(1), dates, count, gap, 20_000)
        seen = Counter(map(tuple, drawn.tolist()))
        assert set(seen) == set(possible)
        assert chisquare([seen[c] for c in possible]).pvalue > 0.001

    def test_more_than_fit_are_refused_with_the_numbers(self) -> None:
        with pytest.raises(ValueError, match="5 dates at least 10 apart do not fit into 40"):
            random_dates(np.random.default_rng(1), 40, 5, 10, 1)


class TestRandomDateP:
    def test_a_planted_effect_has_a_small_p(self) -> None:
        for seed in range(5):
            changes, random = noise(seed)
            chosen = random_dates(random, len(changes), 8, 126, 1)[0]
            changes[chosen] += 0.5
            assert random_date_p(changes, chosen, 999, random) == pytest.approx(1 / 1_000)

    def test_of_pure_noise_it_is_uniform(self) -> None:
        p_values = []
        for seed in range(SEEDS):
            changes, random = noise(seed)
            chosen = random_dates(random, len(changes), 8, 63, 1)[0]
            p_values.append(random_date_p(changes, chosen, DRAWS, random))
        assert kstest(p_values, "uniform").pvalue > 0.01

    def test_it_counts_both_sides(self) -> None:
        changes, random = noise(3)
        chosen = random_dates(random, len(changes), 8, 126, 1)[0]
        for side in (0.5, -0.5):
            shifted = changes.copy()
            shifted[chosen] += side
            p = random_date_p(shifted, chosen, 200, random)
            assert p < 0.02

    def test_it_is_one_when_the_events_are_like_any_date(self) -> None:
        changes, chosen = np.full(1_000, 0.1), np.array([10, 200, 400, 600, 800])
        assert random_date_p(changes, chosen, 100, np.random.default_rng(1)) == 1.0

    def test_it_is_never_zero(self) -> None:
        changes, chosen = np.arange(1_000.0), np.array([995, 996, 997, 998, 999])
        assert random_date_p(changes, chosen, 100, np.random.default_rng(1)) == pytest.approx(1 / 101)

    @given(st.sets(st.integers(0, 399), min_size=2, max_size=30), st.integers(0, 2**32))
    @settings(max_examples=30)
    def test_the_events_own_spacing_always_fits(self, chosen: set[int], seed: int) -> None:
        changes = np.random.default_rng(seed).standard_normal(400)
        p = random_date_p(changes, np.array(sorted(chosen)), 20, np.random.default_rng(seed))
        assert 1 / 21 - 1e-12 <= p <= 1.0

    def test_random_dates_keep_the_events_own_spacing(self) -> None:
        # Nine dates, three events at least three apart: every such choice by hand, against what is drawn.
        changes, chosen = np.array([0.0, 0, 0, 4, 5, 8, 6, 5, 4]), np.array([1, 4, 7])
        base = np.median(changes)
        possible = [c for c in combinations(range(9), 3) if min(np.diff(c)) >= 3]
        far = [abs(np.median(changes[list(c)]) - base) >= abs(np.median(changes[chosen]) - base) for c in possible]
        p = random_date_p(changes, chosen, 20_000, np.random.default_rng(1))
        assert p == pytest.approx(np.mean(far), abs=0.02)
        unspaced = [abs(np.median(changes[list(c)]) - base) for c in combinations(range(9), 3)]
        assert abs(np.mean(np.array(unspaced) >= abs(np.median(changes[chosen]) - base)) - np.mean(far)) > 0.05

    def test_the_same_seed_gives_the_same_p(self) -> None:
        changes, _ = noise(5)
        chosen = np.array([100, 500, 900, 1_400, 2_000])
        first, second = (random_date_p(changes, chosen, 300, np.random.default_rng(9)) for _ in range(2))
        assert first == second


class TestMedianIntervals:
    def test_it_covers_the_median_of_what_it_was_drawn_from_about_as_often_as_it_says(self) -> None:
        covered = 0
        for seed in range(40):
            random = np.random.default_rng(seed)
            changes = random.standard_normal(2_000)
            events = np.sort(random.choice(2_000, 25, replace=False))
            (interval,) = median_intervals(changes, [events], 21, 200, seed)
            assert interval is not None
            covered += interval[0] <= 0.0 <= interval[1]
        # 95 % of forty with room for chance and for the small sample.
        assert 32 <= covered <= 40

    def test_it_holds_the_events_own_median(self) -> None:
        changes, _ = noise(4)
        events = np.array([100, 700, 1_300, 1_900, 2_500])
        (interval,) = median_intervals(changes, [events], 63, 300, 1)
        assert interval is not None
        assert interval[0] <= float(np.median(changes[events])) <= interval[1]

    def test_each_group_has_its_own(self) -> None:
        changes = np.concatenate((np.zeros(500), np.ones(500)))
        low, high = median_intervals(changes, [np.arange(0, 500, 50), np.arange(500, 1_000, 50)], 5, 100, 1)
        assert low == (0.0, 0.0)
        assert high == (1.0, 1.0)

    def test_longer_blocks_widen_it_where_neighbours_are_alike(self) -> None:
        changes = np.repeat(np.random.default_rng(2).standard_normal(40), 50)
        events = np.arange(0, 2_000, 5)
        short, long = (median_intervals(changes, [events], block, 300, 1)[0] for block in (1, 50))
        assert short is not None
        assert long is not None
        assert long[1] - long[0] > 2 * (short[1] - short[0])


class TestHolm:
    def test_by_hand(self) -> None:
        # Sorted 0.01, 0.02, 0.03, 0.5: times 4, 3, 2, 1, and never less than the one before.
        assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])

    def test_it_is_what_statsmodels_says(self) -> None:
        p_values = np.random.default_rng(1).random(50) ** 3
        assert holm(p_values.tolist()) == pytest.approx(multipletests(p_values, method="holm")[1])

    def test_one_alone_is_itself(self) -> None:
        assert holm([0.2]) == [0.2]

    def test_none_is_none(self) -> None:
        assert holm([]) == []

    @given(st.lists(st.floats(0.0001, 1.0), min_size=1, max_size=20))
    def test_it_only_ever_raises_p_and_keeps_the_order(self, p_values: list[float]) -> None:
        adjusted = holm(p_values)
        assert all(a >= p - 1e-12 and a <= 1.0 for a, p in zip(adjusted, p_values, strict=True))
        order = np.argsort(p_values, kind="stable")
        assert (np.diff(np.array(adjusted)[order]) >= -1e-12).all()
