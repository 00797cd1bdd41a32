"""Capitulation and exhaustion on every session against a second implementation that shares no code with the first."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from signals.data.panel import LATE
from signals.evaluate import History
from signals.model import CoinState
from tests.signals.crypto.independent_capitulation import STATES, capitulation, coins

FIRST = date(1990, 1, 2)
NEVER = 10**9


def test_the_three_states_are_the_same_on_every_session(history: History, real_history: Path) -> None:
    expected = capitulation(real_history)
    for at, session in enumerate(history.panel.days):
        found = history.crypto.at(at)
        if session >= FIRST:
            assert {name: getattr(found, name) for name in STATES} == {
                name: expected[session][name]["state"] for name in STATES
            }, session
            assert found.last_published == expected[session]["precondition"]["published"], session


def numbers(coin: CoinState) -> dict[str, Any]:
    names = [name for name in CoinState.__struct_fields__ if name not in ("key", *STATES)]
    return {name: value for name in names if (value := getattr(coin, name)) is not None}


def test_what_decided_them_is_the_same_on_every_session(history: History, real_history: Path) -> None:
    for coin in history.crypto.capitulation.coins:
        expected, answers = coins(real_history)[coin.coin.key], coins(real_history)[coin.coin.key].answers
        for at in range(len(history.panel.days)):
            day, found = coin.alignment.day(at), coin.at(at)
            if day is None or coin.alignment.status.item(at) > LATE:
                continue
            known = {name: value for name, value in expected.numbers[day].items() if value not in (None, NEVER)}
            dates = {name: known.pop(name) for name in ("mayer_low_on", "rsi_low_on") if name in known}
            told = numbers(found)
            assert {name: told.pop(name) for name in dates} == dates, (found.key, day)
            assert told == pytest.approx(known, abs=1e-9), (found.key, day)
            states = {True: "on", False: "off", None: "unknown"}
            assert [getattr(found, name) for name in STATES] == [states[answers[name].get(day)] for name in STATES]
