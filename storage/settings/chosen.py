"""The choices of one chat, and how they are changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, func, select, update

from storage import AsyncConnection
from storage.outbox.quiet_hours import QuietHours
from storage.outbox.recipients import of_chat
from storage.outbox.states import State, is_in
from storage.schema import chat, delivery, verdict
from storage.settings.digest_times import Cadence, DigestTimes
from storage.settings.kinds import BIG_ONES


class Way(StrEnum):
    """How a kind of alert comes to a chat."""

    ON = "on"
    SILENT = "silent"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a chat has chosen. ``muted_until`` may be over; the kinds are ``storage.settings.kinds.BITS``.

    ``digest`` is how often one comes; ``digest_hour``, of the chat's own day, and ``digest_skips`` hold where one does.
    """

    is_subscribed: bool = False
    muted_until: datetime | None = None
    loud_kinds: int = BIG_ONES
    silent_kinds: int = 0
    timezone: str = "UTC"
    quiet_from: int | None = None
    quiet_until: int | None = None
    urgent_through: bool = False
    pictures: bool = False
    digest: Cadence | None = None
    digest_hour: int = 8
    digest_skips: bool = False
    digest_due_at: datetime | None = None
    language: str | None = None

    @property
    def quiet_hours(self) -> QuietHours | None:
        """The hours of its day in which nothing comes."""
        if self.quiet_from is None or self.quiet_until is None:
            return None
        return QuietHours(self.timezone, self.quiet_from, self.quiet_until)

    def is_muted(self, now: datetime) -> bool:
        """Return whether no alert comes now."""
        return self.muted_until is not None and self.muted_until > now

    def way_of(self, bit: int) -> Way:
        """Return how a kind comes."""
        if self.loud_kinds & bit:
            return Way.ON
        return Way.SILENT if self.silent_kinds & bit else Way.OFF


async def load(connection: AsyncConnection, chat_id: int) -> Chosen:
    """Return the choices of a chat; of one that was never seen, those everybody begins with."""
    columns = (
        *(chat.c.subscribed_at.is_not(None), chat.c.muted_until, chat.c.loud_kinds, chat.c.silent_kinds),
        *(chat.c.timezone, chat.c.quiet_from, chat.c.quiet_until, chat.c.urgent_through, chat.c.pictures),
        *(chat.c.digest, chat.c.digest_hour, chat.c.digest_skips, chat.c.digest_due_at, chat.c.language),
    )
    row = (await connection.execute(select(*columns).where(chat.c.id == chat_id))).one_or_none()
    if row is None:
        return Chosen()
    return replace(Chosen(*row), digest=Cadence(row.digest) if row.digest else None)


async def language_of(connection: AsyncConnection, chat_id: int) -> str | None:
    """Return the language of a chat; ``None`` where none is known yet."""
    found: str | None = (await connection.execute(_LANGUAGE_OF, {"of": chat_id})).scalar_one_or_none()
    return found


# Made once: every answer asks.
_LANGUAGE_OF = select(chat.c.language).where(chat.c.id == bindparam("of", type_=chat.c.id.type))


async def languages(connection: AsyncConnection) -> set[str]:
    """Return every language that some chat is spoken to in."""
    query = select(chat.c.language).where(chat.c.language.is_not(None)).distinct()
    return set((await connection.execute(query)).scalars())


async def begin_in(connection: AsyncConnection, chat_id: int, language: str | None) -> str | None:
    """Give a chat its first language, where one is known and it has none. Returns the one that it has now."""
    first = func.coalesce(chat.c.language, language)
    statement = update(chat).where(chat.c.id == chat_id).values(language=first).returning(chat.c.language)
    found: str | None = (await connection.execute(statement)).scalar_one()
    return found


async def set_language(connection: AsyncConnection, chat_id: int, language: str) -> None:
    """Let a chat be spoken to in a language from now on; what is queued for it comes in that, too."""
    await _change(connection, chat_id, language=language)


async def mute(connection: AsyncConnection, chat_id: int, until: datetime | None) -> None:
    """Let no alert come to a chat before ``until``, nor later what would have come by then; ``None`` ends that."""
    await _change(connection, chat_id, muted_until=until)


async def hear_only(connection: AsyncConnection, chat_id: int, loud: int) -> None:
    """Let these kinds come to a chat with a sound, and no others."""
    await _change(connection, chat_id, loud_kinds=loud, silent_kinds=0)


async def set_kind(connection: AsyncConnection, chat_id: int, bit: int, way: Way) -> None:
    """Let one kind come to a chat in this way; the others stay as they are."""
    loud, silent = (column.bitwise_and(~bit) for column in (chat.c.loud_kinds, chat.c.silent_kinds))
    if way is Way.ON:
        loud = loud.bitwise_or(bit)
    elif way is Way.SILENT:
        silent = silent.bitwise_or(bit)
    await _change(connection, chat_id, loud_kinds=loud, silent_kinds=silent)


async def set_timezone(connection: AsyncConnection, chat_id: int, name: str, now: datetime) -> None:
    """Let a chat be told times in a time zone, and have its quiet hours and its digest there; ``name`` is IANA's."""
    await _change(connection, chat_id, timezone=name)
    await _set_due(connection, chat_id, now)
    await _let_go(connection, chat_id)


async def set_digest(
    connection: AsyncConnection, chat_id: int, now: datetime, cadence: Cadence | None, hour: int, *, skips: bool
) -> None:
    """Let a digest come to a chat at an hour of its day, or none; ``skips`` leaves out those without a change."""
    await _change(connection, chat_id, digest=cadence, digest_hour=hour, digest_skips=skips)
    await _set_due(connection, chat_id, now)


async def _set_due(connection: AsyncConnection, chat_id: int, now: datetime) -> None:
    """Store when the next digest is due: the next of a day that had none yet. The first tells what changes from now."""
    columns = (chat.c.timezone, chat.c.digest, chat.c.digest_hour, chat.c.digest_on, chat.c.digest_through)
    found = (await connection.execute(select(*columns, chat.c.digest_due_at).where(chat.c.id == chat_id))).one()
    if found.digest is None:
        await _change(connection, chat_id, digest_due_at=None)
        return
    times = DigestTimes(found.timezone, found.digest_hour, Cadence(found.digest))
    through: date | None = found.digest_through
    if found.digest_due_at is None:
        through = (await connection.execute(select(func.max(verdict.c.session)))).scalar_one()
    is_due = found.digest_due_at is not None and found.digest_due_at <= now
    is_owed = is_due and times.last(now) > (found.digest_on or date.min)
    # Not lost for a change of mind in the moment in which it is due.
    day = times.last(now) if is_owed else times.following(now, found.digest_on)
    await _change(connection, chat_id, digest_due_at=times.due_at(day), digest_through=through)


async def set_quiet_hours(connection: AsyncConnection, chat_id: int, hours: QuietHours | None) -> None:
    """Hold what is owed to a chat during some hours of its day, in their time zone from now on; ``None`` ends that."""
    values: dict[str, Any] = {"quiet_from": None, "quiet_until": None}
    if hours is not None:
        values = {"timezone": hours.timezone, "quiet_from": hours.begin, "quiet_until": hours.end}
    await _change(connection, chat_id, **values)
    await _let_go(connection, chat_id)


async def let_urgent_through(connection: AsyncConnection, chat_id: int, through: bool) -> None:
    """Let urgent kinds come in quiet hours, too, or not."""
    await _change(connection, chat_id, urgent_through=through)
    await _let_go(connection, chat_id)


async def want_pictures(connection: AsyncConnection, chat_id: int, wanted: bool) -> None:
    """Let the alerts of a chat come with their chart, or as text alone."""
    await _change(connection, chat_id, pictures=wanted)


async def _let_go(connection: AsyncConnection, chat_id: int) -> None:
    """Queue what is held for a chat: whatever has to wait by its new hours is held again when it is claimed."""
    held = (*of_chat(chat_id), is_in(State.HELD))
    await connection.execute(update(delivery).where(*held).values(state=State.QUEUED))


async def _change(connection: AsyncConnection, chat_id: int, **values: Any) -> None:
    await connection.execute(update(chat).where(chat.c.id == chat_id).values(values))
