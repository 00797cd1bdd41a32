"""The numbers conditions are made of, each worked out by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.conditions.measuring import Measuring
from signals.data.series import SECTORS, Days
from signals.data.universe import ALTCOINS, BASKET
from tests.signals.conditions.figures import NAN, days, episode, measuring, on_sessions, plain, table

WEDNESDAYS = ["2024-12-11", "2024-12-18", "2024-12-25"]
Frames = dict[str, pd.DataFrame]


def account(daily: Frames, through: str = "2025-01-10") -> dict[str, float]:
    return plain(measuring(daily, through).treasury_account)


def statement(*given: tuple[str, float]) -> pd.DataFrame:
    return table([day for day, _ in given], [figure for _, figure in given])


class TestTreasuryAccount:
    def test_it_is_the_feds_wednesday_figure(self) -> None:
        frames = {"WDTGAL": table(WEDNESDAYS, [700, 710, 720]), "TGA_DTS_CLOSING": statement(("2024-12-18", 1.0))}
        assert account(frames) == dict(zip(WEDNESDAYS, [700, 710, 720], strict=True))

    def test_without_one_it_is_the_daily_statement_of_that_wednesday(self) -> None:
        daily = statement(("2024-12-10", 1), ("2024-12-11", 2), ("2024-12-12", 3), ("2024-12-18", 4), ("2024-12-19", 5))
        assert account({"TGA_DTS_CLOSING": daily}) == {"2024-12-11": 2, "2024-12-18": 4}

    def test_a_wednesday_that_the_statement_lacks_is_unknown_and_never_its_neighbour(self) -> None:
        daily = statement(("2024-12-10", 1), ("2024-12-12", 3), ("2024-12-18", 4), ("2024-12-19", 5))
        assert account({"TGA_DTS_CLOSING": daily}) == {"2024-12-18": 4}

    def test_on_a_holiday_wednesday_it_is_the_business_days_before(self) -> None:
        daily = statement(("2024-12-23", 1), ("2024-12-24", 2), ("2024-12-26", 3))
        assert account({"TGA_DTS_CLOSING": daily}) == {"2024-12-25": 2}

    def test_on_a_holiday_wednesday_it_is_no_older_than_the_business_day_before(self) -> None:
        daily = statement(("2024-12-20", 1), ("2024-12-23", 1), ("2024-12-26", 3), ("2025-01-02", 3))
        assert account({"TGA_DTS_CLOSING": daily}) == {}

    def test_a_holiday_wednesday_is_known_on_the_thursday_as_it_is_later(self) -> None:
        daily = statement(("2024-12-18", 1), ("2024-12-24", 2), ("2024-12-26", 3), ("2024-12-27", 4))
        assets = table(WEDNESDAYS, 7000)
        frames = {"WALCL": assets, "RRPONTSYD": days("2024-12-01", [0.0] * 40), "TGA_DTS_CLOSING": daily}
        later, then = (measuring(frames, through) for through in ("2024-12-31", "2024-12-26"))
        shown = [m.panel.align(pd.DatetimeIndex(m.net_liquidity.index), ["WALCL", "WDTGAL"], Days.WEDNESDAY) for m in (later, then)]  # fmt: skip
        thursday = later.panel.position(date(2024, 12, 26))
        newest = [align.dates[align.position[thursday]] for align in shown]
        assert newest[0] == newest[1]


class TestReverseRepo:
    def test_before_operations_were_daily_a_business_day_without_one_is_zero(self) -> None:
        repo = measuring({"RRPONTSYD": statement(("2013-08-30", 3), ("2013-09-05", 4))}, "2013-09-05").reverse_repo
        assert plain(repo) == {"2013-08-30": 3, "2013-09-03": 0, "2013-09-04": 0, "2013-09-05": 4}

    def test_from_then_on_it_is_unknown(self) -> None:
        repo = measuring({"RRPONTSYD": statement(("2013-09-19", 3), ("2013-09-25", 4))}, "2013-09-30").reverse_repo
        assert plain(repo) == {"2013-09-19": 3, "2013-09-20": 0, "2013-09-25": 4}

    def test_the_zeros_do_not_wait_for_the_next_operation(self) -> None:
        frames = {"RRPONTSYD": statement(("2010-01-04", 3), ("2010-06-01", 4))}
        whole, then = (measuring(frames, through).reverse_repo for through in ("2010-06-30", "2010-03-01"))
        assert plain(then) == plain(whole[whole.index <= pd.Timestamp("2010-03-01")])


def balance_sheet(assets: float = 7000.0, treasury: float = 700.0, repo: float = 100.0) -> Measuring:
    wednesdays = pd.date_range("2024-10-02", "2024-12-11", freq="W-WED")
    frames = {"WALCL": table(wednesdays, assets), "WDTGAL": table(wednesdays, treasury)}
    return measuring(frames | {"RRPONTSYD": days("2024-10-01", [repo] * 80, "B")}, "2024-12-12")


class TestNetLiquidity:
    def test_it_is_assets_less_the_account_less_reverse_repo(self) -> None:
        assert plain(balance_sheet().net_liquidity)["2024-12-11"] == 7000 - 700 - 100

    @pytest.mark.parametrize(
        ("assets", "known"), [(1199.9, False), (1200.0, True), (10_800.0, True), (10_800.1, False)]
    )
    def test_outside_its_band_it_is_unknown(self, assets: float, known: bool) -> None:
        assert bool(plain(balance_sheet(assets).net_liquidity)) == known

    def test_only_wednesdays_that_all_three_have_count(self) -> None:
        frames = {
            "WALCL": table(WEDNESDAYS, 7000),
            "WDTGAL": table(WEDNESDAYS[1:], 700),
            "RRPONTSYD": statement(("2024-12-11", 1), ("2024-12-17", 2), ("2024-12-24", 3), ("2024-12-26", 4)),
        }
        # On the 18th there is no reverse repo, the 25th is a holiday.
        assert plain(measuring(frames, "2024-12-31").net_liquidity) == {"2024-12-25": 7000 - 700 - 3}

    def test_the_nowcast_takes_the_last_balance_sheet_and_the_days_own_figures(self) -> None:
        frames = {
            "WALCL": table(["2024-12-11"], 7000),
            "RRPONTSYD": days("2024-12-09", [1, 2, 3, 4, 5], "B"),
            "TGA_DTS_CLOSING": days("2024-12-09", [10, 20, 30, 40, 50], "B"),
        }
        nowcast = plain(measuring(frames, "2024-12-17").net_liquidity_nowcast)
        assert nowcast == {"2024-12-11": 6967, "2024-12-12": 6956, "2024-12-13": 6945}

    def test_a_nowcast_outside_the_band_is_unknown_too(self) -> None:
        one = {"WALCL": 1200, "RRPONTSYD": 900, "TGA_DTS_CLOSING": 700}
        frames = {key: table(["2024-12-11"], figure) for key, figure in one.items()}
        assert plain(measuring(frames, "2024-12-17").net_liquidity_nowcast) == {}


def series(dates: list[str], values: list[float]) -> pd.Series[float]:
    return pd.Series(values, index=pd.DatetimeIndex(dates).as_unit("us"))


class TestWeeksChange:
    def test_it_is_against_the_figure_dated_exactly_so_many_weeks_before(self) -> None:
        values = series(["2024-01-03", "2024-01-17", "2024-01-24", "2024-01-31"], [1, 2, 4, 8])
        changed = balance_sheet().weeks_change(values, 2)
        assert plain(changed) == {"2024-01-17": 1, "2024-01-31": 6}


def funding(first: str, spreads: list[float]) -> dict[str, float]:
    """Return the five-day median, in hundredths, of SOFR that far above a rate of 4 % on business days."""
    dates = pd.date_range(first, periods=len(spreads) + 10, freq="B")
    frames = {"IORB": days(first, [4.0] * 90), "SOFR": table(dates[: len(spreads)], 4 + np.array(spreads) / 100)}
    return {day: round(100 * x) for day, x in plain(measuring(frames, "2026-01-30").funding(5)).items()}


class TestFunding:
    def test_it_is_the_median_of_five_days(self) -> None:
        assert funding("2024-05-06", [1, 9, 2, 8, 3, 7]) == {"2024-05-10": 3, "2024-05-13": 7}

    def test_the_last_and_first_business_day_of_a_month_are_dropped_and_it_stands_still_on_them(self) -> None:
        # Friday 31 May and Monday 3 June; on the 4th the window is 27 (Memorial Day has SOFR here) .. 30 May and it.
        found = funding("2024-05-24", [1, 1, 2, 3, 4, 50, 60, 9])
        assert found == {"2024-05-30": 2, "2024-05-31": 2, "2024-06-03": 2, "2024-06-04": 3}

    @pytest.mark.parametrize(("first", "dropped"), [("2024-04-08", "2024-04-15"), ("2024-06-10", "2024-06-17"), ("2024-09-09", "2024-09-16"), ("2023-01-10", "2023-01-17"), ("2023-04-10", "2023-04-17")])  # fmt: skip
    def test_the_tax_days_or_the_business_day_after_them_are_dropped(self, first: str, dropped: str) -> None:
        found = funding(first, [1, 2, 3, 4, 5, 99, 6])
        after = pd.date_range(dropped, periods=2, freq="B")
        assert found[dropped] == 3
        assert found[f"{after[1]:%Y-%m-%d}"] == 4

    def test_the_fifteenth_of_another_month_counts(self) -> None:
        assert funding("2024-05-08", [1, 2, 3, 4, 5, 99, 6])["2024-05-16"] == 5

    @pytest.mark.parametrize(("first", "last"), [("2021-12-23", "2021-12-31"), ("2024-03-20", "2024-03-28")])
    def test_the_last_business_day_of_a_month_is_the_last_on_which_there_is_a_rate(self, first: str, last: str) -> None:
        # SOFR was published for 31 December 2021, when only offices were closed, and not for Good Friday 2024.
        assert funding(first, [1, 2, 8, 3, 9, 4, 99])[last] == 4

    def test_before_the_rate_on_reserves_there_was_one_on_excess_reserves(self) -> None:
        frames = {
            "IOER": days("2021-07-20", [0.15] * 9),
            "IORB": days("2021-07-29", [0.10] * 9),
            "SOFR": days("2021-07-20", [0.15] * 10, "B"),
        }
        found = plain(measuring(frames, "2021-08-10").funding(1))
        assert [round(found[day], 9) for day in ("2021-07-28", "2021-07-29")] == [0.0, 0.05]


class TestYearOnYear:
    def test_it_is_the_last_twelve_months_less_the_twelve_before(self) -> None:
        flows = days("2021-01-01", [1.0] * 365 + [3.0] * 365)["value"]
        assert plain(balance_sheet().year_on_year(flows)) == {"2022-12-31": 730.0}

    def test_until_twenty_four_months_are_held_it_is_unknown(self) -> None:
        flows = days("2021-01-01", [1.0] * 729)["value"]
        assert plain(balance_sheet().year_on_year(flows)) == {}


def with_sectors(count: int) -> dict[str, float]:
    prices = np.ones(50)
    frames = {key: on_sessions("2020-01-02", [*prices, 1.1 if i < 3 else 0.9]) for i, key in enumerate([*SECTORS][:count])}  # fmt: skip
    return plain(measuring(frames, "2020-03-31").sectors_above_mean(50)["share"])


class TestSectors:
    def test_the_share_is_of_those_listed(self) -> None:
        assert list(with_sectors(8).values()) == [0.0, 3 / 8]
        assert list(with_sectors(11).values()) == [0.0, 3 / 11]

    def test_under_eight_it_is_unknown(self) -> None:
        assert with_sectors(7) == {}

    @given(st.sets(st.integers(0, 10)), st.sets(st.integers(0, 10)))
    @settings(max_examples=20, deadline=None)
    def test_a_missing_one_is_tried_both_ways(self, missing: set[int], above: set[int]) -> None:
        frames = {
            key: on_sessions("2020-01-02", [*np.ones(60), 1.1 if i in above else 0.9]) for i, key in enumerate(SECTORS)
        }
        for i, key in enumerate(SECTORS):
            if i in missing:
                frames[key] = frames[key].iloc[:-1]
        found = measuring(frames, "2020-03-31").sectors_above_mean(50)
        known = found.index == max(frame.index[-1] for frame in frames.values())
        last = found[known].iloc[-1]
        if len(missing) == 11:
            return
        seen = len(above - missing)
        assert last["least"] == pytest.approx(seen / 11)
        assert last["most"] == pytest.approx((seen + len(missing)) / 11)
        assert (last["measured"], last["of"]) == (11 - len(missing), 11)


def coins(keys: list[str], ahead: int) -> dict[str, float]:
    frames = {key: days("2020-01-01", [1.0, 1.0, 1.3 if i < ahead else 1.1]) for i, key in enumerate(keys)}
    frames["BTC-USD"] = days("2020-01-01", [1.0, 1.0, 1.2])
    return plain(measuring(frames, "2020-01-10").altcoins_ahead(2)["share"])


class TestAltcoins:
    def test_ether_counts(self) -> None:
        assert coins([*ALTCOINS][:8], 1) == {"2020-01-03": 1 / 8}
        assert "ETH-USD" in [*ALTCOINS][:8]

    def test_under_eight_it_is_unknown(self) -> None:
        assert coins([*BASKET][:7], 3) == {}

    def test_one_on_a_bar_that_moved_too_far_is_a_missing_member_on_its_evening(self) -> None:
        frames = {key: days("2020-01-01", [1.0, 1.0, 1.0, 1.3]) for key in [*ALTCOINS][:8]}
        frames["XRP-USD"] = days("2020-01-01", [1.0, 1.0, 1.0, 9.0])
        frames["BTC-USD"] = days("2020-01-01", [1.0, 1.0, 1.0, 1.2])
        last = measuring(frames, "2020-01-10").altcoins_ahead(2).iloc[-1]
        assert (last["least"], last["most"], last["measured"]) == (7 / 8, 1.0, 7)


class TestSinceHigh:
    def test_it_counts_observations_since_the_high_of_the_window(self) -> None:
        values = series([f"2024-01-{day:02}" for day in range(1, 8)], [1, 3, 2, 1.5, 1, 4, 4])
        assert list(balance_sheet().since_high(values, 2).fillna(-1)) == [-1, 0, 1, 2, 3, 0, 0]

    def test_one_that_only_fell_never_was_at_it(self) -> None:
        values = series(["2024-01-01", "2024-01-02", "2024-01-03"], [3, 2, 1])
        assert list(balance_sheet().since_high(values, 2))[1:] == [np.inf, np.inf]


def spread(surveys: dict[str, float], yields: dict[str, float]) -> dict[str, float]:
    frames = {"MORTGAGE30US": table([*surveys], [*surveys.values()]), "DGS10": table([*yields], [*yields.values()])}
    found = measuring(frames, "2020-12-10").mortgage_spread
    return {day: round(x, 9) for day, x in plain(found).items()}


class TestMortgageSpread:
    def test_it_is_on_the_dates_of_the_surveys(self) -> None:
        yields = {"2020-11-19": 1.0, "2020-11-20": 9.0, "2020-12-03": 1.5}
        assert spread({"2020-11-19": 3.0, "2020-12-03": 3.2}, yields) == {"2020-11-19": 2.0, "2020-12-03": 1.7}

    def test_on_a_holiday_the_yield_is_that_of_the_business_day_before(self) -> None:
        # Thanksgiving; on the other day a yield is missing although bonds traded.
        surveys = {"2020-11-19": 3.0, "2020-11-26": 3.1, "2020-12-03": 3.2}
        yields = {"2020-11-18": 1.0, "2020-11-25": 1.1, "2020-12-02": 1.2}
        assert spread(surveys, yields) == {"2020-11-26": 2.0}

    @pytest.mark.parametrize(("days", "measured"), [(88, True), (91, True), (94, True), (87, False), (95, False)])
    def test_the_change_is_against_the_survey_nearest_to_thirteen_weeks_before(self, days: int, measured: bool) -> None:
        last = pd.Timestamp("2020-10-01")
        values = series([f"{last - pd.Timedelta(days=days):%Y-%m-%d}", f"{last:%Y-%m-%d}"], [2.0, 1.9])
        assert np.isnan(Measuring.weeks_change_within(values, 13, 3).iloc[-1]) != measured


HELD = {
    "an attempt": (episode("2020-01-03"), "0000"),
    "confirmed": (episode("2020-01-03", "2020-01-06"), "0111"),
    "failed": (episode("2020-01-03", "2020-01-06", failed=date(2020, 1, 8)), "0110"),
    "warned": (episode("2020-01-03", "2020-01-06", warning=date(2020, 1, 7)), "0111"),
    "established": (episode("2020-01-03", "2020-01-06", established=date(2020, 1, 7)), "0111"),
    "ended": (episode("2020-01-03", "2020-01-06", established=date(2020, 1, 6), ended=date(2020, 1, 7)), "0100"),
    "rejected": (episode("2020-01-03", rejected=date(2020, 1, 7)), "0000"),
}


@pytest.mark.parametrize("phase", HELD)
def test_a_breakout_holds_from_its_confirmation_until_it_fails_or_ends(phase: str) -> None:
    one, expected = HELD[phase]
    m = measuring({"^RUT": on_sessions("2020-01-03", [101.0] * 4)}, "2020-01-08", episodes=[one])
    assert "".join(str(int(x)) for x in m.breakout_holds) == expected


def test_a_series_never_had_measures_nothing() -> None:
    m = measuring({"SPY": on_sessions("2020-01-03", [1.0, NAN, 2.0])}, "2020-01-08")
    for values in (m.net_liquidity, m.funding(5), m.reverse_repo, m.net_liquidity_nowcast, m.basket.level):
        assert plain(values) == {}
    assert plain(m.altcoins_ahead(90)["share"]) == {}
