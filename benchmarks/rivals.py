"""Other ways to send the same messages, each a process of its own, measured from inside.

Usage: ``python -m benchmarks.rivals stock|aiogram|bare ADDRESS TOKEN COUNT TEXTFILE``. It imports nothing of ours:
aiogram is installed apart, because it wants an older pydantic. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

_IN_FLIGHT = 20
_WARM_UP = 40
Send = Callable[[int], Awaitable[Any]]


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _all(send: Send, first: int, last: int) -> None:
    chats = iter(range(first, last + 1))

    async def work() -> None:
        for chat_id in chats:
            await send(chat_id)

    await asyncio.gather(*(work() for _ in range(_IN_FLIGHT)))


async def _measure(send: Send, count: int) -> None:
    await _all(send, 1, _WARM_UP)
    begun, cpu = time.monotonic(), _cpu()
    await _all(send, 1, count)
    print(json.dumps({"seconds": time.monotonic() - begun, "cpu": _cpu() - cpu, "sent": count}), flush=True)


async def stock(address: str, token: str, count: int, text: str) -> None:
    """python-telegram-bot as it comes."""
    from telegram import Bot

    async with Bot(token, base_url=f"{address}/bot") as bot:
        await _measure(lambda chat_id: bot.send_message(chat_id, text, parse_mode="HTML"), count)


async def aiogram(address: str, token: str, count: int, text: str) -> None:
    """Aiogram as it comes."""
    import importlib

    module = importlib.import_module
    api = module("aiogram.client.telegram").TelegramAPIServer.from_base(address)
    session = module("aiogram.client.session.aiohttp").AiohttpSession(api=api)
    bot = module("aiogram").Bot(token, session=session)
    await _measure(lambda chat_id: bot.send_message(chat_id, text, parse_mode="HTML"), count)
    await session.close()


async def bare(address: str, token: str, count: int, text: str) -> None:
    """Aiohttp and nothing else: what no library can go below in Python."""
    import aiohttp

    async with aiohttp.ClientSession() as session:

        async def send(chat_id: int) -> None:
            body = {"chat_id": chat_id, "text": text, "parse_mode": "HTML"}
            async with session.post(f"{address}/bot{token}/sendMessage", json=body) as answer:
                assert (await answer.json())["ok"]

        await _measure(send, count)


if __name__ == "__main__":
    which, address, token, count, file = sys.argv[1:6]
    ways = {"stock": stock, "aiogram": aiogram, "bare": bare}
    asyncio.run(ways[which](address, token, int(count), Path(file).read_text()))
