"""What a verdict implies: the next step, when an alert is wrong, which links switch, where the regime turns."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from signals import explain
from signals.explain import CoinLimits, EndRule, InvalidIf, Lead, NextStep, Recovery, Step
from signals.model import Breakout, Course, Liquidity, Regime, State, Verdict, Window
from tests.bot.messages.whole import BREAKOUT, CHECKS, EPISODE, LIQUIDITY, SESSION, cascade, crypto, supercycle, whole

ON, OFF = State.ON, State.OFF
LEVEL, BELOW = 1740.75, 1740.75 * 0.97
END = date(2021, 6, 17)
ATTEMPT = replace(EPISODE, confirmed=None, hold_until=None)
ESTABLISHED = replace(EPISODE, established=date(2020, 12, 16), end_by=END)
BACK = date(2021, 3, 4)
FAILED = replace(EPISODE, failed=date(2020, 12, 1), recover_by=BACK)


def breakout(**changes: Any) -> Breakout:
    return replace(BREAKOUT, **changes)


def ago(sessions: int) -> Course:
    """Return the course of a breakout that ended so many sessions ago."""
    return Course(attempt=sessions + 9, confirmed=None, ended=sessions, below=1, change=None)


class TestNextStep:
    @pytest.mark.parametrize(
        ("given", "step"),
        [
            (breakout(close=None), NextStep(Step.UNKNOWN)),
            (breakout(episode=ATTEMPT), NextStep(Step.CONFIRMATION, LEVEL, BELOW, date(2020, 12, 11))),
            (breakout(), NextStep(Step.ESTABLISHMENT, LEVEL, BELOW, date(2020, 12, 16))),
            (breakout(episode=ESTABLISHED), NextStep(Step.END, LEVEL, BELOW, END)),
            (breakout(episode=FAILED, base_sessions=9), NextStep(Step.RECOVERY, 1791.91, on=BACK)),
            (breakout(episode=FAILED, base_sessions=125, course=ago(63)), NextStep(Step.LONGER_BASE)),
            (breakout(episode=None, base_sessions=0), NextStep(Step.LONGER_BASE)),
        ],
        ids=["unknown", "attempt", "confirmed", "established", "failed", "failed long ago", "none"],
    )
    def test_the_next_step_follows_from_the_episode(self, given: Breakout, step: NextStep) -> None:
        assert explain.next_step(given) == step

    def test_out_of_a_long_base_a_record_close_is_next_and_its_distance_is_a_fraction_of_the_close(self) -> None:
        given = breakout(episode=None, base_sessions=126, close=1000.0, record=1100.0)
        found = explain.next_step(given)
        assert (found.step, found.level, found.on) == (Step.RECORD, 1100.0, None)
        assert found.distance == pytest.approx(0.1)


class TestRecovery:
    def test_what_failed_recovers_by_a_close_above_the_record_by_its_day(self) -> None:
        assert explain.recovery_of(breakout(episode=FAILED, course=ago(62))) == Recovery(1791.91, BACK)

    @pytest.mark.parametrize(
        "given",
        [
            breakout(),
            breakout(episode=None, course=None),
            breakout(episode=FAILED, course=ago(63)),
            breakout(episode=replace(FAILED, recovered=date(2020, 12, 8)), course=ago(5)),
            breakout(episode=FAILED, course=ago(5), record=None),
        ],
        ids=["open", "none", "too late", "recovered", "unknown"],
    )
    def test_nothing_else_recovers(self, given: Breakout) -> None:
        assert explain.recovery_of(given) is None


class TestInvalidIf:
    @pytest.mark.parametrize(
        ("phase", "wrong"),
        [
            ("attempt", InvalidIf(BELOW, None, date(2020, 12, 11), unless_confirmed=True)),
            ("confirmed", InvalidIf(BELOW, LEVEL, date(2020, 12, 16))),
            ("warning", InvalidIf(BELOW, LEVEL, date(2020, 12, 16))),
            ("established", InvalidIf(BELOW, None, END)),
            ("failed", None),
            ("rejected", None),
            ("recovered", None),
            ("ended", None),
        ],
    )
    def test_an_alert_is_wrong_at_its_phase_s_price_and_date(self, phase: str, wrong: InvalidIf | None) -> None:
        assert explain.invalid_if(ESTABLISHED, phase) == wrong

    @pytest.mark.parametrize("episode", [None, FAILED, ESTABLISHED, replace(EPISODE, confirmed=date(2020, 1, 2))])
    def test_a_window_is_cancelled_only_by_the_breakout_that_opened_it_and_only_while_that_can_fail(
        self, episode: object
    ) -> None:
        open_now = crypto(Window.OPEN)
        assert explain.ends_window(breakout(episode=episode), open_now) is None
        assert explain.ends_window(breakout(), open_now) == InvalidIf(BELOW, LEVEL, date(2020, 12, 16))


def ended(close: float | None, session: date = SESSION, **events: Any) -> Verdict:
    episode = replace(EPISODE, confirmed=date(2020, 11, 16), **events)
    return whole(session=session, breakout=breakout(close=close, episode=episode))


class TestWhyEnded:
    def test_an_open_breakout_has_not_ended(self) -> None:
        assert explain.why_ended(whole(), EPISODE.attempt) is None

    @pytest.mark.parametrize("how", ["failed", "rejected", "ended"])
    def test_a_single_close_below_the_floor_ends_a_breakout_in_any_phase(self, how: str) -> None:
        assert explain.why_ended(ended(1688.52, **{how: SESSION}), EPISODE.attempt) is EndRule.CLOSE_BELOW_FLOOR

    @pytest.mark.parametrize(
        ("how", "rule"),
        [
            ("failed", EndRule.CLOSES_BELOW_LEVEL),
            ("rejected", EndRule.NOT_CONFIRMED),
            ("ended", EndRule.TIME_OVER),
        ],
    )
    def test_a_close_above_the_floor_leaves_the_slower_rule(self, how: str, rule: EndRule) -> None:
        assert explain.why_ended(ended(1688.53, **{how: SESSION}), EPISODE.attempt) is rule

    def test_a_newer_attempt_ends_the_breakout_before_it(self) -> None:
        assert explain.why_ended(whole(), date(2016, 11, 14)) is EndRule.NEW_ATTEMPT

    def test_the_rule_is_unknown_without_the_close_of_that_session(self) -> None:
        assert explain.why_ended(ended(None, failed=SESSION), EPISODE.attempt) is None
        assert explain.why_ended(ended(1600.0, date(2020, 11, 18), failed=SESSION), EPISODE.attempt) is None


class TestLinks:
    def test_the_stage_stops_at_the_first_link_that_is_not_on(self) -> None:
        stopped = explain.first_link_off(cascade(ON, OFF, ON, OFF))
        assert stopped is not None
        assert stopped.number == 2
        assert explain.first_link_off(cascade(ON, ON, ON, ON)) is None

    def test_a_change_of_stage_names_the_links_that_it_counts_or_counts_no_more(self) -> None:
        assert [link.number for link in explain.switched(cascade(ON, ON, ON, OFF), 1, 3)] == [2, 3]
        assert [link.number for link in explain.switched(cascade(ON, OFF, OFF, OFF), 3, 1)] == [2, 3]


def liquidity(on: int, raw: Regime, measured: int = 8) -> Liquidity:
    return replace(LIQUIDITY, on=on, measured=measured, score=100.0 * on / measured, raw=raw)


class TestLiquidity:
    @pytest.mark.parametrize(
        ("given", "turns"),
        [
            (liquidity(4, Regime.NEUTRAL), [(Regime.EASING, 5, 1), (Regime.TIGHTENING, 2, -2)]),
            (liquidity(8, Regime.EASING), [(Regime.NEUTRAL, 3, -5)]),
            (liquidity(2, Regime.TIGHTENING), [(Regime.NEUTRAL, 4, 2)]),
            (liquidity(5, Regime.NEUTRAL, 9), [(Regime.EASING, 6, 1), (Regime.TIGHTENING, 2, -3)]),
        ],
    )
    def test_the_regime_turns_at_so_many_conditions_nearest_first(
        self, given: Liquidity, turns: list[tuple[Regime, int, int]]
    ) -> None:
        assert [(turn.regime, turn.on, turn.more) for turn in explain.turns(given)] == turns

    @given(st.integers(6, 9).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
    def test_at_the_number_named_the_rule_holds_and_one_short_of_it_does_not(self, counts: tuple[int, int]) -> None:
        on, of = counts
        for raw in (Regime.EASING, Regime.NEUTRAL, Regime.TIGHTENING):
            for turn in explain.turns(liquidity(on, raw, of)):
                share, short = 100 * turn.on / of, 100 * (turn.on + (-1 if turn.regime is Regime.EASING else 1)) / of
                if raw is Regime.NEUTRAL:
                    assert (share >= 60 > short) if turn.regime is Regime.EASING else (share <= 25 < short)
                elif raw is Regime.EASING:
                    assert share < 50 <= short
                else:
                    assert share > 40 >= 100 * (turn.on - 1) / of

    def test_without_a_score_nothing_turns(self) -> None:
        assert explain.turns(replace(LIQUIDITY, score=None)) == []

    def test_it_heads_elsewhere_where_the_score_alone_says_another_regime(self) -> None:
        assert explain.heads_elsewhere(replace(LIQUIDITY, raw=Regime.EASING))
        assert not explain.heads_elsewhere(LIQUIDITY)
        assert not explain.heads_elsewhere(replace(LIQUIDITY, raw=Regime.UNKNOWN))


class TestGap:
    def test_a_distance_that_would_round_to_nothing_is_in_points(self) -> None:
        assert explain.gap(2442.03, 2442.74).fraction is None
        assert explain.gap(2442.03, 2442.74).points == pytest.approx(-0.71)
        assert explain.gap(90.0, 100.0).fraction == pytest.approx(-0.1)


class TestLead:
    @pytest.mark.parametrize(
        ("given", "leads"),
        [
            (breakout(close=None, episode=None, course=None), Lead.UNKNOWN),
            (breakout(close=None), Lead.BREAKOUT),
            (breakout(), Lead.BREAKOUT),
            (breakout(episode=FAILED, course=Course(9, 7, 21, 3, -0.1)), Lead.ENDED),
            (breakout(episode=FAILED, course=Course(9, 7, 22, 3, -0.1)), Lead.RECORD),
            (breakout(episode=None, course=None, record_after=None, close=1791.0), Lead.NEAR),
            (breakout(episode=None, course=None, record_after=None, close=1600.0), Lead.STAGE),
        ],
    )
    def test_what_stands_first(self, given: Breakout, leads: Lead) -> None:
        assert explain.lead(given) is leads


class TestChecks:
    def test_each_speaks_for_the_breakout_or_against_it_or_not_at_all(self) -> None:
        checks = (CHECKS[0], replace(CHECKS[1], passed=False), replace(CHECKS[2], passed=None), *CHECKS[3:])
        assert [check.key for check in explain.checks_that(checks, passed=True)] == ["trend", "relative_strength"]
        assert [check.key for check in explain.checks_that(checks, passed=False)] == ["volume"]

    def test_the_part_that_passes_decides_else_the_first(self) -> None:
        day, days = CHECKS[1].parts
        assert explain.deciding(CHECKS[1]) == day
        swapped = replace(CHECKS[1], parts=(replace(day, passed=False), replace(days, passed=True)))
        assert explain.deciding(swapped).key == "volume_days"
        assert explain.failing(swapped) == ["volume_day"]


class TestClosesLeft:
    def test_a_failure_by_closes_is_so_many_more_away(self) -> None:
        assert explain.closes_left(breakout(course=Course(7, 5, None, 5, -0.01))) == 5
        assert explain.closes_left(breakout(episode=ESTABLISHED)) is None
        assert explain.closes_left(breakout(episode=ATTEMPT)) is None

    def test_a_confirmation_is_so_many_more_away(self) -> None:
        so_far = (replace(CHECKS[0], passed=None, value=1.0), *CHECKS[1:])
        assert explain.closes_to_confirm(breakout(episode=ATTEMPT, episode_checks=so_far)) == 2
        assert explain.closes_to_confirm(breakout()) is None


class TestDisagreement:
    @pytest.mark.parametrize(
        ("states", "regime", "disagree"),
        [
            ((ON, ON, ON, ON), Regime.TIGHTENING, True),
            ((ON, ON, ON, OFF), Regime.TIGHTENING, True),
            ((ON, ON, OFF, OFF), Regime.TIGHTENING, False),
            ((OFF, ON, OFF, OFF), Regime.EASING, True),
            ((ON, ON, ON, ON), Regime.EASING, False),
        ],
    )
    def test_links_and_liquidity_disagree_at_the_extremes(
        self, states: tuple[State, ...], regime: Regime, disagree: bool
    ) -> None:
        verdict = whole(cascade=cascade(*states), liquidity=replace(LIQUIDITY, regime=regime))
        assert explain.disagree(verdict) is disagree


class TestWindow:
    def test_a_window_opens_and_closes_so_many_days_after_the_confirmation(self) -> None:
        waiting = crypto(Window.WAITING)
        assert waiting.confirmed == SESSION
        assert (explain.opens_on(waiting), explain.closes_on(waiting)) == (date(2020, 12, 17), date(2021, 2, 16))

    @pytest.mark.parametrize("window", list(Window))
    def test_a_window_has_a_date_ahead_while_it_waits_or_is_open(self, window: Window) -> None:
        assert explain.is_pending(crypto(window)) == (window in (Window.WAITING, Window.OPEN))

    def test_a_response_is_a_fifth_above_the_price_of_day_0(self) -> None:
        assert explain.response_price(crypto(Window.OPEN, anchor=500.0)) == pytest.approx(600.0)
        assert explain.response_price(crypto(Window.OPEN, anchor=None)) is None


@pytest.mark.parametrize(("sessions", "is_one"), [(19, False), (20, True)])
def test_the_word_supercycle_may_be_used_after_twenty_sessions_of_all_four(sessions: int, is_one: bool) -> None:
    assert explain.is_supercycle(supercycle(ON, ON, ON, ON, full_sessions=sessions)) == is_one
    assert not explain.is_supercycle(supercycle(ON, ON, ON, OFF, full_sessions=40))


def test_bitcoin_has_limits_of_its_own() -> None:
    assert explain.coin_limits("BTC-USD") == CoinLimits(-0.50, -0.25)
    assert explain.coin_limits("ETH-USD") == explain.coin_limits("altcoin basket") == CoinLimits(-0.60, -0.40)


@pytest.mark.parametrize(("since", "silent", "is_new"), [(SESSION, False, True), (SESSION, True, False)])
def test_a_property_is_changed_on_the_session_it_switched_unless_it_was_unknown(
    since: date, silent: bool, is_new: bool
) -> None:
    (one, *_) = supercycle(ON, ON, ON, ON).properties
    assert explain.is_changed(replace(one, since=since, silent=silent), SESSION) == is_new
    assert not explain.is_changed(one, SESSION)
