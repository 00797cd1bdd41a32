"""An alert with its chart: uploaded once and then sent by its id; as text wherever that cannot be."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.app import App
from bot.clock import SteppedClock
from bot.delivery import composing
from bot.messages.chart_kinds import carried_by
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from signals.model import Verdict
from storage import charts
from storage.outbox import fan_out, queue
from storage.outbox.states import State
from storage.schema import alert
from storage.settings import chosen
from tests.bot.commands.test_chart_command import picture, uploads
from tests.bot.conftest import Record
from tests.bot.delivery.test_delivery import subscribe, tally
from tests.bot.running import EVENING, confirmed

CHART = "breakout-5y-light"
ME, OTHER, GROUP = 5, 6, -7
FORBIDDEN = BotApiError(400, "Bad Request: not enough rights to send photos to the chat")


async def want_pictures(app: App, *ids: int) -> None:
    async with app.database.transaction() as connection:
        for chat_id in ids:
            await chosen.want_pictures(connection, chat_id, True)


async def draw(app: App, verdict: Verdict, days: int = 0, at: datetime = EVENING) -> None:
    async with app.database.transaction() as connection:
        await charts.store(connection, CHART, verdict.session + timedelta(days=days), picture(CHART), at)


async def owe(app: App, record: Record) -> None:
    """Record a confirmation, and let it be as old as a chart takes at most."""
    await record(confirmed(), "confirmed")
    async with app.database.transaction() as connection:
        await connection.execute(update(alert).values(chart=CHART))
    assert isinstance(app.clock, SteppedClock)
    app.clock.move(EVENING + fan_out.DRAWN_WITHIN)


def newest(sandbox: Sandbox, chat_id: int) -> dict[str, Any]:
    return list(sandbox.world.chats[chat_id].messages.values())[-1]


def titles(message: dict[str, Any]) -> list[str]:
    return [button["text"] for row in message["reply_markup"]["inline_keyboard"] for button in row]


@pytest.fixture
async def owed(app: App, sandbox: Sandbox, record: Record) -> App:
    """An alert owed to two chats that want pictures, and to one that does not; its chart is drawn."""
    await subscribe(app, sandbox, ME, OTHER, GROUP)
    await want_pictures(app, ME, GROUP)
    await owe(app, record)
    await draw(app, confirmed())
    return app


class TestSending:
    async def test_who_wants_it_gets_the_chart_with_the_alert_below_and_others_the_text(
        self, owed: App, sandbox: Sandbox
    ) -> None:
        await owed.sender.drain()
        pictured, plain = newest(sandbox, ME), newest(sandbox, OTHER)
        assert "photo" in pictured
        assert "photo" not in plain
        assert pictured["caption"] == plain["text"]
        assert pictured["caption_entities"] == plain["entities"]
        # The chart is there already.
        assert [title for title in titles(plain) if title not in titles(pictured)] == ["Chart"]
        assert await tally(owed) == {State.SENT: 3}

    async def test_it_is_uploaded_once_and_then_sent_by_its_id(self, owed: App, sandbox: Sandbox) -> None:
        await owed.sender.drain()
        assert sorted(uploads(sandbox)) == [False, True]
        async with owed.database.reading() as connection:
            assert (await charts.find(connection, CHART)).file_id == newest(sandbox, ME)["photo"][-1]["file_id"]

    async def test_an_id_of_another_bot_is_replaced(self, owed: App, sandbox: Sandbox) -> None:
        async with owed.database.transaction() as connection:
            await charts.keep_file_id(connection, CHART, EVENING, "AgAC-of-another")
        await owed.sender.drain()
        assert sum(uploads(sandbox)) == 1
        assert all("photo" in newest(sandbox, chat_id) for chat_id in (ME, GROUP))
        assert await tally(owed) == {State.SENT: 3}

    async def test_the_text_goes_where_pictures_are_forbidden(self, owed: App, sandbox: Sandbox) -> None:
        sandbox.faults += [("sendPhoto", FORBIDDEN)] * 2
        await owed.sender.drain()
        assert not any("photo" in newest(sandbox, chat_id) for chat_id in (ME, GROUP))
        assert "Chart" in titles(newest(sandbox, ME))
        assert await tally(owed) == {State.SENT: 3}

    async def test_of_one_whose_answer_is_lost_nobody_knows_whether_it_arrived(
        self, owed: App, sandbox: Sandbox
    ) -> None:
        sandbox.faults.append(("sendPhoto", Fault.RESET))
        await owed.sender.drain()
        # Urgent: once more.
        assert await tally(owed) == {State.SENT: 3}
        assert sum("Sent once more" in text for chat_id in (ME, GROUP) for text in sandbox.sent(chat_id)) == 1

    async def test_a_429_is_obeyed(self, owed: App, sandbox: Sandbox) -> None:
        sandbox.faults.append(("sendPhoto", BotApiError(429, "Too Many Requests", {"retry_after": 0})))
        await owed.sender.drain()
        assert await tally(owed) == {State.SENT: 3}
        assert "photo" in newest(sandbox, ME)

    async def test_what_cannot_be_parsed_goes_out_plain_below_the_chart(self, owed: App, sandbox: Sandbox) -> None:
        refused = BotApiError(400, "Bad Request: can't parse entities: oh no")
        sandbox.faults += [("sendPhoto", refused), ("sendMessage", refused)]
        await owed.sender.drain()
        assert await tally(owed) == {State.SENT: 3}
        # The group is first.
        assert "photo" in newest(sandbox, GROUP)
        assert "caption_entities" not in newest(sandbox, GROUP)


class TestButtons:
    async def test_what_stands_behind_a_pictured_alert_is_a_message_of_its_own_with_the_way_back(
        self, owed: App, sandbox: Sandbox
    ) -> None:
        await owed.sender.drain()
        pictured = newest(sandbox, ME)
        for title, heading in (("Why", "What changed"), ("Record", "There is no"), ("Details", "Details of alert 1")):
            (data,) = [
                one["callback_data"]
                for row in pictured["reply_markup"]["inline_keyboard"]
                for one in row
                if one["text"] == title
            ]
            sandbox.world.press(ME, pictured["message_id"], data)
            await owed.poller.once()
            opened = newest(sandbox, ME)
            assert opened["text"].startswith(heading)
            assert sandbox.world.chats[ME].messages[pictured["message_id"]] == pictured
            back = opened["reply_markup"]["inline_keyboard"][-1][-1]["callback_data"]
            sandbox.world.press(ME, opened["message_id"], back)
            await owed.poller.once()
            assert newest(sandbox, ME)["text"] == pictured["caption"]


class TestWithoutAChart:
    @pytest.mark.parametrize("days", [None, -1, 1])
    async def test_none_or_one_of_another_session_leaves_the_text(
        self, app: App, sandbox: Sandbox, record: Record, days: int | None
    ) -> None:
        await subscribe(app, sandbox, ME)
        await want_pictures(app, ME)
        await owe(app, record)
        if days is not None:
            await draw(app, confirmed(), days)
        await app.sender.drain()
        assert "confirmed" in newest(sandbox, ME)["text"]

    async def test_one_that_is_drawn_anew_before_it_is_uploaded_leaves_the_text(
        self, owed: App, sandbox: Sandbox
    ) -> None:
        while await owed.sender._enqueue_some():
            pass
        async with owed.database.transaction() as connection:
            claims = await queue.claim(connection, 10, timedelta(minutes=5))
            messages = await owed.sender.composer.compose(connection, claims)
        await draw(owed, confirmed(), 1, at=EVENING + timedelta(days=1))
        for claimed, text in messages:
            assert isinstance(text, composing.Text)
            assert isinstance(await owed.sender.post.send(claimed, text), int)
        assert "text" in newest(sandbox, ME)

    async def test_a_text_too_long_for_a_caption_stays_a_text(
        self, owed: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(composing, "MOST_OF_A_CAPTION", 100)
        await owed.sender.drain()
        assert "text" in newest(sandbox, ME)

    async def test_who_wants_pictures_waits_for_the_chart_and_gets_it(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, ME, OTHER)
        await want_pictures(app, ME)
        await record(confirmed(), "confirmed")
        async with app.database.transaction() as connection:
            await connection.execute(update(alert).values(chart=CHART))
        draining = asyncio.create_task(app.sender.drain())
        async with asyncio.timeout(10):
            while await tally(app) != {State.SENT: 1, State.HELD: 1}:
                await asyncio.sleep(0.01)
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        await draw(app, confirmed())
        assert isinstance(app.clock, SteppedClock)
        app.clock.move(EVENING + fan_out.DRAWN_WITHIN)
        await app.sender.drain()
        assert "photo" in newest(sandbox, ME)


def test_each_kind_of_alert_carries_the_chart_that_shows_it() -> None:
    assert {
        kind: carried_by(kind) for kind in ("breakout.failed", "stage.up", "window.opened", "liquidity.regime")
    } == {
        "breakout.failed": CHART,
        "stage.up": "cascade-5y-light",
        "window.opened": "crypto-all-light",
        "liquidity.regime": "liquidity-5y-light",
    }
    assert carried_by("catch_up") == CHART
    assert carried_by("data.problem") is None
