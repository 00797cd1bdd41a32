"""The data gate: what cannot be true, or is late, becomes unknown with a sentence, and never an alert."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.data.series import SERIES, Series
from signals.data.sessions import decision_time
from signals.data.sift import drop_impossible_rows
from signals.episode import Phase
from signals.evaluate import History, evaluate
from signals.model import Freshness, Verdict
from signals.sources.collect import collect_archive
from signals.sources.shape import NOTHING, Fetched
from signals.transitions import transitions
from tests.worlds import CALENDAR, breakout, day, evaluated, frame, lead, market, sessions, verdict

CLOSES = [*lead(), 101.0]
LAST = len(CLOSES) - 1
RUT = SERIES["^RUT"]
Frames = dict[str, pd.DataFrame]


class Answers:
    """A source that answers with given frames, exactly as they are."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames

    def fetch(self, series: Series, since: object, now: datetime) -> Fetched:
        frame = self._frames.get(series.key)
        return Fetched(NOTHING, absent=True) if frame is None else Fetched(frame)


def evening(frames: Frames) -> tuple[History, str | None]:
    """Return tonight's history as the evening would reach it from a source's answers, and why it would wait."""
    now = decision_time(day(LAST))
    archive, reasons = collect_archive(Answers(frames), CALENDAR, now)
    history = evaluate(archive, CALENDAR, day(LAST), reasons)
    return history, history.gate.blocks(LAST + history.panel.position(day(0)))


def on_last(history: History) -> Verdict:
    return history.verdict(day(LAST), decision_time(day(LAST)))


def spoiled(spoil: Callable[[pd.DataFrame], pd.DataFrame], key: str = "^RUT") -> Frames:
    frames = market(CLOSES)
    return frames | {key: spoil(frames[key].copy())}


def _set(column: str, value: float) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[table.index[-1], column] = value
        return table

    return spoil


def _halved(table: pd.DataFrame) -> pd.DataFrame:
    table.loc[table.index[-1], ["value", "high", "low"]] *= 0.55
    return table


def _doubled(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.iloc[[-1]] * 1.001])


def _missing(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:-1]


def _stale(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:-5]


FAULTS = {
    "NaN": (_set("value", np.nan), "has no close"),
    "infinite": (_set("value", np.inf), "has no close"),
    "zero": (_set("value", 0.0), "zero or less"),
    "negative": (_set("value", -101.0), "zero or less"),
    "high below low": (_set("high", 1.0), "high below its low"),
    "doubled": (_doubled, "appears twice"),
    "missing": (_missing, "1 session behind"),
    "stale": (_stale, "5 sessions behind"),
    "halved": (_halved, "moved more than 20%"),
}


class TestABadLastBar:
    def test_the_good_bar_would_be_an_attempt(self) -> None:
        history, waits = evening(market(CLOSES))
        assert waits is None
        episode = history.breakout(day(LAST)).episode
        assert episode is not None
        assert episode.phase is Phase.ATTEMPT

    @pytest.mark.parametrize("fault", FAULTS)
    def test_it_is_unknown_and_no_alert_whatever_is_wrong_with_it(self, fault: str) -> None:
        spoil, sentence = FAULTS[fault]
        history, waits = evening(spoiled(spoil))
        tonight = on_last(history)
        before = verdict(market(CLOSES), LAST - 1)
        assert tonight.breakout.close is None
        assert tonight.breakout.reason is not None
        assert sentence in tonight.breakout.reason
        assert {change.kind for change in transitions(before, tonight)} <= {"data.problem"}
        assert waits is not None
        assert sentence in waits

    @pytest.mark.parametrize("fault", ["NaN", "doubled", "missing", "halved"])
    @pytest.mark.parametrize("key", ["IWM", "SPY"])
    def test_the_session_also_waits_for_the_two_etfs(self, key: str, fault: str) -> None:
        spoil, sentence = FAULTS[fault]
        _, waits = evening(spoiled(spoil, key))
        assert waits is not None
        assert f"{key}: " in waits
        assert sentence in waits

    def test_another_series_does_not_hold_the_session_up(self) -> None:
        history, waits = evening(spoiled(_stale, "IWC"))
        assert waits is None
        participation = next(check for check in history.breakout(day(LAST)).checks if check.key == "participation")
        assert {part.key: part.passed for part in participation.parts}["iwc_iwm_mean"] is None

    def test_an_etf_that_contradicts_the_index_on_the_day_of_an_attempt_makes_it_unknown(self) -> None:
        def stays(table: pd.DataFrame) -> pd.DataFrame:
            table.loc[table.index[-1], "value"] = table["value"].iloc[-2]
            return table

        history, waits = evening(spoiled(stays, "IWM"))
        assert history.breakout(day(LAST)).close is None
        assert waits is not None
        assert "is not within 1.5 points of IWM's" in waits

    def test_a_contradicted_record_close_becomes_no_attempt_the_evening_after(self) -> None:
        closes = [*CLOSES, 90.0, 91.0]
        frames = market(closes)
        frames["IWM"] = market([*lead(), 90.0, 90.0, 91.0])["IWM"]
        for after in (1, 2):
            later = verdict(frames, LAST + after)
            assert later.breakout.episode is None
            assert later.breakout.record == 100.0
            kinds = {change.kind for change in transitions(verdict(frames, LAST + after - 1), later)}
            assert kinds <= {"data.cleared"}

    def test_a_record_that_the_etf_bears_out_the_evening_after_is_one_then(self) -> None:
        frames = market([*CLOSES, 102.0, 103.0])
        etf = [*lead(), 90.0, 90.9, 91.8]
        frames["IWM"] = market(etf)["IWM"]
        later = verdict(frames, LAST + 1)
        assert later.breakout.episode is not None
        assert later.breakout.episode.attempt == day(LAST + 1)

    def test_one_that_has_no_bar_on_that_day_cannot_bear_it_out_either(self) -> None:
        closes = [evening(spoiled(_missing, key))[0].breakout(day(LAST)).close for key in ("IWM", "SPY")]
        assert closes == [None, 101.0]

    def test_it_does_not_on_any_other_day(self) -> None:
        closes = [*lead(), 99.0]
        frames = market(closes)
        frames["IWM"].loc[frames["IWM"].index[-1], "value"] = frames["IWM"]["value"].iloc[-2]
        assert breakout(frames).close == 99.0

    def test_an_etf_that_did_not_exist_yet_never_blocks(self) -> None:
        frames = market(CLOSES)
        del frames["IWM"]
        tonight = verdict(frames)
        assert tonight.breakout.episode is not None
        assert {s.series: s.verdict for s in tonight.sources}["IWM"] is Freshness.NEVER_HAD


class TestWhenTheGoodBarArrives:
    def test_the_change_appears_once_with_the_session_it_occurred_on(self) -> None:
        closes = [*CLOSES, 102.0]
        unknown = on_last(evening(spoiled(_missing))[0])
        later = evaluated(market(closes)).verdict(day(LAST + 1), decision_time(day(LAST + 1)))
        changes = [c for c in transitions(unknown, later) if not c.kind.startswith("data.")]
        assert [(c.kind, c.session, c.occurred_on) for c in changes] == [("breakout.attempt", day(LAST + 1), day(LAST))]

    def test_a_far_move_is_accepted_in_the_history_once_later_bars_follow(self) -> None:
        closes = [*lead(), 70.0, 70.0]
        assert breakout(market(closes), LAST).close is None
        assert breakout(market(closes), LAST + 1).close == 70.0


class TestFreshness:
    @pytest.mark.parametrize(("behind", "expected"), [(0, "ok"), (1, "late"), (3, "late"), (4, "stale")])
    def test_a_series_is_late_for_three_sessions_and_then_stale(self, behind: int, expected: str) -> None:
        frames = market(CLOSES)
        frames["IWC"] = frames["IWC"].iloc[: len(CLOSES) - behind]
        source = next(s for s in verdict(frames).sources if s.series == "IWC")
        assert source.verdict == expected
        assert source.newest == day(LAST - behind)
        assert bool(source.reason) == (behind > 0)

    def test_a_late_series_is_still_used_and_a_stale_one_is_not(self) -> None:
        for behind, measured in ((3, True), (4, False)):
            frames = market(CLOSES)
            frames["IWC"] = frames["IWC"].iloc[: len(CLOSES) - behind]
            participation = breakout(frames).checks[2]
            assert (participation.parts[1].passed is not None) == measured

    def test_why_one_never_came_is_said_of_the_newest_session_alone(self) -> None:
        archive, _ = collect_archive(Answers(market(CLOSES)), CALENDAR, decision_time(day(LAST)))
        history = evaluate(archive, CALENDAR, day(LAST), {"WALCL": "the answer is empty"})
        newest = len(history.panel.days) - 1
        assert history.gate.source("WALCL", newest).reason == "no observation yet: the answer is empty"
        assert history.gate.source("WALCL", newest - 1).reason == "no observation yet"


class TestSift:
    def test_a_bar_that_is_not_public_yet_is_left_out_without_a_word(self) -> None:
        table = frame([100.0, 101.0])
        before_the_close = decision_time(day(1)).replace(hour=18)
        possible = drop_impossible_rows(RUT, table, CALENDAR, before_the_close)
        assert list(possible.frame["value"]) == [100.0]
        assert possible.reason == ""

    def test_a_bar_on_a_holiday_is_left_out_with_a_sentence(self) -> None:
        table = frame([100.0, 101.0])
        table.loc[pd.Timestamp("2015-01-03")] = table.iloc[-1]
        possible = drop_impossible_rows(RUT, table.sort_index(), CALENDAR, decision_time(day(5)))
        assert len(possible.frame) == 2
        assert possible.reason == "2015-01-03: the bar is not dated by a NYSE session"

    @given(st.integers(0, 3), st.integers(0, 4))
    def test_an_equal_row_twice_is_one_row_wherever_it_stands(self, row: int, where: int) -> None:
        table = frame([100.0, 101.0, 102.0, 103.0])
        doubled = pd.concat([table.iloc[:where], table.iloc[[row]], table.iloc[where:]])
        # In its place or after it; before it, the answer's dates run backwards.
        if where < row:
            doubled = doubled.sort_index()
        possible = drop_impossible_rows(RUT, doubled, CALENDAR, decision_time(day(9)))
        assert list(possible.frame["value"]) == [100.0, 101.0, 102.0, 103.0]
        assert possible.reason == ""

    @pytest.mark.parametrize("far", ["0001-01-01", "1899-12-29", "9999-12-31"])
    def test_a_bar_of_another_age_costs_that_bar(self, far: str) -> None:
        table = frame([100.0, 101.0])
        table.loc[pd.Timestamp(far).as_unit("us")] = table.iloc[-1]
        possible = drop_impossible_rows(RUT, table, CALENDAR, decision_time(day(5)))
        assert list(possible.frame["value"]) == [100.0, 101.0]

    @pytest.mark.parametrize("field", ["open", "volume", "dividend", "split"])
    def test_an_infinite_figure_costs_its_bar(self, field: str) -> None:
        table = frame([100.0, 101.0])
        table.loc[table.index[0], field] = np.inf
        possible = drop_impossible_rows(RUT, table, CALENDAR, decision_time(day(5)))
        assert list(possible.frame["value"]) == [101.0]
        assert "has an infinite figure" in possible.reason

    def test_nothing_from_a_date_with_two_different_bars_on_is_used(self) -> None:
        table = frame([100.0, 101.0, 102.0, 103.0])
        doubled = pd.concat([table, table.iloc[[1]] * 1.001]).sort_index()
        possible = drop_impossible_rows(RUT, doubled, CALENDAR, decision_time(day(9)))
        assert list(possible.frame["value"]) == [100.0]
        assert "appears twice" in possible.reason

    def test_dates_that_run_backwards_are_named(self) -> None:
        table = frame([100.0, 101.0, 102.0, 103.0])
        possible = drop_impossible_rows(RUT, table.iloc[[0, 2, 1, 3]], CALENDAR, decision_time(day(9)))
        assert list(possible.frame["value"]) == [100.0]
        assert "is out of order" in possible.reason

    def test_an_empty_answer_is_an_empty_frame(self) -> None:
        possible = drop_impossible_rows(RUT, frame([]), CALENDAR, decision_time(day(9)))
        assert len(possible.frame) == 0


class TestProperties:
    @given(st.integers(0, 40))
    @settings(max_examples=3, deadline=None)
    def test_the_newest_date_named_is_one_the_series_has(self, behind: int) -> None:
        frames = market(CLOSES)
        frames["RSP"] = frames["RSP"].iloc[: len(CLOSES) - behind]
        source = next(s for s in verdict(frames).sources if s.series == "RSP")
        assert source.newest == frames["RSP"].index[-1].date()


def test_every_session_of_the_made_up_market_is_one_of_the_calendar() -> None:
    assert set(sessions(50)) <= set(CALENDAR)
