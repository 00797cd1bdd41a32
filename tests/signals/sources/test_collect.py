"""The sources: one shape, a sentence for whatever is wrong, nothing invented."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

import pandas as pd
import pytest

from signals.data.release import newest_expected
from signals.data.series import SERIES, Days
from signals.data.sessions import decision_time
from signals.sources.collect import collect, collect_archive
from signals.sources.shape import Fetched
from signals.sources.simulated import START, SimulatedSource
from tests.worlds import CALENDAR, STOCKS

IWM = SERIES["IWM"]
NOW = datetime(2020, 11, 16, 23, tzinfo=UTC)


class TestSimulated:
    now = datetime(2010, 1, 8, 23, tzinfo=UTC)

    def test_the_same_seed_gives_the_same_market(self) -> None:
        one, other = (SimulatedSource(7).fetch(IWM, None, self.now).frame for _ in range(2))
        pd.testing.assert_frame_equal(one, other)

    def test_another_seed_gives_another(self) -> None:
        one = SimulatedSource(7).fetch(IWM, None, self.now).frame
        assert not one.equals(SimulatedSource(8).fetch(IWM, None, self.now).frame)

    def test_the_past_does_not_depend_on_how_far_it_is_computed(self) -> None:
        short = SimulatedSource().fetch(IWM, None, self.now).frame
        long = SimulatedSource().fetch(IWM, None, self.now.replace(year=2015)).frame
        pd.testing.assert_frame_equal(short, long.loc[: short.index[-1]], check_freq=False)

    def test_it_has_a_bar_for_every_session_and_nothing_that_cannot_be_true(self) -> None:
        archive, reasons = collect_archive(SimulatedSource(), CALENDAR, self.now)
        assert all(reason.startswith("the simulated market has no") for reason in reasons.values())
        expected = CALENDAR[(CALENDAR >= START) & (pd.Timestamp("2010-01-08") >= CALENDAR)]
        assert all(list(archive[key].index) == list(expected) for key in STOCKS)
        assert not any(table["doubted"].any() for table in archive.values())

    def test_it_has_every_series_but_those_only_an_operator_has(self) -> None:
        archive, reasons = collect_archive(SimulatedSource(), CALENDAR, self.now)
        assert set(archive) | set(reasons) == set(SERIES)
        assert set(reasons) == {"IOER", "MEMBER_BREADTH", "ETF_FLOWS", "LEVERAGE"}

    @pytest.mark.parametrize("key", ["WALCL", "SOFR", "BTC-USD", "ETH-USD"])
    def test_the_past_of_every_kind_of_figure_does_not_depend_on_it_either(self, key: str) -> None:
        short = SimulatedSource().fetch(SERIES[key], None, self.now).frame
        long = SimulatedSource().fetch(SERIES[key], None, self.now.replace(year=2012)).frame
        pd.testing.assert_frame_equal(short, long.loc[: short.index[-1]], check_freq=False)

    def test_the_new_york_feds_figure_is_freds(self) -> None:
        archive, _ = collect_archive(SimulatedSource(), CALENDAR, self.now)
        assert archive["RRPONTSYD"]["value"].equals(archive["RRP_NYFED"]["value"])

    def test_the_etf_follows_its_index(self) -> None:
        archive, _ = collect_archive(SimulatedSource(), CALENDAR, self.now)
        moves = {key: archive[key]["value"].pct_change().dropna() for key in ("^RUT", "IWM")}
        assert (moves["^RUT"] - moves["IWM"]).abs().max() < 0.015

    def test_since_is_included(self) -> None:
        assert len(SimulatedSource().fetch(IWM, date(2010, 1, 7), self.now).frame) == 2


class Counting:
    """A source that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, date | None] = {}

    def fetch(self, series: Any, since: date | None, now: datetime) -> Fetched:
        self.asked[series.key] = since
        return SimulatedSource().fetch(series, since, now)


def newest_public(session: date) -> dict[str, date]:
    """Return the archive as an evening leaves it: of every series the newest figure public by then."""
    now = pd.Timestamp(decision_time(session))
    newest = {key: newest_expected(series, CALENDAR, now) for key, series in SERIES.items()}
    return {key: day.date() for key, day in newest.items() if day is not None}


class TestCollect:
    friday = date(2020, 11, 13)
    newest: ClassVar = newest_public(date(2020, 11, 13))

    def test_it_asks_for_nothing_that_is_there_already(self) -> None:
        source = Counting()
        newest = dict(self.newest)
        assert list(collect(source, newest, CALENDAR, decision_time(self.friday))) == []
        assert source.asked == {}

    def test_it_asks_from_the_newest_bar_on_and_for_all_of_what_was_never_had(self) -> None:
        source = Counting()
        newest = self.newest | {"SPY": date(2020, 11, 12)}
        del newest["IWM"]
        collected = list(collect(source, newest, CALENDAR, decision_time(self.friday)))
        assert source.asked == {"SPY": date(2020, 11, 12), "IWM": None}
        assert [c.key for c in collected] == ["IWM", "SPY"]

    def test_what_a_session_waits_for_is_asked_for_again(self) -> None:
        source = Counting()
        newest = dict(self.newest)
        now = decision_time(self.friday)
        assert [c.key for c in collect(source, newest, CALENDAR, now, ("^RUT", "IWM"))] == ["^RUT", "IWM"]
        assert source.asked == {"^RUT": self.friday, "IWM": self.friday}

    def test_on_a_weekend_fridays_bar_is_the_newest_there_can_be(self) -> None:
        source = Counting()
        sunday = datetime(2020, 11, 15, 20, tzinfo=UTC)
        list(collect(source, dict(self.newest), CALENDAR, sunday))
        assert not {key for key in source.asked if SERIES[key].days is Days.SESSION}

    def test_on_a_weekend_coins_go_on(self) -> None:
        source = Counting()
        list(collect(source, dict(self.newest), CALENDAR, datetime(2020, 11, 15, 20, tzinfo=UTC)))
        assert source.asked["BTC-USD"] == date(2020, 11, 12)
