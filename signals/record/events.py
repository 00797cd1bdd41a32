"""Which sessions are events: one row for each rule whose outcomes are printed. None is left out for its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from signals.conditions.table import LINK_NAMES
from signals.episode import Episode
from signals.evaluate import History
from signals.model import Regime, State

Positions = list[int]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the registry. ``find`` returns the positions of its sessions; ``title`` ends 'what followed …'."""

    key: str
    title: str
    family: str
    find: Callable[[History], Positions]


FAMILIES = {
    "breakout": "breakouts from a long base: confirmed, confirmed and then failed",
    "precondition": "confirmed breakouts, by the capitulation precondition on that evening",
    "stage": "the cascade's stage: a rise to each, a fall to each",
    "liquidity": "another liquidity regime",
    "grid": "the sensitivity grid: base, closes in a row, buffer",
}
"""Every kind of rule that was tried and printed, in the order of the registry."""


def statistical(history: History) -> list[Episode]:
    """Return the episodes that count: those whose level is surely the record."""
    return [episode for episode in history.episodes if episode.level_verified]


def _dated(event: str, history: History) -> Positions:
    days = [on for episode in statistical(history) if (on := getattr(episode, event)) is not None]
    return [history.panel.position(day) for day in days]


def _confirmed_with(state: State, history: History) -> Positions:
    return [at for at in _dated("confirmed", history) if history.crypto.at(at).precondition is state]


def _stages(history: History) -> list[tuple[int, int, int]]:
    """Return where the stage changed, and from what to what; what lapsed, returned or arrived is no change."""
    cascade = history.cascade
    pairs = zip(cascade.stage_before.tolist(), cascade.last_published.tolist(), strict=True)
    return [(at, old, new) for at, (old, new) in enumerate(pairs) if old != new]


def _rises(stage: int, history: History) -> Positions:
    return [at for at, old, new in _stages(history) if old < stage <= new]


def _falls(stage: int, history: History) -> Positions:
    return [at for at, old, new in _stages(history) if new <= stage < old]


def _becomes(regime: Regime, history: History) -> Positions:
    liquidity = history.liquidity
    changed = np.flatnonzero(np.diff(liquidity.published.state) != 0) + 1
    return [
        at for at in changed.tolist() if not liquidity.published.silent[at] and liquidity.last_published(at) is regime
    ]


def _rules() -> list[Rule]:
    most = len(LINK_NAMES)
    regimes = (Regime.EASING, Regime.NEUTRAL, Regime.TIGHTENING)
    return [
        Rule("breakout.confirmed", "a confirmed breakout", "breakout", partial(_dated, "confirmed")),
        Rule("breakout.failed", "a breakout that failed", "breakout", partial(_dated, "failed")),
        Rule("precondition.met", "a confirmed breakout with the capitulation precondition met", "precondition",
             partial(_confirmed_with, State.ON)),
        Rule("precondition.not met", "a confirmed breakout with the capitulation precondition not met", "precondition",
             partial(_confirmed_with, State.OFF)),
        *(Rule(f"stage.up:{n}", f"a rise to stage {n}", "stage", partial(_rises, n)) for n in range(1, most + 1)),
        *(Rule(f"stage.down:{n}", f"a fall to stage {n}", "stage", partial(_falls, n)) for n in range(most)),
        *(Rule(f"liquidity.regime:{r}", f"liquidity turning {r}", "liquidity", partial(_becomes, r)) for r in regimes),
    ]  # fmt: skip


RULES = {rule.key: rule for rule in _rules()}
"""Every rule by its key."""
