"""What stands beside an alert: the cases known that evening, none of them its own, none from the future."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from signals.evaluate import History, evaluate
from signals.model import Transition
from signals.record.model import Followed, Past
from signals.record.past import past_cases, rule_of

CONFIRMED, FAILED = date(2020, 11, 17), date(2021, 11, 26)


def change(kind: str, on: date, after: str = "") -> Transition:
    return Transition(on, kind, f"{kind.partition('.')[0]}:{on}", on, "", after)


def past(history: History, kind: str, on: date, after: str = "") -> Past:
    (found,) = past_cases(history, on, [change(kind, on, after)])
    assert found is not None
    return found


def of(found: Past, asset: str) -> Followed:
    return next(f for f in found.followed if f.asset == asset)


class TestRules:
    @pytest.mark.parametrize(
        ("kind", "after", "rule"),
        [
            ("breakout.attempt", "", "breakout.confirmed"),
            ("breakout.confirmed", "", "breakout.confirmed"),
            ("breakout.established", "", "breakout.confirmed"),
            ("breakout.failed", "", "breakout.failed"),
            ("breakout.rejected", "", None),
            ("breakout.recovered", "", None),
            ("breakout.ended", "", None),
            ("window.opened", "open", "breakout.confirmed"),
            ("stage.up", "3", "stage.up:3"),
            ("stage.down", "0", "stage.down:0"),
            ("liquidity.regime", "easing", "liquidity.regime:easing"),
            ("precondition.met", "on", None),
            ("supercycle.up", "2", None),
            ("data.problem", "stale", None),
        ],
    )
    def test_each_kind_is_compared_with_events_of_its_own(self, kind: str, after: str, rule: str | None) -> None:
        assert rule_of(change(kind, CONFIRMED, after)) == rule


class TestAsOf:
    def test_a_confirmation_lists_the_earlier_ones_and_not_itself(self, history: History) -> None:
        found = past(history, "breakout.confirmed", CONFIRMED)
        bitcoin = of(found, "BTC-USD")
        assert [case.event for case in bitcoin.known] == [date(2014, 12, 30), date(2016, 11, 16)]
        assert bitcoin.numbers is None
        russell = of(found, "^RUT")
        assert russell.n == 12
        assert russell.numbers is not None

    def test_an_attempt_knows_as_much_as_its_confirmation(self, history: History) -> None:
        attempt = past(history, "breakout.attempt", date(2020, 11, 13))
        confirmed = past(history, "breakout.confirmed", CONFIRMED)
        assert [case.event for case in of(attempt, "^RUT").cases] == [
            case.event for case in of(confirmed, "^RUT").cases
        ]

    def test_what_became_of_an_episode_is_no_earlier_case_of_itself(self, history: History) -> None:
        for kind, on in (("window.elapsed", date(2021, 2, 17)), ("breakout.established", date(2020, 12, 16))):
            assert CONFIRMED not in [case.event for case in of(past(history, kind, on), "BTC-USD").cases]

    def test_the_next_one_counts_it(self, history: History) -> None:
        later = past(history, "breakout.confirmed", date(2021, 11, 4))
        assert CONFIRMED in [case.event for case in of(later, "BTC-USD").known]

    def test_a_failure_is_compared_with_failures(self, history: History) -> None:
        found = past(history, "breakout.failed", FAILED)
        assert [case.event for case in of(found, "^RUT").known] == [
            date(2000, 1, 6), date(2011, 5, 5), date(2015, 1, 6),
        ]  # fmt: skip

    def test_a_rise_of_the_stage_is_compared_with_earlier_rises_to_it(self, history: History) -> None:
        on = date(2020, 11, 23)
        found = past(history, "stage.up", on, "3")
        assert found.rule == "stage.up:3"
        assert all(case.event < on for case in of(found, "^RUT").cases)
        assert of(found, "^RUT").n >= 5

    def test_nothing_that_was_not_closed_by_then_counts(self, history: History) -> None:
        for followed in past(history, "stage.up", date(2020, 11, 23), "3").followed:
            for case in followed.known:
                assert case.outcome is not None
                assert case.outcome.exit.on <= date(2020, 11, 23)

    @pytest.mark.parametrize(
        ("kind", "on", "after"),
        [
            ("breakout.confirmed", CONFIRMED, ""),
            ("stage.up", date(2020, 11, 23), "3"),
            ("window.opened", date(2020, 12, 17), ""),
        ],
    )
    def test_a_history_that_ends_that_evening_gives_the_same(
        self, history: History, kind: str, on: date, after: str
    ) -> None:
        archive = {key: frame[frame.index <= pd.Timestamp(on)] for key, frame in history.panel.archive.items()}
        ended = evaluate(archive, history.panel.calendar, on)
        assert past(ended, kind, on, after) == past(history, kind, on, after)

    def test_a_session_without_such_a_change_computes_nothing(self, history: History) -> None:
        assert past_cases(history, CONFIRMED, [change("supercycle.up", CONFIRMED, "2")]) == [None]

    def test_an_asset_without_a_price_yet_is_unpriced_not_zero(self, history: History) -> None:
        found = past(history, "breakout.confirmed", date(2013, 1, 4))
        ether = of(found, "ETH-USD")
        assert (ether.n, [case.entry for case in ether.cases]) == (0, [None] * len(ether.cases))
        assert ether.base.median is None
