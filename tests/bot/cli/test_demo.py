"""The demonstration's market and page, without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import App, build
from bot.cli.demo import Recorder, SteppedMarket
from bot.clock import SteppedClock
from bot.health.faults import Fault as Wrong
from bot.market.evening import Evening
from bot.market.process import MarketProcessError
from bot.sandbox.page import Stepped, page_routes
from bot.sandbox.server import Sandbox, new_token, serve
from bot.settings import load_settings
from signals.data.sessions import decision_time
from signals.rules import GATE
from tests.bot.market.in_process import MarketInProcess
from tests.bot.market.test_evening import CLOSES, write
from tests.bot.running import settings_for
from tests.worlds import day, lead

N, ME = len(lead()), 7001


@pytest.fixture
async def market(sandbox: Sandbox, database_url: str, tmp_path: Path) -> AsyncIterator[SteppedMarket]:
    """A stepped market two sessions before an attempt."""
    folder = tmp_path / "market"
    folder.mkdir()
    write(folder, CLOSES, *GATE.blocking)
    settings = settings_for(sandbox, database_url, market_data=f"folder:{folder}")
    clock = SteppedClock(decision_time(day(N - 2)))
    async with build(settings, clock, MarketInProcess()) as app:
        market = SteppedMarket(app, clock, Recorder(app.evening, clock, MarketInProcess()))
        await market.begin(clock.now())
        yield market


class TestStepping:
    async def test_a_step_lives_through_exactly_one_session(self, market: SteppedMarket) -> None:
        assert (await market.step()).session == day(N - 1)
        assert market.clock.now() - decision_time(day(N - 1)) < timedelta(minutes=1)
        assert (await market.step()).session == day(N)

    async def test_a_step_says_whether_it_brought_an_alert(self, market: SteppedMarket) -> None:
        stepped = [await market.step() for _ in range(6)]
        assert [each.session for each in stepped if each.alerted] == [day(N), day(N + 2), day(N + 4)]

    async def test_two_visitors_who_step_at_once_step_twice(self, market: SteppedMarket) -> None:
        await asyncio.gather(market.step(), market.step())
        assert (await market.step()).session == day(N + 1)


async def test_neither_a_drawing_nor_a_look_back_that_fails_ends_the_demonstration(
    market: SteppedMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, again = asyncio.Event(), asyncio.Event()

    async def draws(*_: object) -> None:
        raise MarketProcessError("the market process ended with code -9")

    async def looks_back(*_: object) -> None:
        (again if tried.is_set() else tried).set()
        raise MarketProcessError("the market process ended with code -9")

    monkeypatch.setattr(Evening, "draw", draws)
    monkeypatch.setattr(Evening, "look_back", looks_back)
    recording = asyncio.create_task(market.recorder.run())
    async with asyncio.timeout(10):
        for happened in (tried, again):
            market.recorder.wake()
            await happened.wait()
    assert not recording.done()
    recording.cancel()


class Stub:
    """A market that only counts."""

    def __init__(self) -> None:
        self.steps = 0

    async def step(self) -> Stepped:
        self.steps += 1
        return Stepped(date(2020, 11, 13), alerted=True)


class Visitor:
    """What the page's script does."""

    def __init__(self, session: aiohttp.ClientSession, sandbox: Sandbox, attach: Any) -> None:
        self.session, self.sandbox, self.attach = session, sandbox, attach

    async def get(self, path: str) -> tuple[int, str]:
        async with self.session.get(self.sandbox.url + path) as answer:
            return answer.status, await answer.text()

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, self.sandbox.url + path, json=body) as answer:
            return await answer.json()


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    sandbox = Sandbox()
    sandbox.world.add_private_chat(ME)
    routes, attach = page_routes(sandbox, ME)
    async with serve(sandbox, extra=routes), aiohttp.ClientSession() as session:
        yield Visitor(session, sandbox, attach)


class TestPage:
    @pytest.mark.parametrize(
        ("path", "words"), [("/", "<title>Cascade"), ("/chat.js", "follow()"), ("/chat.css", "--paper")]
    )
    async def test_the_page_is_served_whole_from_this_machine(self, visitor: Visitor, path: str, words: str) -> None:
        status, text = await visitor.get(path)
        assert status == 200
        assert words in text
        assert "https://" not in text

    async def test_the_chat_is_empty_and_not_started_at_first(self, visitor: Visitor) -> None:
        chat = await visitor.ask("GET", "/chat/messages")
        assert (chat["started"], chat["messages"]) == (False, [])

    async def test_what_one_writes_becomes_an_update_for_the_bot(self, visitor: Visitor) -> None:
        await visitor.ask("POST", "/chat/write", {"text": " /start "})
        (update,) = visitor.sandbox.world.updates
        assert update["message"]["text"] == "/start"
        chat = await visitor.ask("GET", "/chat/messages")
        assert chat["started"]
        assert [message["text"] for message in chat["messages"]] == ["/start"]

    async def test_nothing_but_spaces_is_no_message(self, visitor: Visitor) -> None:
        await visitor.ask("POST", "/chat/write", {"text": "  "})
        assert visitor.sandbox.world.updates == []

    async def test_a_button_pressed_becomes_a_callback_query(self, visitor: Visitor) -> None:
        state = visitor.sandbox.world.chats[ME]
        message = visitor.sandbox.world.post(state, "hello", [], None)
        await visitor.ask("POST", "/chat/press", {"message_id": message["message_id"], "data": "why"})
        (update,) = visitor.sandbox.world.updates
        assert update["callback_query"]["data"] == "why"
        assert update["callback_query"]["message"]["text"] == "hello"

    async def test_a_request_for_news_waits_for_something_new_and_is_answered_at_once_then(
        self, visitor: Visitor
    ) -> None:
        chat = await visitor.ask("GET", "/chat/messages")
        waiting = asyncio.create_task(visitor.ask("GET", f"/chat/messages?known={chat['version']}"))
        await asyncio.sleep(0)
        visitor.sandbox.world.write(ME, "/status")
        async with asyncio.timeout(5):
            while not (await waiting)["messages"]:
                waiting = asyncio.create_task(visitor.ask("GET", "/chat/messages"))

    async def test_before_there_is_a_market_stepping_says_so(self, visitor: Visitor) -> None:
        assert await visitor.ask("POST", "/market/step", {}) == {"error": "the market is not ready yet"}

    async def test_stepping_steps_the_market(self, visitor: Visitor) -> None:
        market = Stub()
        visitor.attach(market)
        assert await visitor.ask("POST", "/market/step", {}) == {"session": "2020-11-13", "alerted": True}
        assert market.steps == 1


class TestOtherPages:
    """What a browser sends on behalf of a page that is not the demonstration's."""

    async def status(self, visitor: Visitor, method: str, path: str, **options: Any) -> int:
        async with visitor.session.request(method, visitor.sandbox.url + path, **options) as answer:
            return answer.status

    ASKED: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/chat/write", {"text": "/start"}), ("POST", "/chat/press", {"message_id": 1, "data": "why"}),
        ("POST", "/market/step", {}), ("GET", "/chat/messages", None), ("GET", "/", None),
    )  # fmt: skip

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
    async def test_a_page_of_another_origin_gets_nothing(self, visitor: Visitor, origin: str) -> None:
        visitor.attach(market := Stub())
        for method, path, body in self.ASKED:
            assert await self.status(visitor, method, path, json=body, headers={"Origin": origin}) == 403
        call = f"/bot{visitor.sandbox.token}/sendMessage"
        assert await self.status(visitor, "POST", call, json={}, headers={"Origin": origin}) == 403
        assert (market.steps, visitor.sandbox.world.updates, visitor.sandbox.calls) == (0, [], [])

    @pytest.mark.parametrize(
        "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:8765", "localhost.evil.example"]
    )
    async def test_a_name_of_another_that_leads_to_this_machine_gets_nothing(self, visitor: Visitor, host: str) -> None:
        for method, path, body in self.ASKED:
            assert await self.status(visitor, method, path, json=body, headers={"Host": host}) == 403

    async def test_its_own_page_and_a_program_without_any_are_answered(self, visitor: Visitor) -> None:
        port = visitor.sandbox.url.rpartition(":")[2]
        for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
            headers = {"Host": host, "Origin": f"http://{host}"}
            assert await self.status(visitor, "POST", "/chat/write", json={"text": "/a"}, headers=headers) == 200
        assert len(visitor.sandbox.world.updates) == 2

    async def test_a_form_is_no_way_to_ask(self, visitor: Visitor) -> None:
        for path in ("/chat/write", "/chat/press", "/market/step"):
            assert await self.status(visitor, "POST", path, data={"text": "/start"}) == 415
            assert (
                await self.status(
                    visitor, "POST", path, data=b"[" * 9_000, headers={"Content-Type": "application/json"}
                )
                == 400
            )

    async def test_a_link_is_no_way_to_call_a_method(self, visitor: Visitor) -> None:
        call = f"/bot{visitor.sandbox.token}/deleteWebhook"
        assert await self.status(visitor, "GET", call) == 405
        assert await self.status(visitor, "POST", call) == 200

    async def test_a_guessed_token_is_refused_and_each_run_has_its_own(self, visitor: Visitor) -> None:
        assert await self.status(visitor, "POST", "/bot1000000001:guessed/getMe") == 401
        assert new_token() != new_token()
        assert load_settings(telegram_bot_token=new_token()).token

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:9/telegram", "https://bot.example.org", "http://169.254.169.254:80/"]
    )
    async def test_the_demonstration_calls_nobody(self, visitor: Visitor, url: str) -> None:
        assert await self.status(visitor, "POST", f"/bot{visitor.sandbox.token}/setWebhook", json={"url": url}) == 400
        assert not visitor.sandbox.pusher.is_set

    async def test_no_page_may_frame_it(self, visitor: Visitor) -> None:
        async with visitor.session.get(visitor.sandbox.url) as answer:
            assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "url",
    ["https://bot.example.org", "http://10.0.0.1:80/", "http://127.0.0.1@evil.example:80/", "http://[", "file:///etc"],
)
async def test_even_for_tests_the_sandbox_calls_this_machine_alone(sandbox: Sandbox, url: str) -> None:
    address = f"{sandbox.url}/bot{sandbox.token}/setWebhook"
    async with aiohttp.ClientSession() as session, session.post(address, json={"url": url}) as answer:
        assert answer.status == 400


class TestTheClock:
    def test_a_stepped_clock_stands_where_it_is_set_and_runs_on_from_there(self) -> None:
        start = decision_time(day(N))
        clock = SteppedClock(start)
        first, second = clock.now(), clock.now()
        assert start <= first <= second < start + timedelta(seconds=30)

    def test_a_stepped_clock_can_be_set_back(self) -> None:
        clock = SteppedClock(decision_time(day(N)))
        clock.move(decision_time(day(0)))
        assert clock.now() < decision_time(day(1))


async def test_an_operator_that_cannot_be_told_is_only_logged(app: App, caplog: pytest.LogCaptureFixture) -> None:
    alarm = type(app.alarm)(app.telegram.bot, (99,), app.clock)
    await alarm.begins(Wrong.EVENING, "The evening failed")
    assert "operator 99 could not be told" in caplog.text
