"""A draft is owed once, to whom it is for; a correction goes to whoever got what it corrects, as an answer to that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from storage import chats, ledger
from storage.database import Database
from storage.ledger import Audience
from storage.operator import posts
from storage.operator.posts import Draft, Refusal
from storage.outbox import fan_out, queue, recheck
from storage.outbox.quiet_hours import QuietHours
from storage.outbox.states import Claimed, State
from storage.schema import alert, delivery
from storage.settings import chosen
from storage.settings.kinds import BIG_ONES
from tests.storage.outbox.alerts import add_alert
from tests.storage.settings.test_personal import rows_naming

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
LEASE = timedelta(minutes=5)
OPERATOR = 7_353_111_222
TEXTS = {"en": "words"}
ALL_DAY = QuietHours("UTC", 22 * 60, 7 * 60)


async def subscribe(database: Database, *ids: int) -> None:
    async with database.transaction() as connection:
        for chat_id in ids:
            await chats.subscribe(connection, chat_id, "private" if chat_id > 0 else "supergroup", NOW)


async def written(database: Database, corrects: int | None = None, now: datetime = NOW) -> int:
    async with database.transaction() as connection:
        return await posts.draft(connection, Draft(TEXTS, OPERATOR, OPERATOR, corrects), now)


async def owe(
    database: Database, number: int, now: datetime = NOW, who: int = OPERATOR, where: int = OPERATOR
) -> int | Refusal:
    async with database.transaction() as connection:
        return await posts.owe(connection, number, who, where, now)


async def counted(database: Database, corrects: int | None = None, now: datetime = NOW) -> int:
    async with database.reading() as connection:
        return await posts.recipients(connection, corrects, now)


async def spread(database: Database, size: int = 2, now: datetime = NOW) -> None:
    found = True
    while found:
        async with database.transaction() as connection:
            found = await fan_out.fan_out(connection, now, size, [OPERATOR]) is not None


async def claim(database: Database, now: datetime = NOW, limit: int = 100) -> list[Claimed]:
    async with database.transaction() as connection:
        return await recheck.admit(connection, await queue.claim(connection, limit, LEASE), now)


async def send_all(database: Database, limit: int = 100) -> list[Claimed]:
    """Let whatever is queued arrive; a message has the number of its chat and a hundred."""
    claims = await claim(database, limit=limit)
    async with database.transaction() as connection:
        await queue.mark_sent(connection, [(c, abs(c.chat_id) + 100) for c in claims], NOW)
    return claims


async def states(database: Database, alert_id: int) -> dict[int, str]:
    async with database.reading() as connection:
        rows = await connection.execute(
            select(delivery.c.chat_id, delivery.c.state).where(delivery.c.alert_id == alert_id)
        )
        return {row.chat_id: row.state for row in rows}


async def sent_alert(database: Database, *ids: int) -> int:
    await subscribe(database, *ids)
    number = await add_alert(database, NOW)
    await spread(database)
    await send_all(database)
    return number


class TestADraft:
    async def test_is_owed_once(self, database: Database) -> None:
        number = await written(database)
        owed = await owe(database, number)
        assert not isinstance(owed, Refusal)
        assert await owe(database, number) is Refusal.SENT
        async with database.reading() as connection:
            row = await ledger.load_alert(connection, owed)
            assert await ledger.count_alerts(connection) == 1
            assert (await posts.of_alert(connection, owed)).texts == TEXTS
        assert (row.kind, row.audience, row.urgent) == ("broadcast", Audience.SUBSCRIBERS, False)

    async def test_is_confirmed_by_who_wrote_it_where_it_was_written(self, database: Database) -> None:
        number = await written(database)
        for who, where in ((OPERATOR, 99), (99, OPERATOR)):
            assert await owe(database, number, who=who, where=where) is Refusal.NOT_YOURS
        assert await owe(database, number + 1) is Refusal.NOT_YOURS
        assert not isinstance(await owe(database, number), Refusal)

    @pytest.mark.parametrize(("minutes", "refused"), [(9, False), (10, True), (-1, True)])
    async def test_can_be_confirmed_for_ten_minutes(self, database: Database, minutes: int, refused: bool) -> None:
        number = await written(database)
        owed = await owe(database, number, NOW + timedelta(minutes=minutes))
        assert (owed is Refusal.EXPIRED) is refused

    async def test_that_is_discarded_is_gone_and_what_is_owed_cannot_be(self, database: Database) -> None:
        number = await written(database)
        async with database.transaction() as connection:
            assert not await posts.discard(connection, number, 99, OPERATOR)
            assert await posts.discard(connection, number, OPERATOR, OPERATOR)
        assert await owe(database, number) is Refusal.NOT_YOURS
        other = await written(database)
        await owe(database, other)
        async with database.transaction() as connection:
            assert not await posts.discard(connection, other, OPERATOR, OPERATOR)

    async def test_names_its_operator_no_more_when_that_one_is_forgotten(self, database: Database) -> None:
        sent, unsent = await written(database), await written(database)
        owed = await owe(database, sent)
        assert await rows_naming(database, OPERATOR)
        async with database.transaction() as connection:
            await posts.forget(connection, OPERATOR)
        assert await rows_naming(database, OPERATOR) == {}
        assert await owe(database, unsent) is Refusal.NOT_YOURS
        assert not isinstance(owed, Refusal)
        async with database.reading() as connection:
            assert (await posts.of_alert(connection, owed)).texts == TEXTS


class TestABroadcast:
    async def test_comes_to_every_subscriber_whatever_they_chose_and_as_many_as_were_counted(
        self, database: Database
    ) -> None:
        await subscribe(database, 1, 2, 3, 4, -5)
        async with database.transaction() as connection:
            await chosen.hear_only(connection, 1, 0)
            await chosen.mute(connection, 2, NOW + timedelta(days=1))
            await chats.unsubscribe(connection, 3, NOW)
            await chosen.set_quiet_hours(connection, 4, ALL_DAY)
        assert await counted(database) == 3
        owed = await owe(database, await written(database))
        await spread(database)
        assert isinstance(owed, int)
        assert await states(database, owed) == {1: State.QUEUED, 4: State.HELD, -5: State.QUEUED}
        claims = {claimed.chat_id: claimed for claimed in await claim(database)}
        assert claims.keys() == {1, -5}
        # Who wants nothing with a sound gets it without.
        assert claims[1].is_silent
        assert not claims[-5].is_silent
        assert claims[1].replies_to is None

    async def test_that_waits_while_its_chat_is_muted_is_not_sent(self, database: Database) -> None:
        await subscribe(database, 1)
        await owe(database, await written(database))
        await spread(database)
        async with database.transaction() as connection:
            await chosen.mute(connection, 1, NOW + timedelta(days=1))
        assert await claim(database) == []


class TestACorrection:
    async def test_answers_the_message_in_every_chat_that_got_it(self, database: Database) -> None:
        original = await sent_alert(database, 1, 2, -3)
        await subscribe(database, 4)
        assert await counted(database, original) == 3
        owed = await owe(database, await written(database, original))
        await spread(database)
        claims = await send_all(database)
        assert [(c.alert_id, c.chat_id, c.replies_to) for c in claims] == [
            (owed, -3, 103), (owed, 1, 101), (owed, 2, 102)
        ]  # fmt: skip

    async def test_comes_to_muted_chats_and_those_that_want_that_kind_no_more_but_to_none_that_left(
        self, database: Database
    ) -> None:
        original = await sent_alert(database, 1, 2, 3, 4)
        async with database.transaction() as connection:
            await chosen.mute(connection, 1, NOW + timedelta(days=1))
            await chosen.hear_only(connection, 2, 0)
            await chats.unsubscribe(connection, 3, NOW)
            await chats.mark_gone(connection, 4, "blocked", NOW)
        assert await counted(database, original) == 2
        await owe(database, await written(database, original))
        await spread(database)
        assert [c.chat_id for c in await claim(database)] == [1, 2]

    async def test_waits_for_the_end_of_quiet_hours(self, database: Database) -> None:
        original = await sent_alert(database, 1)
        async with database.transaction() as connection:
            await chosen.set_quiet_hours(connection, 1, ALL_DAY)
        owed = await owe(database, await written(database, original))
        await spread(database)
        assert isinstance(owed, int)
        assert await states(database, owed) == {1: State.HELD}

    async def test_replaces_the_wrong_one_where_that_has_not_left(self, database: Database) -> None:
        await subscribe(database, 1, 2, 3)
        original = await add_alert(database, NOW)
        await spread(database)
        await send_all(database, limit=1)
        owed = await owe(database, await written(database, original))
        await spread(database)
        assert await states(database, original) == {1: State.SENT, 2: State.SUPERSEDED, 3: State.SUPERSEDED}
        assert [(c.alert_id, c.chat_id, c.replies_to) for c in await claim(database)] == [
            (owed, 1, 101), (owed, 2, None), (owed, 3, None)
        ]  # fmt: skip

    async def test_comes_where_nobody_knows_whether_the_wrong_one_arrived(self, database: Database) -> None:
        await subscribe(database, 1)
        original = await add_alert(database, NOW)
        await spread(database)
        await claim(database)
        async with database.transaction() as connection:
            await queue.recover(connection, NOW, everything=True)
        await owe(database, await written(database, original))
        await spread(database)
        assert [(c.chat_id, c.replies_to) for c in await claim(database)] == [(1, None)]

    async def test_is_sent_once_more_when_a_first_copy_is_unknown(self, database: Database) -> None:
        original = await sent_alert(database, 1)
        await owe(database, await written(database, original))
        await spread(database)
        (first,) = await claim(database)
        async with database.transaction() as connection:
            await queue.mark_unknown(connection, [first], NOW, "reset")
        assert [c.unknowns for c in await claim(database)] == [1]

    async def test_goes_with_a_group_that_moves_and_stands_alone_there(self, database: Database) -> None:
        original = await sent_alert(database, -3)
        async with database.transaction() as connection:
            await chats.move(connection, -3, -1_000_000_000_003, NOW)
        await owe(database, await written(database, original))
        await spread(database)
        assert [(c.chat_id, c.replies_to) for c in await claim(database)] == [(-1_000_000_000_003, None)]

    async def test_after_thirty_days_comes_to_all_and_stands_alone(self, database: Database) -> None:
        original = await sent_alert(database, 1)
        await subscribe(database, 2)
        async with database.transaction() as connection:
            old = update(alert).where(alert.c.id == original)
            await connection.execute(old.values(created_at=NOW - timedelta(days=30)))
            await connection.execute(delivery.delete())
        assert await counted(database, original) == 2
        await owe(database, await written(database, original))
        await spread(database)
        assert [(c.chat_id, c.replies_to) for c in await claim(database)] == [(1, None), (2, None)]

    async def test_a_later_alert_of_other_things_replaces_neither_it_nor_a_broadcast(self, database: Database) -> None:
        original = await sent_alert(database, 1)
        for corrects in (original, None):
            await owe(database, await written(database, corrects))
        await add_alert(database, NOW, kinds=BIG_ONES)
        await spread(database)
        assert len(await claim(database)) == 3
