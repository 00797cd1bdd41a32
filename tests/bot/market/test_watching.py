"""The evening's last step: bars of watched symbols are collected, and what is watched for is told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.market import evening as evenings
from bot.market.archive import ArchiveReader
from bot.market.evening import Evening
from bot.market.process import MarketProcess
from signals.data.sessions import decision_time
from storage import chats, ledger, market, observations
from storage.database import Database
from storage.ledger import VerdictRow
from storage.schema import alert, compressed, delivery, watch, watched_symbol
from storage.watches import listed
from storage.watches.judged import ABOVE, BELOW, RECORD, Condition, Quote, Standing
from tests.bot.market.in_process import MarketInProcess
from tests.worlds import day, frame, lead

N = len(lead())
RECORDS = [*lead(), 101.0, 102.0, 103.0, 80.0, 104.0]


class World:
    """An evening on a data folder, with what one chat watches."""

    def __init__(self, evening: Evening, folder: Path) -> None:
        self.evening, self.folder = evening, folder

    def write(self, symbol: str, closes: list[float], **fields: Any) -> None:
        table = frame(closes, **fields).rename(columns={"value": "close"}).rename_axis("date").dropna(axis=1, how="all")
        table.to_csv(self.folder / f"{symbol}.csv")

    async def watches(self, symbol: str, side: str, level: float = 0.0, *, at: int, armed: bool = True) -> None:
        async with self.evening.database.transaction() as connection:
            await chats.subscribe(connection, 5, "private", decision_time(day(at)))
            standing = Standing(Condition(symbol, side, level), armed, day(at))
            await listed.add(connection, 5, standing, Quote(symbol, day(at), 90.0), decision_time(day(at)))

    async def archived(self, symbol: str) -> None:
        """Archive the bars through the first record."""
        rows = [(day(at), RECORDS[at], *[None] * 7) for at in range(N + 1)]
        async with self.evening.database.transaction() as connection:
            await observations.archive(connection, symbol, rows, decision_time(day(N)))

    async def evening_of(self, position: int, days_later: int = 0) -> list[str]:
        """Run the watches of an evening. Returns the alerts that there are then."""
        await self.evening.watch(decision_time(day(position)) + timedelta(days=days_later))
        return await self.alerts()

    async def alerts(self) -> list[str]:
        query = select(alert.c.kind, alert.c.facts).join(delivery, delivery.c.alert_id == alert.c.id)
        async with self.evening.database.reading() as connection:
            rows = await connection.execute(query.order_by(alert.c.id))
            return [f"{row.kind} {row.facts['symbol']} {row.facts['on']}" for row in rows]


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    folder = tmp_path / "market"
    folder.mkdir()
    async with Database(database_url) as database:
        async with database.transaction() as connection:
            await market.claim_market(connection, "folder")
            row = VerdictRow(date(2015, 1, 2), decision_time(day(0)), "1", compressed(b"{}"))
            await ledger.record(connection, [row], [], backfilled=True)
        yield World(Evening(database, MarketInProcess(), f"folder:{folder}", asyncio.Lock()), folder)


async def test_a_record_after_a_base_is_told_on_its_evening_once(world: World) -> None:
    world.write("NVDA", RECORDS)
    await world.watches("NVDA", RECORD, at=N - 2)
    assert await world.evening_of(N - 1) == []
    assert await world.evening_of(N) == [f"watch.record NVDA {day(N)}"]
    assert await world.evening_of(N) == await world.evening_of(N + 2) == [f"watch.record NVDA {day(N)}"]
    async with world.evening.database.reading() as connection:
        (row,) = await listed.of_chat(connection, 5)
        facts = (await connection.execute(select(alert.c.facts))).scalar_one()
    assert (row.through, row.fired_on, row.close) == (day(N + 2), day(N), 103.0)
    assert (facts["level"], facts["close"], facts["base"]) == (100.0, 101.0, 130)


async def test_a_level_is_told_when_it_is_crossed_and_again_after_a_close_that_was_back(world: World) -> None:
    world.write("NVDA", RECORDS)
    await world.watches("NVDA", ABOVE, 100.5, at=N - 1)
    await world.watches("NVDA", BELOW, 85.0, at=N - 1)
    first = f"watch.above NVDA {day(N)}"
    for position in (N, N + 1, N + 2):
        assert await world.evening_of(position) == [first]
    assert await world.evening_of(N + 3) == [first, f"watch.below NVDA {day(N + 3)}"]
    assert (await world.evening_of(N + 4))[2:] == [f"watch.above NVDA {day(N + 4)}"]


async def test_after_a_week_without_a_bot_the_last_crossing_is_told(world: World) -> None:
    world.write("NVDA", RECORDS)
    await world.watches("NVDA", ABOVE, 100.5, at=N - 1)
    assert await world.evening_of(N + 4) == [f"watch.above NVDA {day(N + 4)}"]


async def test_a_symbol_of_the_table_is_judged_on_the_archive_that_there_is(world: World) -> None:
    # No file: what the evening has not collected is not asked for here.
    await world.archived("IWM")
    await world.watches("IWM", RECORD, at=N - 1)
    assert await world.evening_of(N) == [f"watch.record IWM {day(N)}"]
    async with world.evening.database.reading() as connection:
        assert (await connection.execute(select(watched_symbol.c.in_table))).scalar_one()


async def test_a_split_is_no_fall_below_a_level(world: World) -> None:
    world.write("NVDA", RECORDS[: N + 1])
    await world.watches("NVDA", BELOW, 60.0, at=N - 1)
    await world.evening_of(N)
    # Two for one: every bar before it is carried out, too, and the level is below all of them.
    world.write("NVDA", [close / 2 for close in [*RECORDS[: N + 1], 140.0]])
    assert await world.evening_of(N + 1) == []
    async with world.evening.database.reading() as connection:
        assert set(await observations.restated_at(connection)) == {"NVDA"}


async def test_a_price_below_a_level_by_a_split_fires_nothing_and_is_judged_from_there(world: World) -> None:
    world.write("NVDA", RECORDS[: N + 1])
    await world.watches("NVDA", BELOW, 60.0, at=N - 1)
    await world.evening_of(N)
    after = [*(close / 2 for close in RECORDS[: N + 1]), 51.0]
    world.write("NVDA", after, split=[*[0.0] * (N + 1), 2.0])
    assert await world.evening_of(N + 1) == []
    world.write("NVDA", [*after, 61.0, 59.0], split=[*[0.0] * (N + 1), 2.0, 0.0, 0.0])
    assert await world.evening_of(N + 3) == [f"watch.below NVDA {day(N + 3)}"]


async def test_what_happened_more_than_two_weeks_ago_is_no_news(world: World) -> None:
    world.write("NVDA", [*RECORDS[:N], 101.0, *[101.5] * 12])
    await world.watches("NVDA", ABOVE, 100.5, at=N - 1)
    await world.watches("NVDA", RECORD, at=N - 1)
    assert await world.evening_of(N + 12) == []
    async with world.evening.database.reading() as connection:
        assert {(row.armed, row.through) for row in await listed.of_chat(connection, 5)} == {
            (False, day(N + 12)), (True, day(N + 12))
        }  # fmt: skip


async def test_a_bar_that_cannot_be_believed_fires_nothing_until_it_is_confirmed(world: World) -> None:
    world.write("NVDA", [*RECORDS[:N], 9_000.0])
    await world.watches("NVDA", ABOVE, 100.5, at=N - 1)
    assert await world.evening_of(N) == []
    world.write("NVDA", [*RECORDS[:N], 91.0, 101.0])
    assert await world.evening_of(N + 1) == [f"watch.above NVDA {day(N + 1)}"]


async def test_a_symbol_without_a_bar_for_two_weeks_is_told_once(world: World) -> None:
    world.write("NVDA", RECORDS[:N])
    await world.watches("NVDA", RECORD, at=N - 1)
    await world.watches("GONE", RECORD, at=N - 1)
    assert await world.evening_of(N - 1, days_later=14) == []
    told = [f"watch.stopped GONE {day(N - 1)}", f"watch.stopped NVDA {day(N - 1)}"]
    assert sorted(await world.evening_of(N - 1, days_later=15)) == told
    assert sorted(await world.evening_of(N - 1, days_later=20)) == told


async def test_without_a_watch_or_a_session_nothing_is_asked(world: World) -> None:
    asked = replace(world.evening, process=MarketProcess())
    await asked.watch(decision_time(day(N)))
    assert await world.alerts() == []


async def test_the_evenings_own_archive_holds_no_watched_symbol(world: World) -> None:
    world.write("NVDA", RECORDS)
    await world.watches("NVDA", RECORD, at=N - 1)
    await world.evening_of(N)
    async with world.evening.database.reading() as connection:
        assert await ArchiveReader().read(connection, "", decision_time(day(N + 1))) == {}


async def test_in_the_simulated_market_every_symbol_has_made_up_prices(world: World, database_url: str) -> None:
    evening = replace(world.evening, market_data="simulated")
    await world.watches("PEPE-USD", ABOVE, 0.01, at=N, armed=False)
    await evening.watch(decision_time(day(N + 30)))
    async with evening.database.reading() as connection:
        (row,) = await listed.of_chat(connection, 5)
    assert row.close > 0
    assert row.through > day(N)


async def test_a_source_that_hangs_costs_its_time_and_what_came_before_is_judged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.archived("AMD")
    await world.watches("AMD", RECORD, at=N - 1)
    await world.watches("NVDA", RECORD, at=N - 1)
    # Whoever opens it waits for somebody to write.
    os.mkfifo(world.folder / "NVDA.csv")
    monkeypatch.setattr(evenings, "_LONGEST_COLLECTING", 2.0)
    evening = replace(world.evening, process=MarketProcess())
    await evening.watch(decision_time(day(N)))
    await evening.process.close()
    assert await world.alerts() == [f"watch.record AMD {day(N)}"]


async def test_who_watches_no_more_is_told_nothing(world: World) -> None:
    world.write("NVDA", RECORDS)
    await world.watches("NVDA", RECORD, at=N - 1)
    async with world.evening.database.transaction() as connection:
        await listed.remove(connection, 5, "NVDA")
    assert await world.evening_of(N) == []
    async with world.evening.database.reading() as connection:
        assert (await connection.execute(select(watch))).all() == []
