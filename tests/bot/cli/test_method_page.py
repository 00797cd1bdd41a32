"""The tables of docs/method.md are those of the rows and of the history, and what they say is defended."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bot.cli.method import (
    WINDOWS,
    alerts,
    changes_a_year,
    changes_told,
    conditions_table,
    fill,
    life,
    series_table,
    tables,
)
from signals.conditions.table import CONDITIONS
from signals.data.sessions import decision_time
from signals.evaluate import History
from tests.bot.charts.histories import full

PAGE = Path(__file__).parents[3] / "docs" / "method.md"


@pytest.fixture(scope="module")
def history(real_history: Path) -> History:
    """The real history, with ether before Yahoo's from the fallback that the page names."""
    return full()


@pytest.fixture(scope="module")
def made(history: History) -> dict[str, str]:
    return {name: make() for name, make in tables(history).items()}


def section(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n\n(.*?)\n\n<!-- end of {name} -->", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("name", "table"), [("conditions", conditions_table), ("series", series_table)])
def test_the_tables_of_rows_are_not_stale(name: str, table: object) -> None:
    assert callable(table)
    assert section(name) == table()


def test_the_tables_of_the_history_are_not_stale(made: dict[str, str]) -> None:
    for name, table in made.items():
        assert section(name) == table, f"make method writes the table of {name} anew"


def test_filling_the_page_twice_changes_nothing(made: dict[str, str]) -> None:
    again = {name: partial(str, table) for name, table in made.items()}
    assert fill(fill(PAGE.read_text(), again), again) == fill(PAGE.read_text(), again)


@pytest.mark.parametrize("key", CONDITIONS)
def test_no_condition_is_always_on_or_always_off_but_those_the_page_explains(history: History, key: str) -> None:
    states = life(history.conditions[key])
    known = states[~np.isnan(states)]
    if not len(known):
        assert f"`{key}`\nhas no data in the folder" in PAGE.read_text() or f"`{key}` has no data" in PAGE.read_text()
    elif known.min() == known.max():
        assert f"`{key}` is on throughout" in PAGE.read_text()


@pytest.mark.parametrize("key", CONDITIONS)
def test_no_condition_changes_more_than_twelve_times_a_year(history: History, key: str) -> None:
    assert changes_a_year(life(history.conditions[key])) <= 12


class TestTheSeedsQuestion:
    """What a subscriber would have received in the months the thesis names."""

    def told(self, history: History, window: int) -> list[tuple[str, str]]:
        return [(row[0], row[1]) for row in alerts(history, *WINDOWS[window])]

    def test_from_november_2016_the_breakout_comes_first_and_ether_answers_in_february(self, history: History) -> None:
        told = self.told(history, 0)
        assert [row for row in told if row[1].startswith(("breakout", "window"))] == [
            ("2016-11-14", "breakout attempt"),
            ("2016-11-16", "breakout confirmed"),
            ("2016-12-15", "breakout established"),
            ("2016-12-16", "window opened"),
            ("2017-02-15", "window responded"),
        ]

    def test_from_november_2020_the_breakout_comes_first_and_ether_answers_in_january(self, history: History) -> None:
        told = self.told(history, 1)
        assert [row for row in told if row[1].startswith(("breakout", "window"))] == [
            ("2020-11-13", "breakout attempt"),
            ("2020-11-17", "breakout confirmed"),
            ("2020-12-16", "breakout established"),
            ("2020-12-17", "window opened"),
            ("2021-01-04", "window responded"),
        ]

    def test_the_stage_walks_to_four_in_both(self, history: History) -> None:
        for window in range(2):
            ups = [row for row in alerts(history, *WINDOWS[window]) if row[1] == "stage up"]
            assert [row[4] for row in ups] == ["3", "4"]

    def test_every_alert_of_it_stands_in_the_docs(self, history: History) -> None:
        page = section("alerts")
        for window in range(2):
            assert all(f"| {session} | {alert} |" in page for session, alert in self.told(history, window))

    @pytest.mark.parametrize(("session", "anchor_day"), [("2017-02-15", "2016-11-16"), ("2021-01-04", "2020-11-17")])
    def test_ethers_response_is_the_first_day_that_qualifies(
        self, history: History, real_history: Path, session: str, anchor_day: str
    ) -> None:
        """Walk the file of ether's closes by hand: twenty per cent over the anchor, ETH/BTC over its 50-day mean."""
        crypto = history.verdict(date.fromisoformat(session), decision_time(date.fromisoformat(session))).crypto
        measuring = history.crypto.measuring
        closes = [measuring.prices(key) for key in ("ETH-USD", "BTC-USD")]
        ether, bitcoin = (
            {on.date(): float(x) for on, x in zip(pd.DatetimeIndex(c.index), c, strict=True)} for c in closes
        )
        days = sorted(ether.keys() & bitcoin.keys())
        anchor = ether[date.fromisoformat(anchor_day)]
        for at, day in enumerate(days):
            since = (day - date.fromisoformat(anchor_day)).days
            ratios = [ether[d] / bitcoin[d] for d in days[at - 49 : at + 1]]
            if 30 <= since <= 91 and ether[day] >= 1.2 * anchor and ratios[-1] > sum(ratios) / 50:
                assert crypto.responded == day
                return
        pytest.fail("no day qualifies")


class TestHowOften:
    def test_a_failure_and_the_window_it_cancels_are_one_alert(self, history: History) -> None:
        day = date(2021, 11, 26)
        (told,) = [each for each in changes_told(history, day, day) if each[0].kind == "breakout.failed"]
        assert [change.kind for change in told] == ["breakout.failed", "window.cancelled"]

    def test_every_change_is_told_once(self, history: History) -> None:
        told = list(changes_told(history, *WINDOWS[1]))
        assert len(told) <= sum(len(each) for each in told) == len(list(alerts(history, *WINDOWS[1])))

    def test_no_year_has_more_than_three_dozen(self, made: dict[str, str]) -> None:
        totals = next(line for line in made["often"].splitlines() if line.startswith("| together"))
        assert max(int(count) for count in totals.split("|")[2:-1]) <= 36
