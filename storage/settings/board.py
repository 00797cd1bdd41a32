"""The status board of a chat: one pinned message that is brought up to date after every session."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, insert, select, update

from storage import AsyncConnection
from storage.outbox.boards import RETIRED, Step, retire
from storage.outbox.states import State
from storage.schema import board


@dataclass(frozen=True, slots=True)
class Board:
    """The board of a chat; where ``is_lost`` nobody knows whether it arrived, nor which message it is."""

    message_id: int | None
    is_lost: bool


async def find(connection: AsyncConnection, chat_id: int) -> Board | None:
    """Return the board of a chat, ``None`` where it has none."""
    query = select(board.c.message_id, board.c.state).where(board.c.chat_id == chat_id, board.c.step.not_in(RETIRED))
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Board(row.message_id, row.state == State.UNKNOWN)


async def turn_on(connection: AsyncConnection, chat_id: int, message_id: int, thread_id: int | None) -> None:
    """Let a message of the bot that stands in a chat become its board, in place of any other.

    Its number is known before anything is sent: so whatever is killed when, there is never a second one.
    """
    found = await find(connection, chat_id)
    if found is not None and found.message_id == message_id:
        return
    await retire(connection, board.c.chat_id == chat_id)
    values = {"chat_id": chat_id, "message_id": message_id, "thread_id": thread_id}
    await connection.execute(insert(board).values(**values, step=Step.WRITE, state=State.QUEUED))


async def turn_off(connection: AsyncConnection, chat_id: int) -> None:
    """Let a chat have no board: the message says so, and is unpinned."""
    await retire(connection, board.c.chat_id == chat_id)


async def pin_again(connection: AsyncConnection, chat_id: int) -> None:
    """Pin the board of a chat once more: what kept it from being pinned may be over."""
    settled = (board.c.chat_id == chat_id, board.c.step == Step.EDIT)
    await connection.execute(update(board).where(*settled).values(step=Step.PIN, shows=None))


async def write_again(connection: AsyncConnection, chat_id: int) -> None:
    """Write the board of a chat anew, now: it says the same in other words."""
    settled = (board.c.chat_id == chat_id, board.c.step == Step.EDIT)
    await connection.execute(update(board).where(*settled).values(shows=None))


async def suspend(connection: AsyncConnection, chat_id: int) -> None:
    """Let a board be, while its chat cannot be reached."""
    waiting = (board.c.chat_id == chat_id, board.c.state.in_((State.QUEUED, State.HELD)))
    await connection.execute(update(board).where(*waiting).values(state=State.GONE))


async def resume(connection: AsyncConnection, chat_id: int) -> None:
    """Bring a board up to date again: its chat can be reached."""
    suspended = (board.c.chat_id == chat_id, board.c.state == State.GONE)
    await connection.execute(update(board).where(*suspended).values(state=State.QUEUED))


async def move(connection: AsyncConnection, old: int, new: int) -> None:
    """Let a chat that got a new id have its board there: messages are numbered anew, so it is made again."""
    has_one = exists().where(board.c.chat_id == old, board.c.step.not_in(RETIRED))
    has_one_there = exists().where(board.c.chat_id == new, board.c.step.not_in(RETIRED))
    if (await connection.execute(select(has_one, ~has_one_there))).one() == (True, True):
        await connection.execute(insert(board).values(chat_id=new, step=Step.SEND, state=State.QUEUED))
