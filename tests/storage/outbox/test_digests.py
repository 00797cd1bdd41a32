"""Digests: one for each chat that wants one, at its hour, whatever happens in between."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from storage import chats, ledger
from storage.database import Database
from storage.ledger import ChangeRow, VerdictRow
from storage.outbox import digests, fan_out
from storage.schema import alert, chat, compressed, delivery
from storage.settings import chosen
from storage.settings.digest_times import Cadence

# Three days before clocks are set in Europe, on the first Sunday of winter time.
START = datetime(2026, 10, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def wants(
    database: Database,
    chat_id: int,
    zone: str = "UTC",
    hour: int = 8,
    cadence: Cadence | None = Cadence.DAILY,
    *,
    skips: bool = False,
    at: datetime = START,
) -> None:
    async with database.transaction() as connection:
        await chats.subscribe(connection, chat_id, "private", at)
        await chosen.set_timezone(connection, chat_id, zone, at)
        await chosen.set_digest(connection, chat_id, at, cadence, hour, skips=skips)


async def decided(database: Database, session: date, *kinds: str) -> None:
    """Record a session that shows these changes."""
    at = datetime(session.year, session.month, session.day, 22, tzinfo=UTC)
    changes = [ChangeRow(kind, f"{kind}:{session}", session) for kind in kinds]
    async with database.transaction() as connection:
        row = VerdictRow(session, at, "1", compressed(b"{}"), changes)
        await ledger.record(connection, [row], [], backfilled=False)


async def look(database: Database, now: datetime, size: int = digests.SLICE) -> int:
    """Enqueue what is due. Returns how many slices that were."""
    slices = 0
    while True:
        async with database.transaction() as connection:
            if not await digests.enqueue(connection, now, size):
                return slices
        slices += 1


async def live(database: Database, now: datetime, until: datetime) -> None:
    """Look for what is due at every full hour, and whenever the next is due."""
    while now < until:
        async with database.reading() as connection:
            due = await digests.next_due(connection)
        hour = now.replace(minute=0) + HOUR
        now = hour if due is None or due <= now else min(hour, due)
        await look(database, now)


async def deliveries(database: Database) -> list[tuple[int, datetime, str]]:
    """Return the chat of each digest enqueued, when it was, and of what it tells."""
    query = select(delivery.c.chat_id, delivery.c.not_before, alert.c.facts)
    query = query.join(alert, alert.c.id == delivery.c.alert_id).order_by(delivery.c.not_before, delivery.c.chat_id)
    async with database.reading() as connection:
        rows = await connection.execute(query)
        return [(row.chat_id, row.not_before, f"{row.facts['after']}…{row.facts['through']}") for row in rows]


async def test_each_chat_gets_one_a_day_at_its_own_hour_while_clocks_are_set_back(database: Database) -> None:
    zones = {1: ("Europe/Paris", 2), 2: ("Europe/London", 1), 3: ("Asia/Kolkata", 8), 4: ("Asia/Kathmandu", 0)}
    await decided(database, date(2026, 10, 21))
    for chat_id, (zone, hour) in zones.items():
        await wants(database, chat_id, zone, hour)
    await live(database, START, START + timedelta(days=5))
    for chat_id, (zone, hour) in zones.items():
        there = [at.astimezone(ZoneInfo(zone)) for who, at, _ in await deliveries(database) if who == chat_id]
        assert [at.date().day for at in there] == [23, 24, 25, 26, 27]
        assert {(at.hour, at.minute, at.fold) for at in there} == {(hour, 0, 0)}


async def test_the_hour_that_clocks_skip_costs_no_digest_and_brings_none_twice(database: Database) -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    await decided(database, date(2026, 3, 27))
    await wants(database, 1, "Europe/Paris", 2, at=before)
    await live(database, before, before + timedelta(days=2))
    found = [at.astimezone(ZoneInfo("Europe/Paris")) for _, at, _ in await deliveries(database)]
    assert [(at.day, at.hour) for at in found] == [(29, 3), (30, 2)]


async def test_a_digest_tells_what_came_since_the_one_before(database: Database) -> None:
    await decided(database, date(2026, 10, 21))
    await wants(database, 1)
    await decided(database, date(2026, 10, 22), "liquidity.changed")
    await look(database, START + timedelta(days=1))
    await look(database, START + timedelta(days=2))
    assert [told for _, _, told in await deliveries(database)] == ["2026-10-21…2026-10-22", "2026-10-22…2026-10-22"]


async def test_after_a_week_without_a_bot_there_is_one_for_all_of_it(database: Database) -> None:
    await decided(database, date(2026, 10, 21))
    await wants(database, 1)
    for day in (22, 23, 26, 27):
        await decided(database, date(2026, 10, day))
    await look(database, START + timedelta(days=7))
    assert [told for _, _, told in await deliveries(database)] == ["2026-10-21…2026-10-27"]
    await look(database, START + timedelta(days=7, hours=20))
    assert len(await deliveries(database)) == 2


async def test_who_wants_none_without_a_change_gets_none_and_later_all_that_changed(database: Database) -> None:
    await decided(database, date(2026, 10, 21))
    await wants(database, 1, skips=True)
    await wants(database, 2)
    await decided(database, date(2026, 10, 22), "data.problem")
    await look(database, START + timedelta(days=1))
    assert [who for who, _, _ in await deliveries(database)] == [2]
    await decided(database, date(2026, 10, 23), "stage.up")
    await look(database, START + timedelta(days=2))
    assert [who for who, _, _ in await deliveries(database)] == [2, 1, 2]


async def test_an_interrupted_run_loses_and_doubles_none(database: Database) -> None:
    await decided(database, date(2026, 10, 21))
    for chat_id in range(1, 8):
        await wants(database, chat_id)
    now = START + timedelta(days=1)
    async with database.transaction() as connection:
        await digests.enqueue(connection, now, 3)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await digests.enqueue(connection, now, 3)
            raise ZeroDivisionError
    assert len(await deliveries(database)) == 3
    assert await look(database, now, 3) == 2
    assert [who for who, _, _ in await deliveries(database)] == [1, 2, 3, 4, 5, 6, 7]
    async with database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(alert))).scalar_one() == 1


async def test_only_who_can_get_it_does_and_nobody_else_is_looked_at_again(database: Database) -> None:
    await decided(database, date(2026, 10, 21))
    for chat_id in (1, 2, 3, 4, 5):
        await wants(database, chat_id)
    await wants(database, 6, cadence=None)
    async with database.transaction() as connection:
        await chats.unsubscribe(connection, 2, START)
        await chosen.mute(connection, 3, START + timedelta(days=3))
        await chats.mark_gone(connection, 4, "blocked", START)
    await look(database, START + timedelta(days=1))
    assert [who for who, _, _ in await deliveries(database)] == [1, 5]
    assert await look(database, START + timedelta(days=1)) == 0


async def test_it_is_no_alert_that_is_fanned_out_to_all(database: Database) -> None:
    await decided(database, date(2026, 10, 21))
    await wants(database, 1)
    await wants(database, 2, cadence=None)
    await look(database, START + timedelta(days=1))
    async with database.transaction() as connection:
        assert not await fan_out.fan_out(connection, START + timedelta(days=1))


async def test_another_hour_or_zone_brings_no_second_one_of_the_same_day(database: Database) -> None:
    await decided(database, date(2026, 10, 21))
    await wants(database, 1)
    morning = datetime(2026, 10, 23, 8, tzinfo=UTC)
    await look(database, morning)
    await decided(database, date(2026, 10, 22))
    async with database.transaction() as connection:
        await chosen.set_digest(connection, 1, morning + HOUR, Cadence.DAILY, 20, skips=False)
    await look(database, morning + 13 * HOUR)
    async with database.transaction() as connection:
        # Where it is still the day before.
        await chosen.set_timezone(connection, 1, "Pacific/Honolulu", morning + 14 * HOUR)
    await look(database, morning + 24 * HOUR)
    assert len(await deliveries(database)) == 1
    await look(database, morning + 48 * HOUR)
    assert len(await deliveries(database)) == 2


async def test_a_change_of_mind_in_the_moment_it_is_due_does_not_lose_it(database: Database) -> None:
    await decided(database, date(2026, 10, 21))
    await wants(database, 1)
    due = datetime(2026, 10, 23, 8, tzinfo=UTC)
    async with database.transaction() as connection:
        await chosen.set_digest(connection, 1, due, Cadence.DAILY, 8, skips=False)
    await look(database, due)
    assert len(await deliveries(database)) == 1


async def test_a_clock_that_was_a_year_ahead_for_a_while_costs_no_year(database: Database) -> None:
    await decided(database, date(2026, 10, 21))
    await wants(database, 1)
    await look(database, START + timedelta(days=365))
    assert await look(database, START + timedelta(days=1)) == 1
    assert await look(database, START + timedelta(days=1)) == 0
    assert await look(database, START + timedelta(days=2)) == 1


async def test_before_the_first_session_there_is_none(database: Database) -> None:
    await wants(database, 1)
    await look(database, START + timedelta(days=1))
    assert await deliveries(database) == []


async def test_a_group_that_moves_takes_its_digest_along(database: Database) -> None:
    await decided(database, date(2026, 10, 21))
    await wants(database, -5, "Europe/Paris", 7)
    async with database.transaction() as connection:
        await chats.move(connection, -5, -6, START)
        found = (await connection.execute(select(chat))).one()
    assert (found.id, found.digest, found.digest_hour) == (-6, "daily", 7)
    await look(database, START + timedelta(days=1))
    assert [who for who, _, _ in await deliveries(database)] == [-6]
