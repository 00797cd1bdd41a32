"""What is kept of an archive between requests is what reading it anew would give."""

from __future__ import annotations

import asyncio
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bot.market.archive import ArchiveReader
from signals.data.sessions import decision_time, nyse_sessions
from signals.data.vintages import Archive, settle
from signals.sources.collect import collect
from signals.sources.shape import Source
from signals.sources.simulated import SimulatedSource
from storage import observations
from storage.database import Database
from storage.observations import SourceCheck
from storage.schema import observation

KEYS = ("^RUT", "IWM", "WALCL", "BTC-USD")
SESSIONS = [session.date() for session in nyse_sessions(datetime.fromisoformat("2004-01-05T23:00:00+00:00"))]
FIRST = SESSIONS.index(date(2003, 11, 3))


async def archived(database: Database, session: date, *, note: bool = True, source: Source | None = None) -> datetime:
    """Archive what a source has on the evening of a session, as the evening does. Returns its decision time."""
    now = decision_time(session)
    async with database.transaction() as connection:
        newest = {key: newest for key, (_, newest) in (await observations.spans(connection, KEYS)).items()}
        for found in collect(source or SimulatedSource(), newest, nyse_sessions(now), now, keys=KEYS):
            table = found.frame.astype(object).where(lambda cell: cell.notna(), None)
            rows = [(on.date(), *row) for on, row in zip(table.index, table.itertuples(index=False), strict=True)]
            await observations.archive(connection, found.key, rows, now, restated=found.restated)
            if note:
                await observations.note_checks(connection, [SourceCheck(found.key, found.reason)], now)
    return now


class Reading:
    """A reader whose archives are compared with those of a fresh one, and that counts the rows it read."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database, self.kept, self.rows = database, ArchiveReader(), 0
        self._load = observations.load_vintages
        monkeypatch.setattr(observations, "load_vintages", self._counted)

    async def _counted(self, *arguments: Any, **more: Any) -> dict[str, observations.Columns]:
        rows = await self._load(*arguments, **more)
        self.rows = sum(len(columns[0]) for columns in rows.values())
        return rows

    async def __call__(self, now: datetime) -> Archive:
        async with self.database.reading() as connection:
            kept = await self.kept.read(connection, "one", now)
            anew = settle(await self._load(connection, now, KEYS))
        assert set(kept) == set(anew)
        for key, frame in anew.items():
            pd.testing.assert_frame_equal(kept[key], frame)
        return kept


@pytest.fixture(scope="module")
def begun(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the archive of the first session."""
    file = tmp_path_factory.mktemp("begun") / "begun.db"
    shutil.copy(migrated, file)

    async def make() -> None:
        async with Database(f"sqlite+aiosqlite:///{file}") as database:
            await archived(database, SESSIONS[FIRST])

    asyncio.run(make())
    return file


@pytest.fixture
def database_url(begun: Path, tmp_path: Path) -> str:
    """The address of a copy of it."""
    shutil.copy(begun, tmp_path / "cascade.db")
    return f"sqlite+aiosqlite:///{tmp_path}/cascade.db"


@pytest.fixture
async def reading(database: Database, monkeypatch: pytest.MonkeyPatch) -> Reading:
    """A reader that has read the archive of the first session."""
    reading = Reading(database, monkeypatch)
    await reading(decision_time(SESSIONS[FIRST]))
    return reading


async def test_the_next_evenings_read_weeks_and_not_years(database: Database, reading: Reading) -> None:
    everything = reading.rows
    for session in SESSIONS[FIRST + 1 : FIRST + 8]:
        await reading(await archived(database, session))
        assert 0 < reading.rows < everything / 2


async def test_a_second_request_of_an_evening_reads_nothing(database: Database, reading: Reading) -> None:
    now = await archived(database, SESSIONS[FIRST + 1])
    first = await reading(now)
    reading.rows = 0
    second = await reading(now + timedelta(minutes=15))
    assert reading.rows == 0
    assert all(second[key] is first[key] for key in KEYS)


async def test_a_revision_of_an_old_figure_is_seen(database: Database, reading: Reading) -> None:
    now = await archived(database, SESSIONS[FIRST + 1])
    async with database.transaction() as connection:
        await observations.archive(connection, "^RUT", [(date(2003, 1, 3), 1.0, *[None] * 7)], now)
        await observations.note_checks(connection, [SourceCheck("^RUT", "")], now)
    await reading(now)


async def test_a_split_that_restates_a_history_is_seen(database: Database, reading: Reading) -> None:
    now = await archived(database, SESSIONS[FIRST + 1])
    later = now + timedelta(minutes=15)
    async with database.transaction() as connection:
        rows = [
            tuple(row) for row in await connection.execute(observation.select().where(observation.c.series == "IWM"))
        ]
        halved = [(row[1], row[4] / 2, *row[5:10], 0.0, 2.0 if row[1] == SESSIONS[FIRST + 1] else 0.0) for row in rows]
        await observations.archive(connection, "IWM", [row[:9] for row in halved], later, restated=True)
        await observations.note_checks(connection, [SourceCheck("IWM", "")], later)
    await reading(now)
    await reading(later)


async def test_rows_that_nobody_noted_are_seen(database: Database, reading: Reading) -> None:
    await reading(await archived(database, SESSIONS[FIRST + 1], note=False))


async def test_rows_that_are_gone_are_seen(database: Database, reading: Reading) -> None:
    async with database.transaction() as connection:
        await connection.execute(observation.delete().where(observation.c.series == "IWM"))
    assert "IWM" not in await reading(decision_time(SESSIONS[FIRST + 1]))


async def test_an_earlier_evening_does_not_see_what_came_later(database: Database, reading: Reading) -> None:
    await reading(await archived(database, SESSIONS[FIRST + 1]))
    await reading(decision_time(SESSIONS[FIRST]))
    await reading(decision_time(SESSIONS[FIRST + 1]))


async def test_another_database_is_read_anew(database: Database, reading: Reading) -> None:
    async with database.transaction() as connection:
        await connection.execute(observation.delete())
    async with database.reading() as connection:
        assert await reading.kept.read(connection, "two", decision_time(SESSIONS[FIRST])) == {}
