"""All that names one chat, wherever it is stored: to be handed over, or deleted."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import delete, or_, select, update

from storage import AsyncConnection
from storage.inbox import NOBODY
from storage.operator import posts
from storage.outbox import purge
from storage.outbox.recipients import of_chat
from storage.outbox.states import UNFINISHED, State
from storage.schema import board, chat, delivery, post, received_update, watch


async def stored(connection: AsyncConnection, chat_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return every row that names a chat, by its table; instants in UTC, what arrived of it as Telegram sent it."""
    queries = {
        "chat": select(chat).where(chat.c.id == chat_id),
        "delivery": select(delivery).where(*of_chat(chat_id)).order_by(delivery.c.id),
        "board": select(board).where(board.c.chat_id == chat_id).order_by(board.c.id),
        "watch": select(watch).where(watch.c.chat_id == chat_id),
        "post": select(post).where(or_(post.c.made_by == chat_id, post.c.chat_id == chat_id)).order_by(post.c.id),
        "received_update": select(received_update).where(received_update.c.chat_id == chat_id),
    }
    found = {table: (await connection.execute(query)).mappings().all() for table, query in queries.items()}
    return {
        table: [{name: _readable(value) for name, value in row.items()} for row in rows]
        for table, rows in found.items()
    }


def _readable(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


async def forget(connection: AsyncConnection, chat_id: int) -> None:
    """Delete every row that names a chat; what it was sent stays as a number in the counts of each alert.

    Updates of it that are not handled yet stay until they are: they came after the one that asks for this.
    """
    gone = delete(delivery).where(*of_chat(chat_id)).returning(delivery.c.alert_id, delivery.c.state)
    folded: dict[int, Counter[str]] = defaultdict(Counter)
    for alert_id, state in await connection.execute(gone):
        folded[alert_id][State.GONE if state in UNFINISHED else state] += 1
    for alert_id, counts in folded.items():
        await purge.count(connection, alert_id, counts)
    await posts.forget(connection, chat_id)
    for table, column in ((watch, watch.c.chat_id), (board, board.c.chat_id), (chat, chat.c.id)):
        await connection.execute(delete(table).where(column == chat_id))
    handled = (received_update.c.chat_id == chat_id, received_update.c.handled_at.is_not(None))
    await connection.execute(update(received_update).where(*handled).values(chat_id=NOBODY, body=None))
