"""The switch under every condition, and the waiting time under every aggregate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.conditions.condition import Condition, Limit, Number
from signals.conditions.hysteresis import Published, Span, both, either, first_measured, lapsed, publish, switch
from signals.data.series import Days
from signals.model import Unit
from signals.nine_decimals import Sign
from signals.rules import UNKNOWN
from tests.signals.conditions.figures import NAN


def row(*numbers: Number, enters: tuple[tuple[int, ...], ...] = (), exits: tuple[tuple[int, ...], ...] = ()) -> Condition:  # fmt: skip
    return Condition("k", None, "", "", (), Days.SESSION, numbers, lambda _: (), enters=enters, exits=exits)


def exactly(values: Sequence[float]) -> Span:
    """Return a number none of whose members is missing."""
    figures = np.array(values, dtype=float)
    return Span(figures, figures)


def switched(condition: Condition, *numbers: Sequence[float]) -> str:
    """Return the states over time: ``1``, ``0`` or ``?``."""
    found = switch(condition, [exactly(values) for values in numbers])
    return "".join("?" if np.isnan(x) else str(int(x)) for x in found)


ONE = row(Number("n", Unit.BN, Limit(Sign.ABOVE, 50), Limit(Sign.BELOW, -50)))
SLOW = row(Number("n", Unit.BN, Limit(Sign.ABOVE, 0), Limit(Sign.BELOW, 0), exit_for=3))
TWO = row(
    Number("a", Unit.BN, Limit(Sign.ABOVE, 0), Limit(Sign.BELOW, -5)),
    Number("b", Unit.BN, Limit(Sign.ABOVE, 0), Limit(Sign.BELOW, -5)),
)


class TestSwitch:
    def test_it_starts_off_and_keeps_its_state_between_the_thresholds(self) -> None:
        assert switched(ONE, [0, 51, 50, 0, -50, -51, 0, 50]) == "01111000"

    def test_a_gap_is_unknown_and_afterwards_the_earlier_state_resumes(self) -> None:
        assert switched(ONE, [NAN, 51, NAN, 0, -51, NAN, 0]) == "?1?10?0"

    def test_exit_wins_where_both_hold(self) -> None:
        both = row(Number("a", Unit.BN, Limit(Sign.ABOVE, 0)), Number("b", Unit.BN, None, Limit(Sign.BELOW, 0)))
        assert switched(both, [1, 1, 1], [1, -1, 1]) == "101"

    def test_an_exit_for_so_long_needs_them_in_a_row(self) -> None:
        assert switched(SLOW, [1, -1, -1, 0, -1, -1, -1, 0]) == "11111100"

    def test_a_gap_in_the_row_makes_unknown_what_it_decides(self) -> None:
        assert switched(SLOW, [1, -1, NAN, -1, -1, -1]) == "111??0"

    def test_all_numbers_enter_and_any_exits(self) -> None:
        assert switched(TWO, [1, 1, 0, -6], [0, 1, 0, 1]) == "0110"

    def test_a_missing_number_that_cannot_decide_leaves_it_known(self) -> None:
        assert switched(TWO, [1, -6], [1, NAN]) == "10"
        assert switched(TWO, [0, 0, -6], [0, NAN, NAN]) == "000"

    def test_one_of_two_ways_in_is_enough(self) -> None:
        either_way = row(*TWO.numbers, enters=((0,), (1,)), exits=((0, 1),))
        assert switched(either_way, [0, 1, -6, -6], [0, 0, -4, -6]) == "0110"

    def test_a_way_in_that_never_was_there_is_left_out(self) -> None:
        either_way = row(*TWO.numbers, enters=((0,), (1,)), exits=((0, 1),))
        assert switched(either_way, [0, 1, -6], [NAN, NAN, NAN]) == "010"

    def test_a_decimal_threshold_is_met_by_the_difference_that_makes_it(self) -> None:
        tenth = row(Number("n", Unit.POINTS, Limit(Sign.AT_MOST, -0.10), Limit(Sign.ABOVE, 0.10)))
        assert switched(tenth, [3.31 - 3.41, 3.41 - 3.31, 0.11]) == "110"

    @given(st.lists(st.sampled_from([60.0, 0.0, -60.0, NAN]), max_size=30), st.integers(0, 30))
    def test_what_comes_later_changes_no_earlier_state(self, values: list[float], cut: int) -> None:
        assert switched(ONE, values)[:cut] == switched(ONE, values[:cut])


class TestSpan:
    @pytest.mark.parametrize(("low", "high", "state"), [(60, 70, "1"), (40, 60, "?"), (0, 40, "0"), (-60, -40, "0")])
    def test_a_share_with_missing_members_is_tried_both_ways(self, low: float, high: float, state: str) -> None:
        found = switch(ONE, [Span(np.array([low], dtype=float), np.array([high], dtype=float))])
        assert ("?" if np.isnan(found[0]) else str(int(found[0]))) == state

    @given(st.lists(st.tuples(st.integers(-70, 70), st.integers(0, 60)), min_size=1, max_size=20), st.data())
    def test_wherever_the_number_really_lies_a_known_state_is_the_one_it_makes(
        self, spans: list[tuple[int, int]], data: st.DataObject
    ) -> None:
        low = np.array([x for x, _ in spans], dtype=float)
        high = low + np.array([width for _, width in spans], dtype=float)
        really = [float(data.draw(st.integers(int(a), int(b)))) for a, b in zip(low, high, strict=True)]
        tried, known = switch(ONE, [Span(low, high)]), switch(ONE, [exactly(really)])
        # Only the first unknown: from there on the state before is no longer the same.
        until = int(np.argmax(np.isnan(tried))) if np.isnan(tried).any() else len(tried)
        assert list(tried[:until]) == list(known[:until])


def published(
    steps: Sequence[float], after: int, lapses: Sequence[int] = (), arrivals: Sequence[int] = (), start: float = 0.0
) -> Published:
    at = np.arange(len(steps))
    return publish(steps, after, np.isin(at, list(lapses)), np.isin(at, list(arrivals)), start)


class TestPublish:
    def test_it_changes_after_so_many_in_a_row(self) -> None:
        found = published([1, 1, 1, 0, 0, 0], 3)
        assert list(found.state) == [0, 0, 1, 1, 1, 0]
        assert list(found.toward) == [1, 2, 0, 1, 2, 0]

    def test_an_unknown_step_neither_adds_nor_resets(self) -> None:
        assert list(published([1, NAN, 1, NAN, 1], 3).state) == [0, 0, 0, 0, 1]

    def test_before_the_first_known_step_it_is_unknown(self) -> None:
        assert list(np.isnan(published([NAN, NAN, 0], 2).state)) == [True, True, False]

    def test_without_a_start_it_is_unknown_until_one_has_held(self) -> None:
        found = published([2, 1, 1, 2, 2], 2, start=NAN)
        assert list(np.nan_to_num(found.state, nan=-1)) == [-1, -1, 1, 1, 2]

    def test_a_lapse_makes_it_unknown_and_counting_begins_anew(self) -> None:
        found = published([1, 1, NAN, NAN, 1, 1, 1], 2, lapses=[3])
        assert list(np.nan_to_num(found.state, nan=-1)) == [0, 1, 1, -1, -1, 1, 1]

    def test_neither_a_lapse_nor_a_return_is_news(self) -> None:
        assert list(np.flatnonzero(published([0, 1, 1, NAN, NAN, 1, 1], 2, lapses=[4]).silent)) == [4, 6]

    def test_what_changes_after_it_came_back_is_news_again(self) -> None:
        assert list(np.flatnonzero(published([0, 0, NAN, 1, 1, 0, 0], 2, lapses=[2]).silent)) == [2, 4]

    def test_a_row_that_begins_where_something_arrives_is_no_news(self) -> None:
        arrived = published([0, 0, 1, 1, 0, 0], 2, arrivals=[0, 2])
        assert list(np.flatnonzero(arrived.silent)) == [3]

    def test_a_row_that_begins_where_the_state_is_first_known_is_no_news(self) -> None:
        assert list(np.flatnonzero(published([NAN, 1, 1, 0, 0], 2).silent)) == [2]

    def test_what_arrived_while_it_was_unknown_began_the_row_after(self) -> None:
        assert list(np.flatnonzero(published([0, 0, NAN, 1, 1], 2, arrivals=[2]).silent)) == [4]

    @given(st.lists(st.sampled_from([0.0, 1.0, NAN]), max_size=40), st.integers(1, 5))
    def test_it_is_the_last_state_that_held_for_so_long_among_the_known(self, steps: list[float], after: int) -> None:
        found = published(steps, after).state
        known = [x for x in steps if x == x]
        runs = [known[i - after] for i in range(after, len(known) + 1) if len(set(known[i - after : i])) == 1]
        assert not known or found[-1] == (runs[-1] if runs else 0.0)

    @given(st.lists(st.sampled_from([0.0, 1.0, NAN]), max_size=60), st.integers(1, 5), st.integers(0, 60))
    def test_what_comes_later_changes_nothing_published(self, steps: list[float], after: int, cut: int) -> None:
        def found(values: list[float]) -> Published:
            states = np.array(values, dtype=float)
            return publish(states, after, lapsed(states), first_measured([states]), 0.0)

        whole, part = found(steps), found(steps[:cut])
        assert np.array_equal(whole.state[:cut], part.state, equal_nan=True)
        assert list(whole.silent[:cut]) == list(part.silent)


class TestLapse:
    def test_a_state_is_held_for_ten_sessions_and_not_for_eleven(self) -> None:
        states = np.array([NAN, 1.0, *[NAN] * 12, 0.0, NAN])
        assert list(np.flatnonzero(lapsed(states))) == [UNKNOWN.held_sessions + 2, UNKNOWN.held_sessions + 3]

    def test_what_was_never_known_does_not_lapse(self) -> None:
        assert not lapsed(np.full(30, NAN)).any()


@given(st.lists(st.sampled_from([0.0, 1.0, NAN]), min_size=1, max_size=4))
def test_conjunction_and_disjunction_are_known_when_every_way_to_fill_the_gaps_agrees(truths: list[float]) -> None:
    arrays = [np.array([x]) for x in truths]
    low, high = ([fill if np.isnan(x) else x for x in truths] for fill in (0.0, 1.0))
    for found, made in ((both(arrays)[0], min), (either(arrays)[0], max)):
        assert np.isnan(found) if made(low) != made(high) else found == made(low)
