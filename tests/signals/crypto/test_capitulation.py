"""Capitulation and exhaustion of crypto, by numbers small enough to follow."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from statistics import stdev

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from signals.conditions.rows import state
from signals.crypto.capitulation import CapitulationHistory, Coin, capitulation_history
from signals.model import State
from signals.rules import CapitulationRules
from tests.signals.conditions.figures import NAN, days, measuring

FIRST = "2021-01-01"
SMALL = CapitulationRules(drawdown_days=4, mayer_mean=3, volatility_days=5, short_days=3, low_days=4)
Frames = dict[str, pd.DataFrame]


def coin(prices: npt.ArrayLike, rules: CapitulationRules = SMALL, volume: float = 1.0, key: str = "BTC-USD") -> Coin:
    values = np.asarray(prices, dtype=float)
    index = pd.date_range(FIRST, periods=len(values)).as_unit("us")
    return Coin(key, pd.Series(values, index=index), pd.Series(volume, index=index), index, rules)


def walk(count: int, seed: int = 7) -> list[float]:
    return [float(x) for x in 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.05, count)))]


class TestNumbers:
    def test_the_drawdown_is_to_the_low_from_the_highest_close_before_it(self) -> None:
        # The high of 100 comes after the low of 40: from 80 to 40.
        assert coin([80, 40, 100, 90]).drawdown.iloc[-1] == pytest.approx(-0.5)

    def test_a_high_that_left_the_window_counts_no_more(self) -> None:
        assert coin([200, 80, 60, 90, 90]).drawdown.iloc[-1] == pytest.approx(-0.25)

    def test_it_is_the_deepest_of_all_and_not_from_the_highest_close(self) -> None:
        assert coin([50, 20, 60, 45]).drawdown.iloc[-1] == pytest.approx(-0.6)

    def test_until_the_window_is_full_it_is_unknown(self) -> None:
        assert coin([80, 40, 100]).drawdown.isna().all()
        assert coin([80, NAN, 100, 90]).drawdown.isna().all()

    def test_over_a_year_it_is_the_one_found_day_by_day(self) -> None:
        prices = walk(420)
        found = coin(prices, CapitulationRules()).drawdown
        for last in (364, 390, 419):
            window = prices[last - 364 : last + 1]
            assert found.iloc[last] == pytest.approx(min(window[i] / max(window[: i + 1]) for i in range(365)) - 1)
        assert found[:364].isna().all()

    def test_the_current_drawdown_is_todays_close_from_the_highest(self) -> None:
        assert coin([80, 40, 100, 90]).current_drawdown.iloc[-1] == pytest.approx(-0.1)
        assert coin([200, 40, 100, 90, 80]).current_drawdown.iloc[-1] == pytest.approx(-0.2)

    def test_the_mayer_multiple_is_price_over_mean(self) -> None:
        assert coin([10, 20, 60]).mayer.iloc[-1] == pytest.approx(2)

    def test_the_volatility_rank_is_the_share_of_days_not_above_today(self) -> None:
        prices = walk(30)
        moves = [np.log(b / a) for a, b in pairwise(prices)]
        volatility = [stdev(moves[i - 2 : i + 1]) for i in range(2, len(moves))]
        newest = volatility[-5:]
        assert coin(prices).volatility_rank.iloc[-1] == pytest.approx(sum(x <= newest[-1] for x in newest) / 5)

    def test_days_since_a_low_count_from_the_last_close_at_it(self) -> None:
        assert list(coin([9, 8, 7, 6, 7, 8, 9, 5]).days_since_low.fillna(-1)) == [-1, -1, -1, 0, 1, 2, 3, 0]


class TestWeeklyStrength:
    def test_it_is_wilders_index_of_closed_weeks(self) -> None:
        prices = walk(7 * 400)
        found = coin(prices).rsi
        begins = date.fromisoformat(FIRST)
        sundays = [i for i in range(len(prices)) if (begins + timedelta(days=i)).isoweekday() == 7]
        changes = [prices[b] - prices[a] for a, b in pairwise(sundays)]
        up = sum(max(x, 0.0) for x in changes[:14]) / 14
        down = sum(max(-x, 0.0) for x in changes[:14]) / 14
        for change in changes[14:]:
            up, down = (13 * up + max(change, 0.0)) / 14, (13 * down + max(-change, 0.0)) / 14
        assert found.iloc[sundays[-1]] == pytest.approx(100 * up / (up + down))

    def test_a_week_that_is_not_over_changes_nothing(self) -> None:
        found = coin(walk(7 * 30)).rsi.dropna()
        changed = found.index[1:][np.diff(found) != 0]
        assert {day.isoweekday() for day in changed} == {7}

    def test_it_is_known_from_fourteen_changes_on(self) -> None:
        # 1 January 2021 was a Friday: the first Sunday is the 3rd, the fifteenth 14 weeks later.
        assert coin(walk(150)).rsi.first_valid_index() == pd.Timestamp("2021-01-03") + pd.Timedelta(weeks=14)

    def test_rising_without_a_pause_is_100_and_falling_0(self) -> None:
        assert coin(np.arange(1.0, 200)).rsi.iloc[-1] == 100
        assert coin(np.arange(200.0, 1, -1)).rsi.iloc[-1] == 0


class TestStatements:
    @pytest.mark.parametrize(("key", "low", "on"), [("BTC-USD", 50, 1), ("BTC-USD", 50.1, 0), ("ETH-USD", 40, 1), ("ETH-USD", 40.1, 0), ("altcoin basket", 40, 1), ("altcoin basket", 40.1, 0)])  # fmt: skip
    def test_capitulated_is_a_fall_of_half_or_of_six_tenths_of_another_coin(
        self, key: str, low: float, on: float
    ) -> None:
        rules = CapitulationRules(drawdown_days=4, mayer_mean=99)
        assert coin([100, 100, low, 100], rules, key=key).capitulated[-1] == on

    def test_capitulated_is_a_mayer_multiple_under_seven_tenths_within_26_weeks(self) -> None:
        rules = CapitulationRules(mayer_mean=3, drawdown_days=9999)
        prices = [100.0, 100, 55, *np.full(190, 100.0)]  # 55 / 85 = 0.647
        found = coin(prices, rules).capitulated
        assert found[2] == 1
        assert found[2 + 181] == 1
        assert found[2 + 182] == 0

    def test_exhausted_is_two_of_three(self) -> None:
        # No low for three days; the volume quiet or not; too few days for a rank.
        prices = [9, 8, 7, 6, 7, 8, 9]
        assert coin(prices, volume=0.70).exhausted[-1] == 1
        assert coin(prices, volume=0.71).exhausted[-1] == 0

    def test_with_one_of_three_known_it_is_unknown(self) -> None:
        assert np.isnan(coin([9, 8, 7, 6, 7, 8, 9], volume=NAN).exhausted[-1])

    @pytest.mark.parametrize(("key", "now", "on"), [("BTC-USD", 75, 1), ("BTC-USD", 75.1, 0), ("ETH-USD", 60, 1), ("ETH-USD", 60.1, 0)])  # fmt: skip
    def test_the_precondition_also_needs_a_price_well_below_its_high(self, key: str, now: float, on: float) -> None:
        rules = CapitulationRules(drawdown_days=7, short_days=3, low_days=4)
        found = coin([100, 30, 31, 32, 33, 34, now], rules, 0.5, key)
        assert found.capitulated[-1] == found.exhausted[-1] == 1
        assert found.precondition[-1] == on


def crashed(count: int = 400) -> Frames:
    """Return bitcoin falling from 100 to 40 on day 300 and quiet afterwards.

    It is exhausted from day 334 on, when its volume is known, and meets the precondition from day 364, when a year is.
    """
    frame = days(FIRST, [*[100.0] * 300, 40.0, *(45 + 0.01 * np.arange(count - 301))])
    return {"BTC-USD": frame.assign(volume=[1.0] * 300 + [0.1] * (count - 300))}


def at(history: CapitulationHistory, frames: Frames, session: str, through: str = "2022-02-04") -> dict[str, State]:
    position = measuring(frames, through, FIRST).panel.position(date.fromisoformat(session))
    return {name: state(aggregate.shown, position) for name, aggregate in history.aggregates.items()}


class TestAggregate:
    def test_it_switches_after_twenty_one_utc_days(self) -> None:
        # Day 384, the 21st on which it is met, is 20 January: public after that evening.
        frames = crashed()
        history = capitulation_history(measuring(frames, "2022-02-04", FIRST))
        assert at(history, frames, "2022-01-20")["precondition"] is State.OFF
        assert at(history, frames, "2022-01-21")["precondition"] is State.ON

    def test_one_asset_has_to_meet_all_of_it(self) -> None:
        # Bitcoin capitulated and still makes lows; ether is quiet near its high.
        falls = [*[100.0] * 300, *np.linspace(50, 30, 100)]
        calm = [*[100.0] * 300, 95.0, *(96 + 0.01 * np.arange(99))]
        quiet = [1.0] * 300 + [0.1] * 100
        frames = {
            "BTC-USD": days(FIRST, falls).assign(volume=1.0),
            "ETH-USD": days(FIRST, calm).assign(volume=quiet),
        }
        history = capitulation_history(measuring(frames, "2022-02-04", FIRST))
        found = at(history, frames, "2022-02-04")
        assert found == {"capitulated": State.ON, "exhausted": State.ON, "precondition": State.OFF}

    @pytest.mark.parametrize("doubted", ["BTC-USD", "ETH-USD"])
    def test_a_price_that_cannot_be_believed_shows_nothing_and_changes_nothing(self, doubted: str) -> None:
        frames = crashed(388)
        frames["ETH-USD"] = frames["BTC-USD"].copy()
        last = frames[doubted].index[-1]
        assert last == pd.Timestamp("2022-01-23")
        frames[doubted].loc[last, "value"] = 500.0
        frames[doubted].loc[last, "doubted"] = True
        history = capitulation_history(measuring(frames, "2022-01-24", FIRST))
        precondition = history.aggregates["precondition"]
        assert state(precondition.shown, -1) is State.UNKNOWN
        assert state(precondition.last_published, -1) is State.ON

    def test_what_is_held_then_is_the_state_of_the_day_before(self) -> None:
        # Begun on 6 January, the precondition is met from Tuesday 25 January 2022 on; Wednesday's bar is doubted.
        frame = crashed(386)["BTC-USD"]
        frame.index = frame.index + pd.Timedelta(days=5)
        history = capitulation_history(measuring({"BTC-USD": _doubting(frame)}, "2022-01-27", FIRST))
        assert history.aggregates["precondition"].last_published[-3:].tolist() == [0.0, 1.0, 1.0]

    def test_a_far_move_that_was_confirmed_later_did_not_show_in_a_coins_numbers_that_evening(self) -> None:
        frames = crashed(388)
        frames["BTC-USD"].loc[pd.Timestamp("2022-01-19"), "value"] = 500.0
        then = measuring({"BTC-USD": _doubting(frames["BTC-USD"].loc[:"2022-01-19"])}, "2022-01-20", FIRST)
        whole = measuring(frames, "2022-01-24", FIRST)
        evening = whole.panel.position(date(2022, 1, 20))
        shown = [capitulation_history(m).coins[0].at(evening) for m in (then, whole)]
        assert shown[0] == shown[1]

    def test_without_any_coin_all_is_unknown(self) -> None:
        history = capitulation_history(measuring({}, "2021-01-08", FIRST))
        precondition = history.aggregates["precondition"]
        assert np.isnan(precondition.shown).all()
        assert np.isnan(precondition.last_published).all()


def _doubting(frame: pd.DataFrame) -> pd.DataFrame:
    doubted = frame.copy()
    doubted.loc[doubted.index[-1], "doubted"] = True
    return doubted


@pytest.mark.parametrize("seed", range(5))
def test_the_lows_that_decide_come_with_their_days(seed: int) -> None:
    random = np.random.default_rng(seed)
    prices = np.where(random.random(500) < 0.01, NAN, 100 * np.exp(np.cumsum(random.normal(0, 0.03, 500))))
    found = coin(prices, CapitulationRules(mayer_mean=20))
    for values, low, on in (
        (found.mayer, found.mayer_low, found.mayer_low_on),
        (found.rsi, found.rsi_low, found.rsi_low_on),
    ):
        for at in random.integers(0, 500, 40).tolist():
            recent = values.iloc[max(at - 181, 0) : at + 1].dropna()
            if not len(recent):
                assert np.isnan(on[at])
                continue
            assert values.iloc[int(on[at])] == low.iloc[at] == recent.min()
            assert values.index[int(on[at])] in recent.index
