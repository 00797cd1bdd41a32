"""Muting a chat: typed, and by the button under an alert; who may, and that it says until when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.app import App
from bot.clock import SteppedClock
from bot.messages.render import Messages
from bot.sandbox.server import Sandbox
from storage.settings import chosen
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Hear, Press, Say
from tests.bot.conftest import Record
from tests.bot.messages.whole import whole
from tests.bot.running import EVENING, attempt


async def muted_for(app: App, chat_id: int = ME) -> timedelta | None:
    """Return for how long a chat is muted, to the hour; ``None`` where it is not."""
    async with app.database.reading() as connection:
        until = (await chosen.load(connection, chat_id)).muted_until
    return None if until is None else timedelta(hours=round((until - EVENING).total_seconds() / 3600))


@pytest.mark.parametrize(
    ("typed", "length"),
    [("7d", timedelta(days=7)), ("1 d", timedelta(days=1)), ("12H", timedelta(hours=12)), ("2w", timedelta(days=14)),
     ("365d", timedelta(days=365)), ("٧d", timedelta(days=7))],
)  # fmt: skip
async def test_it_is_muted_for_as_long_as_was_typed(app: App, say: Say, typed: str, length: timedelta) -> None:
    assert (await say(f"/mute {typed}")).startswith("Muted until ")
    assert await muted_for(app) == length


@pytest.mark.parametrize("typed", ["soon", "0d", "366d", "-1d", "7", "7 days", "9999w", "d", "7d 7d"])
async def test_what_is_no_length_of_time_gets_one_line_with_an_example(app: App, say: Say, typed: str) -> None:
    assert await say(f"/mute {typed}") == (
        "/mute takes hours, days or weeks, up to a year. For example /mute 7d; /unmute ends it"
    )
    assert await muted_for(app) is None


async def test_it_says_until_when_in_words(say: Say) -> None:
    await say("/subscribe")
    assert "Alerts are on" in await say("/mute")
    assert (await say("/mute 7d")).startswith("Muted until 20 Nov 2020 22:30\u00a0UTC.")
    assert (await say("/mute")).startswith("Muted until 20 Nov 2020 22:30\u00a0UTC.")


@pytest.mark.parametrize("ending", ["/unmute", "/mute off"])
async def test_it_ends_by_a_word(app: App, say: Say, ending: str) -> None:
    await say("/subscribe")
    await say("/mute 7d")
    assert (await say(ending)).startswith("Alerts are on.")
    assert await muted_for(app) is None


async def test_it_ends_by_itself(app: App, say: Say) -> None:
    await say("/subscribe")
    await say("/mute 1d")
    assert isinstance(app.clock, SteppedClock)
    app.clock.move(EVENING + timedelta(days=1, seconds=1))
    assert (await say("/mute")).startswith("Alerts are on.")


async def test_where_nothing_comes_there_is_nothing_to_mute(say: Say) -> None:
    assert "/subscribe starts them" in await say("/mute")


async def test_a_muted_chat_gets_no_alert_and_every_answer(
    app: App, say: Say, sandbox: Sandbox, record: Record
) -> None:
    await say("/subscribe")
    await say("/mute 7d")
    await record(attempt(), "attempt")
    before = len(sandbox.sent(ME))
    await app.sender.drain()
    assert len(sandbox.sent(ME)) == before
    assert "stage" in await say("/status")


class TestUnderAnAlert:
    @pytest.fixture
    async def alerted(self, app: App, say: Say, sandbox: Sandbox, record: Record) -> str:
        """Let an alert arrive, and return it."""
        await say("/subscribe")
        await record(attempt(), "attempt")
        await app.sender.drain()
        return sandbox.sent(ME)[-1]

    async def test_a_press_offers_lengths_and_a_second_one_mutes_in_place(
        self, app: App, alerted: str, press: Press, sandbox: Sandbox
    ) -> None:
        before = len(sandbox.sent(ME))
        await press("Mute")
        assert sandbox.sent(ME)[-1].startswith("Alerts are on.")
        await press("7 days")
        assert sandbox.sent(ME)[-1].startswith("Muted until 20 Nov 2020")
        assert await muted_for(app) == timedelta(days=7)
        await press("Unmute")
        assert await muted_for(app) is None
        assert len(sandbox.sent(ME)) == before

    async def test_the_alert_comes_back(self, alerted: str, press: Press, sandbox: Sandbox) -> None:
        await press("Mute")
        await press("30 days")
        await press("Back")
        assert sandbox.sent(ME)[-1] == alerted


class TestInAGroup:
    async def test_only_an_admin_may(self, app: App, say: Say) -> None:
        refused = Messages().text("admins_only")
        for command in ("/mute 7d", "/mute", "/unmute"):
            assert await say(command, GROUP, MEMBER) == refused
        assert await muted_for(app, GROUP) is None
        await say("/mute 7d", GROUP, ADMIN)
        assert await say("/unmute", GROUP, MEMBER) == refused
        assert await muted_for(app, GROUP) == timedelta(days=7)

    async def test_a_members_press_changes_nothing_and_says_why(
        self, app: App, say: Say, sandbox: Sandbox, hear: Hear, record: Record
    ) -> None:
        await record(whole())
        answer = await say("/mute 1d", GROUP, ADMIN)
        number = max(sandbox.world.chats[GROUP].messages)
        query = sandbox.world.press(GROUP, number, "mute:30d", user_id=MEMBER)
        await hear()
        assert sandbox.world.callback_answers[query]["text"] == Messages().text("admins_only")
        assert sandbox.sent(GROUP)[-1] == answer
        assert await muted_for(app, GROUP) == timedelta(days=1)
