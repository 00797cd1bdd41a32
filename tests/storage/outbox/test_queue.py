"""The queue: everybody is owed once, every claim is accounted for, and what nobody can know is called unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from storage import chats
from storage.database import Database, database_now
from storage.ledger import Audience
from storage.outbox import fan_out as fanning
from storage.outbox import queue, recheck
from storage.outbox.states import Claimed, State
from storage.schema import alert, delivery
from tests.storage.outbox.alerts import add_alert, states

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
            if not await fanning.fan_out(connection, NOW, size):
                return slices
        slices += 1


async def claim(database: Database, limit: int = 100, now: datetime = NOW) -> list[Claimed]:
    """Return what a worker would send next."""
    async with database.transaction() as connection:
        return await recheck.admit(connection, await queue.claim(connection, limit, LEASE), now)


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
            await chats.mark_reachable(connection, 3, "private")
        await add_alert(database, NOW)
        await fan_out(database)
        assert set(await states(database)) == {1}

    async def test_it_goes_in_slices_and_remembers_where_it_is(self, database: Database) -> None:
        await subscribe(database, *range(1, 8))
        await add_alert(database, NOW)
        async with database.transaction() as connection:
            await fanning.fan_out(connection, NOW, 3)
            assert (await connection.execute(select(alert.c.fan_out_cursor))).scalar_one() == 3
        assert set(await states(database)) == {1, 2, 3}
        await fan_out(database, 3)
        assert set(await states(database)) == set(range(1, 8))

    async def test_a_slice_that_is_rolled_back_is_done_again(self, database: Database) -> None:
        await subscribe(database, 1, 2)
        await add_alert(database, NOW)
        with pytest.raises(RuntimeError):
            async with database.transaction() as connection:
                await fanning.fan_out(connection, NOW)
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
        later = NOW + timedelta(seconds=5)
        async with database.transaction() as connection:
            await queue.put_back(connection, [claimed], "this chat has just had a message", later)
            assert await queue.next_due(connection, NOW) == later
            assert await fanning.release(connection, NOW) == 0
        assert await claim(database) == []
        async with database.transaction() as connection:
            assert await fanning.release(connection, later) == 1
            assert await queue.next_due(connection, later) == later
        assert len(await claim(database)) == 1

    async def test_a_claim_holds_a_lease_and_counts_an_attempt(self, database: Database) -> None:
        await owed(database, 1)
        async with database.transaction() as connection:
            row = (await connection.execute(select(delivery))).one()
            now = await database_now(connection)
        assert (row.state, row.attempts) == (State.SENDING, 1)
        assert now < row.lease_until <= now + LEASE

    async def test_an_empty_queue_has_nothing_due(self, database: Database) -> None:
        async with database.transaction() as connection:
            assert await queue.next_due(connection, NOW) is None

    async def test_two_workers_never_take_the_same_one(self, postgresql_url: str) -> None:
        async with Database(postgresql_url) as one, Database(postgresql_url) as two:
            await subscribe(one, *range(1, 41))
            await add_alert(one, NOW)
            await fan_out(one)
            async with one.transaction() as first, two.transaction() as second:
                # Both transactions are open at once.
                taken = [await queue.claim(connection, 20, LEASE) for connection in (first, second)]
        assert sorted(c.chat_id for claims in taken for c in claims) == list(range(1, 41))


class TestFinish:
    async def test_sent_is_final_and_keeps_the_message(self, database: Database) -> None:
        (claimed,) = await owed(database, 1)
        async with database.transaction() as connection:
            await queue.mark_sent(connection, [(claimed, 42)], NOW)
            row = (await connection.execute(select(delivery))).one()
            assert await queue.counts(connection) == {State.SENT: 1}
        assert (row.state, row.message_id, row.finished_at, row.lease_until) == (State.SENT, 42, NOW, None)

    async def test_what_was_given_up_meanwhile_is_not_sent_again(self, database: Database) -> None:
        (claimed,) = await owed(database, 1)
        async with database.transaction() as connection:
            await queue.stop_alert(connection, claimed.alert_id, "can't parse entities", NOW)
            await queue.put_back(connection, [claimed], "too many requests")
        assert await claim(database) == []
        assert await states(database) == {1: State.STOPPED}

    @pytest.mark.parametrize("how", ["unsubscribed", "gone"])
    async def test_what_a_chat_left_behind_while_it_was_on_its_way_is_not_sent_to_it(
        self, database: Database, how: str
    ) -> None:
        (claimed,) = await owed(database, 1)
        async with database.transaction() as connection:
            if how == "gone":
                await chats.mark_gone(connection, 1, "blocked", NOW)
            else:
                await chats.unsubscribe(connection, 1, NOW)
            await queue.put_back(connection, [claimed], "too many requests")
        assert await claim(database) == []
        assert await states(database) == {1: State.GONE}

    async def test_an_operator_who_never_subscribed_keeps_what_was_put_back(self, database: Database) -> None:
        await add_alert(database, NOW, audience=Audience.OPERATORS)
        async with database.transaction() as connection:
            await chats.mark_reachable(connection, 77, "private")
            await fanning.fan_out(connection, NOW, operators=(77,))
            (claimed,) = await queue.claim(connection, 1, LEASE)
            await queue.put_back(connection, [claimed], "too many requests")
        assert await states(database) == {77: State.QUEUED}

    async def test_a_result_of_an_earlier_attempt_changes_nothing(self, database: Database) -> None:
        (first,) = await owed(database, 1)
        async with database.transaction() as connection:
            await queue.put_back(connection, [first], "too many requests")
        (second,) = await claim(database)
        async with database.transaction() as connection:
            await queue.mark_sent(connection, [(first, 1)], NOW)
            await queue.finish(connection, first, State.GONE, NOW, "blocked")
            await queue.mark_unknown(connection, [first], NOW, "timed out")
        assert await states(database) == {1: State.SENDING}
        assert second.attempt == first.attempt + 1

    async def test_an_answer_that_comes_after_the_lease_is_believed(self, database: Database) -> None:
        (claimed,) = await owed(database, 1, urgent=True)
        async with database.transaction() as connection:
            await queue.mark_unknown(connection, [claimed], NOW, "the lease is over")
            await queue.mark_sent(connection, [(claimed, 42)], NOW)
        assert await states(database) == {1: State.SENT}
        assert await claim(database) == []


class TestUnknown:
    async def test_an_ordinary_one_is_final(self, database: Database) -> None:
        (claimed,) = await owed(database, 1)
        async with database.transaction() as connection:
            await queue.mark_unknown(connection, [claimed], NOW, "timed out")
        assert await states(database) == {1: State.UNKNOWN}
        assert await claim(database) == []

    async def test_an_urgent_one_is_sent_once_more_and_no_third_time(self, database: Database) -> None:
        (claimed,) = await owed(database, 1, urgent=True)
        for expected in (State.QUEUED, State.UNKNOWN):
            async with database.transaction() as connection:
                await queue.mark_unknown(connection, [claimed], NOW, "timed out")
            assert await states(database) == {1: expected}
            again = await claim(database)
            assert [c.unknowns for c in again] == ([1] if expected is State.QUEUED else [])
            claimed = again[0] if again else claimed

    async def test_after_a_death_everything_on_its_way_is_unknown_and_the_rest_untouched(
        self, database: Database
    ) -> None:
        await subscribe(database, 1, 2)
        await add_alert(database, NOW)
        await fan_out(database)
        await claim(database, 1)
        async with database.transaction() as connection:
            assert await queue.recover(connection, NOW, everything=True) == {1: 1}
            assert await queue.recover(connection, NOW, everything=True) == {}
        assert await states(database) == {1: State.UNKNOWN, 2: State.QUEUED}

    async def test_where_others_may_be_sending_only_what_outlived_its_lease_is(self, database: Database) -> None:
        await owed(database, 1, 2)
        async with database.transaction() as connection:
            assert await queue.recover(connection, NOW, everything=False) == {}
            over = await database_now(connection) - timedelta(seconds=1)
            await connection.execute(update(delivery).where(delivery.c.chat_id == 1).values(lease_until=over))
            assert await queue.recover(connection, NOW, everything=False) == {1: 1}
        assert await states(database) == {1: State.UNKNOWN, 2: State.SENDING}


class TestStopping:
    async def test_nothing_more_of_the_alert_leaves_and_no_chat_is_touched(self, database: Database) -> None:
        await subscribe(database, 1, 2, 3)
        number = await add_alert(database, NOW)
        await fan_out(database)
        on_its_way = await claim(database, 2)
        async with database.transaction() as connection:
            await queue.stop_alert(connection, number, "message is too long", NOW)
        # What is on its way still tells how it went.
        assert await states(database) == {1: State.SENDING, 2: State.SENDING, 3: State.STOPPED}
        async with database.transaction() as connection:
            await queue.mark_sent(connection, [(on_its_way[0], 42)], NOW)
            await queue.put_back(connection, on_its_way[1:], "too many requests")
        assert await claim(database) == []
        assert await states(database) == {1: State.SENT, 2: State.STOPPED, 3: State.STOPPED}
        async with database.transaction() as connection:
            assert list(await chats.subscribers(connection)) == [1, 2, 3]

    async def test_a_half_done_fan_out_of_it_ends(self, database: Database) -> None:
        await subscribe(database, *range(1, 6))
        number = await add_alert(database, NOW)
        async with database.transaction() as connection:
            await fanning.fan_out(connection, NOW, 2)
            await queue.stop_alert(connection, number, "message is too long", NOW)
        assert await fan_out(database) == 0
        assert set(await states(database)) == {1, 2}

    async def test_other_alerts_go_on(self, database: Database) -> None:
        await subscribe(database, 1)
        first, _ = await add_alert(database, NOW), await add_alert(database, NOW)
        await fan_out(database)
        async with database.transaction() as connection:
            await queue.stop_alert(connection, first, "message is too long", NOW)
        assert [c.alert_id for c in await claim(database)] == [2]


class TestAnAlertForTheOperators:
    async def test_goes_to_them_and_to_no_subscriber(self, database: Database) -> None:
        await subscribe(database, 1, 2)
        await add_alert(database, NOW, audience=Audience.OPERATORS)
        async with database.transaction() as connection:
            assert await fanning.fan_out(connection, NOW, operators=(77, 78, 77))
            assert not await fanning.fan_out(connection, NOW, operators=(77, 78))
        assert await states(database) == {77: State.QUEUED, 78: State.QUEUED}

    async def test_without_operators_is_owed_to_nobody(self, database: Database) -> None:
        await add_alert(database, NOW, audience=Audience.OPERATORS)
        await fan_out(database)
        assert await states(database) == {}
