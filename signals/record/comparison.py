"""Whether what followed a rule's events was better than chance, by the record's own Holm p. Imports nothing heavy."""

from __future__ import annotations

from enum import StrEnum

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
    if numbers.p_record > RECORD.chance:
        return Comparison.NO_BETTER
    return Comparison.BETTER if numbers.median > base.median else Comparison.WORSE


def compared_in(record: TrackRecord, rule: str, asset: str, horizon: int) -> Comparison | None:
    """Return the same of one asset and horizon of a rule in a record that may not have it."""
    rows = (row for each in record.rules if each.key == rule for row in each.followed)
    return next((compared(row) for row in rows if (row.asset, row.horizon) == (asset, horizon)), None)
