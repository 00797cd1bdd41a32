"""``make faults``: run every campaign and print what was lost, doubled, unknown and gone."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from storage.database import Database
from storage.migrate import migrate
from tests.faults import campaigns
from tests.faults.truth import Account
from tests.faults.updates import updates
from tests.postgresql import NAME, programs, serving

SEED = 20_260_824
ON_ONE_FILE: tuple[tuple[str, Callable[[str], Awaitable[Account]]], ...] = (
    ("kill -9, 120 times", lambda url: campaigns.kills(url, SEED, times=120, people=150)),
    ("the server: refusals, 429, hangs, resets", lambda url: campaigns.server_faults(url, SEED, alerts=12, people=300)),
    ("disk full, 60 times", lambda url: campaigns.disk_full(url, SEED, alerts=12, people=300)),
    ("database locked, 36 times", lambda url: campaigns.locked(url, SEED, alerts=12, people=300)),
    ("clock set, 60 times, and server faults", lambda url: campaigns.clock_jumps(url, SEED, alerts=12, people=300)),
)


async def _fresh(folder: Path, name: str) -> str:
    url = f"sqlite+aiosqlite:///{folder / name}.db"
    async with Database(url) as database:
        await migrate(database)
    return url


def _print(name: str, result: str, since: float) -> None:
    print(f"{name}: {result} ({time.monotonic() - since:.0f} s)", flush=True)


async def _workers(folder: Path) -> Account:
    with serving(folder) as server:
        return await campaigns.workers(await server.make(NAME), SEED, times=20, people=200)


async def main(folder: Path) -> bool:
    """Run all campaigns. Returns whether nothing was lost or doubled."""
    good = True
    for number, (name, campaign) in enumerate(ON_ONE_FILE):
        since = time.monotonic()
        result = await campaign(await _fresh(folder, f"campaign-{number}"))
        _print(name, str(result), since)
        good &= result.lost == 0 and result.doubled == 0
    since = time.monotonic()
    wrong = await updates(await _fresh(folder, "updates"), SEED, count=1000, kills=25)
    _print("kill -9, 25 times while 1,000 updates arrive", f"{len(wrong)} acknowledged without effect", since)
    good &= not wrong
    if (found := programs()) is None:
        print("no PostgreSQL server here: two workers on one database were not tried")
        return good
    since = time.monotonic()
    result = await _workers(found)
    _print("two workers on PostgreSQL, one killed 20 times", str(result), since)
    return good and result.lost == 0 and result.doubled == 0


if __name__ == "__main__":
    where = Path(tempfile.mkdtemp(prefix="cascade-faults-"))
    try:
        is_good = asyncio.run(main(where))
    finally:
        shutil.rmtree(where)
    sys.exit(not is_good)
