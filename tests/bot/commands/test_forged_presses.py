"""Every button there is, pressed by somebody who may not, in every kind of chat: nothing of anybody else changes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import App, build
from bot.clock import SteppedClock
from bot.commands.table import COMMANDS
from bot.messages.buttons import Asked
from bot.messages.render import Messages
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from storage.outbox.digests import DIGEST
from storage.schema import alert, board, chat, delivery, notice, pause, post, throttle, watch
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Hear, Say
from tests.bot.market.in_process import MarketInProcess
from tests.bot.messages.whole import whole
from tests.bot.running import EVENING, settings_for, store_verdict

OPERATOR, OTHER, CHANNEL = 13, 6, -1_000_000_000_007
OF_CHATS = (chat, watch, board, delivery)
OF_ALL = (alert, post, notice, pause, throttle)
# What a chat has chosen, so that there is something to change.
CHOSEN = (
    "/subscribe",
    "/quiet 22-7",
    "/timezone Paris",
    "/digest daily 8",
    "/watch IWM > 123456",
    "/board here",
    "/mute 7d",
)
# Pressed while the buttons are gathered, these would take away what others stand under.
CHANGING = {
    "alerts", "board", "deleteme", "digest", "discard", "dispatch", "language", "mute", "quiet", "settings", "subscribe",
    "timezone", "unwatch", "watch",
}  # fmt: skip
ENDS = ("deleteme", "unsubscribe", "unwatch", "discard", "dispatch")


@pytest.fixture
def settings(sandbox: Sandbox, database_url: str) -> Settings:
    return settings_for(
        sandbox, database_url, messages_per_second=1000, market_data="simulated", operator_ids=(OPERATOR,)
    )


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[App]:
    """The built program whose market answers in this process."""
    async with build(settings, SteppedClock(EVENING), MarketInProcess(), MarketInProcess()) as app:
        await app.connect()
        app.operation.evaluate = None
        yield app


def shown(sandbox: Sandbox) -> set[str]:
    """Return what the buttons ask for under whatever the bot has written to anybody; of hours and places, one of each."""
    found = {
        button["callback_data"]
        for state in sandbox.world.chats.values()
        for message in state.messages.values()
        for row in message.get("reply_markup", {}).get("inline_keyboard", [])
        for button in row
    }
    return set({re.sub(r"[+-]?\d+|[A-Z]\w+/\w+", "#", data): data for data in sorted(found)}.values())


async def every_button(app: App, sandbox: Sandbox, say: Say, hear: Hear) -> set[str]:
    """Ask for everything, then press whatever stands under the answers. Returns what all the buttons ask for."""
    for command in COMMANDS:
        if command.description and not command.for_operators:
            await say(f"/{command.name}")
    await say("/watch IVM > 100")
    await say("/timezone 22:30")
    await say("/start everything")
    await say("/broadcast all of you", OPERATOR)
    await app.sender.drain()
    first = shown(sandbox)
    for data in sorted(first):
        if not data.startswith(ENDS):
            sandbox.world.press(ME, 1, data)
    await hear()
    kinds = (DIGEST, "watch.record", "stage.up", "breakout.failed")
    of_alerts = {data for kind in kinds for row in Messages().buttons.under_alert(1, kind) for _, data in row}
    return first | shown(sandbox) | of_alerts


async def rows(app: App, *, without: int = 0) -> dict[str, list[Any]]:
    """Return all rows that are a chat's or everybody's, but those of one chat."""
    queries = {table.name: select(table) for table in OF_ALL}
    queries |= {table.name: select(table).where(table.c[_key(table)] != without) for table in OF_CHATS}
    async with app.database.reading() as connection:
        return {name: sorted(map(repr, await connection.execute(query))) for name, query in queries.items()}


def _key(table: Any) -> str:
    return "chat_id" if "chat_id" in table.c else "id"


async def test_whoever_may_not_changes_nothing_by_any_button(app: App, sandbox: Sandbox, say: Say, hear: Hear) -> None:
    world = sandbox.world
    world.add_channel(CHANNEL, "News", admins={ADMIN})
    for person in (OTHER, OPERATOR):
        world.add_private_chat(person, started=True)
    await store_verdict(app, whole(), "attempt", "confirmed")
    buttons = await every_button(app, sandbox, say, hear)
    assert {Asked.of(data).name for data in buttons} >= CHANGING
    for typed in CHOSEN:
        await say(typed)
        await say(typed, GROUP, ADMIN)
        world.write(CHANNEL, typed)
        await hear()
    await app.sender.drain()
    before, said = await rows(app), len(sandbox.sent(CHANNEL))
    for chat_id, person in ((GROUP, MEMBER), (CHANNEL, OTHER)):
        for data in sorted(buttons):
            world.press(chat_id, 1, data, user_id=person)
    await hear()
    assert await rows(app) == before
    assert len(sandbox.sent(CHANNEL)) == said
    world.press(GROUP, 1, "mute:1d", user_id=ADMIN)
    await hear()
    assert await rows(app) != before
    without = await rows(app, without=OTHER)
    for data in sorted(buttons):
        world.press(OTHER, 1, data)
    await hear()
    assert await rows(app, without=OTHER) == without
    # What others watch is nobody's business.
    assert not any("123,456" in text for text in sandbox.sent(OTHER))
