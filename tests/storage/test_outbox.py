"""The queue: everybody is owed once, every claim is accounted for, and what nobody can know is called unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from storage import chats, outbox
from storage.database import Database
from storage.ledger import Audience
from storage.outbox import Claimed, State
from storage.schema import alert, delivery
from tests.storage.alerts import add_alert, states

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
LEASE = timedelta(minutes=2)


async def subscribe(database: Database, *ids: int) -> None:
    async with database.transaction() as connection:
        for chat_id in ids:
            await chats.subscribe(connection, chat_id, "private", NOW)


async def fan_out(database: Database, size: int = 20_000) -> int:
    """Fan out everything and return in how many slices."""
    slices = 0
    while True:
        async with database.transaction() as connection:
            if not await outbox.fan_out(connection, NOW, size):
                return slices
        slices += 1


async def claim(database: Database, limit: int = 100, now: datetime = NOW) -> list[Claimed]:
    async with database.transaction() as connection:
        return await outbox.claim(connection, now, limit, LEASE)


async def owed(database: Database, *ids: int, urgent: bool = False) -> list[Claimed]:
    """Return claimed deliveries of one alert to some chats."""
    await subscribe(database, *ids)
    await add_alert(database, NOW, urgent=urgent)
    await fan_out(database)
    return await claim(database)


class TestFanOut:
    async def test_every_subscriber_is_owed_once(self, database: Database) -> None:
        await subscribe(database, 1, 2, 3)
        await add_alert(database, NOW)
        await fan_out(database)
        assert await states(database) == dict.fromkeys((1, 2, 3), State.QUEUED)

    async def test_whoever_is_gone_or_not_subscribed_is_owed_nothing(self, database: Database) -> None:
        await subscribe(database, 1, 2)
        async with database.transaction() as connection:
            await chats.mark_gone(connection, 2, "blocked", NOW)
            await chats.welcome(connection, 3, "private")
        await add_alert(database, NOW)
        await fan_out(database)
        assert set(await states(database)) == {1}

    async def test_it_goes_in_slices_and_remembers_where_it_is(self, database: Database) -> None:
        await subscribe(database, *range(1, 8))
        await add_alert(database, NOW)
        async with database.transaction() as connection:
            await outbox.fan_out(connection, NOW, 3)
            assert (await connection.execute(select(alert.c.fan_out_cursor))).scalar_one() == 3
        assert set(await states(database)) == {1, 2, 3}
        await fan_out(database, 3)
        assert set(await states(database)) == set(range(1, 8))

    async def test_a_slice_that_is_rolled_back_is_done_again(self, database: Database) -> None:
        await subscribe(database, 1, 2)
        await add_alert(database, NOW)
        with pytest.raises(RuntimeError):
            async with database.transaction() as connection:
                await outbox.fan_out(connection, NOW)
                raise RuntimeError("killed here")
        assert await states(database) == {}
        await fan_out(database)
        assert set(await states(database)) == {1, 2}

    async def test_a_finished_one_finds_no_more_work(self, database: Database) -> None:
        await subscribe(database, 1)
        await add_alert(database, NOW)
        assert await fan_out(database) > 0
        assert await fan_out(database) == 0

    async def test_an_alert_without_subscribers_is_finished_too(self, database: Database) -> None:
        await add_alert(database, NOW)
        await fan_out(database)
        async with database.transaction() as connection:
            assert (await connection.execute(select(alert.c.fanned_out_at))).scalar_one() == NOW

    async def test_each_alert_has_deliveries_of_its_own(self, database: Database) -> None:
        await subscribe(database, 1)
        await add_alert(database, NOW)
        await add_alert(database, NOW)
        await fan_out(database)
        assert [c.alert_id for c in await claim(database)] == [1, 2]


class TestClaim:
    async def test_a_delivery_is_claimed_once(self, database: Database) -> None:
        assert [c.chat_id for c in await owed(database, 1, 2)] == [1, 2]
        assert await claim(database) == []

    async def test_urgent_ones_come_first_then_groups_then_the_oldest(self, database: Database) -> None:
        await subscribe(database, 1, 2, -10)
        await add_alert(database, NOW)
        await add_alert(database, NOW, urgent=True)
        await fan_out(database)
        order = [(c.alert_id, c.chat_id) for _ in range(6) for c in await claim(database, 1)]
        assert order == [(2, -10), (2, 1), (2, 2), (1, -10), (1, 1), (1, 2)]

    async def test_what_may_not_leave_yet_stays(self, database: Database) -> None:
        (claimed,) = await owed(database, 1)
        async with database.transaction() as connection:
            await outbox.put_back(connection, claimed.id, NOW + timedelta(seconds=5), "too many requests")
            assert await outbox.next_due(connection) == NOW + timedelta(seconds=5)
        assert await claim(database) == []
        assert len(await claim(database, now=NOW + timedelta(seconds=5))) == 1

    async def test_a_claim_holds_a_lease_and_counts_an_attempt(self, database: Database) -> None:
        await owed(database, 1)
        async with database.transaction() as connection:
            row = (await connection.execute(select(delivery))).one()
        assert (row.state, row.lease_until, row.attempts) == (State.SENDING, NOW + LEASE, 1)

    async def test_an_empty_queue_has_nothing_due(self, database: Database) -> None:
        async with database.transaction() as connection:
            assert await outbox.next_due(connection) is None


class TestFinish:
    async def test_sent_is_final_and_keeps_the_message(self, database: Database) -> None:
        (claimed,) = await owed(database, 1)
        async with database.transaction() as connection:
            await outbox.finish(connection, claimed.id, State.SENT, NOW, message_id=42)
            row = (await connection.execute(select(delivery))).one()
            assert await outbox.counts(connection) == {State.SENT: 1}
        assert (row.state, row.message_id, row.finished_at, row.lease_until) == (State.SENT, 42, NOW, None)

    async def test_what_was_given_up_meanwhile_is_not_queued_again(self, database: Database) -> None:
        (claimed,) = await owed(database, 1)
        async with database.transaction() as connection:
            await outbox.stop_alert(connection, claimed.alert_id, "can't parse entities", NOW)
            await outbox.put_back(connection, claimed.id, NOW, "too many requests")
        assert await states(database) == {1: State.STOPPED}


class TestUnknown:
    async def test_an_ordinary_one_is_final(self, database: Database) -> None:
        (claimed,) = await owed(database, 1)
        async with database.transaction() as connection:
            await outbox.mark_unknown(connection, [claimed.id], NOW, "timed out")
        assert await states(database) == {1: State.UNKNOWN}
        assert await claim(database) == []

    async def test_an_urgent_one_is_sent_once_more_and_no_third_time(self, database: Database) -> None:
        (claimed,) = await owed(database, 1, urgent=True)
        for expected in (State.QUEUED, State.UNKNOWN):
            async with database.transaction() as connection:
                await outbox.mark_unknown(connection, [claimed.id], NOW, "timed out")
            assert await states(database) == {1: expected}
            again = await claim(database)
            assert [c.unknowns for c in again] == ([1] if expected is State.QUEUED else [])

    async def test_after_a_death_everything_on_its_way_is_unknown_and_the_rest_untouched(
        self, database: Database
    ) -> None:
        await subscribe(database, 1, 2)
        await add_alert(database, NOW)
        await fan_out(database)
        await claim(database, 1)
        async with database.transaction() as connection:
            assert await outbox.recover(connection, NOW) == 1
            assert await outbox.recover(connection, NOW) == 0
        assert await states(database) == {1: State.UNKNOWN, 2: State.QUEUED}


class TestStopping:
    async def test_nothing_more_of_the_alert_leaves_and_no_chat_is_touched(self, database: Database) -> None:
        claimed, _ = await owed(database, 1, 2)
        async with database.transaction() as connection:
            await outbox.stop_alert(connection, claimed.alert_id, "message is too long", NOW)
        assert set((await states(database)).values()) == {State.STOPPED}
        async with database.transaction() as connection:
            assert list(await chats.subscribers(connection)) == [1, 2]

    async def test_a_half_done_fan_out_of_it_ends(self, database: Database) -> None:
        await subscribe(database, *range(1, 6))
        number = await add_alert(database, NOW)
        async with database.transaction() as connection:
            await outbox.fan_out(connection, NOW, 2)
            await outbox.stop_alert(connection, number, "message is too long", NOW)
        assert await fan_out(database) == 0
        assert set(await states(database)) == {1, 2}

    async def test_other_alerts_go_on(self, database: Database) -> None:
        await subscribe(database, 1)
        first, _ = await add_alert(database, NOW), await add_alert(database, NOW)
        await fan_out(database)
        async with database.transaction() as connection:
            await outbox.stop_alert(connection, first, "message is too long", NOW)
        assert [c.alert_id for c in await claim(database)] == [2]


class TestAnAlertForTheOperators:
    async def test_goes_to_them_and_to_no_subscriber(self, database: Database) -> None:
        await subscribe(database, 1, 2)
        await add_alert(database, NOW, audience=Audience.OPERATORS)
        async with database.transaction() as connection:
            assert await outbox.fan_out(connection, NOW, operators=(77, 78, 77))
            assert not await outbox.fan_out(connection, NOW, operators=(77, 78))
        assert await states(database) == {77: State.QUEUED, 78: State.QUEUED}

    async def test_without_operators_is_owed_to_nobody(self, database: Database) -> None:
        await add_alert(database, NOW, audience=Audience.OPERATORS)
        await fan_out(database)
        assert await states(database) == {}
