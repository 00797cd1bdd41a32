"""Splits carried out late, distributions that cannot be, and closes that the source changed: doubted, not believed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.data.adjust import adjusted_close
from signals.data.series import FIELDS, SERIES
from signals.data.sessions import decision_time
from signals.data.vintages import settle
from signals.model import Freshness
from signals.nine_decimals import Sign, meets
from tests.worlds import CALENDAR, day, evaluated, frame, lead, market, settled, verdict

EVENING = decision_time(day(5))


def row(on: int, value: float, seen: int, last_seen: int | None = None, **more: float) -> Any:
    """Return a vintage first seen on the evening of the session at a position, and last on another's."""
    figures = [({"value": value} | more).get(field) for field in FIELDS]
    first, last = (None if at is None else decision_time(day(at)) for at in (seen, last_seen))
    return (day(on), first, last, *figures)


def table(*rows: Any, key: str = "IWC") -> pd.DataFrame:
    return settle({key: list(zip(*rows, strict=True))})[key]


def closes(*rows: Any, key: str = "IWC") -> tuple[list[float], bool]:
    """Return what stands, and whether the newest is doubted."""
    found = table(*rows, key=key)
    return list(found["value"]), bool(found["doubted"].iloc[-1])


BEFORE = row(0, 100.0, 0)
RATIOS = (2.0, 3.0, 1.5, 4.0, 5.0, 10.0)


class TestSplitsCarriedOutLate:
    @pytest.mark.parametrize("ratio", [*RATIOS, *(1 / ratio for ratio in RATIOS)])
    @pytest.mark.parametrize("off", [0.985, 1.0, 1.015])
    def test_a_step_as_by_a_split_is_not_confirmed_by_repetition(self, ratio: float, off: float) -> None:
        step = row(1, 100.0 * ratio * off, 1, last_seen=4)
        assert closes(BEFORE, step) == ([100.0, 100.0 * ratio * off], True)

    def test_a_far_step_as_by_no_split_is(self) -> None:
        assert closes(BEFORE, row(1, 60.0, 1, last_seen=4)) == ([100.0, 60.0], False)

    def test_nor_is_what_follows_it_however_far_it_drifts(self) -> None:
        rows = [BEFORE, *(row(at, 49.0 + 2 * at, at, last_seen=9) for at in range(1, 8))]
        assert closes(*rows) == ([100.0, 63.0], True)

    def test_where_the_next_bar_is_back_only_the_odd_one_is_left_out(self) -> None:
        assert closes(BEFORE, row(1, 50.0, 1, last_seen=4), row(2, 101.0, 2)) == ([100.0, 101.0], False)

    def test_it_is_not_believed_in_a_first_download_either(self) -> None:
        assert closes(row(0, 100.0, 3), row(1, 50.0, 3), row(2, 51.0, 3)) == ([100.0, 51.0], True)

    def test_coins_have_no_splits(self) -> None:
        assert closes(row(0, 1.0, 3), row(1, 2.0, 3), row(2, 2.1, 3), key="DOGE-USD") == ([1.0, 2.0, 2.1], False)

    @given(st.lists(st.floats(0.95, 1.05), min_size=1, max_size=8), st.sampled_from(RATIOS), st.integers(0, 7))
    @settings(max_examples=40, deadline=None)
    def test_on_no_evening_does_an_adjusted_series_show_one_that_is_listed(
        self, moves: list[float], ratio: float, at: int
    ) -> None:
        level, rows, plausible = 100.0, [BEFORE], SERIES["IWC"].move
        assert plausible is not None
        for position, move in enumerate(moves, start=1):
            split = ratio if position == at + 1 else 1.0
            level *= move / split
            rows.append(row(position, level, position, last_seen=9, split=split))
            found = table(*rows)
            steps = adjusted_close(found).where(~found["doubted"]).dropna().pct_change().dropna()
            assert meets(steps.abs(), Sign.AT_MOST, plausible.limit).all()


class TestDistributions:
    def test_one_above_a_tenth_of_the_close_before_is_doubted(self) -> None:
        assert closes(BEFORE, row(1, 95.0, 1, dividend=10.5)) == ([100.0, 95.0], True)
        assert closes(BEFORE, row(1, 95.0, 1, dividend=9.5)) == ([100.0, 95.0], False)

    def test_repeated_on_a_later_evening_it_is_believed(self) -> None:
        assert closes(BEFORE, row(1, 90.0, 1, last_seen=4, dividend=10.5)) == ([100.0, 90.0], False)

    @pytest.mark.parametrize("paid", [-0.5, 100.0, 250.0])
    def test_one_that_cannot_be_never_is(self, paid: float) -> None:
        assert closes(BEFORE, row(1, 99.0, 1, last_seen=4, dividend=paid)) == ([100.0, 99.0], True)

    def test_one_a_hundred_times_too_large_is_not_believed_for_being_repeated(self) -> None:
        # 0.55 as 55: with it the bar would have gained half.
        assert closes(row(0, 171.0, 0), row(1, 173.0, 1, last_seen=4, dividend=55.0))[1]

    def test_the_corrected_one_is_used(self) -> None:
        wrong, right = row(1, 99.0, 1, dividend=55.0), row(1, 99.0, 2, dividend=0.55)
        found = table(BEFORE, wrong, right, row(2, 99.5, 2))
        assert list(found["dividend"].fillna(0.0)) == [0.0, 0.55, 0.0]
        assert not found["doubted"].any()

    def test_until_then_nothing_switches_and_the_operators_are_told_why(self) -> None:
        frames = market([*lead(), 90.5])
        paid = np.zeros(len(frames["IWM"]))
        paid[-1] = 27.0
        frames["IWM"] = frames["IWM"].assign(dividend=paid)
        history = evaluated(frames)
        tonight = history.verdict(history.panel.days[-1], EVENING)
        source = next(source for source in tonight.sources if source.series == "IWM")
        assert source.verdict is Freshness.INVALID
        assert source.reason.endswith(
            "brings a distribution of 27 on a close of 45; used once a later request confirms it"
        )
        assert np.isnan(history.panel.adjusted("IWM", carried=False).iloc[-1])
        assert history.gate.blocks(len(history.panel.days) - 1) is not None


class TestContradictions:
    def test_while_the_source_has_another_close_of_an_earlier_day_the_newest_is_doubted(self) -> None:
        old, other = row(0, 100.0, 0), row(0, 50.0, 2)
        assert closes(old, row(1, 101.0, 1), other, row(2, 102.0, 2)) == ([100.0, 101.0, 102.0], True)

    def test_a_small_correction_is_none(self) -> None:
        assert closes(row(0, 100.0, 0), row(0, 100.4, 2), row(1, 101.0, 1)) == ([100.0, 101.0], False)

    def test_a_correction_that_is_taken_back_is_over(self) -> None:
        rows = [row(0, 100.0, 0), row(0, 50.0, 2), row(0, 100.0, 3), row(1, 101.0, 1)]
        assert closes(*rows) == ([100.0, 101.0], False)

    def test_it_is_said_what_is_wrong(self) -> None:
        frames = market([*lead(), 90.5])
        last = len(lead())
        rows = [row(at, value, at) for at, value in enumerate(frames["IWC"]["value"])]
        archive = {**settled(frames), "IWC": table(*rows, row(last - 1, 22.5, last))}
        from signals.evaluate import evaluate

        history = evaluate(archive, CALENDAR, day(last))
        source = history.gate.source("IWC", len(history.panel.days) - 1)
        assert source.verdict is Freshness.INVALID
        assert source.reason.startswith("its source now has other closes of earlier days than before")


def test_a_step_as_by_a_split_is_said() -> None:
    frames = market([*lead(), 90.5])
    frames["XLK"] = frames["XLK"].assign(value=[*frames["XLK"]["value"][:-1], 22.5])
    source = next(source for source in verdict(frames).sources if source.series == "XLK")
    assert source.verdict is Freshness.INVALID
    assert source.reason.endswith("moved as by a split of 2:1 that the bars before it do not show; used once they do")


def test_what_is_quick_and_what_is_careful_agree() -> None:
    values = [100.0, 101.0, 99.0, 102.0]
    quick = settled({"IWC": frame(values)})["IWC"]
    careful = table(*(row(at, value, at) for at, value in enumerate(values)))
    assert list(quick["value"]) == list(careful["value"])
