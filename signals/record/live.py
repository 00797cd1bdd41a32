"""What followed the alerts of this installation: the same arithmetic, from the instant each was really decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

from signals.evaluate import History
from signals.record.event_study import Events
from signals.record.model import Close, Outcome
from signals.record.studies import Studies


@dataclass(frozen=True, slots=True)
class LiveTransition:
    """A live transition: its row, the session that showed it and when that was decided (UTC)."""

    transition: int
    session: date
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class MaturedCase:
    """What followed a live transition over one horizon that has passed."""

    transition: int
    asset: str
    horizon: int
    entry: Close
    outcome: Outcome


def matured(history: History, alerts: Sequence[LiveTransition]) -> Iterator[MaturedCase]:
    """Yield every outcome that is known by the end of the history."""
    studies = Studies.of(history)
    for alert in alerts:
        instant = pd.DatetimeIndex([pd.Timestamp(alert.decided_at)]).as_unit("us")
        for (asset, horizon), study in studies.all.items():
            case = study.follow(Events([alert.session], instant)).cases[0]
            if case.entry and case.outcome:
                yield MaturedCase(alert.transition, asset, horizon, case.entry, case.outcome)
