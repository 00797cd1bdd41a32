"""A day on which the exchange was closed, known to the calendar or not: everything is as on a calendar that knew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.data.closures import Bars, without
from signals.data.series import SECTORS, SERIES, Days
from signals.data.sessions import decision_time, last_call, nyse_sessions
from signals.data.vintages import Archive
from signals.evaluate import History, evaluate
from signals.rules import GATE
from tests.worlds import CALENDAR, day, lead, market, settled

ONE, FOUR = [date(2020, 11, 16)], [date(2020, 11, n) for n in (16, 17, 18, 19)]
FROM, TO = date(2020, 9, 1), date(2021, 3, 31)
END = datetime(2021, 7, 1, tzinfo=UTC)
N = len(lead())
CLOSES = [*lead(), 101.0, 102.0, 103.0, 104.0, 103.0, 105.0, 106.0, 107.0, 96.0, 95.0, 94.0, 93.0, 92.0]
NEVER = datetime(2030, 1, 1, tzinfo=UTC)


def lacking(archive: Archive, days: Sequence[date], *, keys: Sequence[str] = (), every: bool = False) -> Archive:
    """Return an archive without some days: in some series, or in those of the exchange, or in every one at all."""
    gone = pd.DatetimeIndex([*days])
    chosen = keys or [key for key in archive if every or SERIES[key].days is Days.SESSION]
    return {key: frame[~frame.index.isin(gone)] if key in chosen else frame for key, frame in archive.items()}


def found(archive: Archive, calendar: pd.DatetimeIndex = CALENDAR) -> list[date]:
    return Bars(archive, calendar).closures


def rows(history: History, first: date, last: date) -> dict[date, object]:
    """Return every verdict between two dates: with its episode and deadlines, checks, conditions and since dates."""
    days = [session for session in history.panel.days if first <= session <= last]
    return {session: history.verdict(session, decision_time(session)) for session in days}


@pytest.fixture(scope="module")
def real(history: History) -> Archive:
    """The real archive, as far as the months around November 2020 need it."""
    return {
        key: kept
        for key, frame in history.panel.archive.items()
        if len(kept := frame[(frame.index >= "2015-07-01") & (frame.index < "2021-05-01")])
    }


class TestTheRealHistory:
    def test_has_no_day_that_its_calendar_does_not_know(self, history: History) -> None:
        assert found(history.panel.archive, nyse_sessions(END)) == []

    @pytest.mark.parametrize("closed", [ONE, FOUR], ids=["a day", "four days"])
    @pytest.mark.parametrize("every", [False, True], ids=["of the exchange", "of everything"])
    def test_without_a_day_is_as_on_a_calendar_that_knew(self, real: Archive, closed: list[date], every: bool) -> None:
        library, rest = nyse_sessions(END), lacking(real, closed, every=every)
        knew = library[[session not in closed for session in library.date]]
        assert found(rest, library) == closed
        by_bars = evaluate(rest, without(library, found(rest, library)), TO)
        by_calendar = evaluate(rest, knew, TO)
        assert by_bars.episodes == by_calendar.episodes
        assert rows(by_bars, FROM, TO) == rows(by_calendar, FROM, TO)

    def test_the_deadlines_move_by_the_day_that_was_none(self, history: History, real: Archive) -> None:
        rest = lacking(real, ONE)
        closed = evaluate(rest, without(nyse_sessions(END), ONE), TO)
        whole, shorter = (next(e for e in h.episodes if e.attempt == date(2020, 11, 13)) for h in (history, closed))
        assert (whole.confirm_by, shorter.confirm_by) == (date(2020, 12, 11), date(2020, 12, 14))
        assert shorter.confirmed == date(2020, 11, 18)

    def test_only_the_exchange_rested_offices_and_coins_did_not(self, history: History, real: Archive) -> None:
        closed = evaluate(lacking(real, ONE), without(nyse_sessions(END), ONE), TO)
        others = [key for key in closed.panel.alignments if SERIES[key].days is not Days.SESSION]
        for session in (date(2020, 11, 13), date(2020, 11, 17), date(2020, 11, 18), date(2020, 11, 20)):
            at, before = closed.panel.position(session), history.panel.position(session)
            seen = [closed.gate.source(key, at) for key in others]
            assert seen == [history.gate.source(key, before) for key in others]


@cache
def made_up() -> Archive:
    return settled(market(CLOSES))


@cache
def evaluated_on_a_calendar_that_knew(at: int, length: int) -> History:
    closed = [day(position) for position in range(at, at + length)]
    return evaluate(
        lacking(made_up(), closed), CALENDAR[[session not in closed for session in CALENDAR.date]], day(len(CLOSES) - 1)
    )


class TestAnyDay:
    @given(at=st.integers(1, len(CLOSES) - 6), length=st.integers(1, 4), spared=st.sets(st.sampled_from([*SECTORS])))
    @settings(max_examples=60, deadline=None)
    def test_is_found_when_the_index_both_funds_and_eight_sectors_lack_it(
        self, at: int, length: int, spared: set[str]
    ) -> None:
        closed = [day(position) for position in range(at, at + length)]
        keys = [key for key in made_up() if key not in spared]
        is_closure = len(SECTORS) - len(spared) >= GATE.closed_sectors
        assert found(lacking(made_up(), closed, keys=keys)) == (closed if is_closure else [])

    @given(at=st.integers(1, len(CLOSES) - 2), spared=st.sets(st.sampled_from([*GATE.blocking]), min_size=1))
    @settings(max_examples=20, deadline=None)
    def test_is_a_session_when_one_of_the_three_has_a_bar(self, at: int, spared: set[str]) -> None:
        keys = [key for key in made_up() if key not in spared]
        assert found(lacking(made_up(), [day(at)], keys=keys)) == []

    @given(at=st.integers(N - 4, len(CLOSES) - 6), length=st.integers(1, 4))
    @settings(max_examples=12, deadline=None)
    def test_changes_no_episode_check_or_condition(self, at: int, length: int) -> None:
        knew = evaluated_on_a_calendar_that_knew(at, length)
        rest = lacking(made_up(), [day(position) for position in range(at, at + length)])
        history = evaluate(rest, without(CALENDAR, found(rest)), day(len(CLOSES) - 1))
        assert history.episodes == knew.episodes
        assert rows(history, day(N - 6), day(len(CLOSES) - 1)) == rows(knew, day(N - 6), day(len(CLOSES) - 1))

    def test_the_last_days_of_a_series_are_late_and_no_closure(self) -> None:
        last = [day(len(CLOSES) - n) for n in (1, 2)]
        assert found(lacking(made_up(), last)) == []

    def test_before_a_fund_began_the_others_tell(self) -> None:
        archive = lacking(made_up(), [day(N)])
        begun = {**archive, "IWM": archive["IWM"][archive["IWM"].index > pd.Timestamp(day(N))]}
        assert found(begun) == [day(N)]

    def test_where_a_fund_has_ended_nothing_is_told(self) -> None:
        archive = lacking(made_up(), [day(N)])
        ended = {**archive, "IWM": archive["IWM"][archive["IWM"].index < pd.Timestamp(day(N))]}
        assert found(ended) == []

    def test_what_a_few_sectors_say_of_a_day_that_was_none_is_not_read(self) -> None:
        archive = lacking(made_up(), [day(N)], keys=[key for key in made_up() if key not in ("XLB", "XLC", "XLE")])
        history = evaluate(archive, without(CALENDAR, found(archive)), day(N + 1))
        assert history.panel.archive["XLB"].index.equals(history.panel.archive["SPY"].index)


class TestDoubt:
    def test_a_session_without_a_bar_is_doubtful_until_the_next_ones_can_tell(self) -> None:
        archive = lacking(made_up(), [day(position) for position in range(N, len(CLOSES))])
        bars = Bars(archive, CALENDAR)
        assert bars.is_doubtful(day(N), NEVER)
        assert not bars.is_doubtful(day(N - 1), NEVER)

    def test_with_later_bars_of_the_three_it_waits_for_the_sectors_to_the_last_call(self) -> None:
        after = [day(position) for position in range(N, len(CLOSES))]
        archive = lacking(lacking(made_up(), after, keys=[*SECTORS]), [day(N)])
        bars, until = Bars(archive, CALENDAR), last_call(day(N + 1))
        assert bars.closures == []
        assert bars.is_doubtful(day(N), until - timedelta(seconds=1))
        assert not bars.is_doubtful(day(N), until)

    def test_sectors_that_traded_leave_no_doubt(self) -> None:
        keys = [key for key in made_up() if key not in ("XLB", "XLC", "XLE", "XLF")]
        bars = Bars(lacking(made_up(), [day(N)], keys=keys), CALENDAR)
        assert not bars.is_doubtful(day(N), decision_time(day(N)))

    def test_without_any_series_nothing_is_told_or_doubted(self) -> None:
        bars = Bars({}, CALENDAR)
        assert bars.closures == []
        assert not bars.is_doubtful(day(N), NEVER)


def test_a_calendar_less_nothing_is_the_calendar() -> None:
    assert without(CALENDAR, []).equals(CALENDAR)
    assert np.array_equal(without(CALENDAR, [day(3), date(2015, 1, 3)]), CALENDAR[pd.Timestamp(day(3)) != CALENDAR])
