"""Missing data never creates a change: whatever inputs a day lacks, nothing is told that was not there with them."""

from __future__ import annotations

import os
from datetime import date

import numpy as np
import pandas as pd
import pytest

from signals.data.release import available_at
from signals.data.series import SERIES
from signals.data.sessions import decision_time, nyse_sessions
from signals.data.vintages import Archive
from signals.evaluate import History, evaluate
from signals.model import Transition, Verdict
from signals.transitions import transitions
from tests.signals.conftest import NOW

CALENDAR = nyse_sessions(NOW)
EXAMPLES = int(os.environ.get("MISSING_EXAMPLES", "5"))
# Enough history for every look-back of the years looked at, and no more than that.
FROM, FIRST, LAST = pd.Timestamp("2014-01-02"), date(2018, 6, 1), date(2025, 6, 30)


@pytest.fixture(scope="module")
def recent(archive: Archive) -> History:
    """The real history from 2014 on."""
    return evaluate({key: frame[frame.index >= FROM] for key, frame in archive.items()}, CALENDAR, LAST)


def changes(before: Verdict, after: Verdict) -> set[tuple[str, str]]:
    """Return what subscribers would be told."""
    found: list[Transition] = transitions(before, after)
    return {(change.subject, change.kind) for change in found if not change.kind.startswith("data.")}


def known_on(archive: Archive, session: date) -> dict[str, pd.DataFrame]:
    """Return what was public at the decision of a session."""
    now = pd.Timestamp(decision_time(session))
    public = {key: available_at(SERIES[key].clock, pd.DatetimeIndex(f.index)) <= now for key, f in archive.items()}
    return {key: frame[public[key]] for key, frame in archive.items()}


def lacking(archive: Archive, previous: date, session: date, taken: set[str]) -> dict[str, pd.DataFrame]:
    """Return that without what some series published since the session before."""
    known, earlier = known_on(archive, session), known_on(archive, previous)
    return {key: earlier[key] if key in taken else frame for key, frame in known.items() if len(earlier[key])}


@pytest.fixture(scope="module")
def eventful(recent: History) -> list[date]:
    """Return the sessions that showed a change, and those just before, on which a count was about to complete."""
    found = []
    days = [day for day in recent.panel.days if FIRST <= day <= LAST]
    before = recent.verdict(days[0], decision_time(days[0]))
    for day, previous in zip(days[1:], days, strict=False):
        after = recent.verdict(day, decision_time(day))
        if changes(before, after):
            found += [previous, day]
        before = after
    return found


def _shuffled(days: list[date], random: np.random.Generator) -> list[date]:
    return [days[at] for at in random.permutation(len(days))]


def test_taking_away_any_inputs_for_a_day_shows_no_change_that_was_not_there_before(
    recent: History, eventful: list[date]
) -> None:
    random = np.random.default_rng(20201113)
    days, drawn = recent.panel.days, _shuffled(eventful, random)
    assert len(drawn) > 100
    for session in drawn[:EXAMPLES]:
        previous = days[recent.panel.position(session) - 1]
        before = recent.verdict(previous, decision_time(previous))
        whole = changes(before, recent.verdict(session, decision_time(session)))
        keys = sorted(recent.panel.archive)
        taken = set(random.choice(keys, random.integers(1, len(keys)), replace=False).tolist())
        fewer = evaluate(lacking(recent.panel.archive, previous, session, taken), CALENDAR, session)
        assert changes(before, fewer.verdict(session, decision_time(session))) <= whole, (session, sorted(taken))


@pytest.mark.parametrize("key", ["^RUT", "BAA10Y"])
def test_taking_away_one_input_on_an_eventful_day_does_not_either(
    recent: History, eventful: list[date], key: str
) -> None:
    random = np.random.default_rng(len(key))
    session = _shuffled(eventful, random)[0]
    previous = recent.panel.days[recent.panel.position(session) - 1]
    before = recent.verdict(previous, decision_time(previous))
    whole = changes(before, recent.verdict(session, decision_time(session)))
    fewer = evaluate(lacking(recent.panel.archive, previous, session, {key}), CALENDAR, session)
    assert changes(before, fewer.verdict(session, decision_time(session))) <= whole
