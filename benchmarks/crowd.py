"""A million subscribers: how long the fan-out takes and keeps others waiting, what it costs, what comes back."""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text, update

from bot.clock import SteppedClock
from bot.delivery.purging import Purger
from storage import AsyncConnection, chats, market
from storage.database import Database
from storage.migrate import migrate
from storage.outbox import fan_out, purge
from storage.outbox.queue import counts
from storage.outbox.states import State
from storage.schema import delivery
from storage.settings.kinds import BITS, EVERYTHING
from tests.faults.truth import AT, owe

PEOPLE = 1_000_000
_BARE = """
INSERT INTO delivery (alert_id, chat_id, urgent, state, not_before, attempts, unknowns)
SELECT 1, id, 0, 'queued', '2020-11-17 22:30:00.000000', 0, 0 FROM chat
WHERE subscribed_at IS NOT NULL AND gone_at IS NULL{wanted} ORDER BY id
"""
_CONFIRMED = BITS["breakout.confirmed"]
_WANTED = f" AND (loud_kinds | silent_kinds) & {_CONFIRMED} <> 0 AND muted_until IS NULL"
_EVERYBODY = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :people)
INSERT INTO chat (id, type, subscribed_at, urgent_through)
SELECT n, 'private', '2020-11-01 00:00:00.000000', 0 FROM number
"""
# Of a hundred, ten want nothing, ten want it silently, five are muted; each third reads French; each fifth has quiet
# hours in one of six zones.
_MIXED = f"""
UPDATE chat SET
    language = CASE WHEN id % 3 = 0 THEN 'fr' END,
    loud_kinds = CASE id % 10 WHEN 0 THEN 0 WHEN 1 THEN 0 WHEN 2 THEN {EVERYTHING} ELSE loud_kinds END,
    silent_kinds = CASE id % 10 WHEN 1 THEN {EVERYTHING} ELSE 0 END,
    muted_until = CASE WHEN id % 20 = 3 THEN '2020-12-01 00:00:00.000000' END,
    timezone = CASE id % 30 WHEN 4 THEN 'Europe/Paris' WHEN 9 THEN 'Asia/Kolkata' WHEN 14 THEN 'America/New_York'
        WHEN 19 THEN 'Europe/London' WHEN 24 THEN 'Asia/Tokyo' WHEN 29 THEN 'Australia/Sydney'
        ELSE 'UTC' END,
    quiet_from = CASE WHEN id % 5 = 4 THEN 1320 END, quiet_until = CASE WHEN id % 5 = 4 THEN 420 END
"""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What was measured; seconds and megabytes."""

    bare: float
    fan_out: float
    longest: float
    wait_median: float
    wait_longest: float
    grown: float
    purged: float
    purge_longest: float
    kept: float


@dataclass(frozen=True, slots=True)
class Mixed:
    """What was measured where chats want different things; seconds, and how many got it at once and how many later."""

    bare: float
    fan_out: float
    longest: float
    queued: int
    held: int


async def make(file: Path, *, mixed: bool = False) -> None:
    """Make a database with everybody subscribed and one alert owed; ``mixed``: not everybody wants it at any hour."""
    url = f"sqlite+aiosqlite:///{file}"
    async with Database(url) as database:
        await migrate(database)
        async with database.transaction() as connection:
            await market.claim_market(connection, "live")
            await fill(connection, PEOPLE, mixed=mixed)
        await owe(database, urgent=False, kinds=_CONFIRMED)
        await database._outside("PRAGMA wal_checkpoint(TRUNCATE)")


async def fill(connection: AsyncConnection, people: int, *, mixed: bool) -> None:
    """Subscribe so many chats; ``mixed``: they have chosen different things."""
    await connection.execute(text(_EVERYBODY), {"people": people})
    if mixed:
        await connection.execute(text(_MIXED))


async def _bare(file: Path, wanted: str = "") -> float:
    copy = file.with_name("bare.db")
    shutil.copy(file, copy)
    async with Database(f"sqlite+aiosqlite:///{copy}") as database:
        begun = time.perf_counter()
        async with database.transaction() as connection:
            await connection.execute(text(_BARE.format(wanted=wanted)))
        return time.perf_counter() - begun


async def _asking(database: Database, waits: list[float]) -> None:
    """Ask for a chat again and again, as a command does."""
    while True:
        begun = time.perf_counter()
        async with database.reading() as connection:
            await chats.find(connection, 5)
        waits.append(time.perf_counter() - begun)
        await asyncio.sleep(0.005)


async def _slices(database: Database, now: datetime, step: str) -> list[float]:
    longest = []
    while True:
        async with database.transaction() as connection:
            entered = time.perf_counter()
            found = await (fan_out.fan_out if step == "fan_out" else purge.purge)(connection, now)
        longest.append(time.perf_counter() - entered)
        if not found:
            return longest


async def _size(database: Database, file: Path) -> float:
    await database._outside("PRAGMA wal_checkpoint(TRUNCATE)")
    return os.stat(file).st_size / 1e6


async def measure(file: Path) -> Crowd:
    """Measure the database at ``file``; its alert is fanned out afterwards."""
    bare = await _bare(file)
    async with Database(f"sqlite+aiosqlite:///{file}") as database:
        before = await _size(database, file)
        waits: list[float] = []
        asking = asyncio.create_task(_asking(database, waits))
        begun = time.perf_counter()
        slices = await _slices(database, AT, "fan_out")
        took = time.perf_counter() - begun
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        grown = await _size(database, file) - before
    purged, purge_longest, kept = await _purge(file, before)
    return Crowd(bare, took, max(slices), statistics.median(waits), max(waits), grown, purged, purge_longest, kept)


async def measure_mixed(file: Path) -> Mixed:
    """Measure the fan-out of the database at ``file``, where the chats have chosen."""
    bare = await _bare(file, _WANTED)
    async with Database(f"sqlite+aiosqlite:///{file}") as database:
        begun = time.perf_counter()
        longest = max(await _slices(database, AT, "fan_out"))
        took = time.perf_counter() - begun
        async with database.reading() as connection:
            found = await counts(connection)
    return Mixed(bare, took, longest, found[State.QUEUED], found[State.HELD])


async def _purge(file: Path, before: float) -> tuple[float, float, float]:
    """Purge a copy in which everything was sent a month ago."""
    copy = file.with_name("purged.db")
    shutil.copy(file, copy)
    async with Database(f"sqlite+aiosqlite:///{copy}") as database:
        async with database.transaction() as connection:
            await connection.execute(update(delivery).values(state="sent", finished_at=AT))
        later = AT + timedelta(days=31)
        begun = time.perf_counter()
        slices = await _slices(database, later, "purge")
        await Purger(database, SteppedClock(later)).once()
        await database.reclaim()
        took = time.perf_counter() - begun
        return took, max(slices), await _size(database, copy) - before
