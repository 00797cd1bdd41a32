"""The sensitivity grid: what the record would be under other thresholds. Displayed whole, never chosen from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from signals.breakout.episodes import find_episodes
from signals.record.model import Cell
from signals.record.studies import Studies
from signals.rules import BREAKOUT, RECORD

SHOWN = (("^RUT", 126), ("BTC-USD", 91), ("ETH-USD", 91))
"""The assets and horizons of the grid."""


def grid(studies: Studies) -> Iterator[Cell]:
    """Yield every variant, bases first, then closes, then buffers."""
    panel = studies.history.panel
    closes = panel.close("^RUT")
    for base, count, buffer in product(RECORD.grid_bases, RECORD.grid_closes, RECORD.grid_buffers):
        rules = replace(BREAKOUT, intermediate=base, confirm_closes=count, buffer=buffer)
        found = [e for e in find_episodes(closes, panel.calendar, rules) if e.level_verified]
        events = studies.named([e.confirmed for e in found if e.confirmed is not None])
        followed = tuple(studies.all[key].follow(events) for key in SHOWN if key in studies.all)
        yield Cell(base, count, buffer, len(events.days), followed)
