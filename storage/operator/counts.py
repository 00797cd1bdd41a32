"""How many there are: of deliveries that wait, of chats, and of what was done since some instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from storage import AsyncConnection
from storage.outbox.recipients import IS_SUBSCRIBED
from storage.outbox.states import UNFINISHED, State, is_in
from storage.schema import alert, chat, delivery, received_update


@dataclass(frozen=True, slots=True)
class Waiting:
    """The deliveries in one state that is not final, and when the oldest alert of them was made."""

    state: State
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class ChatCount:
    """How many chats of a type the bot has seen, how many of them get alerts, and how many it cannot reach."""

    type: str
    seen: int
    subscribed: int
    gone: int


async def waiting(connection: AsyncConnection) -> list[Waiting]:
    """Return what is queued, held and on its way; a state that nothing is in is left out."""
    found = []
    for state in UNFINISHED:
        # An alert has the number of its age, and the index of each state has it too.
        query = select(func.count(), func.min(delivery.c.alert_id)).where(is_in(state))
        count, oldest = (await connection.execute(query)).one()
        if count:
            made: datetime = (
                await connection.execute(select(alert.c.created_at).where(alert.c.id == oldest))
            ).scalar_one()
            found.append(Waiting(state, count, made))
    return found


async def by_state(connection: AsyncConnection) -> dict[str, int]:
    """Return how many deliveries there are in each state, however many there are: not for a bot in service."""
    query = select(delivery.c.state, func.count()).group_by(delivery.c.state)
    return {str(state): count for state, count in await connection.execute(query)}


async def chats_by_type(connection: AsyncConnection) -> Sequence[ChatCount]:
    """Return the chats that the bot has seen, by their type."""
    subscribed = case((IS_SUBSCRIBED[0] & IS_SUBSCRIBED[1], 1), else_=0)
    gone = case((chat.c.gone_at.is_not(None), 1), else_=0)
    columns = (chat.c.type, func.count(), func.sum(subscribed), func.sum(gone))
    rows = await connection.execute(select(*columns).group_by(chat.c.type).order_by(chat.c.type))
    return [ChatCount(*row) for row in rows]


async def finished_since(connection: AsyncConnection, at: datetime) -> dict[State, int]:
    """Return how many deliveries came to an end since an instant, by how they ended."""
    query = select(delivery.c.state, func.count()).where(delivery.c.finished_at >= at).group_by(delivery.c.state)
    return {State(state): count for state, count in await connection.execute(query)}


async def handled_since(connection: AsyncConnection, at: datetime) -> int:
    """Return how many updates were handled since an instant, within the two days for which they are known."""
    query = select(func.count()).select_from(received_update).where(received_update.c.handled_at >= at)
    return int((await connection.execute(query)).scalar_one())
