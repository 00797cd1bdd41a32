"""``make faults``: run every campaign and print what was lost, doubled, unknown and gone.

``make faults SHORT=1`` runs a fifth of each, half of the flood, which is what CI has time for.
"""

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
from tests.faults.two_processes import Found, two_processes
from tests.faults.updates import updates
from tests.postgresql import NAME, programs, serving

SEED = 20_260_824
ALERTS, PEOPLE = 12, 300
ON_ONE_FILE: tuple[tuple[str, Callable[[str, int], Awaitable[Account]]], ...] = (
    ("kill -9", lambda url, part: campaigns.kills(url, SEED, times=120 // part, people=150)),
    (
        "the server: refusals, 429, hangs, resets",
        lambda url, part: campaigns.server_faults(url, SEED, alerts=ALERTS // part, people=PEOPLE),
    ),
    ("disk full", lambda url, part: campaigns.disk_full(url, SEED, alerts=ALERTS // part, people=PEOPLE)),
    ("database locked", lambda url, part: campaigns.locked(url, SEED, alerts=ALERTS // part, people=PEOPLE)),
    (
        "the clock set, and server faults",
        lambda url, part: campaigns.clock_jumps(url, SEED, alerts=ALERTS // part, people=PEOPLE),
    ),
)


async def _fresh(folder: Path, name: str) -> str:
    url = f"sqlite+aiosqlite:///{folder / name}.db"
    async with Database(url) as database:
        await migrate(database)
    return url


def _print(name: str, result: str, since: float) -> None:
    print(f"{name}: {result} ({time.monotonic() - since:.0f} s)", flush=True)


def _on_postgresql(part: int) -> Account | None:
    if (found := programs()) is None:
        print("no PostgreSQL server here: two workers on one database were not tried")
        return None
    with serving(found) as server:
        url = asyncio.run(server.make(NAME))
        return asyncio.run(campaigns.workers(url, SEED, times=20 // part, people=200))


def main(folder: Path, part: int) -> bool:
    """Run all campaigns, each ``1 / part`` of its length. Returns whether nothing was lost or doubled."""
    good = True
    for number, (name, campaign) in enumerate(ON_ONE_FILE):
        since = time.monotonic()
        result = asyncio.run(_one(folder, f"campaign-{number}", campaign, part))
        _print(name, str(result), since)
        good &= result.lost == 0 and result.doubled == 0
    since = time.monotonic()
    wrong = asyncio.run(_updates(folder, part))
    _print("kill -9 while updates arrive", f"{len(wrong)} acknowledged without effect", since)
    since = time.monotonic()
    commanded = asyncio.run(_channel(folder, part))
    _print("a channel and a group: commands of admins and presses of readers", str(commanded), since)
    good &= commanded.is_good
    since = time.monotonic()
    how = asyncio.run(_flood(folder, part))
    _print("a flood: 100 chats ask once a second, ten twice, one 200 times at once", str(how), since)
    good &= how.is_good
    since = time.monotonic()
    if (result_of_two := _on_postgresql(part)) is not None:
        _print("two workers on PostgreSQL, one killed", str(result_of_two), since)
        good &= result_of_two.lost == 0 and result_of_two.doubled == 0
    since = time.monotonic()
    if (of_two := _of_two_processes(part)) is not None:
        _print("a fan-out and updates to the web-hooks of two processes on PostgreSQL, one killed", str(of_two), since)
        good &= of_two.is_good
    since = time.monotonic()
    for name, found in _of_the_market(folder, part):
        _print(name, str(found), since)
        since = time.monotonic()
        good &= found.good
    return good and not wrong


def _of_two_processes(part: int) -> Found | None:
    if (found := programs()) is None:
        return None
    with serving(found) as server:
        url = asyncio.run(server.make(NAME))
        return asyncio.run(two_processes(url, SEED, people=100_000 // part**2, count=10_000 // part))


def _of_the_market(folder: Path, part: int) -> Iterator[tuple[str, market.Found]]:
    yield "every publisher hangs", asyncio.run(_hang(folder))
    yield "suspended, or the clock set forth", asyncio.run(market.suspensions(SEED, times=300 // part))
    yield "the largest answers", market.memory()


async def _hang(folder: Path) -> market.Found:
    return await market.everything_hangs(await _fresh(folder, "hang"))


async def _one(folder: Path, name: str, campaign: Callable[[str, int], Awaitable[Account]], part: int) -> Account:
    return await campaign(await _fresh(folder, name), part)


async def _channel(folder: Path, part: int) -> Commanded:
    return await channel(await _fresh(folder, "channel"), SEED, times=600 // part)


async def _flood(folder: Path, part: int) -> Flood:
    # Not shorter than half: the few that a flood's first second leaves in vain are a part of many.
    return await flood(await _fresh(folder, "flood"), people=2_000 // min(part, 2))


async def _updates(folder: Path, part: int) -> list[str]:
    return await updates(await _fresh(folder, "updates"), SEED, count=1000 // part, kills=25 // part)


if __name__ == "__main__":
    # What is met on purpose is not worth reading.
    logging.basicConfig(handlers=[logging.NullHandler()])
    where = Path(tempfile.mkdtemp(prefix="cascade-faults-"))
    try:
        is_good = main(where, 5 if sys.argv[1:] == ["short"] else 1)
    finally:
        shutil.rmtree(where)
    sys.exit(not is_good)
