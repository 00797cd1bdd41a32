"""A made-up market in which every phase of a breakout happens."""

from __future__ import annotations

from functools import cache

from signals.data.sessions import decision_time
from signals.evaluate import History
from signals.model import Verdict
from tests.worlds import day as session
from tests.worlds import evaluated, lead, market

N = len(lead())
CONFIRM = (101.0, 102.0, 103.0)
HELD = (*CONFIRM, *[103.0] * 20, 96.0)
BROKEN = (*CONFIRM, *[99.0] * 5, 96.0)
REFUSED = (101.0, 96.0, 102.0)
# The closes after the lead, and the session of them on which it happens.
EVERY_PHASE = {
    "attempt": (HELD, 0),
    "confirmed": (HELD, 2),
    "warning": (BROKEN, 7),
    "failed": (BROKEN, 8),
    "rejected": (REFUSED, 1),
    "recovered": (REFUSED, 2),
    "established": (HELD, 22),
    "ended": (HELD, 23),
}


@cache
def history(closes: tuple[float, ...]) -> History:
    return evaluated(market([*lead(), *closes]))


def after(closes: tuple[float, ...], position: int) -> Verdict:
    """Return the verdict of the session at a position after the lead."""
    on = session(N + position)
    return history(closes).verdict(on, decision_time(on))


def seen(phase: str) -> Verdict:
    return after(*EVERY_PHASE[phase])
