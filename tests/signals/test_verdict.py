"""One verdict, and what changed from the one before."""

from __future__ import annotations

import numpy as np
import pytest

from signals.data.series import SERIES
from signals.data.sessions import decision_time
from signals.episode import BaseClass, Outcome, Phase
from signals.rules import METHOD_VERSION
from signals.transitions import transitions
from tests.worlds import breakout, day, evaluated, lead, market, verdict

N = len(lead())


class TestStanding:
    def test_distance_is_measured_from_the_highest_close(self) -> None:
        found = breakout(market(lead()))
        assert (found.close, found.record) == (90.0, 100.0)
        assert found.distance == pytest.approx(-0.10)
        assert found.base_sessions == 129

    def test_it_is_also_given_in_average_true_ranges(self) -> None:
        # Every bar spans 2 % of its close and closes stand still: the average true range is 1.8.
        assert breakout(market(lead())).distance_atr == pytest.approx(-10 / 1.8, rel=1e-3)

    def test_armed_is_within_two_percent_after_a_long_enough_base(self) -> None:
        assert breakout(market([*lead(), 98.0])).armed is True
        assert breakout(market([*lead(), 97.9])).armed is False
        assert breakout(market([*lead(126 - 2), 98.0])).armed is False

    def test_on_a_record_the_base_starts_again(self) -> None:
        found = breakout(market([*lead(), 101.0]))
        assert (found.distance, found.base_sessions, found.armed) == (0.0, 0, False)
        assert found.new_high is BaseClass.INTERMEDIATE

    def test_a_record_soon_after_a_record_has_no_class(self) -> None:
        assert breakout(market([*lead(), 101.0, 102.0])).new_high is None

    def test_the_first_close_over_a_round_hundred_is_named_once(self) -> None:
        assert breakout(market([*lead(), 101.0])).round_hundred == 100
        assert breakout(market([*lead(), 101.0, 102.0])).round_hundred is None
        assert breakout(market([*lead(), 99.0])).round_hundred is None

    def test_year_to_date_is_from_the_last_close_of_the_year_before(self) -> None:
        closes = [50.0] * 252 + [55.0]  # 2015 has 252 sessions
        assert breakout(market(closes)).ytd == pytest.approx(0.10)
        assert breakout(market([50.0] * 10)).ytd is None

    def test_twelve_months_are_252_sessions(self) -> None:
        assert breakout(market([*[50.0] * 252, 60.0])).change_12m == pytest.approx(0.2)
        assert breakout(market([50.0] * 252)).change_12m is None


class TestVerdict:
    def test_it_carries_its_session_its_decision_and_its_method(self) -> None:
        tonight = verdict(market(lead()))
        assert tonight.session == day(N - 1)
        assert tonight.decided_at == decision_time(day(N - 1))
        assert tonight.method_version == METHOD_VERSION

    def test_it_says_of_every_series_how_fresh_it_was(self) -> None:
        assert [s.series for s in verdict(market(lead())).sources] == list(SERIES)

    def test_the_past_counts_earlier_verified_episodes_only(self) -> None:
        closes = [*lead(), 101.0, 96.0, *[96.0] * 130, 102.0]
        first = breakout(market(closes), N)
        second = breakout(market(closes))
        assert first.past == {}
        assert second.past == {Outcome.REJECTED: 1}

    def test_a_date_that_is_no_session_is_an_error(self) -> None:
        with pytest.raises(KeyError):
            evaluated(market(lead())).verdict(day(0).replace(day=3), decision_time(day(0)))


class TestTransitions:
    def walk(self, *after_lead: float) -> list[tuple[str, int]]:
        """Return (phase, session counted from the attempt) of every change of the breakout from the last session of the lead on."""
        history = evaluated(market([*lead(), *after_lead]))
        found = []
        before = history.verdict(day(N - 1), decision_time(day(N - 1)))
        for offset in range(len(after_lead)):
            after = history.verdict(day(N + offset), decision_time(day(N + offset)))
            kinds = [change.kind for change in transitions(before, after)]
            found += [(kind.partition(".")[2], offset) for kind in kinds if kind.startswith("breakout.")]
            before = after
        return found

    def test_a_breakout_that_works(self) -> None:
        assert self.walk(101.0, 102.0, 103.0, *[103.0] * 20) == [("attempt", 0), ("confirmed", 2), ("established", 22)]

    def test_one_that_fails_after_a_warning_and_recovers(self) -> None:
        seen = self.walk(101.0, 102.0, 103.0, *[99.0] * 10, 104.0)
        assert seen == [("attempt", 0), ("confirmed", 2), ("warning", 7), ("failed", 12), ("recovered", 13)]

    def test_one_that_is_rejected(self) -> None:
        assert self.walk(101.0, 96.0, 95.0) == [("attempt", 0), ("rejected", 1)]

    def test_an_unchanged_evening_shows_nothing(self) -> None:
        assert self.walk(99.0, 98.0, 97.0) == []

    def test_a_new_attempt_also_ends_the_old_episode(self) -> None:
        seen = self.walk(101.0, 101.0, 101.0, *[100.5] * 125, 102.0)
        assert seen[-2:] == [("ended", 128), ("attempt", 128)]

    def test_an_unknown_session_shows_nothing_and_the_next_known_one_does(self) -> None:
        assert self.walk(101.0, np.nan, 102.0, 103.0) == [("attempt", 0), ("confirmed", 3)]

    def test_an_unknown_session_holds_the_episode_it_found(self) -> None:
        held = breakout(market([*lead(), 101.0, np.nan]), N + 1)
        assert held.close is None
        assert held.episode is not None
        assert held.episode.phase is Phase.ATTEMPT

    def test_without_a_verdict_before_everything_of_the_episode_is_new(self) -> None:
        tonight = verdict(market([*lead(), 101.0, 102.0, 103.0]))
        assert [change.kind for change in transitions(None, tonight)] == ["breakout.attempt", "breakout.confirmed"]

    def test_a_transition_names_its_episode(self) -> None:
        (change,) = transitions(None, verdict(market([*lead(), 101.0])))
        assert change.subject == f"breakout:{day(N)}"
        assert change.occurred_on == day(N)
