"""Which changes are told to whom, and how loudly."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime

from bot.clock import NEW_YORK
from signals.rules import EVENING
from storage.ledger import AlertRow, Audience, ChangeRow, VerdictRow

URGENT = frozenset({"breakout.confirmed", "breakout.failed"})
FOR_OPERATORS = ("data.problem", "data.cleared")
CATCH_UP = "catch_up"


def alert_rows(rows: Sequence[VerdictRow], now: datetime, untold: Collection[str] = ()) -> list[AlertRow]:
    """Return the alerts to be stored for what these sessions changed.

    Each change of a session closed within the last day is an alert of its own. Older ones, after downtime, are told in
    one summary, with where the newest session stands. The operators are told of every session: what began to fail in
    an old one may fail still, and what ceased to was told when it began; unless nobody was told, as of the series in
    ``untold``.
    """
    silent = set(untold)
    old = [row for row in rows if _is_old(row, now) and _for_subscribers(row)]
    alerts = [_summary(old, rows[-1].session, now)] if old else []
    for row in rows:
        if not _is_old(row, now):
            alerts += _alerts_to_subscribers(row, now)
        alerts += _alerts_to_operators(row, now, silent)
        silent -= {_series(change) for change in row.changes}
    return alerts


def _is_old(row: VerdictRow, now: datetime) -> bool:
    return now - datetime.combine(row.session, EVENING.decision, NEW_YORK) > EVENING.stale_news


def _for_subscribers(row: VerdictRow) -> list[ChangeRow]:
    return [change for change in row.changes if change.kind not in FOR_OPERATORS]


def _alerts_to_subscribers(row: VerdictRow, now: datetime) -> Iterator[AlertRow]:
    for change in _for_subscribers(row):
        yield AlertRow(
            key=f"{change.subject}:{change.kind}",
            kind=change.kind,
            urgent=change.kind in URGENT,
            session=row.session,
            created_at=now,
            changes=[(change.subject, change.kind)],
        )


def _alerts_to_operators(row: VerdictRow, now: datetime, silent: Collection[str]) -> Iterator[AlertRow]:
    """Yield one alert for all series that began to fail the data gate, and one for all that pass again."""
    told = [change for change in row.changes if not (change.kind == "data.cleared" and _series(change) in silent)]
    for kind in FOR_OPERATORS:
        changes = [(change.subject, change.kind) for change in told if change.kind == kind]
        if changes:
            yield AlertRow(f"{kind}:{row.session}", kind, False, row.session, now, changes, Audience.OPERATORS)


def _series(change: ChangeRow) -> str:
    """Return the series that a change of the data is about."""
    return change.subject.split(":")[1]


def _summary(rows: Sequence[VerdictRow], newest: date, now: datetime) -> AlertRow:
    changes = [(change.subject, change.kind) for row in rows for change in _for_subscribers(row)]
    return AlertRow(
        key=f"{CATCH_UP}:{rows[0].session}:{rows[-1].session}",
        kind=CATCH_UP,
        urgent=any(kind in URGENT for _, kind in changes),
        session=newest,
        created_at=now,
        changes=changes,
    )
