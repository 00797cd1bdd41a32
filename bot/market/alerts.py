"""Which changes are told to subscribers, and how loudly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.market.protocol import Change, Decided
from signals.rules import EVENING
from storage.ledger import AlertRow, Audience

URGENT = frozenset({"breakout.confirmed", "breakout.failed"})
FOR_OPERATORS = ("data.problem", "data.cleared")
CATCH_UP = "catch_up"


def owed(rows: Sequence[Decided], now: datetime) -> list[AlertRow]:
    """Return the alerts for what these sessions changed.

    Each change of a session closed within the last day is an alert of its own. What is older, after downtime, is
    told in one summary.
    """
    old = [row for row in rows if now - row.closed_at > EVENING.stale_news and any(_told(row))]
    fresh = [row for row in rows if now - row.closed_at <= EVENING.stale_news]
    alerts = [_summary(old, now)] if old else []
    return alerts + [alert for row in fresh for alert in (*_news(row, now), *_data(row, now))]


def _told(row: Decided) -> Iterable[Change]:
    """Yield what subscribers hear of: the state of the data is the operators'."""
    return (change for change in row.changes if change.kind not in FOR_OPERATORS)


def _news(row: Decided, now: datetime) -> Iterable[AlertRow]:
    for change in _told(row):
        yield AlertRow(
            key=f"{change.subject}:{change.kind}",
            kind=change.kind,
            urgent=change.kind in URGENT,
            session=row.session,
            created_at=now,
            changes=[(change.subject, change.kind)],
        )


def _data(row: Decided, now: datetime) -> Iterable[AlertRow]:
    """Yield one alert for all series that began to fail the data gate, and one for all that pass again."""
    for kind in FOR_OPERATORS:
        changes = [(change.subject, change.kind) for change in row.changes if change.kind == kind]
        if changes:
            yield AlertRow(f"{kind}:{row.session}", kind, False, row.session, now, changes, Audience.OPERATORS)


def _summary(rows: Sequence[Decided], now: datetime) -> AlertRow:
    changes = [(change.subject, change.kind) for row in rows for change in _told(row)]
    return AlertRow(
        key=f"{CATCH_UP}:{rows[0].session}:{rows[-1].session}",
        kind=CATCH_UP,
        urgent=any(kind in URGENT for _, kind in changes),
        session=rows[-1].session,
        created_at=now,
        changes=changes,
    )
