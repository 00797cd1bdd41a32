"""The way from SQLite to PostgreSQL: all of it arrives, as it was, or nothing does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select, update

from storage.chain import links
from storage.chain.verify import ChainError, verify
from storage.database import Database
from storage.keeping.move import MoveError, as_stored, count_of, move
from storage.schema import metadata, outcome
from storage.unavailable import DatabaseUnavailableError
from tests.storage.chain.evenings import ROWS, record_live
from tests.storage.filled import fill


@pytest.fixture
async def source(database_url: str) -> AsyncIterator[Database]:
    """An SQLite database with something in every table."""
    async with Database(database_url) as database:
        await fill(database)
        yield database


@pytest.fixture
async def target(postgresql_url: str) -> AsyncIterator[Database]:
    """An empty PostgreSQL database with the newest schema."""
    async with Database(postgresql_url) as database:
        yield database


async def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    async with database.reading() as connection:
        return {
            table.name: [tuple(row) for row in await connection.execute(as_stored(table))]
            for table in metadata.sorted_tables
        }


async def counts(database: Database) -> set[int]:
    async with database.reading() as connection:
        return {await count_of(connection, table) for table in metadata.sorted_tables}


async def test_every_row_of_every_table_arrives_as_it_was(source: Database, target: Database) -> None:
    moved = await move(source, target)
    there = await everything(target)
    assert there == await everything(source)
    assert {name: len(rows) for name, rows in there.items()} == moved.rows
    assert min(moved.rows.values()) >= 1
    assert moved.chained == ROWS


async def test_the_chain_goes_on_there_and_new_rows_get_new_numbers(source: Database, target: Database) -> None:
    async with source.reading() as connection:
        before = await links.newest(connection)
    await move(source, target)
    await record_live(target, date(2020, 11, 20))
    async with target.reading() as connection:
        chain = await verify(connection)
    assert before is not None
    assert (chain[ROWS - 1].hash, len(chain)) == (before.hash, ROWS + 1)
    for column in (table.autoincrement_column for table in metadata.sorted_tables):
        if column is not None:
            async with target.transaction() as connection:
                newest = (await connection.execute(select(func.max(column)))).scalar_one()
                sequence = func.pg_get_serial_sequence(f'"{column.table.name}"', column.name)
                assert (await connection.execute(select(func.nextval(sequence)))).scalar_one() > newest


async def test_one_that_holds_anything_is_refused(source: Database, target: Database) -> None:
    await move(source, target)
    before = await everything(target)
    with pytest.raises(MoveError, match=r"has rows in the table .*: give an empty one"):
        await move(source, target)
    assert await everything(target) == before


async def test_a_record_that_was_tampered_with_is_not_moved(source: Database, target: Database) -> None:
    async with source.transaction() as connection:
        await connection.execute(update(outcome).where(outcome.c.id == 1).values(change=9.0))
    with pytest.raises(ChainError, match="row 5 of the chain, outcome 1, was changed"):
        await move(source, target)
    assert await counts(target) == {0}


async def test_what_postgresql_does_not_take_leaves_it_empty(source: Database, target: Database) -> None:
    # SQLite keeps a text of any length.
    async with source.transaction() as connection:
        await connection.exec_driver_sql("UPDATE notice SET sentence = printf('%.*c', 2000, 'x')")
    with pytest.raises(DatabaseUnavailableError, match="value too long"):
        await move(source, target)
    assert await counts(target) == {0}
