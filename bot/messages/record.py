"""What messages read out of a track record beyond its fields. No words: those are the templates'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.messages.render import ShownChange
from signals.as_json import decode_record
from signals.record.model import Event, Past, RuleRecord, TrackRecord

MAIN = "breakout.confirmed"


def read_record(body: str) -> TrackRecord:
    """Read a stored track record."""
    return decode_record(body)


def command_of(key: str) -> str:
    """Return a rule's name as people write it behind ``/record``: ``stage.up:3`` is ``stage-up-3``."""
    return key.translate(str.maketrans(".: ", "---"))


def rule_named(record: TrackRecord, name: str) -> RuleRecord | None:
    """Return the rule with this name."""
    return next((rule for rule in record.rules if command_of(rule.key) == name), None)


def event_on(record: TrackRecord, day: date) -> Event | None:
    """Return the breakout one of whose dates this is; an attempt's own date goes first."""
    attempted = (event for event in record.events if event.episode.attempt == day)
    dated = (event for event in record.events if day in event.episode.events().values())
    return next(attempted, next(dated, None))


def p_values(rule: RuleRecord) -> int:
    """Return how many p-values of a rule are shown together."""
    return sum(f.numbers is not None and f.numbers.p is not None for f in rule.followed)


@dataclass(frozen=True, slots=True)
class LiveCase:
    """One live alert with the outcomes in force that have matured."""

    change: ShownChange
    method_version: str
    outcomes: Sequence[Any]


def live_cases(transitions: Sequence[Any], outcomes: Sequence[Any]) -> Iterator[LiveCase]:
    """Yield each live transition with its outcomes; a corrected one is replaced by its correction."""
    corrected = {row.corrects for row in outcomes}
    for row in transitions:
        own = [o for o in outcomes if o.transition_id == row.id and o.id not in corrected]
        yield LiveCase(ShownChange.of(row), row.method_version, own)


def live_like(past: Past | None, transitions: Sequence[Any], outcomes: Sequence[Any]) -> int:
    """Return of how many live alerts of the same rule an outcome shown in ``past`` is known."""
    if past is None:
        return 0
    shown = {(followed.asset, followed.horizon) for followed in past.followed}
    matured = {row.transition_id for row in outcomes if (row.asset, row.horizon) in shown}
    return sum(row.id in matured and _is_event(row, past.rule) for row in transitions)


def _is_event(row: Any, rule: str) -> bool:
    """Return whether a transition is an event of a rule; a stage that passes a step has risen to it too."""
    kind, _, state = rule.partition(":")
    if row.kind != kind:
        return False
    if kind == "stage.up":
        return int(row.before) < int(state) <= int(row.after)
    if kind == "stage.down":
        return int(row.after) <= int(state) < int(row.before)
    return not state or bool(row.after == state)
