"""All that names a chat can be read, and deleted: found by walking every table there is."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from storage import chats, inbox
from storage.database import Database
from storage.inbox import Received
from storage.operator import posts
from storage.operator.posts import Draft
from storage.outbox import fan_out, queue
from storage.outbox.quiet_hours import QuietHours
from storage.outbox.states import State
from storage.schema import metadata
from storage.settings import board, chosen, personal
from storage.settings.kinds import EVERYTHING
from storage.watches import listed
from storage.watches.judged import RECORD, Condition, Quote, Standing
from tests.storage.outbox.alerts import add_alert, states

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
# Numbers that nothing else has.
WATCHED = Standing(Condition("NVDA", RECORD), True, NOW.date())
ME, OTHER, TOPIC = -1_007_711_000_123, -1_007_722_000_123, 99_123_456


async def spread(database: Database) -> None:
    found = True
    while found:
        async with database.transaction() as connection:
            found = await fan_out.fan_out(connection, NOW, 1) is not None


async def rows_naming(database: Database, number: int) -> dict[str, list[dict[str, Any]]]:
    """Return, by table, the rows in which any value is or has this number."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in (await connection.execute(select(table))).mappings():
                texts = [value.decode() if isinstance(value, bytes) else str(value) for value in row.values()]
                if any(str(number) in text for text in texts):
                    found.setdefault(table.name, []).append(dict(row))
    return found


@pytest.fixture
async def known(database: Database) -> Database:
    """Two groups about which everything is stored that can be: sent, held, queued, on its way; settings; watches; updates."""
    async with database.transaction() as connection:
        for number, chat_id in enumerate((ME, OTHER)):
            await chats.subscribe(connection, chat_id, "supergroup", NOW, TOPIC)
            await chosen.hear_only(connection, chat_id, EVERYTHING)
            await chosen.set_quiet_hours(connection, chat_id, QuietHours("Asia/Kolkata", 60, 120))
            await board.turn_on(connection, chat_id, 7, TOPIC)
            await posts.draft(connection, Draft({"en": "words"}, 77, chat_id), NOW)
            await listed.add(connection, chat_id, WATCHED, Quote("NVDA", NOW.date(), 5.0), NOW)
            updates = [Received(1 + 10 * number, chat_id, f'{{"chat": {chat_id}}}'.encode())]
            updates += [Received(2 + 10 * number, chat_id, f'{{"chat": {chat_id}}}'.encode())]
            await inbox.store(connection, updates)
            await inbox.mark_handled(connection, 1 + 10 * number, NOW)
    for _ in range(3):
        await add_alert(database, NOW)
    await spread(database)
    async with database.transaction() as connection:
        claims = await queue.claim(connection, 4, timedelta(minutes=5))
        await queue.mark_sent(connection, [(c, 5) for c in claims if c.alert_id == 1], NOW)
    return database


async def test_every_row_that_names_it_is_handed_over(known: Database) -> None:
    async with known.reading() as connection:
        found = await personal.stored(connection, ME)
    named = await rows_naming(known, ME)
    assert {table: len(rows) for table, rows in found.items()} == {table: len(rows) for table, rows in named.items()}
    (row,) = found["chat"]
    assert (row["thread_id"], row["timezone"], row["loud_kinds"]) == (TOPIC, "Asia/Kolkata", EVERYTHING)
    assert [delivery["state"] for delivery in found["delivery"]] == [State.SENT, State.SENDING, State.QUEUED]
    assert found["received_update"][1]["body"] == f'{{"chat": {ME}}}'


async def test_nothing_of_another_chat_is_handed_over(known: Database) -> None:
    async with known.reading() as connection:
        found = await personal.stored(connection, ME)
    assert str(OTHER) not in str(found)


async def test_of_a_chat_never_seen_there_is_nothing(known: Database) -> None:
    async with known.transaction() as connection:
        await personal.forget(connection, 99)
        assert not any((await personal.stored(connection, 99)).values())


async def test_forgetting_leaves_no_row_that_names_it_and_all_that_name_another(known: Database) -> None:
    others = await rows_naming(known, OTHER)
    async with known.transaction() as connection:
        await inbox.finish(connection, 2, NOW)
        await personal.forget(connection, ME)
    assert await rows_naming(known, ME) == {}
    assert await rows_naming(known, OTHER) == others


async def test_what_it_was_sent_still_counts(known: Database) -> None:
    async with known.transaction() as connection:
        before = await queue.counts(connection)
        await personal.forget(connection, ME)
        after = await queue.counts(connection)
    unsent = Counter({State.SENDING: 1, State.QUEUED: 1})
    assert after == {State.GONE: 2} | {state: count - unsent[state] for state, count in before.items()}


async def test_a_result_that_comes_after_that_changes_nothing(known: Database) -> None:
    async with known.transaction() as connection:
        await queue.recover(connection, NOW, everything=True)
        claims = await queue.claim(connection, 10, timedelta(minutes=5))
        await personal.forget(connection, ME)
        await queue.mark_sent(connection, [(c, 6) for c in claims], NOW)
        await chats.mark_gone(connection, ME, "blocked", NOW)
    assert set(await states(known)) == {OTHER}
    assert (await rows_naming(known, ME)).keys() <= {"received_update"}


async def test_its_old_updates_are_still_known_and_have_no_effect_again(known: Database) -> None:
    async with known.transaction() as connection:
        await personal.forget(connection, ME)
        await inbox.store(connection, [Received(1, ME, b"{}")])
        assert not await inbox.mark_handled(connection, 1, NOW)


async def test_an_update_that_is_finished_names_nobody(known: Database) -> None:
    async with known.transaction() as connection:
        await inbox.finish(connection, 12, NOW)
    assert [row["update_id"] for row in (await rows_naming(known, OTHER))["received_update"]] == [11]
