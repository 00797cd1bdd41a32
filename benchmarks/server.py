"""The strict server of the measurements, in a process of its own: the sandbox, which notes when messages arrive.

Usage: ``python -m benchmarks.server MESSAGES_PER_SECOND PEOPLE``; prints its address. It keeps no texts, so that
its memory says nothing. ``/control/probe`` writes to the bot and returns how long the answer took.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from aiohttp import web

from bot.sandbox.limits import Limiter
from bot.sandbox.server import Sandbox, serve
from bot.sandbox.telegram import ChatState, Json, World

PROBING = 10**9


class Arrivals(World):
    """A world that keeps when each message arrived instead of the message."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[tuple[float, int]] = []

    def post_content(self, state: ChatState, content: Json, *more: Any, **named: Any) -> Json:
        """Note a message of the bot and forget what it says."""
        message = super().post_content(state, content, *more, **named)
        self.arrived.append((time.monotonic(), state.chat["id"]))
        state.messages.clear()
        return message


class Control:
    """What the measurement asks of the server."""

    def __init__(self, sandbox: Sandbox, world: Arrivals) -> None:
        self._sandbox, self._world = sandbox, world
        self._probes = 0

    async def probe(self, request: web.Request) -> web.Response:
        """Write a command in a chat of its own and wait for the answer. Returns the seconds that took."""
        self._probes += 1
        chat_id = PROBING + self._probes
        self._world.add_private_chat(chat_id, started=True)
        begun = time.monotonic()
        self._world.write(chat_id, request.query["text"])
        async with asyncio.timeout(30):
            while True:
                changed = self._world.changed
                answers = [at for at, to in reversed(self._world.arrived[-200:]) if to == chat_id]
                if answers:
                    return web.json_response(answers[0] - begun)
                await changed.wait()

    async def arrivals(self, _: web.Request) -> web.Response:
        """Return (seconds, chat) of every message, and how many requests met a 429."""
        # Nobody needs what the sandbox keeps of its calls.
        self._sandbox.calls.clear()
        return web.json_response({"arrived": self._world.arrived, "refused": self._sandbox.limiter.refused})

    async def forget(self, _: web.Request) -> web.Response:
        """Begin anew."""
        self._world.arrived.clear()
        self._sandbox.calls.clear()
        return web.json_response({})


async def main(per_second: int, people: int) -> None:
    """Serve until killed."""
    world: Any = Arrivals()
    for chat_id in range(1, people + 1):
        world.add_private_chat(chat_id, started=True)
    sandbox = Sandbox(world=world, limiter=Limiter(per_second=per_second, chat_burst=10**6))
    control = Control(sandbox, world)
    routes = [
        web.get("/control/probe", control.probe),
        web.get("/control/arrivals", control.arrivals),
        web.get("/control/forget", control.forget),
    ]
    async with serve(sandbox, extra=routes):
        print(sandbox.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
