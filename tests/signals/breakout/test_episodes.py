"""The rules of a breakout, one at a time, on closes made for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.breakout.episodes import base_class, find_episodes, find_highs, record_highs
from signals.episode import BaseClass, Episode, Outcome, Phase
from tests.worlds import CALENDAR, FIRST, day, lead, sessions

LEAD = len(lead())


def series(closes: Sequence[float]) -> pd.Series[float]:
    """Return closes aligned to the calendar's beginning, as the panel does."""
    aligned = pd.Series(np.nan, index=CALENDAR[: FIRST + len(closes)])
    aligned[sessions(len(closes))] = np.asarray(closes, dtype=float)
    return aligned


def episodes(*after_lead: float, base: int = 130) -> list[Episode]:
    return find_episodes(series([*lead(base), *after_lead]), CALENDAR)


def only(*after_lead: float, base: int = 130) -> Episode:
    found = episodes(*after_lead, base=base)
    assert len(found) == 1
    return found[0]


def at(offset: int) -> date:
    """Return the session ``offset`` after the attempt."""
    return day(LEAD + offset)


CONFIRM = (101.0, 101.0, 101.0)


class TestAttempt:
    def test_a_record_close_after_126_sessions_is_an_attempt(self) -> None:
        episode = only(101.0, base=126)
        assert (episode.close, episode.level, episode.base_sessions) == (101.0, 100.0, 126)
        assert episode.base_class is BaseClass.INTERMEDIATE
        assert episode.outcome is Outcome.OPEN

    def test_a_record_close_after_125_sessions_is_a_minor_high_and_no_attempt(self) -> None:
        closes = series([*lead(125), 101.0])
        assert find_episodes(closes, CALENDAR) == []
        assert [(high.close, high.base_class) for high in find_highs(closes)] == [(101.0, BaseClass.MINOR)]

    def test_a_base_of_252_sessions_is_primary(self) -> None:
        assert only(101.0, base=252).base_class is BaseClass.PRIMARY
        assert only(101.0, base=251).base_class is BaseClass.INTERMEDIATE

    def test_a_close_at_the_record_is_no_new_high(self) -> None:
        assert episodes(100.0) == []

    def test_a_tie_moves_the_start_of_the_base(self) -> None:
        closes = lead(base=300)
        closes[-130] = 100.0
        assert [e.base_sessions for e in find_episodes(series([*closes, 101.0]), CALENDAR)] == [130]

    def test_an_intraday_high_plays_no_part(self) -> None:
        # Only closes are ever passed in: 0.71 point below the record is below the record.
        assert episodes(99.29) == []

    def test_a_level_set_in_the_first_252_sessions_of_the_data_is_unverified(self) -> None:
        early = [*np.linspace(50, 100, 252), *[90.0] * 129, 101.0]
        late = [*np.linspace(50, 100, 253), *[90.0] * 129, 101.0]
        assert [e.level_verified for e in find_episodes(series(early), CALENDAR)] == [False]
        assert [e.level_verified for e in find_episodes(series(late), CALENDAR)] == [True]

    def test_it_says_by_when_it_must_be_confirmed_even_when_that_is_in_the_future(self) -> None:
        assert only(101.0).confirm_by == at(19)

    @pytest.mark.parametrize(
        ("base", "expected"),
        [(9, None), (10, "continuation"), (62, "continuation"), (63, "minor"), (125, "minor"), (126, "intermediate"),
         (251, "intermediate"), (252, "primary")],
    )  # fmt: skip
    def test_classes_have_the_documented_bounds(self, base: int, expected: str | None) -> None:
        assert base_class(base) == expected


class TestConfirmation:
    def test_three_closes_in_a_row_above_the_level_confirm_and_the_attempt_counts_as_the_first(self) -> None:
        assert only(101.0, 102.0).confirmed is None
        assert only(101.0, 102.0, 103.0).confirmed == at(2)

    def test_a_close_at_the_level_interrupts_the_row(self) -> None:
        assert only(101.0, 102.0, 100.0, 101.0, 102.0).confirmed is None
        assert only(101.0, 102.0, 100.0, 101.0, 102.0, 103.0).confirmed == at(5)

    def test_it_may_come_on_session_20_at_the_latest(self) -> None:
        waiting = [99.0] * 16
        assert only(101.0, *waiting, 101.0, 101.0, 101.0).confirmed == at(19)
        late = only(101.0, *waiting, 99.0, 101.0, 101.0, 101.0)
        assert late.confirmed is None
        assert late.rejected == at(19)

    def test_it_does_not_depend_on_a_further_record(self) -> None:
        assert only(105.0, 101.0, 101.0).confirmed == at(2)


class TestRejection:
    def test_a_close_three_percent_below_the_level_rejects(self) -> None:
        episode = only(101.0, 96.99)
        assert (episode.rejected, episode.outcome, episode.outcome_date) == (at(1), Outcome.REJECTED, at(1))

    def test_a_close_exactly_at_the_depth_does_not(self) -> None:
        assert only(101.0, 97.0).rejected is None

    def test_twenty_sessions_without_confirmation_reject(self) -> None:
        assert only(101.0, *[99.0] * 18).outcome is Outcome.OPEN
        assert only(101.0, *[99.0] * 19).rejected == at(19)


class TestFailure:
    def test_a_close_three_percent_below_the_level_after_confirmation_fails(self) -> None:
        episode = only(*CONFIRM, 96.99)
        assert (episode.failed, episode.outcome, episode.outcome_date) == (at(3), Outcome.FAILED, at(3))

    def test_ten_closes_in_a_row_below_the_level_fail(self) -> None:
        assert only(*CONFIRM, *[99.0] * 9).failed is None
        assert only(*CONFIRM, *[99.0] * 10).failed == at(12)

    def test_a_single_close_back_under_the_level_does_not_fail(self) -> None:
        episode = only(*CONFIRM, 99.0, 101.0)
        assert episode.failed is None
        assert episode.warning is None

    def test_five_closes_in_a_row_below_the_level_warn(self) -> None:
        assert only(*CONFIRM, *[99.0] * 4).warning is None
        assert only(*CONFIRM, *[99.0] * 5).warning == at(7)

    def test_a_close_at_the_level_is_not_below_it(self) -> None:
        assert only(*CONFIRM, *[99.0] * 4, 100.0, *[99.0] * 4).warning is None

    def test_failing_on_the_twentieth_session_after_confirmation_wins_over_establishing(self) -> None:
        episode = only(*CONFIRM, *[101.0] * 19, 96.0)
        assert episode.failed == at(22)
        assert episode.established is None


class TestEstablished:
    def test_twenty_sessions_after_confirmation_without_failing_establish(self) -> None:
        assert only(*CONFIRM, *[101.0] * 19).established is None
        episode = only(*CONFIRM, *[101.0] * 20)
        assert (episode.established, episode.outcome, episode.outcome_date) == (at(22), Outcome.ESTABLISHED, at(22))
        assert episode.hold_until == at(22)

    def test_a_deep_close_afterwards_ends_the_episode_and_does_not_fail_it(self) -> None:
        episode = only(*CONFIRM, *[101.0] * 20, 96.0)
        assert episode.ended == at(23)
        assert episode.outcome is Outcome.ESTABLISHED

    def test_it_ends_by_itself_126_sessions_after_being_established(self) -> None:
        rising = list(np.linspace(101, 130, 126))
        assert only(*CONFIRM, *[101.0] * 20, *rising[:-1]).ended is None
        assert only(*CONFIRM, *[101.0] * 20, *rising).ended == at(22 + 126)

    def test_a_new_attempt_closes_the_old_episode(self) -> None:
        # The record of 101, last closed at with the confirmation, is not beaten until the base is long enough.
        flat = [100.5] * 125
        old, new = episodes(*CONFIRM, *flat, 102.0)
        assert new.level == 101.0
        assert old.ended == new.attempt
        assert not old.is_open


class TestRecovery:
    def test_a_record_close_within_63_sessions_of_a_failure_is_a_recovery(self) -> None:
        assert only(*CONFIRM, 96.0, *[96.0] * 62, 102.0).recovered == at(3 + 63)
        assert only(*CONFIRM, 96.0, *[96.0] * 63, 102.0).recovered is None

    def test_a_record_close_within_63_sessions_of_a_rejection_is_a_recovery(self) -> None:
        assert only(101.0, 96.0, 102.0).recovered == at(2)

    def test_until_when_it_can_recover_is_known_from_the_loss_on(self) -> None:
        assert only(*CONFIRM, 96.0).recover_by == at(3 + 63)
        assert only(101.0, 96.0).recover_by == at(1 + 63)
        assert only(*CONFIRM, 96.0).as_of(at(2)).recover_by is None
        assert only(*CONFIRM, *[101.0] * 20, 96.0).recover_by is None

    def test_a_close_above_the_level_that_is_no_record_is_not(self) -> None:
        assert only(105.0, 96.0, 104.0).recovered is None

    def test_it_reopens_nothing(self) -> None:
        episode = only(101.0, 96.0, 102.0, 103.0, 104.0, 105.0)
        assert episode.phase is Phase.RECOVERED
        assert episode.confirmed is None
        assert not episode.is_open


class TestUnknownCloses:
    def test_an_unknown_close_neither_grows_nor_breaks_the_row_of_confirming_closes(self) -> None:
        assert only(101.0, np.nan, 102.0).confirmed is None
        assert only(101.0, np.nan, 102.0, 103.0).confirmed == at(3)

    def test_a_deadline_on_an_unknown_session_is_judged_at_the_next_known_close(self) -> None:
        episode = only(*CONFIRM, *[101.0] * 19, np.nan, 101.0)
        assert episode.established == at(23)

    def test_unknown_sessions_count_for_the_length_of_a_base(self) -> None:
        closes = lead(130)
        closes[-50:-40] = [np.nan] * 10
        assert [e.base_sessions for e in find_episodes(series([*closes, 101.0]), CALENDAR)] == [130]

    def test_no_close_at_all_gives_no_episode(self) -> None:
        assert find_episodes(series([np.nan] * 10), CALENDAR) == []
        assert find_highs(series([np.nan] * 10)) == []


class TestEpisodeAsOf:
    def test_it_forgets_what_came_later(self) -> None:
        episode = only(*CONFIRM, *[101.0] * 20, 96.0)
        assert episode.as_of(at(1)).phase is Phase.ATTEMPT
        assert episode.as_of(at(1)).hold_until is None
        assert episode.as_of(at(2)).phase is Phase.CONFIRMED
        assert episode.as_of(at(22)).phase is Phase.ESTABLISHED
        assert episode.as_of(at(23)) == episode

    def test_events_are_in_order_of_date(self) -> None:
        episode = only(*CONFIRM, *[99.0] * 10, 102.0)
        assert list(episode.events()) == ["attempt", "confirmed", "warning", "failed", "recovered"]


moves = st.lists(st.sampled_from([-0.05, -0.02, -0.005, 0.0, 0.005, 0.02, 0.05]), min_size=200, max_size=500)


class TestProperties:
    @given(moves)
    @settings(max_examples=60, deadline=None)
    def test_a_truncated_history_shows_the_same_episodes_as_they_were_then(self, changes: list[float]) -> None:
        closes = list(100 * np.cumprod(1 + np.asarray(changes)))
        whole = find_episodes(series(closes), CALENDAR)
        cut = len(closes) * 2 // 3
        last = day(cut - 1)
        truncated = find_episodes(series(closes[:cut]), CALENDAR)
        assert truncated == [e.as_of(last) for e in whole if e.attempt <= last]

    @given(moves)
    @settings(max_examples=60, deadline=None)
    def test_an_episode_has_at_most_one_outcome_and_its_events_follow_each_other(self, changes: list[float]) -> None:
        closes = list(100 * np.cumprod(1 + np.asarray(changes)))
        for episode in find_episodes(series([*lead(), *closes]), CALENDAR):
            outcomes = [episode.rejected, episode.failed, episode.established]
            assert sum(outcome is not None for outcome in outcomes) <= 1
            assert (episode.rejected is None) or (episode.confirmed is None)
            assert (episode.failed is None and episode.established is None) or episode.confirmed is not None
            dates = list(episode.events().values())
            assert dates == sorted(dates)

    @given(moves)
    @settings(max_examples=60, deadline=None)
    def test_the_record_is_the_highest_close_before(self, changes: list[float]) -> None:
        closes = 100 * np.cumprod(1 + np.asarray(changes))
        highs = record_highs(series(list(closes)))
        for position in range(1, len(closes)):
            assert highs.level[position] == closes[:position].max()
            assert closes[highs.level_at[position]] == highs.level[position]
            assert bool(highs.is_high[position]) == bool(closes[position] > closes[:position].max())
