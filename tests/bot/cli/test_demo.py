"""The demonstration's market and page, without a browser."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.app import App, build
from bot.cli.demo.correcting import Corrector
from bot.cli.demo.demonstration import demo
from bot.cli.demo.market import Recorder, SteppedMarket
from bot.cli.demo.people import ADA, CAST, people_world
from bot.clock import SteppedClock
from bot.health.faults import Fault as Wrong
from bot.market.evening import Evening
from bot.market.process import MarketProcessError
from bot.market.protocol import Scenes
from bot.sandbox.page import page_routes
from bot.sandbox.panel import Going, Panel
from bot.sandbox.server import Sandbox, new_token, serve
from bot.sandbox.telegram import Json
from bot.settings import Settings, SettingsError, load_settings
from signals.data.sessions import decision_time
from signals.rules import GATE
from storage import chats
from storage.database import Database
from storage.ledger import newest_alert
from storage.schema import alert, verdict
from storage.settings import chosen
from storage.settings.kinds import EVERYTHING
from tests.bot.conftest import Running
from tests.bot.market.in_process import MarketInProcess
from tests.bot.market.test_evening import CLOSES, write
from tests.bot.running import settings_for
from tests.bot.sandbox.scripted import Days
from tests.worlds import day, lead

N, ME = len(lead()), ADA
# The fixture's breakout: attempt, confirmed two sessions later, failed two more.
EVENINGS = {
    "any": [day(N), day(N + 2), day(N + 4)],
    "breakout.confirmed": [day(N + 2)],
    "breakout.failed": [day(N + 4)],
    "quiet": [day(N - 1)],
}


@pytest.fixture(scope="module")
def process() -> MarketInProcess:
    """One market for all tests: a request is complete in itself."""
    return MarketInProcess()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market with a breakout that fails, as files."""
    folder = tmp_path_factory.mktemp("market")
    write(folder, CLOSES, *GATE.blocking)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def begun(process: MarketInProcess, migrated: Path, folder: Path) -> Path:
    """A database with the history through the third session before the attempt, recorded once for all."""
    shutil.copy(migrated, folder / "begun.db")
    async with Database(f"sqlite+aiosqlite:///{folder}/begun.db") as database:
        await Evening(database, process, f"folder:{folder}", asyncio.Lock()).run(decision_time(day(N - 3)))
    return folder / "begun.db"


@pytest.fixture
async def market(
    sandbox: Sandbox, process: MarketInProcess, folder: Path, begun: Path, tmp_path: Path
) -> AsyncIterator[SteppedMarket]:
    """A stepped market two sessions before an attempt."""
    shutil.copy(begun, tmp_path / "cascade.db")
    settings = settings_for(sandbox, f"sqlite+aiosqlite:///{tmp_path}/cascade.db", market_data=f"folder:{folder}")
    sessions = [day(at) for at in range(N - 3, N + 5)]
    found = Scenes(decision_time(sessions[0]), sessions, EVENINGS, quiet=2, outage=2)
    clock = SteppedClock(found.start)
    people_world(sandbox.world)
    async with build(replace(settings, operator_ids=(ADA,)), clock, process) as app:
        recorder = Recorder(app.evening, clock, process, lambda: sandbox.world.changed, rest=0)
        yield SteppedMarket(app, clock, recorder, found, Corrector(sandbox, app.database, ADA).correct, "", sessions[0])


class TestStepping:
    async def test_a_step_lives_through_exactly_one_session_and_says_whether_it_brought_an_alert(
        self, market: SteppedMarket
    ) -> None:
        stepped = [await market.step()]
        assert market.clock.now() - decision_time(day(N - 2)) < timedelta(minutes=1)
        stepped += [await market.step() for _ in range(6)]
        assert [each.session for each in stepped] == [day(at) for at in range(N - 2, N + 5)]
        assert [each.session for each in stepped if each.alerted] == [day(N), day(N + 2), day(N + 4)]

    async def test_two_visitors_who_step_at_once_step_twice(self, market: SteppedMarket) -> None:
        await asyncio.gather(market.step(), market.step())
        assert (await market.step()).session == day(N)


def going() -> Going:
    """Return a run of something that tells nobody how far it is."""
    return Going(lambda _done, _of: None)


async def recorded(market: SteppedMarket) -> list[tuple[str, date]]:
    """Return the kind and the session of each alert."""
    async with market.app.database.reading() as connection:
        return [
            tuple(row)
            for row in await connection.execute(
                select(alert.c.kind, alert.c.session).where(alert.c.session.is_not(None))
            )
        ]


class TestJumping:
    async def test_it_lives_through_the_evening_alone_and_what_lies_before_is_history(
        self, market: SteppedMarket
    ) -> None:
        told: list[tuple[int, int]] = []
        said = await market.jump("breakout.failed", Going(lambda done, of: told.append((done, of))))
        assert said.startswith("An alert came, and nobody is subscribed")
        assert told == [(0, 6)]
        assert market.session == day(N + 4)
        assert await recorded(market) == [("breakout.failed", day(N + 4))]
        async with market.app.database.reading() as connection:
            rows = await connection.execute(select(verdict.c.session).where(~verdict.c.backfilled))
            assert rows.scalars().all()[-1:] == [day(N + 4)]

    async def test_after_a_jump_it_is_stepped_as_before(self, market: SteppedMarket) -> None:
        await market.jump("any", going())
        assert [(await market.step()).alerted for _ in range(4)] == [False, True, False, True]

    async def test_after_the_last_such_evening_it_begins_anew_and_the_chats_stay(self, market: SteppedMarket) -> None:
        async with market.app.database.transaction() as connection:
            await chats.mark_reachable(connection, ME, "private")
        for number in (1, 2):
            await market.jump("breakout.failed", going())
            assert market.session == day(N + 4)
            assert await recorded(market) == [("breakout.failed", day(N + 4))]
            async with market.app.database.reading() as connection:
                assert await newest_alert(connection) == number, "what is known by its number is that of no other"
        async with market.app.database.reading() as connection:
            assert await chats.find(connection, ME) is not None

    async def test_a_quiet_month_is_lived_through_and_tells_nobody(self, market: SteppedMarket) -> None:
        assert (await market.jump("quiet", going())).startswith("Nothing in 2 sessions")
        assert (market.session, await recorded(market)) == (day(N - 1), [])

    async def test_it_can_be_stopped_on_the_way(self, market: SteppedMarket) -> None:
        stopped = going()
        stopped.stop()
        assert await market.jump("breakout.failed", stopped) == "Stopped on the way."
        assert (market.session, await recorded(market)) == (day(N - 3), [])
        assert (await market.step()).session == day(N - 2)

    async def test_only_what_the_market_has_can_be_jumped_to(self, market: SteppedMarket) -> None:
        names = [scene.name for scene in market.scenes]
        assert names == ["breakout.failed", "corrected", "quiet", "any"]

    async def test_a_wrong_number_is_corrected_as_an_operator_does_it(
        self, market: SteppedMarket, sandbox: Sandbox, running: Running
    ) -> None:
        async with market.app.database.transaction() as connection:
            await chats.subscribe(connection, ME, "private", market.clock.now())
            await chosen.hear_only(connection, ME, EVERYTHING)
        sandbox.world.chats[ME].started = True
        await market.app.connect()
        async with running(market.app):
            assert (await market.jump("corrected", going())).startswith("Ada corrected the alert")
            async with asyncio.timeout(10):
                while not (answers := [m for m in messages(sandbox) if "reply_to_message" in m]):
                    await sandbox.world.changed.wait()
        assert "breakout confirmed" in answers[0]["reply_to_message"]["text"]
        assert "read from a wrong column" in answers[0]["text"]
        assert await market.outbox() == {"sent": 2}


def messages(sandbox: Sandbox) -> list[Json]:
    """Return what stands in Ada's chat."""
    return [*sandbox.world.chats[ME].messages.values()]


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


class Visitor:
    """What the page's script does."""

    def __init__(self, session: aiohttp.ClientSession, sandbox: Sandbox, panel: Panel, days: Days) -> None:
        self.session, self.sandbox, self.panel, self.days = session, sandbox, panel, days

    async def get(self, path: str) -> tuple[int, str]:
        async with self.session.get(self.sandbox.url + path) as answer:
            return answer.status, await answer.text()

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, self.sandbox.url + path, json=body) as answer:
            return await answer.json()

    async def news(self, *, count: int = 1) -> list[Json]:
        """Return the first things that the page would be told of the chats."""
        found: list[Json] = []
        async with self.session.get(self.sandbox.url + "/events") as stream:
            about = ""
            while len(found) < count:
                line = (await stream.content.readline()).decode().strip()
                about = line.removeprefix("event: ") if line.startswith("event: ") else about
                if line.startswith("data: ") and about == "chats":
                    found.append(json.loads(line.removeprefix("data: ")))
                    self.sandbox.world.write(ME, f"written after {len(found)}")
        return found


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    sandbox, days = Sandbox(), Days()
    people_world(sandbox.world)
    panel = Panel(sandbox.world.wake)
    async with serve(sandbox, extra=page_routes(sandbox, CAST, panel)), aiohttp.ClientSession() as session:
        yield Visitor(session, sandbox, panel, days)


class TestPage:
    @pytest.mark.parametrize(
        ("path", "words"),
        [("/", "<title>Cascade"), ("/chat.js", "EventSource"), ("/bubble.js", "keyboard"), ("/chat.css", "--paper")],
    )
    async def test_the_page_is_served_whole_from_this_machine(self, visitor: Visitor, path: str, words: str) -> None:
        status, text = await visitor.get(path)
        assert status == 200
        assert words in text
        assert "https://" not in text

    async def test_the_chats_are_told_whole_at_first_and_then_only_what_is_new(self, visitor: Visitor) -> None:
        first, then = await visitor.news(count=2)
        assert (first["first"], first["people"][0]["name"], first.get("messages")) == (True, "Ada", None)
        assert [chat["started"] for chat in first["chats"]] == [False, False, True, True]
        assert [message["text"] for message in then["messages"]] == ["written after 1"]
        assert "people" not in then

    async def test_what_one_writes_becomes_an_update_for_the_bot(self, visitor: Visitor) -> None:
        await visitor.ask("POST", "/chat/write", WRITTEN | {"text": " /start "})
        (update,) = visitor.sandbox.world.updates
        assert update["message"]["text"] == "/start"

    async def test_nothing_but_spaces_is_no_message_nor_is_one_in_somebody_elses_chat(self, visitor: Visitor) -> None:
        await visitor.ask("POST", "/chat/write", WRITTEN | {"text": "  "})
        await visitor.ask("POST", "/chat/write", WRITTEN | {"user_id": ME + 1})
        assert visitor.sandbox.world.updates == []

    async def test_a_button_pressed_becomes_a_callback_query_and_its_answer_is_told(self, visitor: Visitor) -> None:
        world = visitor.sandbox.world
        message = world.post(world.chats[ME], "hello", [], None)
        pressing = asyncio.create_task(visitor.ask("POST", "/chat/press", pressed(message["message_id"])))
        while not world.updates:
            await world.changed.wait()
        query = world.updates[0]["callback_query"]
        assert (query["data"], query["message"]["text"]) == ("why", "hello")
        answer = f"/bot{visitor.sandbox.token}/answerCallbackQuery"
        await visitor.ask("POST", answer, {"callback_query_id": query["id"], "text": "so it is"})
        assert await pressing == {"text": "so it is"}

    async def test_before_there_is_a_market_stepping_says_so(self, visitor: Visitor) -> None:
        assert await visitor.ask("POST", "/panel/step", {}) == {"error": "the market is not ready yet"}

    async def test_stepping_steps_the_market(self, visitor: Visitor) -> None:
        visitor.panel.attach(visitor.days)
        visitor.days.going.set()
        await visitor.ask("POST", "/panel/step", {})
        while visitor.panel.shown()["doing"]:
            await visitor.sandbox.world.changed.wait()
        assert (visitor.days.steps, visitor.panel.shown()["said"]) == (1, "A session without an alert.")

    @pytest.mark.parametrize(
        ("action", "body"), [("fly", {}), ("jump", {"scene": "none"}), ("jump", {}), ("play", {"seconds": "x"})]
    )
    async def test_what_cannot_be_done_is_refused(self, visitor: Visitor, action: str, body: Json) -> None:
        visitor.panel.attach(visitor.days)
        assert (await visitor.get("/chat/document/none"))[0] == 404
        async with visitor.session.post(f"{visitor.sandbox.url}/panel/{action}", json=body) as answer:
            assert answer.status == 400
        assert visitor.panel.shown()["doing"] == ""


WRITTEN: Json = {"chat_id": ME, "user_id": ME, "text": "/start"}


def pressed(message_id: int) -> Json:
    """Return what a press of a button asks for."""
    return {"chat_id": ME, "user_id": ME, "message_id": message_id, "data": "why"}


class TestOtherPages:
    """What a browser sends on behalf of a page that is not the demonstration's."""

    async def status(self, visitor: Visitor, method: str, path: str, **options: Any) -> int:
        async with visitor.session.request(method, visitor.sandbox.url + path, **options) as answer:
            return answer.status

    ASKED: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/chat/write", WRITTEN), ("POST", "/chat/press", pressed(1)),
        ("POST", "/panel/step", {}), ("GET", "/events", None), ("GET", "/", None),
    )  # fmt: skip

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
    async def test_a_page_of_another_origin_gets_nothing(self, visitor: Visitor, origin: str) -> None:
        visitor.panel.attach(visitor.days)
        for method, path, body in self.ASKED:
            assert await self.status(visitor, method, path, json=body, headers={"Origin": origin}) == 403
        call = f"/bot{visitor.sandbox.token}/sendMessage"
        assert await self.status(visitor, "POST", call, json={}, headers={"Origin": origin}) == 403
        assert (visitor.days.steps, visitor.sandbox.world.updates, visitor.sandbox.calls) == (0, [], [])

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
            assert await self.status(visitor, "POST", "/chat/write", json=WRITTEN, headers=headers) == 200
        assert len(visitor.sandbox.world.updates) == 2

    async def test_a_form_is_no_way_to_ask(self, visitor: Visitor) -> None:
        for path in ("/chat/write", "/chat/press", "/panel/step"):
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


async def test_a_port_that_is_taken_is_one_line_with_the_remedy(sandbox: Sandbox) -> None:
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(SettingsError, match=f"Port {port} is taken: .*--port 0"):
        await demo(port, Settings(market_data="simulated"), lambda _url: None)
