"""The bot's handle on its market process: pandas and its kin live there, never here."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Protocol

from bot.market.progress import ProgressLog, Report
from bot.market.protocol import LENGTH, Done, Failed, Progress, Reply, Request, decode_reply, encode
from bot.settings import NAMES

_LONGEST_SILENCE = 900.0


class MarketProcessError(RuntimeError):
    """The market process could not do what it was asked, or ended while doing it."""


class Market(Protocol):
    """Whatever answers requests about the market; see ``MarketProcess``."""

    def ask(self, request: Request) -> AsyncIterator[Reply]:
        """Yield the replies to a request, without ``Progress``, ``Done`` and ``Failed``."""

    async def close(self) -> None:
        """End what was started for it."""


class MarketProcess:
    """Starts the child on the first request and keeps it until ``close``; one request at a time.

    ``report`` is told how far long work is, by default the log, whose lines the child writes as ``log_format`` says.
    """

    def __init__(self, report: Report | None = None, log_format: str = "text") -> None:
        self._report, self._log_format = report or ProgressLog(), log_format
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    async def ask(self, request: Request) -> AsyncIterator[Reply]:
        """Send a request and yield what comes back.

        Raises
        ------
        MarketProcessError
            When the request fails; the child is then gone and the next request starts a new one.
        """
        async with self._lock:
            finished = False
            try:
                process = self._process = self._process or await _start(self._log_format)
                assert process.stdin is not None
                process.stdin.write(encode(request))
                await process.stdin.drain()
                while not finished:
                    async with asyncio.timeout(_LONGEST_SILENCE):
                        reply = await _read(process)
                    finished = isinstance(reply, Done)
                    if isinstance(reply, Progress):
                        self._report(reply.what, reply.done, reply.of)
                    elif not finished:
                        yield reply
            except TimeoutError:
                raise MarketProcessError(f"the market process was silent for {_LONGEST_SILENCE:.0f} s") from None
            except (ConnectionError, OSError) as error:
                raise MarketProcessError(f"the market process is gone: {error}") from error
            finally:
                if not finished:
                    # Nobody waits for the rest any more.
                    await self._end(at_once=True)

    async def close(self) -> None:
        """End the child; a new request starts another."""
        async with self._lock:
            await self._end()

    async def _end(self, *, at_once: bool = False) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), timeout=0 if at_once else 2)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        # Read to its end, the pipe closes here and not whenever the loop would have come to it.
        assert process.stdout is not None
        await process.stdout.read()


async def _start(log_format: str) -> asyncio.subprocess.Process:
    # What it needs of the settings comes with each request, and it is to be fast rather than small.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.upper() not in NAMES and not name.startswith("MALLOC_")
    }
    # Ctrl-C is for the parent: the child ends when its standard input does.
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.market.child", log_format,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env=environment, start_new_session=True,
    )  # fmt: skip


async def _read(process: asyncio.subprocess.Process) -> Reply:
    assert process.stdout is not None
    try:
        length = int.from_bytes(await process.stdout.readexactly(LENGTH), "big")
        reply: Reply = decode_reply(await process.stdout.readexactly(length))
    except asyncio.IncompleteReadError:
        raise MarketProcessError(f"the market process ended with code {await process.wait()}") from None
    if isinstance(reply, Failed):
        raise MarketProcessError(reply.message)
    return reply
