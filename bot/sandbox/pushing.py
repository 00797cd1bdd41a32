"""The sandbox's web-hook: brings each update to the bot until it is answered with 200."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import aiohttp

from bot.sandbox.telegram import Json, World

_AGAIN = 0.05


@dataclass
class Pusher:
    """Pushes a world's updates to one address at a time, in order."""

    world: World
    answers: list[int] = field(default_factory=list)
    _pushing: asyncio.Task[None] | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is a web-hook now."""
        return self._pushing is not None

    async def set(self, url: str, secret: str, allowed: list[str]) -> None:
        """Push to this address from now on; to none with an empty one."""
        if self._pushing is not None:
            self._pushing.cancel()
            await asyncio.gather(self._pushing, return_exceptions=True)
            self._pushing = None
        if url:
            self._pushing = asyncio.create_task(self._push(url, secret, allowed))

    async def _push(self, url: str, secret: str, allowed: list[str]) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                update = await self._next(allowed)
                status = await _post(session, url, update)
                self.answers.append(status)
                if status == 200:
                    self.world.updates.remove(update)
                    self.world.wake()
                else:
                    await asyncio.sleep(_AGAIN)

    async def _next(self, allowed: list[str]) -> Json:
        while True:
            for update in self.world.updates:
                if not allowed or set(update) & set(allowed):
                    return update
            await self.world.changed.wait()


async def _post(session: aiohttp.ClientSession, url: str, update: Json) -> int:
    try:
        async with session.post(url, json=update, allow_redirects=False) as answer:
            return answer.status
    except aiohttp.ClientError:
        return 0
