"""Which changes are told to whom, in one message or in several, and how loudly."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime

from bot.clock import NEW_YORK
from bot.messages.chart_kinds import carried_by
from signals.model import Transition
from signals.rules import EVENING
from storage.ledger import CATCH_UP, AlertRow, Audience, ChangeRow, VerdictRow
from storage.settings.kinds import BITS, bits

URGENT = frozenset({"breakout.confirmed", "breakout.failed"})
FOR_OPERATORS = ("data.problem", "data.cleared")
_OF_A_BREAKOUT = (
    "breakout.failed",
    "breakout.rejected",
    "breakout.confirmed",
    "breakout.attempt",
    "breakout.recovered",
    "breakout.warning",
    "breakout.established",
    "breakout.ended",
    "window.cancelled",
)
"""What one close of the Russell 2000 may bring about in one evening, gravest first."""
_HIGH_STAGE = 3


def alert_rows(rows: Sequence[VerdictRow], now: datetime, untold: Collection[str] = ()) -> list[AlertRow]:
    """Return the alerts to be stored for what these sessions changed.

    What one cause changed in a session closed within the last day is one alert. Older changes, after downtime, are
    told in one summary, with where the newest session stands. The operators are told of every session: what began to
    fail in an old one may fail still, and what ceased to was told when it began; unless nobody was told, as of the
    series in ``untold``.
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
    """Yield one alert a cause: the gravest of its changes comes first, and decides the kind and who hears of it."""
    changes = sorted(_for_subscribers(row), key=_gravity)
    of_the_breakout = [change for change in changes if change.kind in _OF_A_BREAKOUT]
    others = [[change] for change in changes if change.kind not in _OF_A_BREAKOUT]
    for caused in (of_the_breakout, *others) if of_the_breakout else others:
        gravest = caused[0]
        yield AlertRow(
            key=f"{gravest.subject}:{gravest.kind}",
            kind=gravest.kind,
            urgent=gravest.kind in URGENT,
            session=row.session,
            created_at=now,
            changes=[(change.subject, change.kind) for change in caused],
            kinds=BITS[kind_of(gravest)],
            chart=carried_by(gravest.kind),
        )


def kind_of(change: ChangeRow | Transition) -> str:
    """Return which of the kinds that a chat can choose from a change is; a high stage is reached, or left."""
    family = change.kind.partition(".")[0]
    if family == "stage":
        return "stage.high" if max(int(change.before), int(change.after)) >= _HIGH_STAGE else "stage.low"
    return change.kind if change.kind in BITS else family


def _gravity(change: ChangeRow) -> int:
    return _OF_A_BREAKOUT.index(change.kind) if change.kind in _OF_A_BREAKOUT else len(_OF_A_BREAKOUT)


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
    told = [change for row in rows for change in _for_subscribers(row)]
    changes = [(change.subject, change.kind) for change in told]
    return AlertRow(
        key=f"{CATCH_UP}:{rows[0].session}:{rows[-1].session}",
        kind=CATCH_UP,
        urgent=any(kind in URGENT for _, kind in changes),
        session=newest,
        created_at=now,
        changes=changes,
        # Each chat that wants any of it.
        kinds=bits(map(kind_of, told)),
        chart=carried_by(CATCH_UP),
    )
