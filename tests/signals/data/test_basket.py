"""The altcoin basket against sums done by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.data.basket import basket, daily, volume_ratio
from tests.signals.conditions.figures import NAN, plain

NAMES = tuple("ABCDEFGH")
Prices = dict[str, pd.Series]


def prices(first: str, **paths: list[float]) -> Prices:
    """Return eight coins at 1 throughout, except those given."""
    count = max(len(path) for path in paths.values())
    dates = pd.date_range(first, periods=count).as_unit("us")
    whole = dict.fromkeys(NAMES, [1.0] * count) | paths
    return {name: pd.Series(path, index=dates[: len(path)]).dropna() for name, path in whole.items()}


def level(coins: Prices) -> dict[str, float]:
    return {day: round(x, 9) for day, x in plain(basket(coins, {}).level).items()}


class TestLevel:
    def test_it_is_one_at_the_first_end_of_a_month_with_eight_prices(self) -> None:
        assert level(prices("2021-01-30", A=[5.0, 7.0, 7.0])) == {"2021-01-31": 1.0, "2021-02-01": 1.0}

    def test_members_have_equal_weights_whatever_their_prices(self) -> None:
        found = level(prices("2021-01-31", A=[1000.0, 2000.0], B=[0.001, 0.003]))
        assert found["2021-02-01"] == (2 + 3 + 6) / 8

    def test_within_a_month_shares_are_held_and_not_weights(self) -> None:
        # Doubled and halved again: rebalanced daily it would not be back at 1.
        found = level(prices("2021-01-31", A=[1.0, 2.0, 1.0]))
        assert list(found.values()) == [1.0, 9 / 8, 1.0]

    def test_at_the_end_of_the_month_weights_are_equal_again(self) -> None:
        path = [1.0, *[3.0] * 28, 6.0]
        found = level(prices("2021-01-31", A=path))
        assert found["2021-02-28"] == (3 + 7) / 8
        # In March A doubles from an eighth of the whole.
        assert found["2021-03-01"] == round(1.25 * (2 + 7) / 8, 9)

    def test_one_that_joins_counts_from_the_end_of_its_first_month(self) -> None:
        joins = [NAN, 1.0, *[1.0] * 26, 4.0, 8.0]
        found = level(prices("2021-01-31", J=joins))
        assert set(list(found.values())[:29]) == {1.0}
        assert found["2021-03-01"] == round((8 * 1 + 2) / 9, 9)

    def test_one_that_leaves_keeps_its_last_price_until_the_end_of_the_month(self) -> None:
        leaves = [1.0, 3.0, *[NAN] * 28]
        rest = [*[1.0] * 29, 2.0]
        found = level(prices("2021-01-31", L=leaves, A=rest))
        assert found["2021-02-01"] == found["2021-02-28"] == round((8 + 3) / 9, 9)
        assert found["2021-03-01"] == round((8 + 3) / 9 * (7 + 2) / 8, 9)

    def test_under_eight_prices_it_is_unknown(self) -> None:
        found = level(prices("2021-01-31", A=[1.0, 1.0], B=[1.0, NAN]))
        assert found == {"2021-01-31": 1.0}
        seven = {name: path for name, path in prices("2021-01-31", A=[1.0, 1.0]).items() if name != "H"}
        assert level(seven) == {}

    def test_no_coins_have_no_level(self) -> None:
        assert level({}) == {}
        empty: pd.Series[float] = pd.Series(dtype=float, index=pd.DatetimeIndex([]).as_unit("us"))
        assert level({"A": empty}) == {}

    @given(st.integers(0, 10_000), st.integers(1, 120))
    @settings(max_examples=25, deadline=None)
    def test_what_is_known_later_changes_no_earlier_day(self, seed: int, days: int) -> None:
        made = np.random.default_rng(seed)
        dates = pd.date_range("2021-01-20", periods=130).as_unit("us")
        coins = {}
        for name in "ABCDEFGHIJ":
            begins, ends = sorted(made.integers(0, 130, 2)) if name in "IJ" else (0, 130)
            path = np.exp(np.cumsum(made.normal(0, 0.1, 130)))
            coins[name] = pd.Series(path, index=dates).iloc[begins : ends or 1]
        cut = dates[days]
        whole = basket(coins, {}).level
        part = basket({name: path[path.index <= cut] for name, path in coins.items()}, {}).level
        assert plain(part) == pytest.approx(plain(whole[whole.index <= cut]), rel=1e-12)

    @given(st.integers(0, 10_000))
    @settings(max_examples=10, deadline=None)
    def test_it_is_what_money_split_anew_each_month_becomes(self, seed: int) -> None:
        made = np.random.default_rng(seed)
        dates = pd.date_range("2021-01-31", "2021-05-15").as_unit("us")
        paths = {name: np.exp(np.cumsum(made.normal(0, 0.1, len(dates)))) for name in NAMES}
        found = basket({name: pd.Series(path, index=dates) for name, path in paths.items()}, {}).level
        money, coins, by_hand = 1.0, dict.fromkeys(NAMES, 0.0), []
        for i, day in enumerate(dates):
            money = sum(coins[name] * paths[name][i] for name in NAMES) if i else 1.0
            by_hand.append(money)
            if (day + pd.Timedelta(days=1)).day == 1:
                coins = {name: money / 8 / paths[name][i] for name in NAMES}
        assert list(found) == pytest.approx(by_hand)


class TestVolume:
    def test_it_is_thirty_days_over_a_year(self) -> None:
        dates = pd.date_range("2021-01-01", periods=365).as_unit("us")
        volume = pd.Series([2.0] * 335 + [1.0] * 30, index=dates)
        assert volume_ratio(volume).iloc[-1] == pytest.approx(1 / (700 / 365))

    def test_until_nearly_a_year_is_held_it_is_unknown(self) -> None:
        dates = pd.date_range("2021-01-01", periods=335).as_unit("us")
        found = volume_ratio(pd.Series(1.0, index=dates))
        assert list(found.notna()).index(True) == 334

    def test_a_day_without_one_is_left_out_of_the_means(self) -> None:
        dates = pd.date_range("2021-01-01", periods=365).as_unit("us")
        assert volume_ratio(pd.Series(3.0, index=dates).drop(dates[350])).iloc[-1] == pytest.approx(1.0)

    def test_the_baskets_is_the_mean_of_its_members_and_unknown_under_eight(self) -> None:
        dates = pd.date_range("2021-01-01", periods=365).as_unit("us")
        flat = pd.Series(5.0, index=dates)
        quiet = pd.Series([2.0] * 335 + [1.0] * 30, index=dates)
        coins = dict.fromkeys(NAMES[:7], flat)
        assert basket({}, coins).volume_ratio.isna().all()
        found = basket({}, coins | {"H": quiet}).volume_ratio.iloc[-1]
        assert found == pytest.approx((7 + 365 / 700) / 8)


def test_a_missing_day_repeats_the_last_price_for_three_days() -> None:
    dates = pd.DatetimeIndex(["2021-01-01", "2021-01-06"]).as_unit("us")
    found = daily(pd.Series([1.0, 2.0], index=dates))
    assert list(found.fillna(-1)) == [1, 1, 1, 1, -1, 2]
