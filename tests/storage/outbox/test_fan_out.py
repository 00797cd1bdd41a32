"""Whom an alert replaces, and whom quiet hours hold: for each chat, by the same slices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from storage import chats, ledger
from storage.database import Database
from storage.ledger import AlertRow, ChangeRow, VerdictRow
from storage.outbox import enqueueing, fan_out, queue, recheck, supersession
from storage.outbox.quiet_hours import QuietHours
from storage.outbox.states import Claimed, State
from storage.schema import alert, chat, compressed, delivery
from storage.settings import chosen
from storage.settings.kinds import EVERYTHING

# 22:30 in London, 23:30 in Paris, 17:30 in New York.
NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
LEASE = timedelta(minutes=2)
EPISODE = "breakout:2020-11-13"
NIGHT = (22 * 60, 7 * 60)


async def subscribe(database: Database, *ids: int) -> None:
    async with database.transaction() as connection:
        for chat_id in ids:
            await chats.subscribe(connection, chat_id, "private", NOW)


async def tell(database: Database, *changes: tuple[str, str], urgent: bool = False, days: int = 0) -> None:
    """Record an alert of some (subject, kind) on a session of its own."""
    async with database.transaction() as connection:
        newest = await ledger.newest_session(connection)
        session = newest + timedelta(days=1) if newest else date(2020, 11, 13)
        rows = [ChangeRow(kind, subject, session) for subject, kind in changes]
        owed = AlertRow(f"{session}", changes[0][1], urgent, session, NOW + timedelta(days=days), changes)
        await ledger.record(
            connection, [VerdictRow(session, NOW, "1", compressed(b"{}"), rows)], [owed], backfilled=False
        )


async def spread(database: Database, size: int = 20_000, now: datetime = NOW) -> None:
    found = True
    while found:
        async with database.transaction() as connection:
            found = await fan_out.fan_out(connection, now, size) is not None


async def claim(database: Database, limit: int = 100, now: datetime = NOW) -> list[Claimed]:
    """Return what a worker would send next."""
    async with database.transaction() as connection:
        return await recheck.admit(connection, await queue.claim(connection, limit, LEASE), now)


async def states(database: Database) -> dict[tuple[int, int], str]:
    """Return the state of each delivery by (alert, chat)."""
    async with database.transaction() as connection:
        rows = await connection.execute(select(delivery.c.alert_id, delivery.c.chat_id, delivery.c.state))
        return {(row.alert_id, row.chat_id): row.state for row in rows}


class TestANewerAlertOfTheSameEpisode:
    async def test_replaces_an_older_one_that_has_not_left_and_no_other(self, database: Database) -> None:
        await subscribe(database, 1, 2, 3)
        await tell(database, (EPISODE, "breakout.attempt"))
        await tell(database, ("stage:2020-11-14", "stage.up"))
        await spread(database)
        (left,) = await claim(database, 1)
        await tell(database, (EPISODE, "breakout.failed"), urgent=True)
        await spread(database, size=2)
        old = {chat_id: state for (alert_id, chat_id), state in (await states(database)).items() if alert_id == 1}
        assert old == {left.chat_id: State.SENDING, 2: State.SUPERSEDED, 3: State.SUPERSEDED}
        assert [(c.alert_id, c.chat_id) for c in await claim(database)] == [
            (3, 1), (3, 2), (3, 3), (2, 1), (2, 2), (2, 3)
        ]  # fmt: skip

    async def test_knows_for_each_chat_what_it_replaced(self, database: Database) -> None:
        await subscribe(database, 1, 2)
        await tell(database, (EPISODE, "breakout.attempt"))
        await spread(database)
        await claim(database, 1)
        await tell(database, (EPISODE, "breakout.confirmed"))
        await spread(database)
        await tell(database, (EPISODE, "breakout.warning"))
        await spread(database)
        claims = {c.chat_id: c for c in await claim(database)}
        async with database.transaction() as connection:
            found = await supersession.skipped(connection, list(claims.values()))
        assert found == {claims[1].id: (2,), claims[2].id: (1, 2)}

    async def test_replaces_nothing_where_it_does_not_come(self, database: Database) -> None:
        await subscribe(database, 1, 2, 3)
        await tell(database, (EPISODE, "breakout.attempt"))
        await spread(database)
        async with database.transaction() as connection:
            await chosen.hear_only(connection, 1, 0)
            await chosen.mute(connection, 2, NOW + timedelta(days=1))
        await tell(database, (EPISODE, "breakout.failed"), urgent=True)
        await spread(database)
        async with database.transaction() as connection:
            await chosen.hear_only(connection, 1, EVERYTHING)
            await chosen.mute(connection, 2, None)
        assert [(c.alert_id, c.chat_id) for c in await claim(database)] == [(2, 3), (1, 1), (1, 2)]

    async def test_is_as_urgent_as_what_it_replaced(self, database: Database) -> None:
        await subscribe(database, 1, 2)
        await tell(database, (EPISODE, "breakout.confirmed"), urgent=True)
        await spread(database)
        await claim(database, 1)
        await tell(database, ("stage:2020-11-14", "stage.up"))
        await tell(database, (EPISODE, "breakout.warning"))
        await spread(database)
        assert [(c.alert_id, c.chat_id) for c in await claim(database)] == [(3, 2), (2, 1), (2, 2), (3, 1)]

    async def test_does_not_take_back_the_second_copy_of_an_uncertain_one(self, database: Database) -> None:
        await subscribe(database, 1)
        await tell(database, (EPISODE, "breakout.confirmed"), urgent=True)
        await spread(database)
        claimed = await claim(database)
        async with database.transaction() as connection:
            await queue.mark_unknown(connection, claimed, NOW, "timed out")
        await tell(database, (EPISODE, "breakout.failed"), urgent=True)
        await spread(database)
        assert [c.alert_id for c in await claim(database)] == [1, 2]

    async def test_replaces_also_what_was_on_its_way_and_comes_back_unsent(self, database: Database) -> None:
        await subscribe(database, 1)
        await tell(database, (EPISODE, "breakout.attempt"))
        await spread(database)
        claimed = await claim(database)
        await tell(database, (EPISODE, "breakout.failed"), urgent=True)
        await spread(database)
        async with database.transaction() as connection:
            await queue.put_back(connection, claimed, "too many requests")
        assert [c.alert_id for c in await claim(database)] == [2]
        assert (await states(database))[1, 1] == State.SUPERSEDED

    async def test_tells_that_it_replaces_what_came_back_unsent(self, database: Database) -> None:
        await subscribe(database, 1)
        await tell(database, (EPISODE, "breakout.attempt"))
        await spread(database)
        attempt = await claim(database)
        await tell(database, (EPISODE, "breakout.failed"), urgent=True)
        await spread(database)
        (failed,) = await claim(database)
        async with database.transaction() as connection:
            await queue.put_back(connection, attempt, "too many requests")
            assert await supersession.skipped(connection, [failed]) == {failed.id: (1,)}

    async def test_of_which_it_tells_only_a_part_replaces_nothing(self, database: Database) -> None:
        await subscribe(database, 1)
        await tell(database, (EPISODE, "breakout.attempt"), ("stage:2020-11-13", "stage.up"))
        await tell(database, (EPISODE, "breakout.failed"))
        await spread(database)
        assert set((await states(database)).values()) == {State.QUEUED}

    async def test_that_tells_all_of_several_replaces_each(self, database: Database) -> None:
        await subscribe(database, 1)
        await tell(database, (EPISODE, "breakout.attempt"))
        await tell(database, ("window:2020-11-13", "window.opened"))
        await tell(database, (EPISODE, "breakout.failed"), ("window:2020-11-13", "window.cancelled"))
        await spread(database)
        assert await states(database) == {(1, 1): State.SUPERSEDED, (2, 1): State.SUPERSEDED, (3, 1): State.QUEUED}

    async def test_a_month_later_replaces_nothing(self, database: Database) -> None:
        await subscribe(database, 1)
        await tell(database, (EPISODE, "breakout.attempt"))
        await tell(database, (EPISODE, "breakout.ended"), days=31)
        await spread(database)
        assert set((await states(database)).values()) == {State.QUEUED}


class TestQuietHours:
    @pytest.fixture
    async def asleep(self, database: Database) -> Database:
        """Chats 1 in Paris and 2 in New York with quiet nights, 3 with none, 4 in Paris letting urgent kinds through."""
        await subscribe(database, 1, 2, 3, 4)
        async with database.transaction() as connection:
            await chosen.set_quiet_hours(connection, 1, QuietHours("Europe/Paris", *NIGHT))
            await chosen.set_quiet_hours(connection, 2, QuietHours("America/New_York", *NIGHT))
            await chosen.set_quiet_hours(connection, 4, QuietHours("Europe/Paris", *NIGHT))
            await chosen.let_urgent_through(connection, 4, True)
        return database

    async def test_hold_until_they_end_where_the_chat_is(self, asleep: Database) -> None:
        await tell(asleep, (EPISODE, "breakout.attempt"))
        await spread(asleep, size=3)
        assert [c.chat_id for c in await claim(asleep)] == [2, 3]
        morning = datetime(2020, 11, 14, 6, 0, tzinfo=UTC)
        async with asleep.transaction() as connection:
            assert await queue.next_due(connection, NOW) == morning
            assert await fan_out.release(connection, morning - timedelta(minutes=1)) == 0
            assert await fan_out.release(connection, morning) == 2
        assert [c.chat_id for c in await claim(asleep, now=morning)] == [1, 4]

    async def test_let_urgent_kinds_through_only_where_the_chat_says_so(self, asleep: Database) -> None:
        await tell(asleep, (EPISODE, "breakout.failed"), urgent=True)
        await spread(asleep)
        assert [c.chat_id for c in await claim(asleep)] == [2, 3, 4]

    async def test_what_they_hold_is_replaced_by_newer_news(self, asleep: Database) -> None:
        await tell(asleep, (EPISODE, "breakout.attempt"))
        await tell(asleep, (EPISODE, "breakout.confirmed"), urgent=True)
        await spread(asleep)
        found = {alert_id: state for (alert_id, chat_id), state in (await states(asleep)).items() if chat_id == 1}
        assert found == {1: State.SUPERSEDED, 2: State.HELD}

    async def test_can_be_switched_off_again(self, asleep: Database) -> None:
        async with asleep.transaction() as connection:
            for chat_id in (1, 4):
                await chosen.set_quiet_hours(connection, chat_id, None)
        await tell(asleep, (EPISODE, "breakout.attempt"))
        await spread(asleep)
        assert len(await claim(asleep)) == 4

    async def test_end_with_the_subscription(self, asleep: Database) -> None:
        await tell(asleep, (EPISODE, "breakout.attempt"))
        await spread(asleep)
        async with asleep.transaction() as connection:
            await chats.unsubscribe(connection, 1, NOW)
        assert (await states(asleep))[1, 1] == State.GONE


class TestAnAlertThatIsStopped:
    async def test_what_it_replaced_is_owed_again(self, database: Database) -> None:
        await subscribe(database, 1)
        await tell(database, (EPISODE, "breakout.failed"), urgent=True)
        await spread(database)
        await tell(database, (EPISODE, "breakout.recovered"))
        await spread(database)
        assert await states(database) == {(1, 1): "superseded", (2, 1): "queued"}
        async with database.transaction() as connection:
            await queue.stop_alert(connection, 2, "it is too long", NOW)
        assert await states(database) == {(1, 1): "queued", (2, 1): "stopped"}

    async def test_what_was_stopped_itself_is_not_sent(self, database: Database) -> None:
        await subscribe(database, 1)
        await tell(database, (EPISODE, "breakout.attempt"))
        await spread(database)
        await tell(database, (EPISODE, "breakout.confirmed"))
        await spread(database)
        async with database.transaction() as connection:
            await queue.stop_alert(connection, 1, "it is too long", NOW)
            await queue.stop_alert(connection, 2, "it is too long", NOW)
        assert await claim(database) == []
        assert await states(database) == {(1, 1): "stopped", (2, 1): "stopped"}

    async def test_one_that_comes_back_is_not_replaced_by_a_stopped_one(self, database: Database) -> None:
        await subscribe(database, 1)
        await tell(database, (EPISODE, "breakout.failed"), urgent=True)
        await spread(database)
        (out,) = await claim(database)
        await tell(database, (EPISODE, "breakout.recovered"))
        await spread(database)
        async with database.transaction() as connection:
            await queue.stop_alert(connection, 2, "it is too long", NOW)
            await queue.put_back(connection, [out], "429")
        assert (await states(database))[1, 1] == "queued"


async def test_several_changes_of_one_breakout_are_replaced_together(database: Database) -> None:
    await subscribe(database, 1)
    await tell(database, (EPISODE, "breakout.confirmed"), (EPISODE, "breakout.attempt"))
    await spread(database)
    await tell(database, (EPISODE, "breakout.failed"), ("window:2020-11-17", "window.cancelled"))
    await spread(database)
    assert await states(database) == {(1, 1): "superseded", (2, 1): "queued"}


async def test_one_that_tells_of_something_else_too_is_not_replaced(database: Database) -> None:
    await subscribe(database, 1)
    await tell(database, (EPISODE, "breakout.failed"), ("window:2020-11-17", "window.cancelled"))
    await spread(database)
    await tell(database, (EPISODE, "breakout.recovered"))
    await spread(database)
    assert await states(database) == {(1, 1): "queued", (2, 1): "queued"}


class TestAStoppedAlertThatReplacedAnother:
    """However its deliveries come to be stopped, what they had replaced is owed again."""

    @pytest.fixture
    async def replaced(self, database: Database) -> Database:
        await subscribe(database, 1, 2)
        await tell(database, (EPISODE, "breakout.failed"), urgent=True)
        await spread(database)
        await tell(database, (EPISODE, "breakout.recovered"))
        await spread(database)
        return database

    async def test_when_one_on_its_way_comes_back_unsent(self, replaced: Database) -> None:
        out = await claim(replaced)
        async with replaced.transaction() as connection:
            await queue.stop_alert(connection, 2, "it is too long", NOW)
            await queue.put_back(connection, out, "429")
        assert await claim(replaced) == []
        assert await states(replaced) == {
            (1, 1): "queued", (1, 2): "queued", (2, 1): "stopped", (2, 2): "stopped"
        }  # fmt: skip

    async def test_when_the_recheck_before_sending_stops_them(self, replaced: Database) -> None:
        # Another worker stopped it while they were being enqueued.
        async with replaced.transaction() as connection:
            await connection.execute(update(alert).where(alert.c.id == 2).values(stopped_reason="it is too long"))
        assert await claim(replaced) == []
        assert await states(replaced) == {
            (1, 1): "queued", (1, 2): "queued", (2, 1): "stopped", (2, 2): "stopped"
        }  # fmt: skip

    async def test_owed_again_it_replaces_again_what_has_not_left_meanwhile(self, replaced: Database) -> None:
        async with replaced.transaction() as connection:
            await queue.stop_alert(connection, 2, "it is too long", NOW)
        (left,) = await claim(replaced, 1)
        async with replaced.transaction() as connection:
            await queue.mark_sent(connection, [(left, 7)], NOW)
            assert await queue.requeue(connection, 2) == 2
        assert [(c.alert_id, c.chat_id) for c in await claim(replaced)] == [(2, 1), (2, 2)]
        assert await states(replaced) == {
            (1, 1): "sent", (1, 2): "superseded", (2, 1): "sending", (2, 2): "sending"
        }  # fmt: skip

    async def test_an_older_one_owed_again_does_not_come_after_newer_news(self, database: Database) -> None:
        await subscribe(database, 1, 2, 3)
        await tell(database, (EPISODE, "breakout.attempt"))
        async with database.transaction() as connection:
            await fan_out.fan_out(connection, NOW, 1)
            await queue.stop_alert(connection, 1, "it is too long", NOW)
        await tell(database, (EPISODE, "breakout.failed"), urgent=True)
        await spread(database)
        claims = await claim(database)
        async with database.transaction() as connection:
            await queue.mark_sent(connection, [(c, 7) for c in claims], NOW)
            await queue.requeue(connection, 1)
        await spread(database)
        assert await claim(database) == []
        assert {state for (number, _), state in (await states(database)).items() if number == 1} == {"superseded"}


async def test_everybody_with_the_same_and_with_other_quiet_hours_is_held_till_their_own_end(
    database: Database,
) -> None:
    await subscribe(database, *range(1, 41))
    async with database.transaction() as connection:
        for chat_id in range(1, 31):
            hours = QuietHours("Europe/Paris", 22 * 60, 7 * 60 + chat_id % 3)
            await chosen.set_quiet_hours(connection, chat_id, hours)
            await chosen.let_urgent_through(connection, chat_id, chat_id % 2 == 0)
    await tell(database, (EPISODE, "breakout.failed"), urgent=True)
    await spread(database)
    async with database.transaction() as connection:
        rows = (await connection.execute(select(delivery.c.chat_id, delivery.c.state, delivery.c.not_before))).all()
    ends = {row.chat_id: row.not_before.minute for row in rows if row.state == "held"}
    assert ends == {chat_id: chat_id % 3 for chat_id in range(1, 31, 2)}
    assert sum(row.state == "queued" for row in rows) == 25


@pytest.mark.parametrize("different", [1, 3, 9])
async def test_with_more_different_quiet_hours_than_a_statement_has_places_the_rest_is_held_when_claimed(
    database: Database, monkeypatch: pytest.MonkeyPatch, different: int
) -> None:
    monkeypatch.setattr(enqueueing, "_SIZES", (0, 2, 4))
    await subscribe(database, *range(1, 13))
    async with database.transaction() as connection:
        for chat_id in range(1, 11):
            hours = QuietHours("Europe/Paris", 22 * 60, 7 * 60 + chat_id % different)
            await chosen.set_quiet_hours(connection, chat_id, hours)
    await tell(database, (EPISODE, "breakout.attempt"))
    await spread(database)
    assert [claimed.chat_id for claimed in await claim(database)] == [11, 12]
    async with database.transaction() as connection:
        rows = (await connection.execute(select(delivery.c.chat_id, delivery.c.state, delivery.c.not_before))).all()
    assert {row.chat_id: row.not_before.minute for row in rows if row.state == State.HELD} == {
        chat_id: chat_id % different for chat_id in range(1, 11)
    }


async def test_a_slice_that_is_repeated_adds_and_changes_nothing(database: Database) -> None:
    await subscribe(database, 1, 2)
    async with database.transaction() as connection:
        await chosen.set_quiet_hours(connection, 1, QuietHours("Europe/Paris", *NIGHT))
    await tell(database, (EPISODE, "breakout.attempt"))
    await spread(database)
    (claimed,) = await claim(database)
    async with database.transaction() as connection:
        await queue.mark_sent(connection, [(claimed, 7)], NOW)
        await connection.execute(update(alert).values(fanned_out_at=None, fan_out_cursor=None))
    await spread(database)
    assert await states(database) == {(1, 1): State.HELD, (1, 2): State.SENT}


async def test_a_group_that_moves_behind_the_cursor_is_owed_what_has_passed_it(database: Database) -> None:
    async with database.transaction() as connection:
        await chats.subscribe(connection, -1_000_000_000_099, "supergroup", NOW)
        await chats.subscribe(connection, -50, "group", NOW)
        await chosen.set_quiet_hours(connection, -50, QuietHours("Europe/Paris", 60, 120))
        await chosen.let_urgent_through(connection, -50, True)
    await tell(database, (EPISODE, "breakout.failed"), urgent=True)
    async with database.transaction() as connection:
        # The first slice ends at the supergroup; the group would be in the next.
        await fan_out.fan_out(connection, NOW, 1)
        await chats.move(connection, -50, -1_000_000_000_100 - 50, NOW)
    await spread(database, 1)
    assert (1, -1_000_000_000_150) in await states(database)
    async with database.transaction() as connection:
        kept = (await connection.execute(select(chat).where(chat.c.id == -1_000_000_000_150))).one()
    assert (kept.timezone, kept.quiet_from, kept.quiet_until, kept.urgent_through) == ("Europe/Paris", 60, 120, True)
