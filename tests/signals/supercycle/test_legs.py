"""Up-legs and drawdowns against a search that looks at every day afresh."""

from __future__ import annotations

from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.supercycle.legs import Drawdowns, Floats, Legs, drawdowns, up_legs
from tests.signals.conditions.figures import NAN

walks = st.builds(
    lambda seed, count: np.round(100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.03, count))), 2),
    st.integers(0, 100_000),
    st.integers(1, 150),
)


def legs(*closes: float) -> Legs:
    return up_legs(np.array(closes, dtype=float), 0.10)


def falls(*closes: float, year: int = 252, least: float = 0.05) -> Drawdowns:
    return drawdowns(np.array(closes, dtype=float), least, year)


def turns(closes: list[float]) -> tuple[list[int], int | None]:
    """Return the lengths of the legs that have ended by the last close, and the age of one under way."""
    lengths: list[int] = []
    trough: int | None = None
    start = 0  # where the search for the next turn begins
    while True:
        # The next correction: the first close 10 % under the highest one since ``start``.
        seen = range(start, len(closes))
        down = next((i for i in seen if closes[i] <= max(closes[start : i + 1]) * 0.9), None)
        if down is None:
            return lengths, None if trough is None else len(closes) - 1 - trough
        peak = max(range(start, down), key=lambda i: (closes[i], i))
        if trough is not None:
            lengths.append(peak - trough)
        up = next((i for i in range(down, len(closes)) if closes[i] >= min(closes[down : i + 1]) * 1.1), None)
        if up is None:
            return lengths, None
        trough = min(range(down, up), key=lambda i: (closes[i], -i))
        start = up


def open_falls(closes: list[float], least: float) -> list[tuple[int, int, int]]:
    """Return per drawdown the record it fell from, the day it was ``least`` deep, and the day it ended."""
    found = []
    for i, close in enumerate(closes):
        if close < max(closes[: i + 1]):
            continue
        end = next((j for j in range(i + 1, len(closes)) if closes[j] >= close), len(closes))
        deep = next((j for j in range(i + 1, end) if 1 - closes[j] / close >= least), None)
        if deep is not None:
            found.append((i, deep, end))
    return found


class TestUpLegs:
    def test_before_a_correction_there_is_no_leg(self) -> None:
        assert np.isnan(legs(100, 110, 120, 130).age).all()

    def test_a_leg_is_counted_from_its_trough_once_the_close_is_a_tenth_above_it(self) -> None:
        assert list(np.nan_to_num(legs(100, 80, 85, 87, 89, 95).age, nan=-1)) == [-1, -1, -1, -1, 3, 4]

    def test_it_ends_at_its_highest_close_once_the_close_is_a_tenth_below_it(self) -> None:
        found = legs(100, 80, 90, 120, 115, 107)
        assert list(found.completed) == [0, 0, 0, 0, 0, 1]
        assert found.median[-1] == 2
        assert np.isnan(found.age[-1])

    def test_exactly_a_tenth_down_is_a_correction(self) -> None:
        assert legs(100, 90, 80, 90).age[-1] == 1
        assert legs(100, 90, 99.5).age[-1] == 1
        assert np.isnan(legs(100, 90.01, 99.5).age[-1])

    @pytest.mark.parametrize(("low", "high"), [(80, 88), (90, 99), (70, 77), (60, 66)])
    def test_exactly_a_tenth_up_is_a_leg(self, low: float, high: float) -> None:
        assert legs(100, low, high).age[-1] == 1
        assert np.isnan(legs(100, low, high - 0.01).age[-1])

    def test_the_rank_is_the_share_of_legs_outlived(self) -> None:
        # Legs of 1 and 3, then one of age 1, 2, 3, 4.
        found = legs(100, 80, 120, 90, 100, 110, 120, 90, 100, 105, 106, 107)
        assert list(found.completed[-5:]) == [2] * 5
        assert list(np.nan_to_num(found.rank[-5:], nan=-1)) == [-1, 0, 0.5, 0.5, 1]

    @given(walks)
    @settings(max_examples=40, deadline=None)
    def test_they_are_those_found_by_searching(self, closes: Floats) -> None:
        found = up_legs(closes, 0.10)
        for day in {0, len(closes) // 2, len(closes) - 1}:
            lengths, age = turns(closes[: day + 1].tolist())
            assert found.completed[day] == len(lengths)
            assert found.age[day] == pytest.approx(NAN if age is None else age, nan_ok=True)
            assert found.median[day] == pytest.approx(median(lengths) if lengths else NAN, nan_ok=True)

    @given(walks, st.integers(0, 150))
    @settings(max_examples=40, deadline=None)
    def test_what_comes_later_changes_no_earlier_day(self, closes: Floats, cut: int) -> None:
        whole, part = up_legs(closes, 0.10), up_legs(closes[:cut], 0.10)
        for name in ("age", "median", "rank", "completed"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[:cut])

    def test_no_closes_have_no_legs(self) -> None:
        assert len(legs().age) == 0


class TestDrawdowns:
    def test_none_at_all_is_of_no_depth_and_length(self) -> None:
        found = falls(100, 96, 101, 102)
        assert not found.worst_depth.any()
        assert not found.worst_length.any()

    def test_it_counts_from_the_day_it_is_deep_enough_and_from_the_record_in_length(self) -> None:
        found = falls(100, 98, 95, 90, 97, 101)
        assert list(found.worst_depth) == pytest.approx([0, 0, 0.05, 0.10, 0.10, 0.10])
        assert list(found.worst_length) == [0, 0, 2, 3, 4, 5]

    @pytest.mark.parametrize(("record", "least"), [(100.0, 0.05), (100.0, 0.10), (100.0, 0.15), (200.0, 0.05), (40.0, 0.15)])  # fmt: skip
    def test_exactly_so_deep_is_one(self, record: float, least: float) -> None:
        deep = round(record * (1 - least), 2)
        assert falls(record, deep, least=least).worst_depth[-1] == pytest.approx(least)
        assert falls(record, deep + 0.01, least=least).worst_depth[-1] == 0

    def test_the_quartiles_are_of_those_that_ended(self) -> None:
        found = falls(100, 90, 100, 80, 80, 100, 50)
        assert list(found.completed) == [0, 0, 1, 1, 1, 2, 2]
        # Depths 0.1 and 0.2, lengths 2 and 3: the upper quartile is three quarters of the way.
        assert found.depth_quartile[2] == pytest.approx(0.1)
        assert found.depth_quartile[-1] == pytest.approx(0.175)
        assert found.length_quartile[-1] == pytest.approx(2.75)

    def test_one_is_remembered_for_a_year_after_its_last_day(self) -> None:
        found = falls(100, 90, 101, 102, 103, 104, year=3)
        # Last open on day 1: the last three sessions of day 3 are 1, 2 and 3.
        assert list(found.worst_depth > 0) == [False, True, True, True, False, False]

    @given(walks, st.integers(1, 60))
    @settings(max_examples=40, deadline=None)
    def test_they_are_those_found_by_searching(self, closes: Floats, year: int) -> None:
        found = drawdowns(closes, 0.05, year)
        for day in {0, len(closes) // 3, len(closes) - 1}:
            seen = closes[: day + 1].tolist()
            every = open_falls(seen, 0.05)
            recent = [(a, z) for a, deep, z in every if z - 1 >= day - year + 1 and deep <= day]
            ended = [(1 - min(seen[a:z]) / seen[a], z - a) for a, _, z in every if z <= day]
            assert found.worst_depth[day] == pytest.approx(max((1 - min(seen[a:z]) / seen[a] for a, z in recent), default=0))  # fmt: skip
            assert found.worst_length[day] == max((min(z, day) - a for a, z in recent), default=0)
            assert found.completed[day] == len(ended)
            if ended:
                assert found.depth_quartile[day] == pytest.approx(np.quantile([depth for depth, _ in ended], 0.75))
                assert found.length_quartile[day] == pytest.approx(np.quantile([length for _, length in ended], 0.75))

    @given(walks, st.integers(0, 150))
    @settings(max_examples=40, deadline=None)
    def test_what_comes_later_changes_no_earlier_day(self, closes: Floats, cut: int) -> None:
        whole, part = drawdowns(closes, 0.05, 20), drawdowns(closes[:cut], 0.05, 20)
        for name in ("worst_depth", "worst_length", "depth_quartile", "length_quartile", "completed"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[:cut])
