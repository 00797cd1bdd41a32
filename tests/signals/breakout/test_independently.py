"""The breakout rules against a second implementation that shares no code with the first."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.breakout.episodes import find_episodes, find_highs
from signals.episode import Episode
from tests.signals.breakout.independent_breakouts import Answer, walk
from tests.worlds import CALENDAR, FIRST, sessions

EVENTS = ("confirmed", "warning", "rejected", "failed", "recovered", "established", "ended")


def compare(closes: list[float], index: pd.DatetimeIndex, calendar: pd.DatetimeIndex) -> tuple[int, set[str]]:
    """Compare both on the same closes; return how many episodes there were and which events were met."""
    aligned = pd.Series(closes, index=index).reindex(calendar[: int(calendar.searchsorted(index[-1])) + 1])
    expected = walk(closes)
    found = find_episodes(aligned, calendar)
    days = [day.date() for day in index]

    def shown(answer: Answer) -> dict[str, object]:
        return {"attempt": days[answer.attempt], "level": answer.level, "base": answer.base} | {
            name: days[at] for name, at in answer.events.items()
        }

    def known(episode: Episode) -> dict[str, object]:
        dated = {name: on for name in EVENTS if (on := getattr(episode, name)) is not None}
        return {"attempt": episode.attempt, "level": episode.level, "base": episode.base_sessions} | dated

    assert [known(episode) for episode in found] == [shown(answer) for answer in expected.episodes]
    assert [(high.date, high.base_sessions) for high in find_highs(aligned)] == [
        (days[at], base) for at, base in expected.highs
    ]
    return len(found), {name for answer in expected.episodes for name in answer.events}


def bases(seed: int, episodes: int = 6) -> list[float]:
    """Return closes that break out of a long base again and again, each time with another fate."""
    random = np.random.default_rng(seed)
    closes = [100.0]
    for _ in range(episodes):
        record = max(closes)
        quiet = int(random.integers(120, 300))
        closes += list(record * (0.93 + 0.06 * random.random(quiet)))
        closes += [record * 1.01]
        drift = random.choice([-0.004, 0.0, 0.003])
        closes += list(record * 1.01 * np.exp(np.cumsum(drift + 0.012 * random.standard_normal(60))))
    return [round(float(close), 2) for close in closes]


class TestOnMadeUpCloses:
    @pytest.mark.parametrize("seed", range(12))
    def test_breakouts_of_every_fate(self, seed: int) -> None:
        closes = bases(seed)
        count, _ = compare(closes, sessions(len(closes)), CALENDAR)
        assert count >= 1

    def test_together_they_meet_every_event_there_is(self) -> None:
        met: set[str] = set()
        for seed in range(12):
            closes = bases(seed)
            met |= compare(closes, sessions(len(closes)), CALENDAR)[1]
        assert met == set(EVENTS)

    @given(st.lists(st.sampled_from([-0.03, -0.01, 0.0, 0.0, 0.01, 0.03]), min_size=140, max_size=320))
    @settings(max_examples=30, deadline=None)
    def test_random_walks(self, moves: list[float]) -> None:
        closes = [round(float(close), 1) for close in 100 * np.cumprod(1 + np.asarray(moves))]
        compare(closes, sessions(len(closes)), CALENDAR)

    @given(st.integers(126, 140), st.lists(st.sampled_from([96.0, 97.0, 99.0, 100.0, 101.0, 103.0]), max_size=60))
    @settings(max_examples=60, deadline=None)
    def test_whatever_follows_an_attempt(self, base: int, after: list[float]) -> None:
        closes = [50.0, 100.0, *[90.0] * (base - 1), 101.0, *after]
        count, _ = compare(closes, sessions(len(closes)), CALENDAR)
        assert count >= 1


def test_the_real_history(real_history: Path) -> None:
    with (real_history / "RUT.csv").open() as file:
        rows = list(csv.DictReader(file))
    index = pd.DatetimeIndex([row["date"] for row in rows]).as_unit("us")
    closes = [float(row["close"]) for row in rows]
    count, met = compare(closes, index, CALENDAR)
    assert count == 16
    assert met == set(EVENTS)


def test_the_calendar_begins_where_the_made_up_market_does() -> None:
    assert CALENDAR[FIRST] == sessions(1)[0]
