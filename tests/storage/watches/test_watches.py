"""Watches: within limits, each firing told once to whoever watches for it, whatever happens in between."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from storage import AsyncConnection, chats, ledger, observations
from storage.database import Database
from storage.ledger import VerdictRow
from storage.schema import alert, compressed, delivery, observation, source_check, watch, watched_symbol
from storage.settings import chosen
from storage.settings.kinds import EVERYTHING
from storage.watches import judged, listed
from storage.watches.judged import ABOVE, BELOW, RECORD, Condition, Firing, Judgement, Quote, Standing
from tests.storage.watches.crowd import watching

NOW = datetime(2020, 11, 17, 22, 30, tzinfo=UTC)
BEFORE, TODAY = date(2020, 11, 16), date(2020, 11, 17)
COIN, STOCK = Condition("BTC-USD", ABOVE, 100.0), Condition("NVDA", RECORD)
FIRED = Firing(TODAY, 101.0, 100.0)


def standing(condition: Condition = COIN, *, armed: bool = True, through: date = BEFORE) -> Standing:
    return Standing(condition, armed, through)


async def watched_by(connection: AsyncConnection, chat_id: int, *conditions: Condition) -> list[str | None]:
    await chats.subscribe(connection, chat_id, "private", NOW)
    quotes = [Quote(one.symbol, BEFORE, 99.0) for one in conditions]
    pairs = zip(conditions, quotes, strict=True)
    return [await listed.add(connection, chat_id, standing(one), quote, NOW) for one, quote in pairs]


async def record(
    database: Database, *judgements: Judgement, quotes: tuple[Quote, ...] = (), now: datetime = NOW
) -> None:
    async with database.transaction() as connection:
        if await ledger.newest_session(connection) is None:
            row = VerdictRow(TODAY, NOW, "1", compressed(b"{}"))
            await ledger.record(connection, [row], [], backfilled=False)
        await judged.record(connection, TODAY, judgements, quotes, now)


async def told(database: Database) -> list[tuple[int, str]]:
    """Return which chat is told of which alert."""
    query = select(delivery.c.chat_id, alert.c.key).join(alert, alert.c.id == delivery.c.alert_id)
    async with database.reading() as connection:
        rows = await connection.execute(query.order_by(alert.c.id, delivery.c.chat_id))
        return [(row.chat_id, row.key) for row in rows]


async def states(database: Database) -> list[tuple[int, bool, date, date | None]]:
    async with database.reading() as connection:
        columns = (watch.c.chat_id, watch.c.armed, watch.c.through, watch.c.fired_on)
        return [tuple(row) for row in await connection.execute(select(*columns).order_by(watch.c.id))]


KEY = "watch:BTC-USD:above:100.0:2020-11-17"


async def test_everybody_who_watches_for_it_is_told_once_and_it_is_stored_with_that(database: Database) -> None:
    async with database.transaction() as connection:
        for chat_id in (1, 2):
            await watched_by(connection, chat_id, COIN)
        await watched_by(connection, 3, STOCK, Condition("BTC-USD", ABOVE, 200.0))
    for _ in range(2):
        await record(database, Judgement(standing(), False, TODAY, FIRED))
    assert await told(database) == [(1, KEY), (2, KEY)]
    assert (
        await states(database) == [(1, False, TODAY, TODAY), (2, False, TODAY, TODAY)] + [(3, True, BEFORE, None)] * 2
    )


async def test_a_run_that_is_killed_before_it_is_stored_leaves_all_to_the_next(database: Database) -> None:
    async with database.transaction() as connection:
        await watched_by(connection, 1, COIN)
    await record(database)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await judged.record(connection, TODAY, [Judgement(standing(), False, TODAY, FIRED)], [], NOW)
            raise ZeroDivisionError
    assert (await told(database), (await states(database))[0][1]) == ([], True)
    await record(database, Judgement(standing(), False, TODAY, FIRED))
    assert await told(database) == [(1, KEY)]


async def test_who_began_later_and_stands_otherwise_is_not_told(database: Database) -> None:
    async with database.transaction() as connection:
        await watched_by(connection, 1, COIN)
        await chats.subscribe(connection, 2, "private", NOW)
        await listed.add(connection, 2, standing(armed=False), Quote("BTC-USD", BEFORE, 101.0), NOW)
    async with database.reading() as connection:
        assert await judged.standings(connection) == [standing(armed=False), standing()]
    await record(database, Judgement(standing(armed=False), False, TODAY), Judgement(standing(), False, TODAY, FIRED))
    assert await told(database) == [(1, KEY)]


async def test_only_who_can_hear_of_it_is_told(database: Database) -> None:
    async with database.transaction() as connection:
        for chat_id in (1, 2, 3, 4):
            await watched_by(connection, chat_id, COIN)
        await chats.unsubscribe(connection, 2, NOW)
        await chosen.hear_only(connection, 3, 0)
        await chosen.mute(connection, 4, NOW + timedelta(days=1))
    await record(database, Judgement(standing(), False, TODAY, FIRED))
    assert [chat_id for chat_id, _ in await told(database)] == [1]


async def test_a_symbol_that_is_quoted_no_more_is_told_once_until_it_was_quoted_again(database: Database) -> None:
    async with database.transaction() as connection:
        await watched_by(connection, 1, STOCK, Condition("NVDA", BELOW, 5.0))
    await record(database, quotes=(Quote("NVDA", BEFORE, 99.0),))
    for days in (20, 21):
        await record(database, quotes=(Quote("NVDA", BEFORE, 99.0, stopped=True),), now=NOW + timedelta(days=days))
    assert await told(database) == [(1, "watch:NVDA:stopped:2020-12-07")]
    await record(database, quotes=(Quote("NVDA", TODAY, 99.0),), now=NOW + timedelta(days=22))
    await record(database, quotes=(Quote("NVDA", TODAY, 99.0, stopped=True),), now=NOW + timedelta(days=60))
    assert len(await told(database)) == 2


async def test_a_chat_may_watch_ten_things_and_the_same_again(database: Database) -> None:
    ten = [Condition("BTC-USD", ABOVE, float(level)) for level in range(1, 11)]
    async with database.transaction() as connection:
        assert await watched_by(connection, 1, *ten, STOCK, ten[0]) == [*[None] * 10, "chat", None]
        assert len(await listed.of_chat(connection, 1)) == 10
        assert await watched_by(connection, 2, STOCK) == [None]


async def test_all_chats_may_watch_two_hundred_symbols(database: Database) -> None:
    async with database.transaction() as connection:
        await watching(connection, 199, NOW, BEFORE)
        assert await watched_by(connection, 20, COIN, STOCK, Condition("S1", BELOW, 7.0)) == [None, "bot", None]


async def test_who_gets_no_alerts_costs_no_symbol(database: Database) -> None:
    async with database.transaction() as connection:
        await watched_by(connection, 1, COIN)
        await watched_by(connection, 2, STOCK)
        await watched_by(connection, 3, COIN)
        await chats.mark_gone(connection, 2, "blocked", NOW)
        await chats.unsubscribe(connection, 3, NOW)
        assert await judged.symbols(connection) == ["BTC-USD"]
        assert [one.condition for one in await judged.standings(connection)] == [COIN]


async def test_one_is_ended_or_all_of_a_symbol(database: Database) -> None:
    others = [Condition("BTC-USD", BELOW, 50.0), Condition("BTC-USD", RECORD)]
    async with database.transaction() as connection:
        await watched_by(connection, 1, COIN, *others, STOCK)
        await watched_by(connection, 2, COIN)
        assert await listed.remove(connection, 1, "BTC-USD", COIN) == 1
        assert await listed.remove(connection, 1, "BTC-USD") == 2
        assert await listed.remove(connection, 1, "BTC-USD") == 0
        assert [row.symbol for row in await listed.of_chat(connection, 1)] == ["NVDA"]
        assert len(await listed.of_chat(connection, 2)) == 1


async def test_the_bars_of_a_symbol_that_nobody_watches_are_deleted_but_those_of_the_table(database: Database) -> None:
    bar = (BEFORE, 99.0, *[None] * 7)
    async with database.transaction() as connection:
        await watched_by(connection, 1, STOCK, COIN)
        await judged.note_quote(connection, Quote("BTC-USD", BEFORE, 99.0, in_table=True))
        for symbol in ("NVDA", "BTC-USD"):
            await observations.archive(connection, symbol, [bar], NOW)
            await observations.note_checks(connection, [observations.SourceCheck(symbol, "")], NOW)
        await judged.forget_unwatched(connection)
        assert len(await judged.symbols(connection)) == 2
        for symbol in ("NVDA", "BTC-USD"):
            await listed.remove(connection, 1, symbol)
        await judged.forget_unwatched(connection)
        assert (await connection.execute(select(observation.c.series))).scalars().all() == ["BTC-USD"]
        assert (await connection.execute(select(source_check.c.series))).scalars().all() == ["BTC-USD"]
        assert (await connection.execute(select(watched_symbol))).all() == []


async def test_the_newest_bar_archived_is_known_at_once(database: Database) -> None:
    async with database.transaction() as connection:
        await observations.archive(connection, "IWM", [(BEFORE, 1.0, *[None] * 7), (TODAY, 2.0, *[None] * 7)], NOW)
        await observations.archive(connection, "IWM", [(TODAY, 3.0, *[None] * 7)], NOW + timedelta(hours=1))
        assert await listed.newest_close(connection, "IWM") == (TODAY, 3.0)
        assert await listed.newest_close(connection, "SPY") is None


async def test_a_group_that_moves_takes_its_watches_along(database: Database) -> None:
    async with database.transaction() as connection:
        await watched_by(connection, -5, COIN, STOCK)
        await watched_by(connection, -6, COIN)
        await chosen.hear_only(connection, -5, EVERYTHING)
        await chats.move(connection, -5, -6, NOW)
        assert [row.symbol for row in await listed.of_chat(connection, -6)] == ["BTC-USD", "NVDA"]
        assert await listed.of_chat(connection, -5) == []
