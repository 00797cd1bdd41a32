"""A muted chat is owed nothing, and nothing that was owed before leaves while it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage import chats
from storage.database import Database
from storage.outbox import fan_out, queue, recheck
from storage.outbox.states import State
from storage.settings import chosen
from storage.settings.chosen import Chosen
from tests.storage.outbox.alerts import add_alert, states

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
async def muted(database: Database) -> Database:
    """Chats 1, muted for a week, and 2, which is not."""
    async with database.transaction() as connection:
        for chat_id in (1, 2):
            await chats.subscribe(connection, chat_id, "private", NOW)
        await chosen.mute(connection, 1, NOW + WEEK)
    return database


async def spread(database: Database, now: datetime) -> None:
    found = True
    while found:
        async with database.transaction() as connection:
            found = await fan_out.fan_out(connection, now) is not None


@pytest.mark.parametrize(("passed", "recipients"), [(timedelta(), {2}), (WEEK, {1, 2})])
async def test_it_is_passed_over_until_its_time_is_over(
    muted: Database, passed: timedelta, recipients: set[int]
) -> None:
    await add_alert(muted, NOW + passed)
    await spread(muted, NOW + passed)
    assert (await states(muted)).keys() == recipients


async def test_being_passed_over_last_ends_no_fan_out_early(muted: Database) -> None:
    await add_alert(muted, NOW)
    async with muted.transaction() as connection:
        await chosen.mute(connection, 1, None)
        await chosen.mute(connection, 2, NOW + WEEK)
        assert await fan_out.fan_out(connection, NOW, 1)
        assert await fan_out.fan_out(connection, NOW, 1)
    await spread(muted, NOW)
    assert await states(muted) == {1: State.QUEUED}


async def test_what_waited_when_it_was_muted_does_not_leave(muted: Database) -> None:
    await add_alert(muted, NOW)
    await spread(muted, NOW)
    async with muted.transaction() as connection:
        await chosen.mute(connection, 2, NOW + WEEK)
        claims = await queue.claim(connection, 10, WEEK)
        assert await recheck.admit(connection, claims, NOW) == []
    assert await states(muted) == {2: State.GONE}


async def test_what_waited_leaves_when_the_mute_was_taken_back_in_time(muted: Database) -> None:
    await add_alert(muted, NOW)
    await spread(muted, NOW)
    async with muted.transaction() as connection:
        await chosen.mute(connection, 2, NOW + WEEK)
        await chosen.mute(connection, 2, None)
        claims = await queue.claim(connection, 10, WEEK)
        assert [c.chat_id for c in await recheck.admit(connection, claims, NOW)] == [2]


async def test_a_group_that_moves_stays_muted(muted: Database) -> None:
    async with muted.transaction() as connection:
        await chats.move(connection, 1, -1005, NOW)
        assert await chosen.load(connection, -1005) == Chosen(is_subscribed=True, muted_until=NOW + WEEK)


async def test_a_chat_never_seen_has_chosen_nothing(database: Database) -> None:
    async with database.reading() as connection:
        assert await chosen.load(connection, 99) == Chosen()
