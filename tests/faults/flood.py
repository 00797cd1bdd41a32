"""A flood of commands while an alert goes out, through the whole program and at Telegram's own limits."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.limits import Limiter
from bot.sandbox.server import Sandbox, serve
from bot.sandbox.telegram import ChatState, Json, World
from storage.database import Database
from tests.faults.processes import start
from tests.faults.truth import Account, account, owe, subscribe

_RATE = 30
_FIRST = 10_000


class _Heard(World):
    """A world that notes when the bot says something to each chat."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[int, list[float]] = {}

    def post_content(self, state: ChatState, content: Json, *more: Any, **named: Any) -> Json:
        self.at.setdefault(state.chat["id"], []).append(time.monotonic())
        return super().post_content(state, content, *more, **named)


@dataclass
class Flood:
    """How a flood went. Rates are messages a second, waits are seconds, without end where there was no answer."""

    account: Account
    broadcast: float
    answers: float
    refused: int
    waits: list[float] = field(default_factory=list)

    @property
    def p95(self) -> float:
        """What 95 of 100 who asked seldom waited at most."""
        return sorted(self.waits)[int(len(self.waits) * 0.95)]

    @property
    def is_good(self) -> bool:
        """Whether answers cost no alert, nor one chat another."""
        is_whole = self.account.lost == self.account.doubled == 0
        return is_whole and self.broadcast >= _RATE / 2 and self.p95 < 1

    def __str__(self) -> str:
        return (
            f"{self.broadcast:.1f} alerts/s of {_RATE}, {self.answers:.1f} answers/s, {self.refused} 429s; "
            f"{len(self.waits)} seldom asked and waited {sorted(self.waits)[len(self.waits) // 2]:.2f} s, p95 "
            f"{self.p95:.2f} s, {self.waits.count(math.inf)} in vain; {self.account}"
        )


async def flood(url: str, *, people: int) -> Flood:
    """Owe an alert to many while 100 chats ask once a second, ten twice, one 200 times at once, and some seldom."""
    world = _Heard()
    sandbox = Sandbox(world=world, limiter=Limiter(per_second=_RATE + 1))
    recipients = range(_FIRST, _FIRST + people)
    async with serve(sandbox):
        async with Database(url) as database:
            await subscribe(database, sandbox, recipients)
            await owe(database, urgent=False)
        process = await start(sandbox, url, "forever", pace={})
        # What it logs must be read, or it would wait for that.
        ended = asyncio.create_task(process.communicate())
        await sandbox.called.wait()
        seldom: list[asyncio.Task[float]] = []
        begun = time.monotonic()
        writing = [
            *(asyncio.create_task(_write(world, chat, 1.0)) for chat in range(1, 101)),
            *(asyncio.create_task(_write(world, chat, 0.5)) for chat in range(101, 111)),
            asyncio.create_task(_write(world, 111, 0.0, 200)),
        ]
        while sum(chat in world.at for chat in recipients) < people and time.monotonic() - begun < people:
            await asyncio.sleep(0.5)
            seldom.append(asyncio.create_task(_ask(world, 200 + len(seldom) % 40)))
        seconds = time.monotonic() - begun
        answered = sum(len(at) for chat, at in world.at.items() if chat < _FIRST)
        waits = await asyncio.gather(*seldom)
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        process.terminate()
        await ended
        async with Database(url) as database:
            result = await account(database, sandbox, people)
    return Flood(result, people / seconds, answered / seconds, sandbox.limiter.refused, waits)


_COMMANDS = ("/help", "/status", "/why", "/history")


async def _write(world: World, chat_id: int, pause: float, times: int = 10**6) -> None:
    world.add_private_chat(chat_id)
    await asyncio.sleep(chat_id % 100 / 100)
    for number in range(times):
        world.write(chat_id, _COMMANDS[number % len(_COMMANDS)])
        await asyncio.sleep(pause)


async def _ask(world: _Heard, chat_id: int) -> float:
    """Ask for help; return how long the answer took, without end when there is none in ten seconds."""
    world.add_private_chat(chat_id)
    before, begun = len(world.at.get(chat_id, [])), time.monotonic()
    world.write(chat_id, "/help")
    while time.monotonic() - begun < 10:
        if len(at := world.at.get(chat_id, [])) > before:
            return at[-1] - begun
        await asyncio.sleep(0.05)
    return math.inf
