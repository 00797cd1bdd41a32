"""Missing data never creates a change: whatever inputs a day lacks, nothing is told that was not there with them."""

from __future__ import annotations

import os
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from signals.data.release import available_at
from signals.data.series import SERIES
from signals.data.sessions import decision_time
from signals.data.vintages import Archive
from signals.evaluate import History, evaluate
from signals.model import Transition, Verdict
from signals.sources.collect import collect_archive
from signals.sources.folder import FolderSource
from signals.transitions import transitions

EXAMPLES = int(os.environ.get("MISSING_EXAMPLES", "5"))
# Enough history for every look-back of the years looked at, and no more than that.
FROM, FIRST, LAST = pd.Timestamp("2014-01-02"), date(2018, 6, 1), date(2025, 6, 30)


@pytest.fixture(scope="module")
def recent(real_history: Path) -> History:
    """The real history from 2014 on."""
    now = decision_time(LAST)
    calendar = _calendar()
    archive, _ = collect_archive(FolderSource(real_history), calendar, now)
    return evaluate({key: frame[frame.index >= FROM] for key, frame in archive.items()}, calendar, LAST)


@cache
def _calendar() -> pd.DatetimeIndex:
    from signals.data.sessions import nyse_sessions

    return nyse_sessions(decision_time(LAST))


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


def eventful(history: History) -> list[date]:
    """Return the sessions that showed a change, and those just before, on which a count was about to complete."""
    found = []
    days = [day for day in history.panel.days if FIRST <= day <= LAST]
    before = history.verdict(days[0], decision_time(days[0]))
    for day, previous in zip(days[1:], days, strict=False):
        after = history.verdict(day, decision_time(day))
        if changes(before, after):
            found += [previous, day]
        before = after
    return found


def _shuffled(history: History, random: np.random.Generator) -> list[date]:
    days = eventful(history)
    return [days[at] for at in random.permutation(len(days))]


def test_taking_away_any_inputs_for_a_day_shows_no_change_that_was_not_there_before(recent: History) -> None:
    random = np.random.default_rng(20201113)
    days, drawn = recent.panel.days, _shuffled(recent, random)
    assert len(drawn) > 100
    for session in drawn[:EXAMPLES]:
        previous = days[recent.panel.position(session) - 1]
        before = recent.verdict(previous, decision_time(previous))
        whole = changes(before, recent.verdict(session, decision_time(session)))
        keys = sorted(recent.panel.archive)
        taken = set(random.choice(keys, random.integers(1, len(keys)), replace=False).tolist())
        fewer = evaluate(lacking(recent.panel.archive, previous, session, taken), _calendar(), session)
        assert changes(before, fewer.verdict(session, decision_time(session))) <= whole, (session, sorted(taken))


@pytest.mark.parametrize("key", ["^RUT", "BAA10Y"])
def test_taking_away_one_input_on_an_eventful_day_does_not_either(recent: History, key: str) -> None:
    random = np.random.default_rng(len(key))
    session = _shuffled(recent, random)[0]
    previous = recent.panel.days[recent.panel.position(session) - 1]
    before = recent.verdict(previous, decision_time(previous))
    whole = changes(before, recent.verdict(session, decision_time(session)))
    fewer = evaluate(lacking(recent.panel.archive, previous, session, {key}), _calendar(), session)
    assert changes(before, fewer.verdict(session, decision_time(session))) <= whole
