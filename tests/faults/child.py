"""A real process that polls and delivers, to be killed: the bot without its evening.

Usage: ``python -m tests.faults.child forever|drain|deliver``, with the settings in the environment; ``main`` and
``worker`` are the whole program. ``LEASE_SECONDS`` shortens the leases, so that a campaign need not wait minutes for a
dead worker's.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta

from bot.app import App, build
from bot.clock import SystemClock
from bot.delivery import sender
from bot.logs import set_up_logging
from bot.settings import load_settings
from bot.updates import inbox


async def _forever(app: App) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(app.sender.run())
        tasks.create_task(app.poll())


async def _run(mode: str) -> None:
    async with build(load_settings(), SystemClock()) as app:
        if mode in ("main", "worker"):
            await (app.run() if mode == "main" else app.work())
        await app.connect()
        await app.sender.recover()
        if mode == "drain":
            while await app.poller.once():
                pass
            await app.sender.drain()
        elif mode == "deliver":
            await app.sender.run()
        else:
            await _forever(app)


if __name__ == "__main__":
    set_up_logging()
    if seconds := os.environ.get("LEASE_SECONDS"):
        sender.LEASE = inbox._LEASE = timedelta(seconds=float(seconds))
    asyncio.run(_run(sys.argv[1]))
