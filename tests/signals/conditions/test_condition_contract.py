"""One contract for every condition: what a row of the table promises, whatever it measures."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pandas as pd
import pytest

from signals.conditions.condition import Condition, Limit, Number
from signals.conditions.hysteresis import Span, switch
from signals.conditions.measured import Measured, measure_condition
from signals.conditions.measuring import Measuring
from signals.conditions.table import CONDITIONS
from signals.data.gate import gate
from signals.data.panel import align
from signals.data.release import available_at
from signals.data.series import SERIES, STANDS_IN
from signals.data.sessions import decision_time, nyse_sessions
from signals.data.sift import drop_impossible_rows
from signals.data.vintages import Archive, as_vintages, settle
from signals.nine_decimals import Sign
from signals.sources.simulated import SimulatedSource

NOW = datetime(2010, 1, 4, 12, tzinfo=UTC)
CALENDAR = nyse_sessions(NOW)
# Long enough before for every look-back.
FROM = pd.Timestamp("2006-10-02")
# A Thursday, on which Wednesday's balance sheet is published, and the days around it.
WEDNESDAY, THURSDAY = pd.Timestamp("2009-10-14"), pd.Timestamp("2009-10-15")
# Of the sectors and of the coins, one stands for all.
MOST = 2
ROWS = pytest.mark.parametrize("row", CONDITIONS.values(), ids=list(CONDITIONS))
Frames = dict[str, pd.DataFrame]


@cache
def simulated(key: str) -> pd.DataFrame:
    """Return the simulated figures of a series as its source gives them."""
    frame = SimulatedSource().fetch(SERIES[key], None, NOW).frame
    return frame[frame.index >= FROM]


def needed(row: Condition) -> Frames:
    """Return what a condition needs, with what checks it; not to be written into."""
    checked_by = ("RRP_NYFED",) if "RRPONTSYD" in row.needs else ()
    return {key: simulated(key) for key in (*row.needs, *checked_by)}


def archived(key: str, frame: pd.DataFrame, session: pd.Timestamp) -> Archive:
    """Return what is archived of an answer on the evening of a session."""
    now = decision_time(session.date())
    kept = drop_impossible_rows(SERIES[key], frame, CALENDAR, now).frame
    return settle(as_vintages({key: kept}, pd.Timestamp(now)))


@cache
def simulated_archive(key: str, session: pd.Timestamp) -> Archive:
    return archived(key, simulated(key), session)


def measured(row: Condition, frames: Frames, session: pd.Timestamp) -> Measured:
    """Measure one condition as on the evening of a session, from what sources answered by then."""
    archive: dict[str, pd.DataFrame] = {}
    for key, frame in frames.items():
        untouched = frame is simulated(key)
        archive |= simulated_archive(key, session) if untouched else archived(key, frame, session)
    panel = align(archive, CALENDAR, session.date())
    quiet = pd.Series(False, index=panel.sessions)
    return measure_condition(row, Measuring(gate(panel, {}, quiet), ()))


def on_evening(row: Condition, frames: Frames, session: pd.Timestamp) -> tuple[float, float]:
    """Return the state of the last session, and the one a published state would follow."""
    found = measured(row, frames, session)
    return float(found.state[-1]), float(found.state_without_late_data[-1])


@cache
def as_simulated(key: str, session: pd.Timestamp) -> Measured:
    """Measure one condition as on the evening of a session, from the whole simulated history."""
    return measured(CONDITIONS[key], needed(CONDITIONS[key]), session)


def undisturbed(key: str, session: pd.Timestamp) -> float:
    """Return the state as it really was."""
    return float(as_simulated(key, session).state[-1])


def spoiled(row: Condition, factor: float) -> dict[str, Frames]:
    """Return, for each series the condition needs, a world in which its newest public figure is in another unit."""
    worlds = {}
    for key in row.needs[:MOST]:
        frames = needed(row)
        public = available_at(SERIES[key].clock, pd.DatetimeIndex(frames[key].index)) <= pd.Timestamp(
            decision_time(THURSDAY.date())
        )
        at = np.flatnonzero(public)[-1]
        frames[key] = frames[key].copy()
        frames[key].iloc[at, 0] *= factor
        worlds[key] = frames
    return worlds


def satisfying(limit: Limit) -> float:
    """Return a number on the far side of a limit."""
    return limit.figure + (1.0 if limit.sign in (Sign.ABOVE, Sign.AT_LEAST) else -1.0)


def between(number: Number) -> float:
    """Return a figure at which a number speaks neither for on nor for off, where there is one."""
    if number.enter and number.exit:
        return (number.enter.figure + number.exit.figure) / 2
    limit = number.enter or number.exit
    assert limit is not None
    return 2 * limit.figure - satisfying(limit)


def path(row: Condition, *steps: str) -> list[Span]:
    """Return the numbers of a condition that walk through enter, between and exit."""
    columns = []
    for number in row.numbers:
        enter = satisfying(number.enter) if number.enter else between(number)
        leave = satisfying(number.exit) if number.exit else enter
        values = {"enter": enter, "between": between(number), "exit": leave, "unknown": np.nan}
        figures = np.array([values[step] for step in steps])
        columns.append(Span(figures, figures))
    return columns


def has_between(row: Condition) -> bool:
    """Return whether every number has figures at which it speaks for neither."""
    return not any(
        limit.holds(between(number)) for number in row.numbers for limit in (number.enter, number.exit) if limit
    )


def longest(row: Condition) -> int:
    return max(number.exit_for for number in row.numbers)


class TestOnSimulatedHistory:
    @ROWS
    def test_truncating_the_history_changes_no_earlier_state(self, row: Condition) -> None:
        whole = as_simulated(row.key, THURSDAY)
        days = pd.DatetimeIndex(whole.days)
        for back in (1, 250):
            session = days[-1 - back]
            state, in_time = on_evening(row, needed(row), session)
            assert np.array_equal(
                [state, in_time], [whole.state[-1 - back], whole.state_without_late_data[-1 - back]], equal_nan=True
            )

    @ROWS
    def test_what_is_published_later_changes_nothing_that_evening(self, row: Condition) -> None:
        before = as_simulated(row.key, WEDNESDAY)
        frames = {key: frame.copy() for key, frame in needed(row).items()}
        for key, frame in frames.items():
            later = available_at(SERIES[key].clock, pd.DatetimeIndex(frame.index)) > pd.Timestamp(
                decision_time(WEDNESDAY.date())
            )
            frame.loc[later] *= 7.0
        after = measured(row, frames, WEDNESDAY)
        assert np.array_equal(before.state, after.state, equal_nan=True)
        assert before.at(len(before.days) - 1) == after.at(len(after.days) - 1)

    @ROWS
    def test_a_figure_that_is_no_number_switches_nothing(self, row: Condition) -> None:
        for key in row.needs[:1]:
            frames = needed(row)
            frames[key] = frames[key].copy()
            public = available_at(SERIES[key].clock, pd.DatetimeIndex(frames[key].index))
            frames[key].iloc[np.flatnonzero(public <= pd.Timestamp(decision_time(THURSDAY.date())))[-1]] = np.nan
            assert_switches_nothing(row, frames)

    @ROWS
    def test_an_input_that_is_stale_makes_it_unknown(self, row: Condition) -> None:
        stale = {key: frame[frame.index < THURSDAY - pd.Timedelta(days=30)] for key, frame in needed(row).items()}
        assert np.isnan(on_evening(row, stale, THURSDAY)).all()

    @ROWS
    @pytest.mark.parametrize("factor", [1_000.0, 0.001], ids=["x1000", "/1000"])
    def test_a_figure_in_another_unit_switches_nothing(self, row: Condition, factor: float) -> None:
        for frames in spoiled(row, factor).values():
            assert_switches_nothing(row, frames)

    @ROWS
    def test_without_any_input_it_is_unknown_throughout(self, row: Condition) -> None:
        found = measured(row, {"^RUT": simulated("^RUT")} if "^RUT" not in row.needs else {}, THURSDAY)
        assert np.isnan(found.state).all()
        assert found.at(len(found.days) - 1).value is None if found.days else True

    @ROWS
    def test_its_value_comes_with_the_date_it_is_of_and_since_when_the_state_holds(self, row: Condition) -> None:
        found = as_simulated(row.key, THURSDAY)
        told = found.at(len(found.days) - 1)
        assert told.as_of is not None
        assert told.as_of <= THURSDAY.date()
        assert told.since is not None
        assert (told.unit, told.enter) == (
            row.numbers[0].unit,
            row.numbers[0].enter.figure if row.numbers[0].enter else None,
        )


def assert_switches_nothing(row: Condition, frames: Frames) -> None:
    """A doubtful newest figure leaves the state as it was, or unknown; a published state never follows it."""
    right, before = undisturbed(row.key, THURSDAY), undisturbed(row.key, WEDNESDAY)
    state, in_time = on_evening(row, frames, THURSDAY)
    assert np.isnan(state) or state in (right, before)
    assert np.isnan(in_time) or in_time == right


class TestOnItsOwnNumbers:
    @ROWS
    def test_it_starts_off_and_enter_turns_it_on(self, row: Condition) -> None:
        steps = ["exit"] * longest(row) + ["enter"]
        assert list(switch(row, path(row, *steps)))[-2:] == [0.0, 1.0]

    @ROWS
    def test_exit_turns_it_off_after_as_many_observations_as_it_takes(self, row: Condition) -> None:
        waits = longest(row)
        found = list(switch(row, path(row, "enter", *["exit"] * waits)))
        assert found == [1.0] * waits + [0.0]

    @ROWS
    def test_between_the_thresholds_the_earlier_state_stays(self, row: Condition) -> None:
        if not has_between(row):
            # Its thresholds meet: there, a row of observations is what keeps it from flickering.
            assert longest(row) > 1
            return
        waits = longest(row)
        found = list(switch(row, path(row, "between", "enter", "between", *["exit"] * waits, "between")))
        assert found == [0.0, 1.0, 1.0, *[1.0] * (waits - 1), 0.0, 0.0]

    @ROWS
    def test_after_a_gap_the_earlier_state_resumes(self, row: Condition) -> None:
        steps = ["enter", "unknown", "between"] if has_between(row) else ["enter", "unknown", "enter"]
        found = list(switch(row, path(row, *steps)))
        assert found[0] == found[2] == 1.0
        # Where one observation cannot turn it off, whatever the missing one was, it is still on.
        assert np.isnan(found[1]) == any(number.exit_for == 1 for number in row.numbers if number.exit)

    @ROWS
    def test_where_enter_and_exit_hold_at_once_exit_wins(self, row: Condition) -> None:
        """Turn one number after the other to its exit, the others staying at enter."""
        for group in row.exit_groups:
            numbers = path(row, *["enter"] * (longest(row) + 1))
            for position in group:
                limit = row.numbers[position].exit
                assert limit is not None
                numbers[position].low[1:] = satisfying(limit)
            assert switch(row, numbers)[-1] == 0.0


def test_every_need_of_every_condition_is_a_series_with_a_source() -> None:
    for row in CONDITIONS.values():
        assert set(row.needs) <= set(SERIES)
        assert {STANDS_IN.get(key, key) for key in row.needs} <= set(SERIES)


def test_every_number_can_enter_or_leave() -> None:
    assert all(n.enter or n.exit for row in CONDITIONS.values() for n in row.numbers)
