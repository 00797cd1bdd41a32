"""Two workers on one PostgreSQL: no delivery is sent twice, and what a dead one had is accounted for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.app import build
from bot.clock import SteppedClock
from bot.delivery import sender
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BotApiError
from storage import process_roles
from storage.database import Database, DatabaseInUseError, lock_number
from storage.outbox import fan_out, queue
from storage.outbox.states import State
from tests.bot.delivery.test_delivery import subscribe, tally
from tests.bot.running import EVENING, attempt, settings_for, store_verdict
from tests.faults.truth import owe
from tests.storage.test_process_roles import cut_holders, held_by, until_in_line


class TestTwoWorkers:
    async def test_never_send_the_same_delivery_and_share_the_rate(
        self, sandbox: Sandbox, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        everybody = range(1, 41)
        monkeypatch.setattr(sender, "_LOOK_AGAIN", 0.05)
        async with AsyncExitStack() as stack:
            settings = settings_for(sandbox, postgresql_url, messages_per_second=200, chat_messages_per_second=30)
            one, two = [await stack.enter_async_context(build(settings, SteppedClock(EVENING))) for _ in range(2)]
            await one.connect()
            await subscribe(one, sandbox, *everybody)
            working = [asyncio.create_task(worker.sender.run()) for worker in (one, two)]
            for _ in range(3):
                await owe(one.database, urgent=False)
            async with asyncio.timeout(20):
                while await tally(one) != {State.SENT: 120} or {w.sender.pacer._per_second for w in (one, two)} != {
                    100
                }:
                    await asyncio.sleep(0.02)
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
        assert all(len(sandbox.sent(chat_id)) == 3 for chat_id in everybody)

    async def test_one_that_died_is_accounted_for_by_the_other_when_its_lease_is_over(
        self, sandbox: Sandbox, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sender, "_LOOK_AGAIN", 0.05)
        async with build(settings_for(sandbox, postgresql_url), SteppedClock(EVENING)) as app:
            await app.connect()
            await subscribe(app, sandbox, 5, 6)
            await store_verdict(app, attempt(), "attempt")
            async with app.database.transaction() as connection:
                await fan_out.fan_out(connection, EVENING)
                await queue.claim(connection, 1, timedelta(seconds=0.5))
            await app.sender.recover()
            assert (await tally(app))[State.SENDING] == 1
            working = asyncio.create_task(app.sender.run())
            async with asyncio.timeout(20):
                while await tally(app) != {State.SENT: 1, State.UNKNOWN: 1}:
                    await asyncio.sleep(0.02)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def test_a_429_that_one_meets_is_obeyed_by_the_other(self, sandbox: Sandbox, postgresql_url: str) -> None:
        sandbox.faults.append(("sendMessage", BotApiError(429, "Too Many Requests", {"retry_after": 600})))
        async with AsyncExitStack() as stack:
            settings = settings_for(sandbox, postgresql_url)
            one, two = [await stack.enter_async_context(build(settings, SteppedClock(EVENING))) for _ in range(2)]
            await one.connect()
            await subscribe(one, sandbox, *range(1, 41))
            await owe(one.database, urgent=False)
            working = [asyncio.create_task(worker.sender.run()) for worker in (one, two)]
            async with asyncio.timeout(20):
                while min(worker.sender.pacer.wait() for worker in (one, two)) < 500:
                    await asyncio.sleep(0.02)
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            refused = [call for method, call in sandbox.calls if method == "sendMessage"]
            assert len(refused) == 1 + sum(len(sandbox.sent(chat_id)) for chat_id in range(1, 41))
            assert (await tally(one))[State.QUEUED] > 30


async def test_a_main_process_that_lost_its_place_to_another_ends(
    sandbox: Sandbox, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process_roles, "_PROBE", 0.05)
    settings = settings_for(sandbox, postgresql_url, market_data=f"folder:{tmp_path}")
    async with build(settings, SteppedClock(EVENING)) as app, Database(postgresql_url) as other:
        running = asyncio.create_task(app.run())
        async with asyncio.timeout(20):
            # Its own place and a worker's.
            while len(await held_by(other)) < 2:
                await asyncio.sleep(0.02)
        async with other.transaction() as connection:
            # It stands in line, so that it has the place as soon as that is free.
            waiting = asyncio.create_task(
                connection.execute(select(func.pg_advisory_lock(lock_number("main process"))))
            )
            await until_in_line(other)
            await cut_holders(other)
            await waiting
            with pytest.raises(ExceptionGroup) as ended:
                async with asyncio.timeout(20):
                    await running
    assert ended.group_contains(DatabaseInUseError)
