"""What people want to know of a record first: how breakouts turned out, and what was better than chance.

Imports nothing heavy.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from msgspec import Struct

from signals.episode import Outcome
from signals.nine_decimals import Sign, meets
from signals.record.model import Followed, TrackRecord
from signals.rules import RECORD


class Comparison(StrEnum):
    """How what followed stands beside what follows any date."""

    BETTER = "better"
    NO_BETTER = "no better"
    WORSE = "worse"


def compared(followed: Followed) -> Comparison | None:
    """Return how a rule's outcomes compare with chance; ``None`` under five cases, or where nothing was drawn."""
    numbers, base = followed.numbers, followed.base
    if numbers is None or numbers.p_record is None or base.median is None:
        return None
    if meets(numbers.p_record, Sign.ABOVE, RECORD.chance):
        return Comparison.NO_BETTER
    return Comparison.BETTER if numbers.median > base.median else Comparison.WORSE


def compared_in(record: TrackRecord, rule: str, asset: str, horizon: int) -> Comparison | None:
    """Return the same of one asset and horizon of a rule in a record that may not have it."""
    rows = (row for each in record.rules if each.key == rule for row in each.followed)
    return next((compared(row) for row in rows if (row.asset, row.horizon) == (asset, horizon)), None)


class Tally(Struct, frozen=True):
    """How many breakouts were confirmed since a year, and how they turned out; ``open`` are not decided yet."""

    confirmed: int
    since: int | None
    held: int
    failed: int
    open: int


def tally(record: TrackRecord) -> Tally:
    """Return how the confirmed breakouts turned out, those whose level is surely the record."""
    confirmed = [event.episode for event in record.events if event.episode.confirmed and event.episode.level_verified]
    outcomes = Counter(episode.outcome for episode in confirmed)
    since = min((episode.attempt.year for episode in confirmed), default=None)
    return Tally(len(confirmed), since, outcomes[Outcome.ESTABLISHED], outcomes[Outcome.FAILED], outcomes[Outcome.OPEN])
