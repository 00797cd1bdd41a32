"""The market in the test's own process, for tests that are not about processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from bot.market.child import Requests
from bot.market.process import MarketProcessError
from bot.market.progress import unreported
from bot.market.protocol import LENGTH, Reply, Request, decode_reply, decode_request, encode


class MarketInProcess:
    """Answers requests in a thread; they and the replies are encoded and decoded as between processes."""

    def __init__(self) -> None:
        self._requests = Requests()
        self._lock = asyncio.Lock()

    async def ask(self, request: Request) -> AsyncIterator[Reply]:
        async with self._lock:
            for reply in await asyncio.to_thread(self._answer, encode(request)):
                yield decode_reply(reply[LENGTH:])

    def _answer(self, request: bytes) -> list[bytes]:
        try:
            return [encode(reply) for reply in self._requests.answer(decode_request(request[LENGTH:]), unreported)]
        except Exception as error:
            raise MarketProcessError(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Keep what was read for the next request."""
