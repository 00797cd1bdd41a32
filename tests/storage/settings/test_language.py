"""The stored language of a chat: what it begins with stays, what it chose goes with it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from storage import chats
from storage.database import Database
from storage.settings import chosen

NOW = datetime(2020, 11, 17, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(("stored", "first", "now"), [(None, "fr", "fr"), (None, None, None), ("en", "fr", "en")])
async def test_a_chat_begins_in_a_language_only_where_it_has_none(
    database: Database, stored: str | None, first: str | None, now: str | None
) -> None:
    async with database.transaction() as connection:
        await chats.mark_reachable(connection, 5, "private")
        if stored:
            await chosen.set_language(connection, 5, stored)
        assert await chosen.begin_in(connection, 5, first) == now
        assert await chosen.language_of(connection, 5) == now
        assert (await chosen.load(connection, 5)).language == now


async def test_a_chat_that_was_never_seen_has_none(database: Database) -> None:
    async with database.reading() as connection:
        assert await chosen.language_of(connection, 5) is None
        assert await chosen.languages(connection) == set()


async def test_a_group_that_gets_another_number_keeps_its_language(database: Database) -> None:
    async with database.transaction() as connection:
        await chats.subscribe(connection, -5, "group", NOW)
        await chosen.set_language(connection, -5, "fr")
        await chats.move(connection, -5, -1_000_000_000_005, NOW)
        assert await chosen.language_of(connection, -1_000_000_000_005) == "fr"
        assert await chosen.languages(connection) == {"fr"}
