"""Chats of every kind, each with choices of its own."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import ChatState
from storage import AsyncConnection, chats
from storage.database import Database
from storage.outbox.quiet_hours import QuietHours
from storage.settings import board, chosen
from storage.settings.chosen import Way
from storage.settings.digest_times import Cadence
from storage.settings.kinds import BITS, EVERYTHING
from storage.watches import listed
from storage.watches.judged import ABOVE, BELOW, RECORD, Condition, Quote, Standing

TOPIC = 3
_ZONES = ("UTC", "America/New_York", "Europe/Paris", "Asia/Kolkata", "Australia/Sydney", "Pacific/Honolulu")
_WATCHED = (
    ("IWM", RECORD, 0.0),
    ("IWM", ABOVE, 50.7),
    ("SPY", BELOW, 201.0),
    ("IJR", ABOVE, 51.5),
    ("IWC", BELOW, 49.0),
)


async def gather(database: Database, sandbox: Sandbox, count: int, now: datetime, session: date) -> list[int]:
    """Let so many chats subscribe and choose. Returns their ids."""
    ids = []
    async with database.transaction() as connection:
        for number in range(count):
            state, kind, topic = _arrive(sandbox, number)
            chat_id = state.chat["id"]
            await chats.subscribe(connection, chat_id, kind, now, topic)
            await _choose(connection, chat_id, number, now)
            if number % 10 == 0:
                condition = Condition(*_WATCHED[number // 10 % len(_WATCHED)])
                quote = Quote(condition.symbol, session, 90.0, in_table=True)
                await listed.add(connection, chat_id, Standing(condition, True, session), quote, now)
            if number % 50 == 0:
                message = sandbox.world.post(state, "a board", [], None, topic)
                await board.turn_on(connection, chat_id, message["message_id"], topic)
            ids.append(chat_id)
    return ids


def _arrive(sandbox: Sandbox, number: int) -> tuple[ChatState, str, int | None]:
    """Add one chat: of twenty, fourteen are people; then come groups, forums and a channel."""
    world, kind = sandbox.world, number % 20
    if kind < 14:
        return world.add_private_chat(1_000 + number, started=True), "private", None
    if kind < 17:
        return world.add_group(-1_000 - number, "Friends"), "group", None
    state = (world.add_channel if kind == 19 else world.add_group)(-(10**12) - number, "Traders")
    if kind != 18:
        return state, state.chat["type"], None
    state.topics[TOPIC] = True
    return state, "supergroup", TOPIC


async def _choose(connection: AsyncConnection, chat_id: int, number: int, now: datetime) -> None:
    await chosen.set_timezone(connection, chat_id, _ZONES[number % len(_ZONES)], now)
    if number % 3 == 0:
        await chosen.set_language(connection, chat_id, "fr")
    if number % 7 < 4:
        await chosen.hear_only(connection, chat_id, EVERYTHING)
    if number % 7 == 5:
        await chosen.set_kind(connection, chat_id, BITS["breakout.confirmed"], Way.SILENT)
    if number % 5 == 0:
        await chosen.set_quiet_hours(connection, chat_id, QuietHours(_ZONES[number % len(_ZONES)], 22 * 60, 7 * 60))
        await chosen.let_urgent_through(connection, chat_id, number % 2 == 0)
    if number % 4 < 2:
        cadence = Cadence.DAILY if number % 8 == 0 else Cadence.WEEKLY
        await chosen.set_digest(connection, chat_id, now, cadence, 6 + number % 12, skips=number % 16 == 1)
    if number % 11 == 0:
        await chosen.mute(connection, chat_id, now + timedelta(days=5))
