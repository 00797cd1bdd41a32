"""A reader who types and presses, through the real client and a strict server."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import date
from typing import Any

import pytest

from bot.app import App
from bot.sandbox.server import Sandbox
from signals.as_json import encode
from signals.rules import METHOD_VERSION
from storage import ledger, market
from storage.ledger import ChangeRow, VerdictRow
from storage.schema import compressed
from tests.bot.messages.whole import whole
from tests.bot.running import EVENING

Hear = Callable[[], Coroutine[Any, Any, None]]
ME, GROUP, ADMIN, MEMBER = 5, -1_000_000_000_005, 11, 12


@pytest.fixture
def say(sandbox: Sandbox, hear: Hear) -> Callable[..., Coroutine[Any, Any, str]]:
    """Return a function that writes to the bot and returns its answer."""
    sandbox.world.add_private_chat(ME)
    sandbox.world.add_group(GROUP, "Traders", admins={ADMIN})

    async def write(text: str, chat_id: int = ME, user_id: int | None = None) -> str:
        before = len(sandbox.sent(chat_id))
        sandbox.world.write(chat_id, text, user_id=user_id)
        await hear()
        answers = sandbox.sent(chat_id)[before:]
        assert len(answers) <= 1
        return answers[0] if answers else ""

    return write


Say = Callable[..., Coroutine[Any, Any, str]]


@pytest.fixture
def press(sandbox: Sandbox, hear: Hear) -> Callable[[str], Coroutine[Any, Any, None]]:
    """Return a function that presses a button, by its text, under the newest message that has it."""

    async def click(text: str) -> None:
        for message in reversed(list(sandbox.world.chats[ME].messages.values())):
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for button in row:
                    if button["text"] == text:
                        sandbox.world.press(ME, message["message_id"], button["callback_data"])
                        await hear()
                        return
        raise AssertionError(f"there is no button {text}")

    return click


Press = Callable[[str], Coroutine[Any, Any, None]]


async def store(app: App, *evenings: tuple[date, list[ChangeRow]], backfilled: bool = False) -> None:
    """Store one verdict for each evening, with what changed on it."""
    rows = []
    for session, changes in evenings:
        body = compressed(encode(whole(session=session)))
        rows.append(VerdictRow(session, EVENING, METHOD_VERSION, body, changes))
    async with app.database.transaction() as connection:
        await market.claim_market(connection, "live")
        await ledger.record(connection, rows, [], backfilled=backfilled)
