"""After a good evening an address is called, once a session; after any other it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.health.ping import Ping, PingError
from bot.market.evening import Evening
from bot.sandbox.server import Sandbox
from signals.model import Freshness, SourceVerdict, Verdict
from signals.rules import GATE
from storage import market
from storage.market import Agenda
from tests.bot.health.watched import Watched, watched
from tests.bot.running import EVENING, quiet, store_verdict

SECRET = "what-the-service-gave-you"
SESSION = quiet().session
DUE = Agenda(SESSION + timedelta(days=3), EVENING + timedelta(days=3), SESSION, None)


@dataclass
class Service:
    """Who is called; answers with these statuses, then with 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.Response:
        self.calls.append(f"{request.method} {request.path_qs}")
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200, headers={"Location": "/elsewhere"})


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    runner = web.ServerRunner(web.Server(service.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = "http://{}:{}/{}?status=up".format(*runner.addresses[0][:2], SECRET)
    yield service
    await runner.cleanup()


@pytest.fixture
async def bot(
    sandbox: Sandbox, database_url: str, service: Service, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Watched]:
    async def works(*_: object) -> Agenda:
        return DUE

    for name in ("run", "draw", "look_back", "watch"):
        monkeypatch.setattr(Evening, name, works)
    async with watched(sandbox, database_url, ping_url=service.url) as bot:
        yield bot


def fresh(**other: Freshness) -> Verdict:
    found = dict.fromkeys(GATE.blocking, Freshness.OK) | other
    return replace(quiet(), sources=tuple(SourceVerdict(key, one, SESSION, "") for key, one in found.items()))


async def test_a_good_evening_calls_once_and_whoever_runs_again_calls_no_second_time(
    bot: Watched, service: Service
) -> None:
    await store_verdict(bot.app, fresh(), agenda=DUE)
    await bot.app.run_evening()
    await bot.app.run_evening()
    assert service.calls == [f"GET /{SECRET}?status=up"]


@pytest.mark.parametrize("found", [Freshness.LATE, Freshness.STALE, Freshness.INVALID, Freshness.NEVER_HAD])
async def test_without_every_blocking_series_in_time_nobody_is_called(
    bot: Watched, service: Service, found: Freshness
) -> None:
    await store_verdict(bot.app, fresh(SPY=found), agenda=DUE)
    await bot.app.run_evening()
    assert service.calls == []


@pytest.mark.parametrize("wrong", [
    Agenda(SESSION + timedelta(days=3), EVENING, SESSION, "^RUT has no close yet."),
    Agenda(SESSION + timedelta(days=3), EVENING + timedelta(days=3), SESSION + timedelta(days=1), None),
])  # fmt: skip
async def test_while_a_session_is_due_that_is_not_decided_nobody_is_called(
    bot: Watched, service: Service, wrong: Agenda
) -> None:
    await store_verdict(bot.app, fresh(), agenda=DUE)
    async with bot.app.database.transaction() as connection:
        await market.set_agenda(connection, wrong)
    await bot.app.run_evening()
    assert service.calls == []


async def test_before_the_first_verdict_nobody_is_called(bot: Watched, service: Service) -> None:
    await bot.app.run_evening()
    assert service.calls == []


async def test_a_call_that_fails_is_told_once_without_the_address_and_made_again(
    bot: Watched, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await store_verdict(bot.app, fresh(), agenda=DUE)
    service.statuses += [500, 302]
    for _ in range(3):
        await bot.app.run_evening()
    assert service.calls == [f"GET /{SECRET}?status=up"] * 3
    assert bot.told() == [
        "The address of PING_URL was not told of a good evening: HTTP 500",
        "Over: The address of PING_URL is reached again",
    ]
    assert SECRET not in caplog.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/" + SECRET, f"http://[/{SECRET}"])
async def test_where_nobody_answers_the_text_names_no_address(url: str) -> None:
    with pytest.raises(PingError) as raised:
        await Ping(url).of(SESSION)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
