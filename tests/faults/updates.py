"""Kill -9 while updates arrive: whatever was acknowledged to Telegram is stored, and handled or still to be."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from random import Random

from sqlalchemy import func, select

from bot.sandbox.server import Sandbox, serve
from storage import chats
from storage.database import Database
from storage.schema import received_update
from tests.faults.campaigns import open_sandbox
from tests.faults.processes import finish, kill_soon, start

_KINDS = ("/subscribe", "/unsubscribe", "/start", "block", "unblock", "/status", "/help", "press")
Reachable = tuple[bool, bool]


class People:
    """What each person did, in order, and what of it is so after each step: (subscribed, reachable)."""

    def __init__(self, sandbox: Sandbox, random: Random, count: int) -> None:
        self._sandbox, self._random, self._count = sandbox, random, count
        self.steps: dict[int, list[tuple[int, Reachable]]] = defaultdict(list)

    def act(self) -> None:
        """Let somebody do something; it becomes an update."""
        chat_id = self._random.randint(1, self._count)
        self._sandbox.world.add_private_chat(chat_id)
        state = self._sandbox.world.chats[chat_id]
        subscribed, reachable = self.steps[chat_id][-1][1] if self.steps[chat_id] else (False, True)
        kind = self._random.choice(_KINDS)
        if kind in ("block", "unblock"):
            state.started = True
            self._sandbox.world.block(chat_id, blocked=kind == "block")
            reachable = kind == "unblock"
        elif kind == "press" and not state.blocked:
            self._sandbox.world.press(chat_id, 1, "mute")
        elif not state.blocked:
            self._sandbox.world.write(chat_id, kind)
            subscribed = {"/subscribe": True, "/unsubscribe": False}.get(kind, subscribed)
        else:
            return
        self.steps[chat_id].append((self._sandbox.world.updates[-1]["update_id"], (subscribed, reachable)))

    async def wrong(self, database: Database) -> list[str]:
        """Return a sentence for each person whose acknowledged updates are neither stored nor have had their effect."""
        pending = self._sandbox.world.updates
        first_unfetched = pending[0]["update_id"] if pending else 10**9
        found = []
        async with database.transaction() as connection:
            oldest = select(received_update.c.chat_id, func.min(received_update.c.update_id))
            stored = oldest.where(received_update.c.handled_at.is_(None)).group_by(received_update.c.chat_id)
            waiting: dict[int, int] = {row[0]: row[1] for row in await connection.execute(stored)}
            for chat_id, steps in self.steps.items():
                held = await chats.find(connection, chat_id)
                first_pending = min(first_unfetched, waiting.get(chat_id, first_unfetched))
                before: list[Reachable] = [so for update_id, so in steps if update_id < first_pending]
                # What is not acknowledged, or stored and not handled, may have had its effect or not.
                possible = {before[-1] if before else (False, True)}
                possible |= {so for update_id, so in steps if update_id >= first_pending}
                if held is None:
                    # Nothing is kept of a chat that never subscribed.
                    is_right = any(not subscribed for subscribed, _ in possible)
                else:
                    is_right = (held.subscribed_at is not None, held.gone_at is None) in possible
                if not is_right:
                    found.append(f"chat {chat_id} is {held}, after {steps} with {first_pending} pending")
        return found


async def updates(url: str, seed: int, *, count: int, kills: int) -> list[str]:
    """Let updates arrive while the bot is killed again and again. Returns what is wrong at any of the kills."""
    random = Random(seed)
    found: list[str] = []
    async with serve(open_sandbox()) as sandbox:
        people = People(sandbox, random, max(count // 10, 1))
        for _ in range(kills):
            process = await start(sandbox, url, "forever")
            arriving = asyncio.create_task(_arrive(people, count // kills, random))
            await kill_soon(process, sandbox, random, "getUpdates")
            await arriving
            async with Database(url) as database:
                found += await people.wrong(database)
        await finish(await start(sandbox, url, "drain"))
        assert sandbox.world.updates == []
        async with Database(url) as database:
            found += await people.wrong(database)
    return found


async def _arrive(people: People, count: int, random: Random) -> None:
    for _ in range(count):
        people.act()
        await asyncio.sleep(random.random() * 0.004)
