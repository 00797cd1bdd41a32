"""The newest picture of each chart, and the id by which Telegram knows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update

from storage import AsyncConnection
from storage.database import upsert
from storage.schema import chart, verdict


async def due(connection: AsyncConnection, names: Sequence[str]) -> list[str]:
    """Return those of some charts that do not show the newest session decided."""
    newest = (await connection.execute(select(func.max(verdict.c.session)))).scalar_one()
    if newest is None:
        return []
    drawn = set((await connection.execute(select(chart.c.name).where(chart.c.through == newest))).scalars())
    return [name for name in names if name not in drawn]


async def store(connection: AsyncConnection, name: str, through: date, image: bytes, at: datetime) -> None:
    """Store a picture in place of the one before, which Telegram knows by an id that is none of the new one's."""
    drawn = {"through": through, "drawn_at": at, "image": image, "file_id": None}
    statement = upsert(connection, chart).values(name=name, **drawn)
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=drawn))


async def find(connection: AsyncConnection, name: str) -> Any:
    """Return a chart without its picture, ``None`` before it is drawn."""
    found = select(chart.c.name, chart.c.through, chart.c.drawn_at, chart.c.file_id).where(chart.c.name == name)
    return (await connection.execute(found)).one_or_none()


async def image(connection: AsyncConnection, name: str) -> Any:
    """Return a chart with its picture.

    Raises
    ------
    sqlalchemy.exc.NoResultFound
        When there is none with that name.
    """
    return (await connection.execute(select(chart).where(chart.c.name == name))).one()


async def keep_file_id(connection: AsyncConnection, name: str, drawn_at: datetime, file_id: str) -> None:
    """Note by which id Telegram knows the picture drawn then; one that was drawn since is not it."""
    same = (chart.c.name == name, chart.c.drawn_at == drawn_at)
    await connection.execute(update(chart).where(*same).values(file_id=file_id))
