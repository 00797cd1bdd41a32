"""A database with something in every table, whatever tables there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Date, Float, Integer, LargeBinary, func, insert, select

from storage import AsyncConnection
from storage.database import Database
from storage.schema import Compressed, Instant, compressed, metadata
from tests.storage.chain.evenings import SECOND, live_evenings

_AT = datetime(2020, 11, 18, 6, 7, 8, 9, tzinfo=UTC)
_VALUES: dict[type, Any] = {
    Boolean: True, Date: SECOND, Instant: _AT, Compressed: compressed(b"[]"), LargeBinary: b"\0\xff", Float: 1 / 3,
    Integer: 7, JSON: {"é": [1]},
}  # fmt: skip


async def fill(database: Database) -> None:
    """Store two live evenings, and one row in every table that has none then."""
    await live_evenings(database)
    async with database.transaction() as connection:
        for table in metadata.sorted_tables:
            if not (await connection.execute(select(func.count()).select_from(table))).scalar_one():
                values = {column.name: await _something(connection, column) for column in table.columns}
                await connection.execute(insert(table).values(values))


async def _something(connection: AsyncConnection, column: Column[Any]) -> Any:
    """Return a value that a column can hold, of what it points to if it points anywhere."""
    for key in column.foreign_keys:
        return (await connection.execute(select(key.column).order_by(key.column.desc()).limit(1))).scalar_one_or_none()
    return next((value for kind, value in _VALUES.items() if isinstance(column.type, kind)), '"é"')
