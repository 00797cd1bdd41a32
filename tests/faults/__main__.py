"""``make faults``: run every campaign and print what was lost, doubled, unknown and gone."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from storage.database import Database
from storage.migrate import migrate
from tests.faults import campaigns, market
from tests.faults.channel import Commanded, channel
from tests.faults.flood import Flood, flood
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


def _on_postgresql() -> Account | None:
    if (found := programs()) is None:
        print("no PostgreSQL server here: two workers on one database were not tried")
        return None
    with serving(found) as server:
        url = asyncio.run(server.make(NAME))
        return asyncio.run(campaigns.workers(url, SEED, times=20, people=200))


def main(folder: Path) -> bool:
    """Run all campaigns. Returns whether nothing was lost or doubled."""
    good = True
    for number, (name, campaign) in enumerate(ON_ONE_FILE):
        since = time.monotonic()
        result = asyncio.run(_one(folder, f"campaign-{number}", campaign))
        _print(name, str(result), since)
        good &= result.lost == 0 and result.doubled == 0
    since = time.monotonic()
    wrong = asyncio.run(_updates(folder))
    _print("kill -9, 25 times while 1,000 updates arrive", f"{len(wrong)} acknowledged without effect", since)
    since = time.monotonic()
    commanded = asyncio.run(_channel(folder))
    _print("a channel and a group: 600 commands of admins and presses of readers", str(commanded), since)
    good &= commanded.is_good
    since = time.monotonic()
    how = asyncio.run(_flood(folder))
    _print("a flood: 100 chats ask once a second, ten twice, one 200 times at once", str(how), since)
    good &= how.is_good
    since = time.monotonic()
    if (result_of_two := _on_postgresql()) is not None:
        _print("two workers on PostgreSQL, one killed 20 times", str(result_of_two), since)
        good &= result_of_two.lost == 0 and result_of_two.doubled == 0
    since = time.monotonic()
    for name, found in _of_the_market(folder):
        _print(name, str(found), since)
        since = time.monotonic()
        good &= found.good
    return good and not wrong


def _of_the_market(folder: Path) -> Iterator[tuple[str, market.Found]]:
    yield "every publisher hangs", asyncio.run(_hang(folder))
    yield "suspended, or the clock set forth, 300 times", asyncio.run(market.suspensions(SEED, times=300))
    yield "the largest answers", market.memory()


async def _hang(folder: Path) -> market.Found:
    return await market.everything_hangs(await _fresh(folder, "hang"))


async def _one(folder: Path, name: str, campaign: Callable[[str], Awaitable[Account]]) -> Account:
    return await campaign(await _fresh(folder, name))


async def _channel(folder: Path) -> Commanded:
    return await channel(await _fresh(folder, "channel"), SEED, times=600)


async def _flood(folder: Path) -> Flood:
    return await flood(await _fresh(folder, "flood"), people=2_000)


async def _updates(folder: Path) -> list[str]:
    return await updates(await _fresh(folder, "updates"), SEED, count=1000, kills=25)


if __name__ == "__main__":
    # What is met on purpose is not worth reading.
    logging.basicConfig(handlers=[logging.NullHandler()])
    where = Path(tempfile.mkdtemp(prefix="cascade-faults-"))
    try:
        is_good = main(where)
    finally:
        shutil.rmtree(where)
    sys.exit(not is_good)
