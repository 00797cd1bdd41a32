"""What messages read out of a track record beyond its fields. No words: those are the templates'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.messages.render import ShownChange
from signals.as_json import decode_record
from signals.record.model import ASSETS, Event, Followed, RuleRecord, TrackRecord

MAIN = "breakout.confirmed"
MONTHS = (1, 2, 3, 6)
"""About as many as the horizons of every asset are, in their order."""


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


def of_months(rule: RuleRecord, months: int) -> list[Followed]:
    """Return what followed a rule's events after so many months, one row an asset."""
    place = MONTHS.index(months)
    return [row for row in rule.followed if ASSETS[row.asset].horizons[place] == row.horizon]


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
