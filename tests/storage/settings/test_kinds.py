"""Which kinds come to a chat: on, silent or off, decided while an alert is enqueued and once more when it leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from storage import chats
from storage.database import Database
from storage.ledger import Audience
from storage.outbox import fan_out, queue, recheck
from storage.outbox.quiet_hours import QuietHours
from storage.outbox.states import Claimed, State
from storage.schema import chat, delivery
from storage.settings import chosen
from storage.settings.chosen import Chosen, Way
from storage.settings.kinds import BIG_ONES, BITS, EVERYTHING, bits
from tests.storage.outbox.alerts import add_alert, states

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
CONFIRMED, WARNING = BITS["breakout.confirmed"], BITS["breakout.warning"]


async def subscribe(database: Database, *ids: int) -> None:
    async with database.transaction() as connection:
        for chat_id in ids:
            await chats.subscribe(connection, chat_id, "private", NOW)


async def choose(database: Database, chat_id: int, bit: int, way: Way) -> None:
    async with database.transaction() as connection:
        await chosen.set_kind(connection, chat_id, bit, way)


async def spread(database: Database) -> None:
    found = True
    while found:
        async with database.transaction() as connection:
            found = await fan_out.fan_out(connection, NOW, 2) is not None


async def claim(database: Database) -> list[Claimed]:
    async with database.transaction() as connection:
        claims = await queue.claim(connection, 100, timedelta(minutes=2))
        return await recheck.admit(connection, claims, NOW)


def test_each_kind_has_a_bit_of_its_own() -> None:
    assert len(set(BITS.values())) == len(BITS)
    assert all(bit.bit_count() == 1 for bit in BITS.values())
    assert bits(["liquidity", "liquidity"]) == BITS["liquidity"]


def test_the_properties_of_a_long_rally_come_to_nobody_who_did_not_ask() -> None:
    assert not BIG_ONES & BITS["supercycle"]
    assert EVERYTHING & BITS["supercycle"]


async def test_who_chooses_nothing_hears_of_the_big_ones(database: Database) -> None:
    await subscribe(database, 1)
    async with database.reading() as connection:
        assert await chosen.load(connection, 1) == Chosen(is_subscribed=True, loud_kinds=BIG_ONES)
    for kind, comes in ((CONFIRMED, True), (WARNING, False)):
        async with database.transaction() as connection:
            await connection.execute(delete(delivery))
        await add_alert(database, NOW, kinds=kind)
        await spread(database)
        assert bool(await states(database)) is comes


CHOICES = st.tuples(st.integers(0, EVERYTHING), st.integers(0, EVERYTHING))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choices=st.lists(CHOICES, min_size=1, max_size=6), kinds=st.integers(1, EVERYTHING))
async def test_an_alert_goes_to_whoever_wants_one_of_its_kinds_and_silently_where_none_is_loud(
    database: Database, choices: list[tuple[int, int]], kinds: int
) -> None:
    async with database.transaction() as connection:
        for table in (delivery, chat):
            await connection.execute(delete(table))
    wanted = {number: (loud & kinds, silent & kinds) for number, (loud, silent) in enumerate(choices, 1)}
    await subscribe(database, *wanted)
    async with database.transaction() as connection:
        for number, (loud, silent) in enumerate(choices, 1):
            values = {"loud_kinds": loud, "silent_kinds": silent & ~loud}
            await connection.execute(chat.update().where(chat.c.id == number).values(values))
    await add_alert(database, NOW, kinds=kinds)
    await spread(database)
    found = {claimed.chat_id: claimed.is_silent for claimed in await claim(database)}
    assert found == {number: not loud for number, (loud, silent) in wanted.items() if loud or silent}


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("before", list(Way))
async def test_a_kind_comes_as_was_last_chosen_and_the_others_as_before(
    database: Database, before: Way, way: Way
) -> None:
    await subscribe(database, 1)
    await choose(database, 1, CONFIRMED, before)
    await choose(database, 1, CONFIRMED, way)
    async with database.reading() as connection:
        found = await chosen.load(connection, 1)
    assert found.way_of(CONFIRMED) is way
    assert all(found.way_of(bit) is Chosen().way_of(bit) for bit in BITS.values() if bit != CONFIRMED)


async def test_what_waits_does_not_leave_once_its_kind_is_off_and_leaves_silently_once_it_is_silent(
    database: Database,
) -> None:
    await subscribe(database, 1, 2, 3)
    await add_alert(database, NOW, kinds=CONFIRMED)
    await spread(database)
    await choose(database, 1, CONFIRMED, Way.OFF)
    await choose(database, 2, CONFIRMED, Way.SILENT)
    assert {claimed.chat_id: claimed.is_silent for claimed in await claim(database)} == {2: True, 3: False}
    assert (await states(database))[1] is State.GONE


async def test_quiet_hours_hold_nothing_that_does_not_come(database: Database) -> None:
    await subscribe(database, 1, 2)
    async with database.transaction() as connection:
        for chat_id in (1, 2):
            await chosen.set_quiet_hours(connection, chat_id, QuietHours("UTC", 22 * 60, 7 * 60))
    await choose(database, 1, CONFIRMED, Way.OFF)
    await add_alert(database, NOW, kinds=CONFIRMED)
    await spread(database)
    assert await states(database) == {2: State.HELD}


async def test_operators_hear_with_a_sound_whatever_they_chose_as_subscribers(database: Database) -> None:
    await subscribe(database, 1)
    async with database.transaction() as connection:
        await chosen.hear_only(connection, 1, 0)
    await add_alert(database, NOW, audience=Audience.OPERATORS)
    async with database.transaction() as connection:
        await fan_out.fan_out(connection, NOW, operators=(1, 9))
    assert {claimed.chat_id: claimed.is_silent for claimed in await claim(database)} == {1: False, 9: False}


async def test_a_group_that_moves_keeps_its_kinds(database: Database) -> None:
    await subscribe(database, -5)
    await choose(database, -5, WARNING, Way.SILENT)
    async with database.transaction() as connection:
        await chats.move(connection, -5, -1005, NOW)
        assert (await chosen.load(connection, -1005)).silent_kinds == WARNING


async def test_who_has_chosen_nothing_hears_of_the_big_ones_in_the_database_too(database: Database) -> None:
    await subscribe(database, 1)
    async with database.reading() as connection:
        assert (await chosen.load(connection, 1)).loud_kinds == BIG_ONES
