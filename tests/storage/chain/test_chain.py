"""Every live row is in the chain from the transaction that wrote it; history is not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from storage import ledger
from storage.chain import links
from storage.chain.rows import Kind
from storage.chain.verify import ChainError, verify
from storage.database import Database
from storage.inbox import forget_handled
from storage.operator import posts
from storage.outbox.purge import purge
from storage.schema import compressed, verdict
from tests.storage.chain.evenings import EVENING, FIRST, ROWS, SECOND, decided, live_evenings, record_live


async def chain_of(database: Database) -> Sequence[Any]:
    async with database.reading() as connection:
        return await verify(connection)


async def test_rows_are_in_it_in_the_order_in_which_they_were_written(database: Database) -> None:
    await live_evenings(database)
    chain = await chain_of(database)
    assert [(link.number, link.kind, link.key) for link in chain] == [
        (1, "verdict", "2020-11-16"),
        (2, "transition", "2"),
        (3, "verdict", "2020-11-17"),
        (4, "transition", "3"),
        (5, "outcome", "1"),
        (6, "outcome", "2"),
        (7, "correction", "1"),
        (8, "verdict", "2020-11-18"),
    ]
    assert len(chain) == ROWS


async def test_the_canonical_form_is_for_ever(database: Database) -> None:
    await live_evenings(database)
    written = [link.written for link in await chain_of(database)]
    digest = re.compile("[0-9a-f]{64}")
    assert [digest.sub("…", row) for row in written[2:7]] == [
        '["verdict","2020-11-17","2020-11-17T22:30:00.250000Z","3","…"]',
        '["transition","3","2020-11-17","stage.up","breakout:2020-11-13","2020-11-17","1","2","…"]',
        '["outcome","1","2","ETH-USD","30","2020-11-17","480.36000000000001","2020-12-17","642","0.30000000000000004",'
        '"-9.9999999999999995e-08","2020-12-18T22:30:00.000000Z",null]',
        '["outcome","2","2","ETH-USD","30","2020-11-17","480.36000000000001","2020-12-17","642","0",'
        '"-9.9999999999999995e-08","2020-12-18T22:30:00.000000Z","1"]',
        '["correction","1","1","2","2020-11-17T22:30:00.250000Z","…"]',
    ]


async def test_it_is_the_same_on_both_databases(database: Database) -> None:
    await live_evenings(database)
    async with database.reading() as connection:
        head = await links.newest(connection)
    assert head == (ROWS, "146e4179ad7d4f90e887dd48be443a0f4e46ffe4aeafd879da98d73d652467ed")


async def test_without_a_live_evening_there_is_none(database: Database) -> None:
    async with database.transaction() as connection:
        await ledger.record(connection, [decided(FIRST)], [], backfilled=True)
        assert await links.newest(connection) is None
    assert await chain_of(database) == []


async def test_a_row_and_its_link_are_committed_together_or_not_at_all(database: Database) -> None:
    await live_evenings(database)
    with pytest.raises(RuntimeError, match="half way"):
        async with database.transaction() as connection:
            await ledger.record(connection, [decided(date(2020, 11, 19))], [], backfilled=False)
            raise RuntimeError("half way")
    assert len(await chain_of(database)) == ROWS


async def test_the_chain_goes_on_where_it_ended(database: Database) -> None:
    await live_evenings(database)
    before = await chain_of(database)
    await record_live(database, date(2020, 11, 19))
    assert (await chain_of(database))[:ROWS] == before


async def test_a_row_is_in_it_once(database: Database) -> None:
    await live_evenings(database)
    with pytest.raises(IntegrityError):
        async with database.transaction() as connection:
            await links.append(connection, [(Kind.VERDICT, SECOND)])


async def test_what_is_purged_and_forgotten_is_not_of_it(database: Database) -> None:
    await live_evenings(database)
    before = await chain_of(database)
    later = EVENING + timedelta(days=400)
    async with database.transaction() as connection:
        await purge(connection, later)
        await forget_handled(connection, later)
        # Who wrote the correction has himself forgotten.
        await posts.forget(connection, 11)
    assert await chain_of(database) == before


async def test_a_row_that_somebody_put_there_is_never_taken_for_one_of_ours(database: Database) -> None:
    await live_evenings(database)
    async with database.transaction() as connection:
        row = {"session": date(2020, 11, 19), "decided_at": EVENING, "method_version": "3", "body": compressed(b"{}")}
        await connection.execute(insert(verdict).values(**row, backfilled=False))
    await record_live(database, date(2020, 11, 20))
    with pytest.raises(ChainError, match=r"^the verdict of 2020-11-19 was inserted"):
        await chain_of(database)
