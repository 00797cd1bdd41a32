"""How the bot does, over real HTTP: closed by default, and within limits where it is open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.delivery.failures import Failure, FailureKind
from bot.health.faults import Fault
from bot.market.evening import Evening
from bot.sandbox.server import Sandbox
from bot.settings import SettingsError
from bot.web.pages import HealthPages
from storage import chats
from tests.bot.health.watched import Watched, watched
from tests.bot.running import EVENING, attempt, store_verdict
from tests.bot.updates.test_webhook import free_port


@pytest.fixture
async def bot(sandbox: Sandbox, database_url: str) -> AsyncIterator[Watched]:
    async with watched(sandbox, database_url, health_listen=f"127.0.0.1:{free_port()}") as bot:
        yield bot


async def test_without_its_setting_nothing_listens(sandbox: Sandbox, database_url: str) -> None:
    async with watched(sandbox, database_url) as bot:
        assert bot.app.settings.health_listen is None
        await asyncio.wait_for(bot.app.show_health(), 5)


async def test_with_it_the_three_pages_are_there_and_nothing_else(bot: Watched) -> None:
    showing = asyncio.create_task(bot.app.show_health())
    found = {}
    async with aiohttp.ClientSession() as client:
        for path in ("/healthz", "/readyz", "/metrics", "/", "/telegram"):
            url = f"http://{bot.app.settings.health_listen}{path}"
            while True:
                try:
                    async with client.get(url) as answer:
                        found[path] = (answer.status, answer.content_type)
                    break
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.01)
    showing.cancel()
    await asyncio.gather(showing, return_exceptions=True)
    assert found == {
        "/healthz": (200, "text/plain"), "/readyz": (200, "application/json"), "/metrics": (200, "text/plain"),
        "/": (404, "application/octet-stream"), "/telegram": (404, "application/octet-stream"),
    }  # fmt: skip


async def test_an_address_that_is_taken_ends_the_program_with_its_reason(sandbox: Sandbox, database_url: str) -> None:
    taken = sandbox.url.removeprefix("http://")
    async with watched(sandbox, database_url, health_listen=taken) as bot:
        with pytest.raises(SettingsError, match=f"HEALTH_LISTEN is {taken}: .*in use"):
            await bot.app.show_health()


async def test_nothing_can_be_done_there(bot: Watched) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert (await bot.get("/readyz", method))[0] == 405


async def test_idle_connections_keep_nobody_out(bot: Watched) -> None:
    app = bot.app
    runner = await HealthPages(app.watch.look, nothing, app.alarm.clean).serve("127.0.0.1:0")
    host, port = runner.addresses[0][:2]
    idle = [await asyncio.open_connection(host, port) for _ in range(250)]
    async with aiohttp.ClientSession() as client, client.get(f"http://{host}:{port}/healthz") as answer:
        assert (answer.status, await answer.text()) == (200, "alive\n")
    for _, writer in idle:
        writer.close()
    await runner.cleanup()


async def nothing() -> bytes:
    return b""


async def test_readiness_is_a_sentence_for_each_check(bot: Watched) -> None:
    status, text = await bot.get("/readyz")
    found = json.loads(text)
    assert (status, found["ready"]) == (200, True)
    assert {"polls", "database", "disk", "sending", "verdict", "data", "sources", "answers", "queue"} == found[
        "checks"
    ].keys()
    assert all(check["sentence"] for check in found["checks"].values())


async def test_readiness_and_numbers_hold_no_secret(bot: Watched) -> None:
    await bot.app.alarm.begins(Fault.EVENING, f"it was {bot.sandbox.token}")
    for path in ("/readyz", "/metrics"):
        assert bot.sandbox.token not in (await bot.get(path))[1]


async def test_the_same_second_costs_one_look(bot: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    look = type(bot.app.watch)._checks

    async def counted(watch: object) -> object:
        looks.append(1)
        return await look(bot.app.watch)

    monkeypatch.setattr(type(bot.app.watch), "_checks", counted)
    await asyncio.gather(*(bot.get("/readyz") for _ in range(20)))
    assert len(looks) == 1


async def test_the_numbers_are_those_of_what_was_done(
    bot: Watched, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        bot.time.now += 3
        raise RuntimeError("x")

    monkeypatch.setattr(Evening, "run", fails)
    await bot.app.decide()
    for chat_id in (6, 7):
        sandbox.world.add_private_chat(chat_id, started=chat_id == 6)
        async with bot.app.database.transaction() as connection:
            await chats.subscribe(connection, chat_id, "private", EVENING)
    await store_verdict(bot.app, attempt(), "attempt")
    await bot.app.poller._poll(0)
    await bot.app.sender._enqueue_some()
    assert await bot.metric('cascade_deliveries_waiting{state="queued"}') == 2
    await bot.app.sender.drain()
    bot.app.sender.pacer.observe(Failure(FailureKind.THROTTLED, "Too Many Requests", retry_after=4.0), 6)
    families = {f.name: f for f in text_string_to_metric_families((await bot.get("/metrics"))[1])}
    numbers = {(s.name, *s.labels.values()): s.value for f in families.values() for s in f.samples}
    assert numbers["cascade_transitions_total", "breakout.attempt"] == 1
    assert numbers["cascade_evaluations_total", "failed"] == 1
    assert numbers["cascade_evaluation_seconds_total",] == 3
    assert numbers["cascade_polls_total", "good"] == 1
    assert numbers["cascade_throttled_total",] == 1
    assert numbers["cascade_poll_age_seconds",] == 0
    assert numbers["process_resident_memory_bytes",] > 10e6
    assert numbers["process_open_fds",] > 3
    ended = {state: numbers["cascade_deliveries_total", state] for state in ("sent", "gone", "unknown", "stopped")}
    assert ended == {"sent": 1, "gone": 1, "unknown": 0, "stopped": 0}
