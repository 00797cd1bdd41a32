"""The event study: what is counted, what is merged, and when nothing is computed."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from signals.data.release import available_at
from signals.data.series import UTC_DAY
from signals.data.sessions import decision_times
from signals.record.event_study import Events, Study
from signals.record.model import ASSETS
from signals.record.prices import Prices
from signals.record.random_dates import with_chance
from signals.rules import RECORD

FIRST = date(2018, 1, 1)


def study(values: np.ndarray, horizon: int = 30, uptrend: np.ndarray | None = None) -> Study:
    days = pd.date_range(FIRST - timedelta(days=1), periods=len(values) + 1, unit="us")
    public = available_at(UTC_DAY, days).as_unit("us").asi8
    prices = Prices(ASSETS["ETH-USD"], days, np.array([np.nan, *values]), public)
    above = np.ones(len(days), dtype=bool) if uptrend is None else np.array([False, *uptrend])
    return Study(prices, horizon, above)


def on(*days: int) -> Events:
    """Return events whose first close is that of day so many, counted from 0."""
    named = [FIRST + timedelta(days=n) for n in days]
    return Events(named, decision_times(pd.DatetimeIndex(named).as_unit("us")))


def growing(days: int = 400, rate: float = 0.001) -> np.ndarray:
    return 100 * (1 + rate) ** np.arange(days)


class TestMerging:
    def test_events_closer_than_the_horizon_are_one(self) -> None:
        followed = study(growing()).follow(on(0, 10, 29, 30, 45))
        first, second = followed.cases
        assert (first.event, first.merged) == (FIRST, (FIRST + timedelta(days=10), FIRST + timedelta(days=29)))
        assert (second.event, second.merged) == (FIRST + timedelta(days=30), (FIRST + timedelta(days=45),))
        assert followed.n == 2

    def test_events_a_horizon_apart_are_each_their_own(self) -> None:
        assert study(growing()).follow(on(0, 30, 60)).n == 3

    def test_events_before_the_asset_had_a_price_are_listed_and_not_merged(self) -> None:
        followed = study(growing()).follow(on(-200, -195, 0))
        assert [case.entry is None for case in followed.cases] == [True, True, False]
        assert followed.n == 1

    @given(st.sets(st.integers(0, 360), min_size=1, max_size=40), st.sampled_from([5, 30, 61]))
    def test_no_two_cases_overlap_and_no_event_is_lost(self, days: set[int], horizon: int) -> None:
        followed = study(growing(500), horizon).follow(on(*sorted(days)))
        entries = [case.entry.on for case in followed.cases if case.entry]
        assert all((b - a).days >= horizon for a, b in pairwise(entries))
        assert sum(1 + len(case.merged) for case in followed.cases) == len(days)


class TestNumbers:
    @pytest.mark.parametrize("count", [0, 1, 4])
    def test_under_five_nothing_is_computed(self, count: int) -> None:
        followed = study(growing(500)).follow(on(*(40 * n for n in range(count))))
        assert followed.n == count
        assert followed.numbers is None
        assert followed.base.median is not None

    def test_four_known_and_one_open_are_still_too_few(self) -> None:
        followed = study(growing(300)).follow(on(0, 40, 80, 120, 290))
        assert (len(followed.cases), followed.n, followed.numbers) == (5, 4, None)

    def test_from_five_on_they_are_those_of_the_cases(self) -> None:
        values = np.full(400, 100.0)
        for start, change in zip(range(0, 250, 50), (0.1, -0.2, 0.3, 0.05, 0.0), strict=True):
            values[start + 30] = 100 * (1 + change)
        values[15] = 60.0
        numbers = study(values).follow(on(0, 50, 100, 150, 200)).numbers
        assert numbers is not None
        assert (numbers.rate.hits, numbers.rate.of) == (3, 5)
        assert numbers.median == pytest.approx(0.05)
        assert numbers.mean == pytest.approx(0.05)
        assert numbers.worst == pytest.approx(-0.2)
        assert numbers.adverse == pytest.approx(-0.4)

    def test_no_change_is_no_rise(self) -> None:
        numbers = study(np.full(400, 5.0)).follow(on(0, 50, 100, 150, 200)).numbers
        assert numbers is not None
        assert numbers.rate.hits == 0

    def test_the_range_is_scipys(self) -> None:
        numbers = study(growing(500)).follow(on(*range(0, 240, 40))).numbers
        interval = binomtest(6, 6).proportion_ci(0.95, method="wilson")
        assert numbers is not None
        assert (numbers.rate.low, numbers.rate.high) == (interval.low, interval.high)
        assert (numbers.rate.hits, numbers.rate.of) == (6, 6)


class TestBase:
    def test_it_is_every_date_with_the_whole_horizon_ahead(self) -> None:
        assert study(growing(400)).base.dates == 370

    def test_its_range_is_that_of_the_spans_that_do_not_overlap(self) -> None:
        values = np.tile(np.r_[np.linspace(100, 200, 50), np.linspace(200, 100, 50)], 8)
        base = study(values).base
        assert base.spans == base.dates // 30 == 25
        assert base.share is not None
        interval = binomtest(round(25 * base.share), 25).proportion_ci(0.95, method="wilson")
        assert (base.low, base.high) == (interval.low, interval.high)

    def test_its_share_is_counted_over_every_date(self) -> None:
        values = np.r_[growing(200), growing(200)[::-1]]
        found = study(values)
        rises = [values[i + 30] > values[i] for i in range(370)]
        assert found.base.share == pytest.approx(sum(rises) / 370)

    def test_the_matched_one_counts_uptrends_alone(self) -> None:
        uptrend = np.arange(400) < 100
        values = np.r_[growing(200, 0.01), growing(200, 0.01)[-1] * np.ones(200)]
        found = study(values, uptrend=uptrend)
        assert found.matched.dates == 100
        assert found.matched.median == pytest.approx(1.01**30 - 1)
        assert found.base.dates == 370

    def test_without_any_date_it_is_unknown(self) -> None:
        base = study(growing(20)).base
        assert (base.dates, base.median, base.share, base.low) == (0, None, None, None)

    def test_too_few_spans_have_no_range(self) -> None:
        base = study(growing(100)).base
        assert (base.spans, base.low, base.high) == (2, None, None)
        assert base.median is not None


class TestChance:
    def test_it_is_added_only_where_there_are_numbers(self) -> None:
        found = study(np.exp(np.cumsum(np.random.default_rng(1).standard_normal(1_500) * 0.02)))
        plain = {"five": found.follow(on(*range(0, 1_200, 240))), "two": found.follow(on(0, 400))}
        added = with_chance(found, plain)
        assert added["two"] == plain["two"]
        numbers = added["five"].numbers
        assert numbers is not None
        assert numbers.p is not None
        assert numbers.median_low is not None
        assert numbers.median_high is not None
        assert numbers.median_low <= numbers.median <= numbers.median_high

    def test_a_row_does_not_depend_on_which_others_are_computed(self) -> None:
        found = study(np.exp(np.cumsum(np.random.default_rng(1).standard_normal(1_500) * 0.02)))
        one, other = found.follow(on(*range(0, 1_200, 240))), found.follow(on(*range(50, 1_250, 200)))
        alone, beside = with_chance(found, {"a": one}), with_chance(found, {"b": other, "a": one})
        assert alone["a"].numbers is not None
        assert beside["a"].numbers is not None
        assert alone["a"].numbers.p == beside["a"].numbers.p

    def test_the_default_is_ten_thousand_draws(self) -> None:
        assert RECORD.draws == 10_000
