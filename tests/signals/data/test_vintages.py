"""Which of several vintages of a figure the rules see."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from signals.data.adjust import adjusted_close, price
from signals.data.series import FIELDS
from signals.data.vintages import COLUMNS, as_vintages, settle
from tests.worlds import NOW, day, frame

EVENING = datetime(2015, 1, 9, 22, 30, tzinfo=NOW.tzinfo)
# The evening of the session at position 1: what is seen before its last call still counts for it.
SAME_EVENING = datetime(2015, 1, 5, 22, 30, tzinfo=NOW.tzinfo)


def row(on: int, value: float, seen: datetime, last_seen: datetime | None = None, split: float | None = None) -> Any:
    figures = [value if field == "value" else split if field == "split" else None for field in FIELDS]
    return (day(on), seen, last_seen, *figures)


def values(*rows: Any) -> dict[date, float]:
    settled = settle({"IWC": list(zip(*rows, strict=True))})["IWC"]["value"]
    return {pd.Timestamp(str(index)).date(): value for index, value in settled.items()}


class TestRevisions:
    def test_the_first_value_seen_stands(self) -> None:
        first, revised = row(0, 100.0, EVENING), row(0, 101.0, EVENING + timedelta(days=1))
        assert values(first, revised) == {day(0): 100.0}

    def test_until_the_last_call_a_better_one_takes_its_place(self) -> None:
        first, better = row(1, 100.0, SAME_EVENING), row(1, 101.0, SAME_EVENING + timedelta(hours=1))
        assert values(first, better) == {day(1): 101.0}

    def test_after_it_none_does(self) -> None:
        first, later = row(1, 100.0, SAME_EVENING), row(1, 101.0, SAME_EVENING + timedelta(hours=15))
        assert values(first, later) == {day(1): 100.0}

    def test_the_order_of_the_rows_does_not_matter(self) -> None:
        rows = [row(1, 102.0, EVENING), row(0, 101.0, EVENING + timedelta(days=1)), row(0, 100.0, EVENING)]
        assert values(*rows) == {day(0): 100.0, day(1): 102.0}

    def test_a_series_the_table_does_not_know_is_left_alone(self) -> None:
        assert settle({"OLD": list(zip(row(0, 1.0, EVENING), strict=True))}) == {}

    def test_an_empty_archive_is_empty(self) -> None:
        assert settle({}) == {}


class TestFarMoves:
    before = row(0, 100.0, EVENING - timedelta(days=1))

    def test_the_newest_far_move_stays_so_that_the_gate_can_judge_it(self) -> None:
        assert values(self.before, row(1, 60.0, EVENING)) == {day(0): 100.0, day(1): 60.0}

    def test_a_plausible_revision_the_same_evening_takes_its_place(self) -> None:
        bad, good = row(1, 60.0, EVENING), row(1, 101.0, EVENING + timedelta(minutes=15))
        assert values(self.before, bad, good) == {day(0): 100.0, day(1): 101.0}

    def test_once_followed_by_a_later_bar_it_is_dropped_if_nothing_confirmed_it(self) -> None:
        bad, after = row(1, 60.0, EVENING), row(2, 101.0, EVENING + timedelta(days=1))
        assert values(self.before, bad, after) == {day(0): 100.0, day(2): 101.0}

    def test_seen_again_unchanged_on_a_later_evening_it_is_accepted(self) -> None:
        bad = row(1, 60.0, EVENING, last_seen=EVENING + timedelta(days=1))
        after = row(2, 61.0, EVENING + timedelta(days=1))
        assert values(self.before, bad, after)[day(1)] == 60.0

    def test_a_revision_that_only_changes_the_volume_confirms_it_too(self) -> None:
        volume = COLUMNS.index("volume")
        bad, revised = list(row(1, 60.0, EVENING)), list(row(1, 60.0, EVENING + timedelta(days=1)))
        bad[volume], revised[volume] = 1e6, 1.1e6
        after = row(2, 61.0, EVENING + timedelta(days=1, hours=1))
        assert values(self.before, tuple(bad), tuple(revised), after)[day(1)] == 60.0

    def test_seen_again_the_same_evening_is_not_enough(self) -> None:
        bad = row(1, 60.0, EVENING, last_seen=EVENING + timedelta(hours=2))
        after = row(2, 61.0, EVENING + timedelta(days=1))
        assert day(1) not in values(self.before, bad, after)

    def test_one_that_came_with_later_bars_is_history_and_accepted(self) -> None:
        assert values(self.before, row(1, 60.0, EVENING), row(2, 61.0, EVENING))[day(1)] == 60.0

    def test_the_way_back_from_a_dropped_value_is_no_far_move(self) -> None:
        bad, good = row(1, 60.0, EVENING), row(1, 101.0, EVENING + timedelta(minutes=15))
        after = row(2, 102.0, EVENING + timedelta(days=1))
        assert values(self.before, bad, good, after) == {day(0): 100.0, day(1): 101.0, day(2): 102.0}


def test_rows_go_out_as_they_come_back() -> None:
    table = frame([100.0, 101.0], volume=[1.0, np.nan])
    vintages = as_vintages({"IWC": table, "IWM": table[:0]}, pd.Timestamp(NOW))
    assert "IWM" not in vintages
    pd.testing.assert_frame_equal(settle(vintages)["IWC"][list(FIELDS)], table, check_names=False, check_freq=False)


class TestAdjustedCloses:
    def test_without_dividends_they_move_as_the_closes(self) -> None:
        adjusted = adjusted_close(frame([100.0, 110.0, 99.0]))
        assert list(adjusted) == pytest.approx([100.0, 110.0, 99.0])

    def test_a_dividend_is_no_loss(self) -> None:
        adjusted = adjusted_close(frame([100.0, 98.0, 98.0], dividend=[0, 2.0, 0]))
        assert list(adjusted.pct_change().dropna()) == pytest.approx([0.0, 0.0])

    def test_a_later_dividend_changes_nothing_before_it(self) -> None:
        closes, dividends = [100.0, 98.0, 97.0, 95.0], [0, 2.0, 0, 1.5]
        whole = adjusted_close(frame(closes, dividend=dividends))
        for cut in range(1, 4):
            assert list(adjusted_close(frame(closes[:cut], dividend=dividends[:cut]))) == list(whole[:cut])

    def test_a_source_with_adjusted_closes_for_every_date_serves_them_as_such(self) -> None:
        given = frame([100.0, 98.0], adj_close=[90.0, 91.0], dividend=[0, 5.0])
        assert list(adjusted_close(given)) == [90.0, 91.0]

    def test_where_they_end_growth_goes_on_from_the_closes(self) -> None:
        given = frame([100.0, 110.0, 121.0], adj_close=[90.0, 99.0, np.nan])
        assert list(adjusted_close(given).pct_change().dropna()) == pytest.approx([0.1, 0.1])

    def test_a_series_with_nothing_else_is_priced_by_them(self) -> None:
        table = frame([100.0, 110.0])
        table["adj_close"], table["value"] = table["value"], np.nan
        assert list(price(table)) == [100.0, 110.0]
        assert list(adjusted_close(table)) == [100.0, 110.0]

    def test_the_index_close_is_never_an_adjusted_one(self) -> None:
        from tests.worlds import evaluated, lead, market

        frames = market(lead())
        frames["^RUT"] = frames["^RUT"].assign(adj_close=frames["^RUT"]["value"], value=np.nan)
        assert evaluated(frames).panel.close("^RUT").isna().all()
        assert evaluated(frames).episodes == []
