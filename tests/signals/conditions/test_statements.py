"""Counting statements that are on, off or unknown."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from signals.conditions.hysteresis import at_least, votes
from signals.conditions.statements import Statement, as_state
from signals.model import Unit

NAN = float("nan")


def count(*rows: list[float], least_on: int | None = None, share_on: float | None = None) -> list[float]:
    """Return per row the answer of a group of states, one a column."""
    columns = list(np.array(rows, dtype=float).T)
    if least_on is not None:
        return list(at_least(least_on, *columns))
    counted = votes(columns)
    assert share_on is not None
    return list(counted.at_least(share_on * counted.counted))


class TestVotes:
    def test_enough_on_is_on(self) -> None:
        assert count([1, 1, 0], least_on=2) == [1.0]

    def test_too_few_that_could_be_on_is_off(self) -> None:
        assert count([1, 0, 0], least_on=2) == [0.0]

    def test_a_missing_one_that_decides_makes_it_unknown(self) -> None:
        assert np.isnan(count([1, 1, 0], [1, NAN, 0], least_on=2)[1])

    def test_a_missing_one_that_cannot_change_the_result_does_not(self) -> None:
        assert count([1, 1, 1], [1, 1, NAN], least_on=2)[1] == 1.0
        assert count([1, 1, 1], [0, 0, NAN], least_on=2)[1] == 0.0

    def test_one_never_had_is_left_out_of_a_share(self) -> None:
        assert count([1, 0, NAN], share_on=0.5) == [1.0]

    def test_one_that_was_had_before_is_not(self) -> None:
        assert np.isnan(count([1, 0, 1], [1, 0, NAN], share_on=0.5)[1])
        assert count([1, 0, 1], [1, 0, NAN], share_on=0.3)[1] == 1.0

    def test_too_few_counted_is_unknown(self) -> None:
        assert np.isnan(count([1, 1, NAN, NAN, NAN], least_on=3)[0])

    @given(st.lists(st.sampled_from([0.0, 1.0, NAN]), min_size=2, max_size=6), st.integers(1, 6))
    def test_a_result_is_given_exactly_when_every_way_to_fill_the_gaps_agrees(
        self, row: list[float], least_on: int
    ) -> None:
        everything_had_before = [0.0] * len(row)
        result = count(everything_had_before, row, least_on=least_on)[1]
        choices = [[value] if value == value else [0.0, 1.0] for value in row]
        outcomes = {float(sum(filled) >= least_on) for filled in itertools.product(*choices)}
        if least_on > len(row):
            assert np.isnan(result)
        elif len(outcomes) == 1:
            assert result == outcomes.pop()
        else:
            assert np.isnan(result)


class TestStatement:
    def test_a_state_is_unknown_where_an_input_is(self) -> None:
        inputs = np.array([1.0, NAN, 3.0])
        assert [str(value) for value in as_state(inputs > 2, inputs)] == ["0.0", "nan", "1.0"]

    def test_a_statement_reads_its_row(self) -> None:
        statement = Statement("key", np.array([1.0, 0.0, NAN]), np.array([0.5, -0.5, np.inf]), 0.0, Unit.PERCENT)
        assert [statement.check(at).passed for at in range(3)] == [True, False, None]
        assert [statement.check(at).value for at in range(3)] == [0.5, -0.5, None]
