"""Who gets alerts: nobody is removed by mistake, and whoever is gone comes back by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage import chats
from storage.database import Database
from storage.outbox import fan_out, queue
from storage.outbox.states import State
from storage.settings import chosen
from storage.settings.chosen import Chosen
from tests.storage.outbox.alerts import add_alert, states
from tests.storage.settings.test_personal import rows_naming

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)


async def subscribe(database: Database, *ids: int) -> None:
    async with database.transaction() as connection:
        for chat_id in ids:
            await chats.subscribe(connection, chat_id, "private", NOW)


async def subscribers(database: Database) -> list[int]:
    async with database.transaction() as connection:
        return list(await chats.subscribers(connection))


class TestSubscribing:
    async def test_once_is_enough(self, database: Database) -> None:
        async with database.transaction() as connection:
            assert await chats.subscribe(connection, 1, "private", NOW)
            assert not await chats.subscribe(connection, 1, "private", NOW)
        assert await subscribers(database) == [1]

    async def test_a_chat_that_only_said_hello_gets_nothing(self, database: Database) -> None:
        async with database.transaction() as connection:
            await chats.mark_reachable(connection, 1, "private")
        assert await subscribers(database) == []

    async def test_unsubscribing_ends_it_and_drops_what_is_queued(self, database: Database) -> None:
        await subscribe(database, 1, 2)
        await add_alert(database, NOW)
        async with database.transaction() as connection:
            await fan_out.fan_out(connection, NOW)
            assert await chats.unsubscribe(connection, 1, NOW)
            assert not await chats.unsubscribe(connection, 1, NOW)
        assert await subscribers(database) == [2]
        assert await states(database) == {1: State.GONE, 2: State.QUEUED}

    async def test_unsubscribing_somebody_unknown_is_no_error(self, database: Database) -> None:
        async with database.transaction() as connection:
            assert not await chats.unsubscribe(connection, 99, NOW)


class TestGone:
    async def test_a_gone_chat_gets_nothing_and_keeps_its_subscription(self, database: Database) -> None:
        await subscribe(database, 1)
        async with database.transaction() as connection:
            await chats.mark_gone(connection, 1, "blocked", NOW)
            gone = await chats.find(connection, 1)
        assert gone is not None
        assert gone.gone_at == NOW
        assert gone.subscribed_at == NOW
        assert await subscribers(database) == []

    @pytest.mark.parametrize("how", ["welcome", "subscribe"])
    async def test_it_is_back_as_soon_as_it_speaks(self, database: Database, how: str) -> None:
        await subscribe(database, 1)
        async with database.transaction() as connection:
            await chats.mark_gone(connection, 1, "blocked", NOW)
            if how == "welcome":
                await chats.mark_reachable(connection, 1, "private")
            else:
                await chats.subscribe(connection, 1, "private", NOW)
        assert await subscribers(database) == [1]

    async def test_an_unknown_chat_is_not_found(self, database: Database) -> None:
        async with database.transaction() as connection:
            assert await chats.find(connection, 1) is None


class TestMoving:
    async def test_a_group_that_moved_keeps_its_subscription_and_its_queue(self, database: Database) -> None:
        await subscribe(database, -5)
        await add_alert(database, NOW)
        async with database.transaction() as connection:
            await fan_out.fan_out(connection, NOW)
            await chats.move(connection, -5, -1005, NOW)
        assert await subscribers(database) == [-1005]
        assert await states(database) == {-1005: State.QUEUED}

    async def test_also_when_the_new_id_has_spoken_first(self, database: Database) -> None:
        await subscribe(database, -5)
        async with database.transaction() as connection:
            await chats.mark_reachable(connection, -1005, "supergroup")
            await chats.move(connection, -5, -1005, NOW)
        assert await subscribers(database) == [-1005]

    async def test_a_group_that_was_not_subscribed_is_not_afterwards(self, database: Database) -> None:
        async with database.transaction() as connection:
            await chats.mark_reachable(connection, -5, "group")
            await chats.move(connection, -5, -1005, NOW)
        assert await subscribers(database) == []

    async def test_it_gets_nothing_twice_when_both_ids_were_queued(self, database: Database) -> None:
        await subscribe(database, -5, -1005)
        await add_alert(database, NOW)
        async with database.transaction() as connection:
            await fan_out.fan_out(connection, NOW)
            await chats.move(connection, -5, -1005, NOW)
        assert await states(database) == {-1005: State.QUEUED}
        assert await subscribers(database) == [-1005]

    async def test_a_second_word_of_it_undoes_nothing_that_was_chosen_since(self, database: Database) -> None:
        await subscribe(database, -5)
        async with database.transaction() as connection:
            await chats.move(connection, -5, -1005, NOW)
            await chosen.hear_only(connection, -1005, 0)
            await chats.unsubscribe(connection, -1005, NOW)
            await chats.move(connection, -5, -1005, NOW)
            assert await chosen.load(connection, -1005) == Chosen(loud_kinds=0)
            assert await chats.find(connection, -5) is None

    async def test_what_was_sent_goes_with_it_and_the_old_id_is_in_no_row(self, database: Database) -> None:
        old, new = -77_123_456, -1_007_712_345_600
        await subscribe(database, old)
        await add_alert(database, NOW)
        async with database.transaction() as connection:
            await fan_out.fan_out(connection, NOW)
            await fan_out.fan_out(connection, NOW)
            claims = await queue.claim(connection, 1, timedelta(minutes=5))
            await queue.mark_sent(connection, [(claims[0], 7)], NOW)
            await chats.move(connection, old, new, NOW)
        assert await states(database) == {new: State.SENT}
        assert await rows_naming(database, old) == {}
