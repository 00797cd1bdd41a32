"""Two workers on one PostgreSQL: no delivery is sent twice, and what a dead one had is accounted for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from bot.app import build
from bot.clock import SteppedClock
from bot.delivery import courier
from bot.sandbox.server import Sandbox
from storage import fan_out, outbox
from storage.outbox import State
from tests.bot.running import EVENING, attempt, settings_for, store_verdict
from tests.bot.test_delivery import subscribe, tally
from tests.faults.truth import owe
from tests.postgresql import Server


class TestTwoWorkers:
    async def test_never_send_the_same_delivery_and_share_the_rate(
        self, sandbox: Sandbox, postgresql: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url, everybody = await postgresql.emptied(), range(1, 41)
        monkeypatch.setattr(courier, "_LOOK_AGAIN", 0.05)
        async with AsyncExitStack() as stack:
            settings = settings_for(sandbox, url, messages_per_second=200, chat_messages_per_second=30)
            one, two = [await stack.enter_async_context(build(settings, SteppedClock(EVENING))) for _ in range(2)]
            await one.connect()
            await subscribe(one, sandbox, *everybody)
            working = [asyncio.create_task(worker.courier.run()) for worker in (one, two)]
            for _ in range(3):
                await owe(one.database, urgent=False)
            async with asyncio.timeout(20):
                while await tally(one) != {State.SENT: 120} or {w.courier.pacer._per_second for w in (one, two)} != {
                    100
                }:
                    await asyncio.sleep(0.02)
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
        assert all(len(sandbox.sent(chat_id)) == 3 for chat_id in everybody)

    async def test_one_that_died_is_accounted_for_by_the_other_when_its_lease_is_over(
        self, sandbox: Sandbox, postgresql: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = await postgresql.emptied()
        monkeypatch.setattr(courier, "_LOOK_AGAIN", 0.05)
        async with build(settings_for(sandbox, url), SteppedClock(EVENING)) as app:
            await app.connect()
            await subscribe(app, sandbox, 5, 6)
            await store_verdict(app, attempt(), "attempt")
            async with app.database.transaction() as connection:
                await fan_out.fan_out(connection, EVENING)
                await outbox.claim(connection, 1, timedelta(seconds=0.5))
            await app.courier.recover()
            assert (await tally(app))[State.SENDING] == 1
            working = asyncio.create_task(app.courier.run())
            async with asyncio.timeout(20):
                while await tally(app) != {State.SENT: 1, State.UNKNOWN: 1}:
                    await asyncio.sleep(0.02)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
