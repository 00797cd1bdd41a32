"""Our delivery as a process of its own, with its database work, measured from inside.

Usage: ``python -m benchmarks.ours drain|serve|SECONDS``, with the settings in the environment. ``drain`` delivers what
is owed, unpaced, and measures a second alert to the same chats; ``serve`` polls and delivers at the permitted rate,
and owes an alert at SIGUSR1; a number of seconds delivers for so long, unpaced. Prints one JSON object at the end
(``serve``: nothing).
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import signal
import sys
import time
from dataclasses import replace

import psutil

from bot.app import App, build
from bot.clock import SystemClock
from bot.settings import load_settings
from storage.outbox.queue import counts
from storage.outbox.states import State

_UNPACED = 5_000


async def _sent(app: App) -> int:
    async with app.database.transaction() as connection:
        return (await counts(connection)).get(State.SENT, 0)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _drain(app: App) -> None:
    # The first alert warms up, as the first messages of the others do.
    await app.sender.drain()
    warmed_up = await _sent(app)
    await _owe_more(app)
    # Until every chat may have its next message.
    await asyncio.sleep(1)
    begun, cpu = time.monotonic(), _cpu()
    await app.sender.drain()
    used = {"seconds": time.monotonic() - begun, "cpu": _cpu() - cpu, "sent": await _sent(app) - warmed_up}
    print(json.dumps(used), flush=True)


async def _for_a_while(app: App, seconds: float) -> None:
    memory: list[float] = []
    delivering = asyncio.create_task(app.sender.run())
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        await asyncio.sleep(1)
        memory.append(psutil.Process().memory_info().rss / 1e6)
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    print(json.dumps({"seconds": time.monotonic() - begun, "memory": memory, "sent": await _sent(app)}), flush=True)


async def _owe_more(app: App) -> None:
    # Not above: what the tests import would count as ours.
    from tests.faults.truth import owe

    await owe(app.database, urgent=False)
    app.sender.wake()


async def _serve(app: App) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lambda: loop.create_task(_owe_more(app)))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(app.poll())
        tasks.create_task(app.sender.run())


async def main(mode: str) -> None:
    """Build the program and do what the mode says."""
    settings = load_settings()
    if mode != "serve":
        # More than Telegram permits anybody, and therefore no setting.
        settings = replace(settings, messages_per_second=_UNPACED)
    async with build(settings, SystemClock()) as app:
        await app.connect()
        if mode == "drain":
            await _drain(app)
        elif mode == "serve":
            await _serve(app)
        else:
            await _for_a_while(app, float(mode))


if __name__ == "__main__":
    # As ``bot.serve`` does.
    gc.freeze()
    asyncio.run(main(sys.argv[1]))
