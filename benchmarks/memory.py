"""What the process that answers Telegram weighs when it is idle."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks.delivery import verdict
from bot.sandbox.server import Sandbox, serve
from tests.bot.running import command, environment_for

_BARE = "import time; print(flush=True); time.sleep(60)"
_SETTLE = 3.0


async def _resident(process: asyncio.subprocess.Process) -> float:
    return float(psutil.Process(process.pid).memory_info().rss) / 1e6


async def _bare() -> float:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _BARE, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    resident = await _resident(process)
    process.kill()
    await process.wait()
    return resident


async def measure_memory() -> Sequence[str]:
    """Return the measurement as lines: the bot polling with nothing to do, after its first evening and restarted."""
    bare = await _bare()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'cascade.db'}"
        async with serve(Sandbox()) as sandbox:
            first, restarted = [await _idle(sandbox, url) for _ in range(2)]
    return [
        "resident memory of the process that answers Telegram, idle",
        f"  bare Python                               {bare:9.1f} MB   1.0",
        f"  after the evening that filled its database{first:9.1f} MB   {first / bare:.1f}×",
        f"  after a restart                           {restarted:9.1f} MB   {restarted / bare:.1f}×",
        verdict(f"after that evening at most 80 MB: {first:.1f}", first <= 80),
        verdict(f"after a restart at most 72 MB: {restarted:.1f}", restarted <= 72),
    ]


async def _idle(sandbox: Sandbox, url: str) -> float:
    """Run the bot until its evening is over and return what it weighs."""
    environment = environment_for(sandbox, url, MARKET_DATA="simulated")
    process = await asyncio.create_subprocess_exec(*command("run"), env=environment, stderr=asyncio.subprocess.DEVNULL)
    bot, polls = psutil.Process(process.pid), _polls(sandbox)
    while _polls(sandbox) == polls:
        await sandbox.called.wait()
    await asyncio.sleep(_SETTLE)
    while bot.children():
        await asyncio.sleep(0.2)
    await asyncio.sleep(_SETTLE)
    resident = await _resident(process)
    process.terminate()
    await process.wait()
    return resident


def _polls(sandbox: Sandbox) -> int:
    return sum(method == "getUpdates" for method, _ in sandbox.calls)
