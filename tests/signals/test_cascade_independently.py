"""Every condition, link and score against a second implementation that shares no code with the first."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signals.data.sessions import decision_time
from signals.evaluate import History
from signals.model import State, Verdict
from tests.signals.independent_cascade import evaluate as independently

ANSWERS = Path(__file__).with_name("answers_cascade.md")
WORKED_OUT = [date(2020, 11, 17), date(2022, 6, 16)]
DRAWN = int(os.environ.get("LOOKAHEAD_SESSIONS", "25"))


def sessions(history: History) -> list[date]:
    """Return the two sessions worked out, the turn of the year 2024 with its holidays, and some drawn at random."""
    days = [day for day in history.panel.days if day >= date(1990, 1, 2)]
    drawn = np.random.default_rng(20201117).choice(len(days), min(DRAWN, len(days)), replace=False)
    return [*WORKED_OUT, date(2024, 12, 26), date(2013, 3, 21), *(days[at] for at in drawn)]


def verdict(history: History, session: date) -> Verdict:
    return history.verdict(session, decision_time(session))


def differences(found: Verdict, expected: dict[str, Any]) -> list[str]:
    """Return what differs between a verdict and an independent one, as sentences."""
    told = []
    for condition in found.conditions:
        other = expected["conditions"][condition.key]
        if condition.state != other["state"]:
            told.append(f"{condition.key} is {condition.state}, expected {other['state']}")
        elif condition.state is not State.UNKNOWN and condition.value is not None:
            if condition.value != pytest.approx(other["value"], abs=1e-6):
                told.append(f"{condition.key} measures {condition.value}, expected {other['value']}")
            # On days dropped from funding's window its median stands still; the script dates it by the last one kept.
            if condition.key != "funding" and str(condition.as_of) != other["as_of"]:
                told.append(f"{condition.key} is as of {condition.as_of}, expected {other['as_of']}")
    return told


def test_every_condition_is_the_same_on_every_session_drawn(history: History, real_history: Path) -> None:
    for session in sessions(history):
        expected = independently(real_history, session)
        assert differences(verdict(history, session), expected) == [], session


def test_liquidity_is_the_same(history: History, real_history: Path) -> None:
    for session in sessions(history):
        found, expected = verdict(history, session).liquidity, independently(real_history, session)["liquidity"]
        assert found.coverage == pytest.approx(expected["coverage"], abs=1e-5), session
        assert (found.score is None) == (expected["score"] is None), session
        assert found.score is None or found.score == pytest.approx(expected["score"], abs=1e-4), session
        assert found.regime == expected["regime"], session
        assert found.raw == expected["raw_regime"], session
        assert found.last_published == expected["published"], session
        if expected["net_liquidity_bn"] is not None:
            assert found.net_liquidity_bn == pytest.approx(expected["net_liquidity_bn"], abs=1e-6), session


def test_stage_and_order_are_the_same(history: History, real_history: Path) -> None:
    for session in sessions(history):
        found, expected = verdict(history, session).cascade, independently(real_history, session)["cascade"]
        assert found.stage == expected["stage"], session
        assert found.last_published == expected["published_stage"], session
        assert found.out_of_order == expected["out_of_order"], session
        assert found.score == (None if expected["score"] is None else pytest.approx(expected["score"], abs=1e-4))
        for link in found.links:
            other = expected["links"][str(link.number)]
            told = (link.state, link.last_published, link.on, link.measured)
            assert told == (other["state"], other["published"], other["on"], other["measured"]), (session, link.number)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", ANSWERS.read_text(), re.DOTALL)


@pytest.mark.parametrize("session", WORKED_OUT)
def test_the_two_whole_verdicts_in_the_answer_file_are_ours(history: History, session: date) -> None:
    answers = {block["session"]: block for block in map(json.loads, blocks("json"))}
    expected, found = answers[session.isoformat()], verdict(history, session)
    assert differences(found, expected) == []
    assert found.cascade.stage == expected["cascade"]["stage"]
    assert [str(link.last_published) for link in found.cascade.links] == [
        link["published"] for link in expected["cascade"]["links"].values()
    ]
    assert found.liquidity.regime == expected["liquidity"]["regime"]


@pytest.mark.parametrize(
    ("wednesday", "level", "change", "counts_from"),
    [
        ("2016-11-09", 3_958.640, -178.020, "2016-11-10"),
        ("2020-11-11", 5_604.649, 282.618, "2020-11-12"),
        ("2024-12-25", 5_969.935, 84.979, "2024-12-26"),
    ],
)
def test_net_liquidity_is_as_worked_out_by_hand(
    history: History, wednesday: str, level: float, change: float, counts_from: str
) -> None:
    found = verdict(history, date.fromisoformat(counts_from))
    assert str(found.liquidity.net_liquidity_on) == wednesday
    assert found.liquidity.net_liquidity_bn == pytest.approx(level, abs=5e-4)
    assert found.conditions[0].key == "net_liquidity"
    assert found.conditions[0].value == pytest.approx(change, abs=5e-4)
    written = ANSWERS.read_text()
    assert f"{level:,.3f}" in written
    assert f"### {wednesday}" in written


def test_a_wednesdays_balance_sheet_counts_from_the_thursday_it_is_published(history: History) -> None:
    on_the_day = verdict(history, date(2016, 11, 9)).liquidity
    assert on_the_day.net_liquidity_on == date(2016, 11, 2)
