"""What stands beside an alert: what followed earlier events of the same rule, as known on its session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from signals.data.sessions import decision_time
from signals.evaluate import History
from signals.model import Transition
from signals.record.events import RULES
from signals.record.model import Past
from signals.record.studies import Studies

_SHOWN = {
    "breakout": (("^RUT", 63), ("BTC-USD", 91), ("ETH-USD", 91)),
    "window": (("BTC-USD", 91), ("ETH-USD", 91)),
    "stage": (("^RUT", 63), ("BTC-USD", 91)),
    "liquidity": (("^RUT", 63), ("BTC-USD", 91)),
}
"""By the first word of a transition's kind, the assets and horizons shown."""

_OVER = ("breakout.rejected", "breakout.recovered", "breakout.ended")


def rule_of(change: Transition) -> str | None:
    """Return the rule whose earlier events a transition is compared with, ``None`` where there is none.

    What was rejected, recovered or ended has no confirmation to count from, or one long past: what followed others'
    is no answer to it.
    """
    family = change.kind.partition(".")[0]
    if change.kind in _OVER:
        return None
    if family in ("breakout", "window"):
        return change.kind if change.kind in RULES else "breakout.confirmed"
    if family in ("stage", "liquidity"):
        return f"{change.kind}:{change.after}"
    return None


def past_cases(history: History, session: date, changes: Sequence[Transition]) -> list[Past | None]:
    """Return for each change of a session the earlier cases and their base rates, by the closes known that evening."""
    if not any(rule_of(change) for change in changes):
        return [None] * len(changes)
    studies = Studies.of(history, decision_time(session))
    return [_past(studies, change, session) for change in changes]


def _past(studies: Studies, change: Transition, session: date) -> Past | None:
    key = rule_of(change)
    if key is None:
        return None
    history, rule = studies.history, RULES[key]
    before = history.panel.position(_began(history, session) if rule.family == "breakout" else session)
    events = studies.events([at for at in rule.find(history) if at < before])
    shown = [pair for pair in _SHOWN[change.kind.partition(".")[0]] if pair in studies.all]
    return Past(key, rule.title, tuple(studies.all[pair].follow(events) for pair in shown))


def _began(history: History, session: date) -> date:
    """Return the attempt of the newest episode on a session: what it became is no earlier case of itself."""
    return max(episode.attempt for episode in history.episodes if episode.attempt <= session)
