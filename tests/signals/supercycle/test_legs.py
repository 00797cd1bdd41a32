"""Up-legs against a search that looks at every day afresh."""

from __future__ import annotations

from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.supercycle.legs import Floats, Legs, up_legs
from tests.signals.conditions.figures import NAN

walks = st.builds(
    lambda seed, count: np.round(100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.03, count))), 2),
    st.integers(0, 100_000),
    st.integers(1, 150),
)


def legs(*closes: float) -> Legs:
    return up_legs(np.array(closes, dtype=float), 0.10)


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
