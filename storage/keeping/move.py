"""From one database to another: every row of every table, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import NamedTuple

from sqlalchemy import LargeBinary, Select, Table, func, insert, select, text, type_coerce
from sqlalchemy.exc import DBAPIError

from storage import AsyncConnection
from storage.chain.verify import verify
from storage.database import Database
from storage.schema import Compressed, metadata
from storage.unavailable import explained

_AT_ONCE = 2_000
_NEXT_NUMBER = """
SELECT setval(pg_get_serial_sequence(:name, :column), (SELECT max({column}) FROM {table}))
WHERE EXISTS (SELECT 1 FROM {table})
"""


class MoveError(ValueError):
    """A database cannot be moved; the message is one line that says why."""


class Moved(NamedTuple):
    """What was copied: the rows of each table, and how many of them are in the chain."""

    rows: Mapping[str, int]
    chained: int


async def move(source: Database, target: Database) -> Moved:
    """Copy everything into an empty PostgreSQL database; both have the newest schema and nobody else writes them.

    Raises
    ------
    MoveError
        When the target holds anything, or has not as many rows afterwards.
    storage.chain.verify.ChainError
        When the live record does not fit its chain. Nothing is copied then, either.
    storage.unavailable.DatabaseUnavailableError
        When the target does not take a row.
    """
    with explained(target.url, (DBAPIError, OSError)):
        async with source.reading() as reading, target.transaction() as writing:
            return await _move(reading, writing)


async def _move(reading: AsyncConnection, writing: AsyncConnection) -> Moved:
    for table in metadata.sorted_tables:
        if await count_of(writing, table):
            raise MoveError(f"URL names a database that has rows in the table {table.name}: give an empty one")
    for table in metadata.sorted_tables:
        await _copy(table, reading, writing)
    rows = {table.name: await count_of(reading, table) for table in metadata.sorted_tables}
    for table in metadata.sorted_tables:
        if (there := await count_of(writing, table)) != rows[table.name]:
            raise MoveError(f"the table {table.name} has {rows[table.name]} rows, and {there} arrived")
    return Moved(rows, len(await verify(writing)))


async def _copy(table: Table, reading: AsyncConnection, writing: AsyncConnection) -> None:
    query = as_stored(table).limit(_AT_ONCE)
    for first in count(0, _AT_ONCE):
        rows = (await reading.execute(query.offset(first))).mappings().all()
        if not rows:
            break
        await writing.execute(insert(table), [dict(row) for row in rows])
    for column in table.primary_key:
        if column is table.autoincrement_column:
            statement = _NEXT_NUMBER.format(column=f'"{column.name}"', table=f'"{table.name}"')
            await writing.execute(text(statement), {"name": f'"{table.name}"', "column": column.name})


def as_stored(table: Table) -> Select[tuple[object, ...]]:
    """Select all of a table in the order of its keys, what is compressed as it is stored."""
    columns = (type_coerce(c, LargeBinary).label(c.name) if isinstance(c.type, Compressed) else c for c in table.c)
    # Whoever points to a row of the same table points to an earlier one.
    return select(*columns).order_by(*table.primary_key)


async def count_of(connection: AsyncConnection, table: Table) -> int:
    """Return how many rows a table has."""
    return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())
