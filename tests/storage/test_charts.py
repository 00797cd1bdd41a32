"""The pictures of an evening, and by which id Telegram knows them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from storage import charts, ledger
from storage.database import Database
from storage.ledger import VerdictRow
from storage.schema import compressed

EVENING = datetime(2020, 11, 17, 22, 30, tzinfo=UTC)
SESSION, NEXT = date(2020, 11, 17), date(2020, 11, 18)
NAME, ANOTHER = "breakout-5y-light", "liquidity-5y-light"


async def draw(database: Database, image: bytes = b"one", at: datetime = EVENING, through: date = SESSION) -> None:
    async with database.transaction() as connection:
        await charts.store(connection, NAME, through, image, at)


async def keep(database: Database, drawn_at: datetime, file_id: str) -> None:
    async with database.transaction() as connection:
        await charts.keep_file_id(connection, NAME, drawn_at, file_id)


async def due(database: Database) -> list[str]:
    async with database.reading() as connection:
        return await charts.due(connection, [NAME, ANOTHER])


async def decide(database: Database, session: date) -> None:
    async with database.transaction() as connection:
        await ledger.record(
            connection, [VerdictRow(session, EVENING, "3", compressed(b"{}"), [])], [], backfilled=False
        )


async def test_a_picture_is_kept_and_one_that_is_not_drawn_yet_is_none(database: Database) -> None:
    async with database.reading() as connection:
        assert await charts.find(connection, NAME) is None
    await draw(database)
    async with database.reading() as connection:
        row = await charts.image(connection, NAME)
    assert (row.through, row.drawn_at, row.image, row.file_id) == (SESSION, EVENING, b"one", None)


async def test_the_id_of_an_uploaded_picture_is_kept_until_another_is_drawn(database: Database) -> None:
    await draw(database)
    await keep(database, EVENING, "AgAC-1")
    async with database.reading() as connection:
        assert (await charts.find(connection, NAME)).file_id == "AgAC-1"
    await draw(database, b"two", EVENING + timedelta(days=1), NEXT)
    async with database.reading() as connection:
        row = await charts.image(connection, NAME)
    assert (row.image, row.file_id) == (b"two", None)


async def test_an_upload_that_ends_after_another_was_drawn_names_nothing(database: Database) -> None:
    await draw(database, b"two", EVENING + timedelta(days=1), NEXT)
    await keep(database, EVENING, "AgAC-1")
    async with database.reading() as connection:
        assert (await charts.find(connection, NAME)).file_id is None


async def test_those_charts_are_due_that_lack_the_newest_session(database: Database) -> None:
    assert await due(database) == []
    await decide(database, SESSION)
    assert await due(database) == [NAME, ANOTHER]
    await draw(database)
    assert await due(database) == [ANOTHER]
    await decide(database, NEXT)
    assert await due(database) == [NAME, ANOTHER]


async def test_a_name_that_nobody_has_drawn_has_no_picture(database: Database) -> None:
    async with database.reading() as connection:
        with pytest.raises(Exception, match="No row was found"):
            await charts.image(connection, NAME)
