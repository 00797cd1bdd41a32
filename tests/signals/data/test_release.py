"""When figures become public by the table, which one should be the newest, and how late it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from signals.data.panel import LATE, NEVER_HAD, OK, Ints
from signals.data.release import Timetable, available_at, day_numbers, expected_dates, lateness, newest_expected
from signals.data.series import SERIES, Days, ReleaseClock
from signals.data.sessions import decision_times
from tests.signals.conditions.figures import panel, since, table
from tests.worlds import CALENDAR


def public(key: str, observed: str) -> str:
    """Return when a figure of that date is public, in New York."""
    instant = available_at(SERIES[key].clock, pd.DatetimeIndex([observed]).as_unit("us"))[0]
    return f"{instant.tz_convert('America/New_York'):%Y-%m-%d %H:%M}"


def dates(days: Days, first: str, last: str) -> list[str]:
    found = expected_dates(days, pd.Timestamp(first), pd.Timestamp(last), CALENDAR)
    return [f"{day:%m-%d}" for day in found]


def newest(key: str, now: str) -> str | None:
    found = newest_expected(SERIES[key], CALENDAR, pd.Timestamp(now, tz="America/New_York"))
    return None if found is None else f"{found:%Y-%m-%d}"


def behind(key: str, observed: list[str], through: str) -> list[int]:
    """Return for how long the next observation is overdue, on the sessions since the last one."""
    found = panel({key: table(observed, np.arange(1.0, len(observed) + 1))}, through)
    last = found.sessions >= pd.Timestamp(observed[-1])
    return [int(n) for n in found.alignments[key].overdue[last]]


def judged(
    observed: pd.DatetimeIndex, clocks: tuple[ReleaseClock, ...], sessions: pd.DatetimeIndex
) -> tuple[Ints, Ints]:
    """Return position and lateness of figures that there should be one of a session."""
    timetable = Timetable(sessions[0], sessions[-1], CALENDAR)
    decided, days = decision_times(sessions).asi8, day_numbers(sessions)
    return lateness(timetable, day_numbers(observed), clocks, Days.SESSION, decided, days, int(days[-1]))


class TestClocks:
    @pytest.mark.parametrize(
        ("key", "observed", "at"),
        [
            ("WALCL", "2020-11-18", "2020-11-19 16:30"),
            ("WDTGAL", "2020-11-18", "2020-11-19 16:30"),
            ("WRESBAL", "2020-11-18", "2020-11-19 16:30"),
            ("TREAST", "2020-11-18", "2020-11-19 16:30"),
            ("WSHOMCB", "2020-11-18", "2020-11-19 16:30"),
        ],
    )
    def test_the_balance_sheet_of_a_wednesday_is_public_on_thursday(self, key: str, observed: str, at: str) -> None:
        assert public(key, observed) == at

    @pytest.mark.parametrize(
        ("observed", "at"),
        [
            ("2020-11-25", "2020-11-27 16:30"),
            ("2021-11-24", "2021-11-26 16:30"),
            ("2019-07-03", "2019-07-05 16:30"),
            ("2003-12-24", "2003-12-26 16:30"),
        ],
    )
    def test_the_balance_sheet_of_a_wednesday_is_public_on_friday_when_thursday_is_a_federal_holiday(
        self, observed: str, at: str
    ) -> None:
        assert public("WALCL", observed) == at

    @pytest.mark.parametrize(
        ("observed", "at"),
        [
            ("2020-11-25", "2020-11-27 16:00"),
            ("2020-11-24", "2020-11-25 16:00"),
            ("2021-01-15", "2021-01-19 16:00"),
            ("2024-05-24", "2024-05-28 16:00"),
            ("2022-12-30", "2023-01-03 16:00"),
        ],
    )
    def test_the_daily_statement_is_public_on_the_next_business_day(self, observed: str, at: str) -> None:
        assert public("TGA_DTS_CLOSING", observed) == at
        assert public("DTS_NET_WITHDRAWALS", observed) == at

    @pytest.mark.parametrize("key", ["SOFR", "IORB", "IOER"])
    def test_overnight_rates_are_public_on_the_next_business_morning(self, key: str) -> None:
        assert public(key, "2020-11-24") == "2020-11-25 08:00"
        assert public(key, "2020-11-25") == "2020-11-27 08:00"
        assert public(key, "2020-11-27") == "2020-11-30 08:00"

    def test_the_chicago_feds_index_of_a_friday_is_public_on_the_wednesday_after(self) -> None:
        assert public("NFCI", "2020-11-13") == "2020-11-18 08:30"

    @pytest.mark.parametrize(
        ("key", "observed", "at"),
        [
            ("RRPONTSYD", "2020-11-18", "2020-11-18 13:15"),
            ("RRP_NYFED", "2020-11-18", "2020-11-18 13:15"),
            ("BAA10Y", "2020-11-18", "2020-11-18 17:00"),
            ("BAMLH0A0HYM2", "2020-11-25", "2020-11-27 10:00"),
            ("DGS10", "2020-11-25", "2020-11-27 16:15"),
            ("MORTGAGE30US", "2020-11-19", "2020-11-19 12:00"),
        ],
    )
    def test_a_market_figure_is_public_by_its_row(self, key: str, observed: str, at: str) -> None:
        assert public(key, observed) == at

    @pytest.mark.parametrize("key", ["BTC-USD", "ETH-USD", "DOGE-USD"])
    def test_a_coins_bar_is_public_at_the_end_of_its_utc_day(self, key: str) -> None:
        assert public(key, "2020-11-18") == "2020-11-18 19:00"
        assert public(key, "2020-07-18") == "2020-07-18 20:00"

    def test_the_evening_has_the_coins_bar_of_the_utc_day_before(self) -> None:
        every = pd.date_range("2020-11-01", "2020-11-20")
        found = panel({"BTC-USD": table(every, 1.0)}, "2020-11-18")
        assert found.alignments["BTC-USD"].dates[found.alignments["BTC-USD"].position[-1]] == pd.Timestamp("2020-11-17")

    @pytest.mark.parametrize(("observed", "hour"), [("2020-03-05", 21), ("2020-03-06", 20), ("2020-10-29", 20), ("2020-10-30", 21)])  # fmt: skip
    def test_a_release_keeps_new_yorks_wall_clock_over_a_clock_change(self, observed: str, hour: int) -> None:
        clock = SERIES["TGA_DTS_CLOSING"].clock
        assert available_at(clock, pd.DatetimeIndex([observed]).as_unit("us"))[0].hour == hour

    def test_no_dates_have_no_instants(self) -> None:
        for key in ("WALCL", "BTC-USD", "SPY", "NFCI"):
            assert len(available_at(SERIES[key].clock, pd.DatetimeIndex([]).as_unit("us"))) == 0


class TestExpectedDates:
    def test_a_session_each(self) -> None:
        assert dates(Days.SESSION, "2020-11-25", "2020-11-30") == ["11-25", "11-27", "11-30"]

    def test_every_calendar_day(self) -> None:
        assert dates(Days.DAY, "2020-11-27", "2020-11-30") == ["11-27", "11-28", "11-29", "11-30"]

    def test_business_days_leave_out_federal_holidays_only(self) -> None:
        assert dates(Days.BUSINESS, "2020-11-10", "2020-11-13") == ["11-10", "11-12", "11-13"]
        assert dates(Days.BUSINESS, "2021-04-01", "2021-04-02") == ["04-01", "04-02"]

    def test_the_first_of_january_that_is_celebrated_on_monday_is_no_business_day(self) -> None:
        assert dates(Days.BUSINESS, "2022-12-30", "2023-01-03") == ["12-30", "01-03"]

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [(Days.WEDNESDAY, ["11-04", "11-11"]), (Days.THURSDAY, ["11-05", "11-12"]), (Days.FRIDAY, ["11-06", "11-13"])],
    )
    def test_weekdays_stay_on_holidays(self, kind: Days, expected: list[str]) -> None:
        assert dates(kind, "2020-11-04", "2020-11-13") == expected

    def test_the_first_and_last_day_count(self) -> None:
        assert dates(Days.WEDNESDAY, "2020-11-04", "2020-11-04") == ["11-04"]


class TestNewestExpected:
    def test_a_bar_is_expected_from_an_hour_after_the_close(self) -> None:
        assert newest("SPY", "2020-11-18 16:59") == "2020-11-17"
        assert newest("SPY", "2020-11-18 17:00") == "2020-11-18"

    def test_the_balance_sheet_waits_for_the_friday_after_thanksgiving(self) -> None:
        assert newest("WALCL", "2020-11-27 16:29") == "2020-11-18"
        assert newest("WALCL", "2020-11-27 16:30") == "2020-11-25"

    def test_a_coins_bar_of_today_is_never_expected_today(self) -> None:
        assert newest("BTC-USD", "2020-11-18 18:59") == "2020-11-17"
        assert newest("BTC-USD", "2020-11-18 19:00") == "2020-11-18"

    def test_of_a_series_that_ended_it_is_the_last_one_for_ever(self) -> None:
        assert newest("IOER", "2021-07-28 17:30") == "2021-07-27"
        assert newest("IOER", "2024-07-01 17:30") == "2021-07-28"


class TestLateness:
    def test_a_daily_series_is_behind_in_sessions(self) -> None:
        assert behind("SPY", ["2020-11-16", "2020-11-17"], "2020-11-24") == [0, 1, 2, 3, 4, 5]

    def test_a_coin_too_although_it_trades_on_weekends(self) -> None:
        assert behind("BTC-USD", ["2020-11-18", "2020-11-19"], "2020-11-25") == [0, 0, 1, 2, 3]

    def test_a_weekly_series_is_behind_in_days_from_when_the_next_was_due(self) -> None:
        counted = behind("WALCL", ["2020-11-04", "2020-11-11"], "2020-11-30")
        #  Wed 11 .. Wed 18 nothing is due; Thu 19 is day 1, Fri 27 day 9, Mon 30 day 12.
        assert counted == [0, 0, 0, 0, 0, 0, 1, 2, 5, 6, 7, 9, 12]

    def test_a_weekly_figure_is_not_behind_before_a_release_that_a_holiday_moved(self) -> None:
        counted = behind("WALCL", ["2020-11-11", "2020-11-18"], "2020-11-30")
        assert counted == [0, 0, 0, 0, 0, 0, 1, 4]

    @pytest.mark.parametrize(("through", "used"), [("2020-11-20", True), ("2020-11-23", False)])
    def test_three_sessions_behind_is_used_and_four_is_not(self, through: str, used: bool) -> None:
        found = panel({"SPY": table(["2020-11-16", "2020-11-17"], [1.0, 2.0])}, through).alignments["SPY"]
        assert found.overdue[-1] == (3 if used else 4)
        assert (found.status[-1] <= LATE) == used
        assert found.status[-1] != OK

    @pytest.mark.parametrize(("through", "overdue", "used"), [("2020-10-29", 9, True), ("2020-10-30", 10, False)])
    def test_nine_days_behind_is_used_and_ten_is_not(self, through: str, overdue: int, used: bool) -> None:
        # The index of 16 October is due on Wednesday the 21st: the 29th is day 9.
        found = panel({"NFCI": table(["2020-10-09"], [1.0])}, through).alignments["NFCI"]
        assert found.overdue[-1] == overdue
        assert (found.status[-1] <= LATE) == used

    def test_a_series_that_ended_is_never_behind(self) -> None:
        days = pd.date_range("2021-07-20", "2021-07-28")
        found = panel({"IOER": table(days, 0.1)}, "2021-12-31").alignments["IOER"]
        assert found.status[-1] == OK

    def test_before_its_first_figure_a_series_is_not_behind_and_has_no_position(self) -> None:
        found = panel({"IWM": table(["2020-11-16"], [1.0]), "SPY": table(["2020-11-17"], [1.0])}, "2020-11-17")
        spy = found.alignments["SPY"]
        assert spy.position.tolist() == [-1, 0]
        assert not spy.overdue.any()
        assert spy.status[0] == NEVER_HAD

    def test_a_figure_made_of_two_is_due_when_the_last_of_them_is(self) -> None:
        sessions = since("2020-11-16")[:5]
        clocks = (SERIES["SPY"].clock, SERIES["TGA_DTS_CLOSING"].clock)
        position, overdue = judged(sessions[:1], clocks, sessions)
        assert position.tolist() == [-1, 0, 0, 0, 0]
        assert overdue.tolist() == [0, 0, 1, 2, 3]

    def test_a_rate_is_not_expected_on_good_friday(self) -> None:
        # No federal holiday, but the bond market is closed: SOFR has had none since 2019.
        assert behind("SOFR", ["2022-04-13", "2022-04-14"], "2022-04-19") == [0, 0, 1]

    def test_nothing_observed_is_no_position(self) -> None:
        none = pd.DatetimeIndex([]).as_unit("us")
        position, overdue = judged(none, (SERIES["SPY"].clock,), CALENDAR[:3])
        assert position.tolist() == [-1, -1, -1]
        assert overdue.tolist() == [0, 0, 0]

    def test_a_survey_brought_forward_before_thanksgiving_is_that_weeks(self) -> None:
        # Dated Wednesday 25 November instead of Thursday; the next one is due on Thursday 3 December.
        counted = behind("MORTGAGE30US", ["2020-11-12", "2020-11-19", "2020-11-25"], "2020-12-03")
        assert counted == [0, 0, 0, 0, 0, 1]
