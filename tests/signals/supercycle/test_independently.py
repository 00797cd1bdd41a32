"""The four properties on every session against a second implementation that shares no code with the first."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from signals.conditions.rows import state
from signals.evaluate import History
from tests.signals.supercycle.independent_properties import properties

FIRST = date(1990, 1, 2)


def test_the_four_properties_are_the_same_on_every_session(history: History, real_history: Path) -> None:
    expected = properties(real_history)
    for at, session in enumerate(history.panel.days):
        if session < FIRST:
            continue
        for found, whole in zip(history.supercycle.at(at).properties, history.supercycle.properties, strict=True):
            told = {"raw": state(whole.raw, at), "state": found.state, "published": found.last_published}
            assert told == expected[session][found.key], (session, found.key)


def test_corrections_are_absorbed_neither_always_nor_never(history: History) -> None:
    raw = next(each.raw for each in history.supercycle.properties if each.key == "corrections")
    share = np.nanmean(raw)
    assert 0.05 < share < 0.25
