"""What must hold whatever comes: it is handled, nobody is told of a fault, and what its chat sends next is answered."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import func, select

from bot.app import App
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BOT, Json
from storage.schema import received_update
from tests.fuzzing.updates import ADMIN, CHANNEL, CHATS, FORUM, GROUP, OF_OPERATOR, PRIVATE

_NUMBERS = itertools.count(10**9)


class _Faults(logging.Handler):
    """Keeps what is logged of a fault."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        # One chat is nobody's: it cannot be answered.
        is_fault = record.levelno >= logging.ERROR or "passed over" in record.getMessage()
        if is_fault and "chat not found" not in str(error).lower():
            self.found.append(f"{record.getMessage()}: {error!r}")


@contextmanager
def _faults() -> Iterator[list[str]]:
    handler = _Faults()
    logging.getLogger().addHandler(handler)
    try:
        yield handler.found
    finally:
        logging.getLogger().removeHandler(handler)


def settle(sandbox: Sandbox) -> None:
    """Let the chats be as at first."""
    world = sandbox.world
    for chat in CHATS:
        world.chats.pop(chat["id"], None)
    world.add_private_chat(PRIVATE["id"], started=True)
    world.add_private_chat(OF_OPERATOR["id"], started=True)
    world.add_group(GROUP["id"], "Friends", admins={ADMIN["id"]})
    world.add_group(FORUM["id"], "Traders", admins={ADMIN["id"]}).topics[3] = True
    world.add_channel(CHANNEL["id"], "News", admins={ADMIN["id"]})


async def check(app: App, sandbox: Sandbox, updates: Sequence[Json]) -> None:
    """Let updates come and say what is wrong afterwards.

    Raises
    ------
    AssertionError
        When there was a fault, an update is not handled, or a chat is not answered any more.
    """
    settle(sandbox)
    for update in updates:
        if (query := update.get("callback_query")) is not None:
            sandbox.world.pressed.add(query["id"])
        if (inline := update.get("inline_query")) is not None:
            sandbox.world.inline_queries[inline["id"]] = None
    with _faults() as found:
        await app.inbox.store(updates)
        await app.inbox.handle_stored()
        await _check_all_handled(app, updates)
        await _check_answered(app, sandbox, [chat for chat in CHATS if chat["id"] in {*map(_chat_of, updates)}])
    assert not found, found


async def _check_all_handled(app: App, updates: Sequence[Json]) -> None:
    stored = [update["update_id"] for update in updates if "inline_query" not in update]
    is_finished = (received_update.c.handled_at.is_not(None), received_update.c.body.is_(None))
    query = select(func.count()).where(received_update.c.update_id.in_(stored), *is_finished)
    async with app.database.reading() as connection:
        assert (await connection.execute(query)).scalar_one() == len(stored), "an update is lost"


def _chat_of(update: Json) -> int | None:
    content = next(value for name, value in update.items() if name != "update_id")
    chat = content.get("message", content).get("chat")
    return chat["id"] if chat else None


async def _check_answered(app: App, sandbox: Sandbox, chats: Sequence[Json]) -> None:
    """Whatever came, each of the chats may ask on."""
    before = {chat["id"]: len(sandbox.sent(chat["id"])) for chat in chats}
    await app.inbox.store([_asking(chat) for chat in chats])
    await app.inbox.handle_stored()
    silent = [chat["type"] for chat in chats if len(sandbox.sent(chat["id"])) != before[chat["id"]] + 1]
    assert silent == [], f"not answered any more: {silent}"


def _asking(chat: Json) -> Json:
    number = next(_NUMBERS)
    message: Json = {
        "message_id": number,
        "date": 1_600_000_000,
        "chat": chat,
        "text": f"/id@{BOT['username']} {number}",
    }
    message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(f"/id@{BOT['username']}")}]
    if chat is CHANNEL:
        return {"update_id": number, "channel_post": message | {"sender_chat": chat}}
    return {"update_id": number, "message": message | {"from": ADMIN}}
