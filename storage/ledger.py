"""Verdicts, transitions and alerts: what was decided, what changed and who is told, committed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, insert, select

from storage import AsyncConnection
from storage.chain import links
from storage.chain.rows import Kind
from storage.database import upsert
from storage.market import Market, market_of
from storage.outbox.supersession import record_superseded
from storage.schema import alert, market, transition, verdict
from storage.settings.kinds import EVERYTHING

CATCH_UP = "catch_up"
"""The kind of the alert that sums up what changed while nothing ran."""


class Audience(StrEnum):
    """Whom an alert is for."""

    SUBSCRIBERS = "subscribers"
    OPERATORS = "operators"
    # Whoever got the alert that it corrects.
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One transition to be stored; see ``signals.model.Transition``.

    ``evidence`` is a ``signals.record.model.Past``, the earlier cases that its alert names, as compressed JSON.
    """

    kind: str
    subject: str
    occurred_on: date
    before: str = ""
    after: str = ""
    evidence: bytes | None = None


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One session's verdict to be stored, with the transitions it showed. ``body`` is compressed JSON."""

    session: date
    decided_at: datetime
    method_version: str
    body: bytes
    changes: Sequence[ChangeRow] = ()


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert to be stored. ``changes`` are (subject, kind) of the transitions it tells, the gravest first.

    ``audience`` is who it is for: the subscribers, or the operators. ``kinds`` are the bits of what it is: a chat that
    wants one of them gets it. ``chart`` is the one that it carries where a chat wants pictures.
    """

    key: str
    kind: str
    urgent: bool
    session: date
    created_at: datetime
    changes: Sequence[tuple[str, str]] = field(default_factory=tuple)
    audience: Audience = Audience.SUBSCRIBERS
    kinds: int = EVERYTHING
    chart: str | None = None


async def record(
    connection: AsyncConnection, rows: Sequence[VerdictRow], alerts: Sequence[AlertRow], *, backfilled: bool
) -> list[int]:
    """Store verdicts, their transitions and the alerts about them; run it inside one transaction.

    What is not backfilled becomes part of the chain. Returns the numbers of the alerts, in their order.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        When a session is already decided: a verdict is never rewritten, so nothing of the call is stored.
    """
    if not rows:
        return []
    verdicts = [
        {
            "session": row.session,
            "decided_at": row.decided_at,
            "backfilled": backfilled,
            "method_version": row.method_version,
            "body": row.body,
        }
        for row in rows
    ]
    await connection.execute(insert(verdict), verdicts)
    ids: dict[tuple[str, str], int] = {}
    written: list[tuple[Kind, Any]] = []
    for row in rows:
        written.append((Kind.VERDICT, row.session))
        for change in row.changes:
            statement = insert(transition).values(session=row.session, **asdict(change))
            inserted = (await connection.execute(statement)).inserted_primary_key
            assert inserted is not None
            ids[change.subject, change.kind] = int(inserted[0])
            written.append((Kind.TRANSITION, inserted[0]))
    if not backfilled:
        await links.append(connection, written)
    numbers = []
    for alert_row in alerts:
        values = asdict(alert_row)
        values["transitions"] = [ids[change] for change in values.pop("changes")]
        inserted = (await connection.execute(insert(alert).values(values))).inserted_primary_key
        assert inserted is not None
        numbers.append(int(inserted[0]))
        if alert_row.audience == Audience.SUBSCRIBERS:
            await record_superseded(connection, numbers[-1])
    return numbers


async def record_once(connection: AsyncConnection, values: dict[str, Any]) -> int:
    """Store an alert that tells no transition, unless there is one with its ``key``. Returns its number."""
    statement = upsert(connection, alert).values(values).on_conflict_do_nothing(index_elements=["key"])
    await connection.execute(statement)
    return int((await connection.execute(select(alert.c.id).where(alert.c.key == values["key"]))).scalar_one())


async def newest_session(connection: AsyncConnection) -> date | None:
    """Return the last session decided."""
    newest: date | None = (await connection.execute(select(func.max(verdict.c.session)))).scalar_one()
    return newest


async def newest_decision(connection: AsyncConnection) -> datetime | None:
    """Return when the last session was decided."""
    newest: datetime | None = (await connection.execute(select(func.max(verdict.c.decided_at)))).scalar_one()
    return newest


async def newest_body(connection: AsyncConnection) -> str | None:
    """Return the verdict of the last session decided, as JSON."""
    return (await connection.execute(_NEWEST_BODY)).scalar_one_or_none()


async def load_newest(connection: AsyncConnection) -> tuple[str | None, Market | None]:
    """Return that verdict and the market it is of, by one statement; ``None`` for what there is not yet."""
    row = (await connection.execute(_NEWEST)).one_or_none()
    return (row.body, market_of(row)) if row is not None else (None, None)


_NEWEST_BODY = select(verdict.c.body).order_by(verdict.c.session.desc()).limit(1)
_NEWEST = select(market, _NEWEST_BODY.scalar_subquery().label("body"))


async def body_of(connection: AsyncConnection, session: date) -> str:
    """Return the verdict of one session as JSON."""
    query = select(verdict.c.body).where(verdict.c.session == session)
    body: str = (await connection.execute(query)).scalar_one()
    return body


async def nearest_body(connection: AsyncConnection, day: date) -> str | None:
    """Return the verdict of the last session on or before a day as JSON, ``None`` before the first."""
    query = select(verdict.c.body).where(verdict.c.session <= day).order_by(verdict.c.session.desc()).limit(1)
    return (await connection.execute(query)).scalar_one_or_none()


async def first_session(connection: AsyncConnection) -> date | None:
    """Return the first session decided."""
    first: date | None = (await connection.execute(select(func.min(verdict.c.session)))).scalar_one()
    return first


async def recent_changes(connection: AsyncConnection, count: int) -> Sequence[Any]:
    """Return the newest transitions, newest first, with ``backfilled`` of the session that showed them.

    What only the operator hears of, the state of the data, is left out.
    """
    query = (
        select(transition, verdict.c.backfilled)
        .join(verdict, verdict.c.session == transition.c.session)
        .where(~transition.c.kind.startswith("data."))
        .order_by(transition.c.session.desc(), transition.c.id.desc())
        .limit(count)
    )
    return (await connection.execute(query)).all()


async def changes_between(connection: AsyncConnection, after: date, through: date) -> Sequence[Any]:
    """Return the transitions of the sessions after one, through another, oldest first, the state of the data left out.

    What of history is among them is news to nobody, and left out, too.
    """
    span = (transition.c.session > after, transition.c.session <= through, ~transition.c.kind.startswith("data."))
    query = select(transition).join(verdict, verdict.c.session == transition.c.session)
    query = query.where(*span, ~verdict.c.backfilled).order_by(transition.c.session, transition.c.id)
    return (await connection.execute(query)).all()


async def known_changes(connection: AsyncConnection) -> set[tuple[str, str]]:
    """Return (subject, kind) of every transition ever recorded."""
    query = select(transition.c.subject, transition.c.kind)
    return {(subject, kind) for subject, kind in await connection.execute(query)}


async def problems_of_history(connection: AsyncConnection) -> set[str]:
    """Return the series whose newest data problem began in history, which is told to nobody."""
    query = (
        select(transition.c.subject, verdict.c.backfilled)
        .join(verdict, verdict.c.session == transition.c.session)
        .where(transition.c.kind == "data.problem")
        .order_by(transition.c.session)
    )
    newest = {subject.split(":")[1]: backfilled for subject, backfilled in await connection.execute(query)}
    return {series for series, backfilled in newest.items() if backfilled}


async def load_alert(connection: AsyncConnection, alert_id: int) -> Any:
    """Return one alert's row."""
    return (await connection.execute(select(alert).where(alert.c.id == alert_id))).one()


async def find_alert(connection: AsyncConnection, alert_id: int) -> Any:
    """Return one alert's row; ``None`` when there is none with this number."""
    return (await connection.execute(select(alert).where(alert.c.id == alert_id))).one_or_none()


async def count_alerts(connection: AsyncConnection) -> int:
    """Return how many alerts have been recorded."""
    return int((await connection.execute(select(func.count()).select_from(alert))).scalar_one())


async def newest_alert(connection: AsyncConnection) -> int | None:
    """Return the number of the newest alert of the market itself, ``None`` when there is none."""
    is_ours = (alert.c.audience == Audience.SUBSCRIBERS) & (alert.c.kind != CATCH_UP)
    number: int | None = (await connection.execute(select(func.max(alert.c.id)).where(is_ours))).scalar_one()
    return number


async def count_live_changes(connection: AsyncConnection) -> dict[str, int]:
    """Return how many changes of state the live record has of each kind."""
    query = select(transition.c.kind, func.count()).join(verdict, verdict.c.session == transition.c.session)
    query = query.where(~verdict.c.backfilled).group_by(transition.c.kind).order_by(transition.c.kind)
    return {row[0]: row[1] for row in await connection.execute(query)}


async def load_changes(connection: AsyncConnection, ids: Sequence[int]) -> Sequence[Any]:
    """Return the transitions with these ids, in this order."""
    rows = await connection.execute(select(transition).where(transition.c.id.in_(ids)))
    return sorted(rows, key=lambda row: ids.index(row.id))
