"""Start children of a campaign, and kill them."""

from __future__ import annotations

import asyncio
import signal
import sys
from random import Random

from bot.sandbox.server import Sandbox
from tests.bot.running import environment_for

FAST = {"MESSAGES_PER_SECOND": "1000", "CHAT_MESSAGES_PER_SECOND": "30", "LEASE_SECONDS": "2"}


async def start(sandbox: Sandbox, url: str, mode: str, pace: dict[str, str] = FAST) -> asyncio.subprocess.Process:
    """Start a child that uses a sandbox and a database, in a hurry or at some other ``pace``."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.child", mode, env=environment_for(sandbox, url, **pace),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def kill_soon(process: asyncio.subprocess.Process, sandbox: Sandbox, random: Random, method: str) -> None:
    """Kill -9 a child at a random moment: while it starts, or soon after its first call of a method."""
    calls = len(sandbox.calls)
    if random.random() < 0.9:
        async with asyncio.timeout(60):
            while not any(name == method for name, _ in sandbox.calls[calls:]) and process.returncode is None:
                await asyncio.sleep(0.002)
        await asyncio.sleep(random.random() * 0.12)
    else:
        await asyncio.sleep(random.random() * 1.5)
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    _, errors = await process.communicate()
    if process.returncode != -signal.SIGKILL:
        raise AssertionError(errors.decode())


async def finish(process: asyncio.subprocess.Process) -> None:
    """Wait until a child has done everything."""
    _, errors = await process.communicate()
    if process.returncode != 0:
        raise AssertionError(errors.decode())
