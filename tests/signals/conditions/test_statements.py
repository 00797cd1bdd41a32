"""Counting statements that are on, off or unknown."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.conditions.statements import Statement, above_mean, sessions_since_high, state, votes

NAN = float("nan")


def count(*rows: list[float], least_on: int | None = None, share_on: float | None = None, least_counted: int = 1) -> list[float]:  # fmt: skip
    table = pd.DataFrame(rows, dtype=float)
    return list(votes(table, least_on=least_on, share_on=share_on, least_counted=least_counted))


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
        assert np.isnan(count([1, 1, NAN], share_on=0.5, least_counted=3)[0])
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


class TestMeasures:
    def test_a_state_is_unknown_where_an_input_is(self) -> None:
        inputs = pd.Series([1.0, NAN, 3.0])
        assert list(state(inputs > 2, inputs).isna()) == [False, True, False]

    def test_above_its_mean_is_known_once_the_mean_is(self) -> None:
        on, value = above_mean(pd.Series([1.0, 1.0, 4.0]), 3)
        assert list(on.isna()) == [True, True, False]
        assert on.iloc[2] == 1.0
        assert value.iloc[2] == pytest.approx(1.0)

    def test_sessions_since_a_high_count_from_the_last_session_at_it(self) -> None:
        since = sessions_since_high(pd.Series([1.0, 2.0, 3.0, 2.0, 2.0, 3.0]), 3)
        assert list(since.dropna()) == [0.0, 1.0, 2.0, 0.0]

    def test_a_series_that_only_falls_was_never_at_its_high(self) -> None:
        since = sessions_since_high(pd.Series([5.0, 4.0, 3.0, 2.0]), 3)
        assert list(since.dropna()) == [np.inf, np.inf]

    def test_a_statement_reads_its_row(self) -> None:
        statement = Statement("key", pd.Series([1.0, 0.0, NAN]), pd.Series([0.5, -0.5, np.inf]), 0.0)
        assert [statement.check(at).passed for at in range(3)] == [True, False, None]
        assert [statement.check(at).value for at in range(3)] == [0.5, -0.5, None]
