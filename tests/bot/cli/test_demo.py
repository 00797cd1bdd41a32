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
from bot.market.evening import Evening
from bot.market.process import MarketProcessError
from bot.sandbox.page import Stepped, page_routes
from bot.sandbox.server import Sandbox, serve
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
        assert await visitor.ask("POST", "/market/step") == {"error": "the market is not ready yet"}

    async def test_stepping_steps_the_market(self, visitor: Visitor) -> None:
        market = Stub()
        visitor.attach(market)
        assert await visitor.ask("POST", "/market/step") == {"session": "2020-11-13", "alerted": True}
        assert market.steps == 1


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
    alarm = type(app.alarm)(app.telegram.bot, (99,))
    await alarm("The evening failed")
    assert "operator 99 could not be told" in caplog.text
