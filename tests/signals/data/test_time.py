"""Sessions, decision times, release clocks, and the panel that aligns by them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import numpy as np
import pandas as pd
import pytest

from signals.data.panel import align
from signals.data.release import available_at
from signals.data.series import SERIES, SESSION_BAR, ReleaseClock
from signals.data.sessions import (
    closed_sessions,
    decision_time,
    decision_times,
    instants,
    last_call,
    nyse_sessions,
)
from tests.worlds import CALENDAR, STOCKS, day, frame, market, settled

SUMMER, WINTER = date(2020, 7, 1), date(2020, 11, 13)


class TestSessions:
    def test_a_session_stands_for_half_past_five_in_new_york(self) -> None:
        assert decision_time(SUMMER) == datetime(2020, 7, 1, 21, 30, tzinfo=UTC)
        assert decision_time(WINTER) == datetime(2020, 11, 13, 22, 30, tzinfo=UTC)

    def test_on_an_early_close_too(self) -> None:
        assert decision_time(date(2020, 11, 27)) == datetime(2020, 11, 27, 22, 30, tzinfo=UTC)

    def test_the_last_call_is_at_eight_the_next_morning_also_across_a_clock_change(self) -> None:
        assert last_call(WINTER) == datetime(2020, 11, 14, 13, tzinfo=UTC)
        assert last_call(date(2020, 10, 31)) == datetime(2020, 11, 1, 13, tzinfo=UTC)

    def test_one_at_a_time_and_all_at_once_agree(self) -> None:
        sample = CALENDAR[5000:5600:7]
        assert list(decision_times(sample)) == [pd.Timestamp(decision_time(s.date())) for s in sample]

    @pytest.mark.parametrize("holiday", ["2018-12-05", "2001-09-11", "2012-10-29", "2020-12-25", "2021-07-05"])
    def test_holidays_and_closings_are_no_sessions(self, holiday: str) -> None:
        assert pd.Timestamp(holiday) not in CALENDAR

    def test_the_calendar_reaches_more_than_a_year_ahead_of_any_now(self) -> None:
        for year in (2015, 2026, 2040):
            assert nyse_sessions(datetime(year, 12, 31, tzinfo=UTC))[-1] > pd.Timestamp(year + 1, 12, 31)

    def test_a_session_is_closed_from_its_decision_time_on(self) -> None:
        at = decision_time(WINTER)
        assert closed_sessions(nyse_sessions(at), at)[-1] == WINTER
        assert closed_sessions(nyse_sessions(at), at.replace(minute=29))[-1] == date(2020, 11, 12)


class TestReleaseClock:
    def test_a_bar_is_public_an_hour_after_the_close(self) -> None:
        public = available_at(SESSION_BAR, pd.DatetimeIndex([pd.Timestamp(WINTER)]))
        assert public[0] == pd.Timestamp("2020-11-13 22:00", tz="UTC")

    def test_days_are_counted_on_new_yorks_clock(self) -> None:
        clock = ReleaseClock(at=time(16, 30), days=1)
        spring_forward = pd.DatetimeIndex([pd.Timestamp("2020-03-07")])
        assert available_at(clock, spring_forward)[0] == pd.Timestamp("2020-03-08 20:30", tz="UTC")

    def test_an_instant_is_wall_clock_time(self) -> None:
        noon = instants(pd.DatetimeIndex(["2020-07-01", "2020-12-01"]), pd.Timedelta(hours=12))
        assert [instant.hour for instant in noon] == [16, 17]


class TestPanel:
    def test_a_figure_counts_from_the_session_at_whose_decision_it_was_public(self) -> None:
        panel = align(settled({"IWM": frame([10.0, 11.0, 12.0])}), CALENDAR, day(1))
        assert panel.close("IWM").dropna().to_list() == [10.0, 11.0]

    def test_what_is_published_after_the_decision_changes_nothing_that_evening(self, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
        late = SERIES["IWM"].__class__("IWM", "late", "USD", ReleaseClock(at=time(18, 0)))
        monkeypatch.setitem(SERIES, "IWM", late)
        panel = align(settled({"IWM": frame([10.0, 11.0, 12.0])}), CALENDAR, day(2))
        assert panel.alignments["IWM"].position[-3:].tolist() == [-1, 0, 1]
        assert not panel.alignments["IWM"].overdue.any()
        assert panel.close("IWM").dropna().to_list() == [10.0, 11.0]

    def test_overdue_counts_the_sessions_an_expected_observation_is_missing(self) -> None:
        panel = align(settled({"IWM": frame([10.0, 11.0])}), CALENDAR, day(4))
        assert panel.alignments["IWM"].overdue[-5:].tolist() == [0, 0, 1, 2, 3]

    def test_an_adjusted_close_is_carried_for_three_sessions_and_a_close_never(self) -> None:
        panel = align(settled({"IWM": frame([10.0, 11.0])}), CALENDAR, day(6))
        carried = panel.adjusted("IWM").loc[pd.Timestamp(day(1)) :]
        assert carried.isna().to_list() == [False] * 4 + [True] * 2
        assert panel.close("IWM").notna().sum() == 2

    def test_a_series_never_had_is_unknown_throughout(self) -> None:
        panel = align(settled({"IWM": frame([1.0])}), CALENDAR, day(0))
        assert panel.adjusted("SPY").isna().all()
        assert "SPY" not in panel.alignments

    def test_a_position_is_found_by_its_date(self) -> None:
        panel = align(settled(market([10.0, 11.0])), CALENDAR, day(1))
        assert panel.days[panel.position(day(1))] == day(1)
        with pytest.raises(KeyError):
            panel.position(date(2015, 1, 3))

    def test_every_series_is_aligned_to_the_same_sessions(self) -> None:
        panel = align(settled(market(list(np.arange(1.0, 30.0)))), CALENDAR, day(28))
        assert {len(panel.adjusted(key)) for key in STOCKS} == {len(panel.sessions)}
