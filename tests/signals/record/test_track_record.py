"""The whole record of the real history: events, rules, registry, grid, the article's dates, live outcomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from signals.breakout.episodes import find_episodes
from signals.data.sessions import decision_time
from signals.episode import BaseClass, Outcome
from signals.evaluate import History, evaluate
from signals.model import State
from signals.record.events import FAMILIES, RULES
from signals.record.inference import holm
from signals.record.live import LiveTransition, matured
from signals.record.model import TrackRecord
from signals.record.studies import Studies
from signals.record.track_record import track_record
from signals.rules import BREAKOUT, METHOD_VERSION, RECORD
from tests.worlds import CALENDAR, day, evaluated, lead, market, sessions

QUICK = replace(RECORD, draws=20, resamples=5)


@pytest.fixture(scope="module")
def watched(history: History) -> tuple[TrackRecord, list[tuple[int, int]]]:
    """A record, and how far it was each time it said so."""
    seen: list[tuple[int, int]] = []
    return track_record(history, lambda done, of: seen.append((done, of)), QUICK), seen


class TestEvents:
    def test_every_episode_is_listed_the_unverified_and_the_rejected_too(self, record: TrackRecord) -> None:
        assert len(record.events) == 16
        (unverified,) = [e for e in record.events if not e.episode.level_verified]
        assert unverified.episode.attempt == date(1989, 6, 2)
        assert unverified.followed
        (rejected,) = [e for e in record.events if e.episode.outcome is Outcome.REJECTED]
        assert (rejected.followed, rejected.lowest) == ((), None)
        assert rejected.checks[0].passed is False

    def test_the_unverified_one_is_left_out_of_every_statistic(self, record: TrackRecord) -> None:
        assert all(date(1989, 6, 9) not in rule.events for rule in record.rules if rule.family == "breakout")

    def test_an_event_keeps_the_checks_of_its_confirmation(self, record: TrackRecord, history: History) -> None:
        (event,) = [e for e in record.events if e.episode.attempt == date(2020, 11, 13)]
        confirmed = history.verdict(date(2020, 11, 17), decision_time(date(2020, 11, 17))).breakout
        assert event.checks == confirmed.episode_checks
        assert event.precondition is State.OFF

    def test_its_lowest_close_is_that_of_the_months_after(self, record: TrackRecord, history: History) -> None:
        (event,) = [e for e in record.events if e.episode.attempt == date(2021, 11, 2)]
        closes = history.panel.close("^RUT")["2021-11-05":].iloc[:127]
        assert event.lowest is not None
        assert event.lowest.price == closes.min()
        assert pd.Timestamp(event.lowest.on) == closes.idxmin()


class TestRules:
    def test_every_rule_is_printed_and_registered(self, record: TrackRecord) -> None:
        assert [rule.key for rule in record.rules] == list(RULES)
        assert [family.key for family in record.families] == list(FAMILIES)
        variants = {family.key: family.variants for family in record.families}
        assert variants == {"breakout": 2, "precondition": 2, "stage": 8, "liquidity": 3, "grid": 27}
        assert record.tried == 42

    def test_a_stage_is_entered_when_the_published_one_changes(self, record: TrackRecord, history: History) -> None:
        held = history.cascade.last_published
        days = history.panel.days
        rose = [days[i] for i in range(1, len(held)) if held[i - 1] < 3 <= held[i]]
        fell = [days[i] for i in range(1, len(held)) if held[i] <= 1 < held[i - 1]]
        by_key = {rule.key: list(rule.events) for rule in record.rules}
        assert by_key["stage.up:3"] == rose
        assert by_key["stage.down:1"] == fell

    def test_a_regime_is_entered_from_another_one(self, record: TrackRecord) -> None:
        entered = sorted(day for rule in record.rules if rule.family == "liquidity" for day in rule.events)
        assert len(entered) == len(set(entered)) > 30

    def test_the_breakouts_are_split_by_the_precondition_where_it_is_known(self, record: TrackRecord) -> None:
        by_key = {rule.key: rule.events for rule in record.rules}
        assert by_key["precondition.not met"] == (date(2016, 11, 16), date(2020, 11, 17), date(2021, 11, 4))
        assert by_key["precondition.met"] == ()

    def test_p_values_are_adjusted_over_the_rule_and_over_the_record(self, record: TrackRecord) -> None:
        shown = [f.numbers for rule in record.rules for f in rule.followed if f.numbers]
        assert len(shown) == record.p_values
        assert [n.p_record for n in shown] == pytest.approx(holm([n.p or 0.0 for n in shown]))
        for rule in record.rules:
            own = [f.numbers for f in rule.followed if f.numbers]
            assert [n.p_rule for n in own] == pytest.approx(holm([n.p or 0.0 for n in own]))

    def test_nothing_under_five_cases_has_a_number(self, record: TrackRecord) -> None:
        few = [f for rule in record.rules for f in rule.followed if f.n < 5]
        assert len(few) > 50
        assert all(f.numbers is None for f in few)

    def test_how_far_it_is_can_be_watched(self, watched: tuple[TrackRecord, list[tuple[int, int]]]) -> None:
        assert watched[1] == [(n, 20) for n in range(1, 21)]

    def test_every_p_is_of_as_many_draws_as_it_says(self, record: TrackRecord) -> None:
        shown = [f.numbers.p for rule in record.rules for f in rule.followed if f.numbers and f.numbers.p]
        counts = [p * (record.draws + 1) for p in shown]
        assert counts == pytest.approx([round(count) for count in counts], abs=1e-6)
        assert min(counts) >= 1

    def test_it_is_the_same_whenever_it_is_computed(
        self, history: History, watched: tuple[TrackRecord, list[tuple[int, int]]]
    ) -> None:
        assert track_record(history, sampling=QUICK) == watched[0]

    def test_it_says_how_it_was_made(self, record: TrackRecord) -> None:
        assert (record.through, record.method_version) == (date(2025, 6, 30), METHOD_VERSION)
        assert (record.draws, record.resamples, record.seed) == (200, 50, RECORD.seed)


class TestGrid:
    def test_it_is_whole(self, record: TrackRecord) -> None:
        cells = [(cell.base, cell.closes, cell.buffer) for cell in record.grid]
        assert len(cells) == len(set(cells)) == 27

    def test_the_rules_own_cell_is_the_record(self, record: TrackRecord) -> None:
        (own,) = [c for c in record.grid if (c.base, c.closes, c.buffer) == (126, 3, 0.0)]
        main = record.rules[0]
        assert own.events == len(main.events)
        for followed in own.followed:
            (same,) = [f for f in main.followed if (f.asset, f.horizon) == (followed.asset, followed.horizon)]
            assert [case.change for case in followed.cases] == [case.change for case in same.cases]

    def test_a_stricter_rule_never_confirms_more(self, record: TrackRecord) -> None:
        events = {(c.base, c.closes, c.buffer): c.events for c in record.grid}
        for (base, closes, buffer), count in events.items():
            assert all(events[b, closes, buffer] <= count for b in (126, 252) if b > base)
            assert all(events[base, closes, x] <= count for x in (0.005, 0.01) if x > buffer)

    def test_a_buffer_asks_for_closes_that_far_above_the_level(self) -> None:
        closes = pd.Series([*lead(), 100.5, 101.5, 101.6, 101.7], index=sessions(len(lead()) + 4))
        (plain,) = find_episodes(closes, sessions(len(closes) + 200))
        (buffered,) = find_episodes(closes, sessions(len(closes) + 200), replace(BREAKOUT, buffer=0.01))
        assert plain.confirmed == closes.index[-2].date()
        assert buffered.confirmed == closes.index[-1].date()

    def test_one_close_confirms_at_the_attempt_itself(self) -> None:
        closes = pd.Series([*lead(), 101.0], index=sessions(len(lead()) + 1))
        (episode,) = find_episodes(closes, sessions(len(closes) + 200), replace(BREAKOUT, confirm_closes=1))
        assert episode.confirmed == episode.attempt == closes.index[-1].date()


class TestClaims:
    def test_the_first_record_of_2017_was_a_continuation(self, record: TrackRecord) -> None:
        claim = record.claims[0]
        assert (claim.on, claim.close, claim.base_sessions) == (date(2017, 2, 10), 1388.84, 42)
        assert claim.base_class is BaseClass.CONTINUATION

    def test_the_first_record_of_2021_had_no_class_at_all(self, record: TrackRecord) -> None:
        claim = record.claims[1]
        assert (claim.on, claim.base_sessions, claim.base_class) == (date(2021, 1, 6), 8, None)
        assert len(claim.checks) == 4
        assert [horizon for _, horizon, _ in claim.followed] == [30, 61, 91, 182]

    def test_a_date_that_the_data_do_not_hold_is_said_to_be_missing(self, record: TrackRecord) -> None:
        claim = record.claims[2]
        assert (claim.on, claim.close, claim.followed) == (None, None, ())

    def test_with_later_data_the_first_close_above_2600_is_found_and_none_of_another_year(self) -> None:
        until = int(sessions(3_000).searchsorted(pd.Timestamp("2026-01-02")))
        early = [*lead(), *np.linspace(101, 2_700, until - len(lead()))]
        found = track_record(evaluated(market([*early, 2_710.0, 2_720.0])), sampling=QUICK).claims[2]
        assert (found.on, found.close) == (day(until), 2_710.0)
        before = track_record(evaluated(market(early)), sampling=QUICK).claims[2]
        assert before.on is None


class TestMatchedBase:
    def test_an_uptrend_is_that_of_the_decision_before_the_close(self) -> None:
        # Above its 200-day mean until one session falls far below it.
        closes = [*np.linspace(50, 100, 300), 60.0, 60.0, 60.0]
        studies = Studies.of(evaluated(market(closes)))
        study = studies.all["^RUT", 21]
        days = [x.date() for x in study.prices.days]
        on = {name: bool(study.uptrend[days.index(day(at))]) for name, at in {"fall": 300, "next": 301}.items()}
        # The close of the fall itself was entered on what was known the evening before.
        assert on == {"fall": True, "next": False}


class TestLive:
    def test_an_outcome_is_counted_from_the_real_decision(self, history: History) -> None:
        session = date(2020, 11, 17)
        evening = LiveTransition(1, session, decision_time(session))
        late = LiveTransition(2, session, decision_time(session) + timedelta(days=3))
        found = {(m.transition, m.asset, m.horizon): m for m in matured(history, [evening, late])}
        assert found[1, "ETH-USD", 91].entry.on == date(2020, 11, 17)
        assert found[2, "ETH-USD", 91].entry.on == date(2020, 11, 20)
        assert found[2, "^RUT", 21].entry.on == date(2020, 11, 23)

    def test_it_is_the_record_s_own_arithmetic(self, history: History, record: TrackRecord) -> None:
        session = date(2020, 11, 17)
        (event,) = [e for e in record.events if e.episode.confirmed == session]
        found = {
            (m.asset, m.horizon): m.outcome
            for m in matured(history, [LiveTransition(1, session, decision_time(session))])
        }
        assert found == {(asset, horizon): case.outcome for asset, horizon, case in event.followed}

    def test_what_has_not_matured_is_not_there(self, history: History) -> None:
        session = date(2025, 5, 20)
        found = {(m.asset, m.horizon) for m in matured(history, [LiveTransition(1, session, decision_time(session))])}
        assert found == {("^RUT", 21), ("IWM/SPY", 21), ("BTC-USD", 30), ("ETH-USD", 30)}


def test_a_market_without_coins_or_events_has_a_record_all_the_same() -> None:
    record = track_record(evaluated(market([100.0] * 300)), sampling=QUICK)
    assert record.events == ()
    assert {f.asset for rule in record.rules for f in rule.followed} == {"^RUT", "IWM/SPY"}
    assert all(f.numbers is None for rule in record.rules for f in rule.followed if rule.family == "breakout")


def test_a_truncated_history_gives_the_same_cases(history: History, record: TrackRecord) -> None:
    """No look-ahead: what was followed by then is followed in the same way with all that came later."""
    end = date(2018, 6, 29)
    archive = {key: frame[frame.index <= pd.Timestamp(end)] for key, frame in history.panel.archive.items()}
    early = track_record(evaluate(archive, CALENDAR, end), sampling=QUICK)
    for then, now in zip(early.rules, record.rules, strict=True):
        assert then.events == tuple(day for day in now.events if day <= end)
    confirmed = {(f.asset, f.horizon): f.known for f in record.rules[0].followed}
    for followed in early.rules[0].followed:
        assert followed.known == confirmed[followed.asset, followed.horizon][: followed.n]
