"""Made-up outcomes for tests of their words: so many cases, a month apart, with plain changes."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import cycle, islice
from typing import Any

from msgspec.structs import replace

from signals.episode import Outcome as Fate
from signals.model import Regime, State
from signals.record.model import (
    ASSETS,
    Base,
    Case,
    Cell,
    Claim,
    Close,
    Event,
    Family,
    Followed,
    Numbers,
    Outcome,
    Past,
    RuleRecord,
    TrackRecord,
)
from signals.record.rate import rate
from tests.bot.messages.whole import CHECKS, EPISODE

FIRST = date(2016, 11, 16)
CHANGES = (0.298, -0.41, 2.708, 0.052, -0.036)
BASE = Base(2_700, 29, 0.095, 0.5815, rate(17, 29).low, rate(17, 29).high)
UNKNOWN_BASE = Base(0, 0, None, None, None, None)


def case(event: date, change: float | None, days: int = 91) -> Case:
    """Return a case that is known, or open."""
    due = event + timedelta(days=days)
    outcome = None if change is None else Outcome(Close(due, 100 * (1 + change)), change, min(change, -0.05))
    return Case(event, Close(event, 100.0), due, outcome)


def followed(n: int, *, asset: str = "ETH-USD", horizon: int = 91, base: Base = BASE, p: float = 0.3) -> Followed:
    """Return ``n`` known cases of an asset; numbers from five on."""
    changes = list(islice(cycle(CHANGES), n))
    cases = tuple(case(FIRST + timedelta(days=182 * i), change) for i, change in enumerate(changes))
    numbers = None
    if n >= 5:
        ordered = sorted(changes)
        middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
        hits = sum(change > 0 for change in changes)
        numbers = Numbers(
            rate(hits, n), middle, sum(changes) / n, ordered[0], -0.62, middle - 0.1, middle + 0.1, p, min(1.0, 4 * p), min(1.0, 9 * p)
        )  # fmt: skip
    return Followed(asset, horizon, cases, n, numbers, base, replace(base, median=0.111) if base.median else base)


def past(*each: Followed, title: str = "a confirmed breakout") -> Past:
    """Return what stands beside an alert."""
    return Past("breakout.confirmed", title, each)


def event(fate: Fate = Fate.ESTABLISHED) -> Event:
    """Return the breakout of November 2020 in full."""
    established = replace(EPISODE, established=date(2020, 12, 16), end_by=date(2021, 6, 18))
    rejected = replace(EPISODE, confirmed=None, hold_until=None, rejected=date(2020, 11, 20))
    episode = established if fate is Fate.ESTABLISHED else rejected
    known = tuple((key, h, case(date(2020, 11, 17), 0.1)) for key, a in ASSETS.items() for h in a.horizons)
    paths = known if fate is Fate.ESTABLISHED else ()
    lowest = Close(date(2020, 11, 18), 1769.32) if paths else None
    return Event(episode, CHECKS, 55.0, Regime.NEUTRAL, State.OFF, paths, lowest)


def claim(**changes: Any) -> Claim:
    """Return the first record of 2017 as claimed."""
    made = Claim("2017", "the first record close of 2017", date(2017, 2, 10), 1388.84, 42, None, CHECKS[1:], 62.5,
                 Regime.EASING, (("ETH-USD", 30, case(date(2017, 2, 10), 1.046)),))  # fmt: skip
    return replace(made, **changes)


def record(n: int = 5, **changes: Any) -> TrackRecord:
    """Return a small record in which every rule has ``n`` cases."""
    rows = tuple(followed(n, asset=key, horizon=h) for key, a in ASSETS.items() for h in a.horizons)
    rules = (
        RuleRecord("breakout.confirmed", "a confirmed breakout", "breakout", (FIRST,), rows),
        RuleRecord("stage.up:3", "a rise to stage 3", "stage", (FIRST,), rows),
    )
    cell = Cell(126, 3, 0.0, n, (followed(n),))
    families = (Family("breakout", "breakouts", 2, 20), Family("grid", "the grid", 27, 0))
    made = TrackRecord(date(2025, 6, 30), "3", 10_000, 1_000, 1, (event(), event(Fate.REJECTED)), rules, (cell,),
                       (claim(), claim(on=None, close=None)), families)  # fmt: skip
    return replace(made, **changes)
