"""Where an event is entered, where it is left, and which closes count: made-up prices, answers by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from signals.data.release import available_at
from signals.data.series import UTC_DAY
from signals.data.sessions import decision_time
from signals.record.model import ASSETS, Close
from signals.record.prices import Prices, all_prices
from tests.worlds import day, evaluated, frame, lead, market, sessions


def closes(*values: float, key: str = "ETH-USD", first: str = "2020-11-16") -> Prices:
    """Return a coin's closes on UTC days; the day before the first has none."""
    days = pd.date_range(pd.Timestamp(first) - pd.Timedelta(days=1), periods=len(values) + 1, unit="us")
    return Prices(ASSETS[key], days, np.array([np.nan, *values]), available_at(UTC_DAY, days).as_unit("us").asi8)


def entry(prices: Prices, *decided: datetime) -> list[int]:
    return [int(x) for x in prices.entries(pd.DatetimeIndex([pd.Timestamp(x) for x in decided]))]


EVENING = decision_time(date(2020, 11, 17))


class TestEntry:
    def test_a_coin_is_entered_at_the_close_of_the_same_utc_day(self) -> None:
        prices = closes(1, 2, 3)
        assert entry(prices, EVENING) == [2]
        assert prices.days[2].date() == date(2020, 11, 17)

    def test_decided_after_midnight_it_is_the_close_of_that_day(self) -> None:
        assert entry(closes(1, 2, 3), datetime(2020, 11, 18, 13, tzinfo=UTC)) == [3]

    def test_a_missing_day_is_stepped_over(self) -> None:
        assert entry(closes(1, np.nan, np.nan, 4), EVENING) == [4]

    def test_a_longer_gap_than_a_late_series_may_have_is_no_price(self) -> None:
        assert entry(closes(1, np.nan, np.nan, np.nan, np.nan, 5), EVENING) == [-1]

    def test_before_the_first_price_there_is_none(self) -> None:
        assert entry(closes(1, 2), datetime(2020, 11, 10, 22, 30, tzinfo=UTC)) == [-1]

    def test_the_first_price_of_all_can_be_an_entry(self) -> None:
        assert entry(closes(1, 2), decision_time(date(2020, 11, 16))) == [1]

    def test_after_the_last_price_there_is_none(self) -> None:
        assert entry(closes(1, 2), datetime(2020, 12, 1, 22, 30, tzinfo=UTC)) == [-1]

    def test_an_index_is_entered_at_the_next_sessions_close(self) -> None:
        russell = all_prices(evaluated(market(lead())).crypto.measuring)["^RUT"]
        (at,) = entry(russell, decision_time(day(10)))
        assert russell.days[at].date() == day(11)

    def test_decided_the_next_morning_it_is_still_that_close(self) -> None:
        russell = all_prices(evaluated(market(lead())).crypto.measuring)["^RUT"]
        (at,) = entry(russell, decision_time(day(10)) + timedelta(hours=14))
        assert russell.days[at].date() == day(11)

    def test_decided_after_that_close_it_is_the_one_after(self) -> None:
        russell = all_prices(evaluated(market(lead())).crypto.measuring)["^RUT"]
        (at,) = entry(russell, decision_time(day(11)))
        assert russell.days[at].date() == day(12)


class TestCase:
    def test_change_and_worst_are_from_the_entry(self) -> None:
        case = closes(100, 80, 90, 120).case(date(2020, 11, 16), 1, 3)
        assert case.entry == Close(date(2020, 11, 16), 100.0)
        assert case.outcome is not None
        assert case.outcome.exit == Close(date(2020, 11, 19), 120.0)
        assert [case.change, case.outcome.worst] == pytest.approx([0.2, -0.2])

    def test_the_worst_is_zero_when_it_only_rose(self) -> None:
        outcome = closes(100, 110, 120).case(date(2020, 11, 16), 1, 2).outcome
        assert outcome is not None
        assert outcome.worst == 0.0

    def test_ahead_of_the_data_it_is_open_with_its_day(self) -> None:
        prices = closes(100, 110, np.nan)
        case = prices.case(date(2020, 11, 16), 1, 2)
        assert (case.due, case.outcome, case.change) == (date(2020, 11, 18), None, None)

    def test_a_missing_close_at_the_exit_is_unknown_not_the_one_before(self) -> None:
        assert closes(100, 110, np.nan, 130).case(date(2020, 11, 16), 1, 2).outcome is None

    def test_a_missing_close_on_the_way_is_passed_over(self) -> None:
        outcome = closes(100, np.nan, 130).case(date(2020, 11, 16), 1, 2).outcome
        assert outcome is not None
        assert [outcome.change, outcome.worst] == pytest.approx([0.3, 0.0])

    def test_without_an_entry_there_is_nothing(self) -> None:
        case = closes(100.0).case(date(2010, 1, 4), -1, 30)
        assert (case.entry, case.due, case.outcome) == (None, None, None)


class TestAsOf:
    def test_later_closes_are_not_there_yet(self) -> None:
        known = closes(1, 2, 3, 4).as_of(EVENING).close
        assert np.isnan(known[2:]).all()
        assert known[1] == 1.0

    def test_a_close_is_known_from_the_end_of_its_day_on(self) -> None:
        known = closes(1, 2).as_of(datetime(2020, 11, 17, tzinfo=UTC)).close
        assert known[1] == 1.0


class TestAdjustedCloses:
    """Record highs come only from the price index; returns of funds only from dividend-adjusted closes."""

    def test_a_funds_return_keeps_its_dividend(self) -> None:
        frames = market([100.0] * 100)
        dividends = np.zeros(100)
        dividends[50] = 2.0
        falls = np.where(np.arange(100) >= 50, 48.0, 50.0)
        frames["IWM"] = frame(falls, volume=np.full(100, 1e6), dividend=dividends)
        frames["SPY"] = frame(np.full(100, 200.0), volume=np.full(100, 1e6))
        ratio = all_prices(evaluated(frames).crypto.measuring)["IWM/SPY"]
        changes = ratio.changes(63)
        known = changes[~np.isnan(changes)]
        # It fell by the dividend it paid: nothing was lost.
        assert known == pytest.approx(np.zeros(len(known)), abs=1e-12)

    def test_adjusted_closes_of_the_index_make_no_record_high(self) -> None:
        frames = market([*lead(), 101.0, 102.0, 103.0])
        adjusted = frames["^RUT"].copy()
        adjusted["adj_close"] = adjusted["value"]
        adjusted["value"] = np.nan
        frames["^RUT"] = adjusted
        history = evaluated(frames)
        assert history.episodes == []
        assert history.highs == []

    def test_the_index_is_followed_as_traded_even_beside_adjusted_closes(self) -> None:
        frames = market(np.linspace(100, 200, 200))
        frames["^RUT"]["adj_close"] = np.linspace(50, 200, 200)
        russell = all_prices(evaluated(frames).crypto.measuring)["^RUT"]
        changes = russell.changes(126)
        traded = np.linspace(100, 200, 200)
        assert changes[~np.isnan(changes)] == pytest.approx(traded[126:] / traded[:-126] - 1)

    def test_a_dividend_of_a_fund_makes_no_breakout_of_the_index(self) -> None:
        plain, paid = market([*lead(), 99.9]), market([*lead(), 99.9])
        dividends = np.zeros(len(lead()) + 1)
        dividends[-1] = 5.0
        paid["IWM"]["dividend"] = dividends
        assert evaluated(paid).episodes == evaluated(plain).episodes == []


def test_days_reach_beyond_the_longest_horizon_after_the_last_close() -> None:
    for prices in all_prices(evaluated(market(lead())).crypto.measuring).values():
        last = int(np.flatnonzero(~np.isnan(prices.close))[-1])
        assert last + max(prices.asset.horizons) < len(prices.days)
    assert len(sessions(len(lead()))) == len(lead())
