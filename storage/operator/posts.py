"""What an operator writes to subscribers: a broadcast, or the correction of an alert; a draft until it is confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update

from storage import AsyncConnection
from storage.chain import links
from storage.chain.rows import Kind
from storage.ledger import Audience
from storage.outbox.purge import KEPT
from storage.outbox.recipients import IS_SUBSCRIBED, got, is_recipient
from storage.schema import alert, chat, post, supersession
from storage.settings.kinds import EVERYBODY

BROADCAST, CORRECTION = "broadcast", "correction"
VALID = timedelta(minutes=10)
"""How long a draft can be confirmed."""


class Refusal(StrEnum):
    """Why a draft is not sent."""

    NOT_YOURS = "not yours"
    SENT = "sent"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Draft:
    """A post that is not confirmed: ``texts`` by language, who wrote it and where, the alert it ``corrects``."""

    texts: Mapping[str, str]
    made_by: int
    chat_id: int
    corrects: int | None = None


async def draft(connection: AsyncConnection, draft: Draft, now: datetime) -> int:
    """Store a draft and return its number."""
    values = {"texts": dict(draft.texts), "made_by": draft.made_by, "chat_id": draft.chat_id, "made_at": now}
    inserted = await connection.execute(insert(post).values(**values, corrects=draft.corrects))
    assert inserted.inserted_primary_key is not None
    return int(inserted.inserted_primary_key[0])


async def recipients(connection: AsyncConnection, corrects: int | None, now: datetime) -> int:
    """Return how many chats a broadcast, or the correction of an alert, would be enqueued for now."""
    query, values = select(func.count()).select_from(chat), {"kinds": EVERYBODY, "now": now}
    if corrects is not None and await _audience(connection, corrects, now) is Audience.CORRECTED:
        query, values = query.where(*IS_SUBSCRIBED, got(chat.c.id)), {"corrects": corrects}
    else:
        query = query.where(*is_recipient())
    return int((await connection.execute(query, values)).scalar_one())


async def owe(connection: AsyncConnection, number: int, who: int, where: int, now: datetime) -> int | Refusal:
    """Store the alert of a confirmed draft and that it is to be fanned out; return its number, or why it is not.

    Call it in the transaction of the press that confirms it. A draft is confirmed by who wrote it, where it was
    written, once, and within ten minutes.
    """
    row = (await connection.execute(select(post).where(post.c.id == number))).one_or_none()
    if row is None or (row.made_by, row.chat_id) != (who, where):
        return Refusal.NOT_YOURS
    if row.alert_id is not None:
        return Refusal.SENT
    if not row.made_at <= now < row.made_at + VALID:
        return Refusal.EXPIRED
    kind = BROADCAST if row.corrects is None else CORRECTION
    audience = Audience.SUBSCRIBERS
    if row.corrects is not None:
        audience = await _audience(connection, row.corrects, now)
    # The key is unique: whatever happened, it is owed once.
    values: dict[str, Any] = {"key": f"{kind}:{number}", "kind": kind, "urgent": kind == CORRECTION, "created_at": now}
    values |= {"transitions": [], "audience": audience, "kinds": EVERYBODY}
    inserted = (await connection.execute(insert(alert).values(values))).inserted_primary_key
    assert inserted is not None
    alert_id = int(inserted[0])
    if audience is Audience.CORRECTED:
        # Who has not got the wrong one yet gets only the correction.
        await connection.execute(insert(supersession).values(newer_id=alert_id, older_id=row.corrects))
    await connection.execute(update(post).where(post.c.id == number).values(alert_id=alert_id))
    if kind == CORRECTION:
        # What was said wrong and what was said instead are part of the record.
        await links.append(connection, [(Kind.CORRECTION, number)])
    return alert_id


async def discard(connection: AsyncConnection, number: int, who: int, where: int) -> bool:
    """Delete a draft of somebody. Returns False where there is none that is not confirmed."""
    mine = (post.c.id == number, post.c.made_by == who, post.c.chat_id == where, post.c.alert_id.is_(None))
    return (await connection.execute(delete(post).where(*mine))).rowcount == 1


async def of_alert(connection: AsyncConnection, alert_id: int) -> Any:
    """Return the post that an alert is."""
    return (await connection.execute(select(post).where(post.c.alert_id == alert_id))).one()


async def forget(connection: AsyncConnection, number: int) -> None:
    """Delete the drafts of a person or chat with this number, and who wrote what was sent, and where."""
    theirs = or_(post.c.made_by == number, post.c.chat_id == number)
    await connection.execute(delete(post).where(theirs, post.c.alert_id.is_(None)))
    await connection.execute(update(post).where(theirs).values(made_by=None, chat_id=None))


async def _audience(connection: AsyncConnection, corrects: int, now: datetime) -> Audience:
    """Return whom a correction is for: who got the alert, while that is known; later all."""
    made: datetime = (await connection.execute(select(alert.c.created_at).where(alert.c.id == corrects))).scalar_one()
    return Audience.CORRECTED if now < made + KEPT else Audience.SUBSCRIBERS
