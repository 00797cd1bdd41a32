"""The acts of a simulated market that shows everything: bases, breakouts that hold or fail, crypto that answers or not.

An act lasts for a number of sessions that the seed draws, and moves the market, small caps and coins its own way. The
same acts follow one another for ever; noise decides what becomes of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
ADVANCE, RANGE, DECLINE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Act:
    """How long it lasts at least and at most, in sessions, its regime, and yearly drifts and volatility.

    Small caps drift against the market, coins beside what they share with both.
    """

    least: int
    most: int
    regime: int
    market: float
    small: float
    coins: float
    volatility: float


_DECLINE = Act(35, 55, DECLINE, -0.75, -0.10, -0.40, 0.22)
_BASE = Act(150, 190, RANGE, 0.06, -0.03, 0.0, 0.13)
_TIGHT_BASE = Act(160, 200, DECLINE, 0.05, -0.02, -0.10, 0.13)
_CLIMB = Act(45, 60, ADVANCE, 0.70, 0.25, 0.20, 0.11)
_SHORT_CLIMB = Act(30, 50, ADVANCE, 0.70, 0.20, 0.10, 0.11)
_HOLDS = Act(90, 130, ADVANCE, 0.28, 0.06, 0.0, 0.11)
_FAILS = Act(25, 40, DECLINE, -0.80, -0.25, -0.50, 0.22)
_ANSWER = Act(25, 35, ADVANCE, 0.35, 0.15, 2.6, 0.10)
_NO_ANSWER = Act(70, 90, ADVANCE, 0.25, 0.10, -1.2, 0.10)
ACTS = (
    *(_DECLINE, _BASE, _CLIMB, _ANSWER, _HOLDS),
    *(_DECLINE, _TIGHT_BASE, _SHORT_CLIMB, _FAILS),
    *(_BASE, _CLIMB, _NO_ANSWER, _HOLDS),
    *(_DECLINE, _BASE, _SHORT_CLIMB, _FAILS),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Played:
    """One row a session: its regime, and what moves that day on average, with the volatility of a day."""

    regime: npt.NDArray[np.int64]
    market: Floats
    small: Floats
    coins: Floats
    volatility: Floats


def play(length: int, random: np.random.Generator) -> Played:
    """Play the acts one after another for a number of sessions; the path does not depend on how many."""
    acts, lengths = list[Act](), list[int]()
    while sum(lengths) < length:
        act = ACTS[len(acts) % len(ACTS)]
        acts.append(act)
        lengths.append(int(random.integers(act.least, act.most, endpoint=True)))
    columns = np.array([(act.market, act.small, act.coins, act.volatility) for act in acts])
    market, small, coins, volatility = np.repeat(columns, lengths, axis=0)[:length].T
    regime = np.repeat([act.regime for act in acts], lengths)[:length]
    return Played(regime, market / 252, small / 252, coins / 365, volatility / 252**0.5)
