"""The bot is let in somewhere: it says in two lines what it is, and an admin chooses what comes, by a button."""

from __future__ import annotations

import pytest

from bot.app import App
from bot.messages.render import Messages
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BotApiError, Json
from storage import chats
from storage.settings import chosen
from storage.settings.kinds import BIG_ONES, EVERYTHING
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Hear
from tests.bot.conftest import Record
from tests.bot.running import quiet

CHANNEL, TOPIC = -1_000_000_000_007, 3
INTRODUCTION = "Cascade tells this chat when"


@pytest.fixture(autouse=True)
def _people(sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME, started=True)
    sandbox.world.add_group(GROUP, "Traders", admins={ADMIN})
    sandbox.world.add_channel(CHANNEL, "News", admins={ADMIN})


async def subscribed(app: App, chat_id: int) -> int | None:
    """Return the bits of the kinds that come to a chat; ``None`` where none does."""
    async with app.database.reading() as connection:
        found = await chosen.load(connection, chat_id)
    return found.loud_kinds if found.is_subscribed else None


def newest(sandbox: Sandbox, chat_id: int) -> Json:
    message: Json = list(sandbox.world.chats[chat_id].messages.values())[-1]
    return message


def data_of(message: Json, title: str) -> str:
    rows = message["reply_markup"]["inline_keyboard"]
    return next(str(button["callback_data"]) for row in rows for button in row if button["text"] == title)


class TestLetIn:
    async def test_a_group_reads_two_lines_and_nothing_is_subscribed_yet(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        sandbox.world.let_in(GROUP, ADMIN)
        await hear()
        (said,) = sandbox.sent(GROUP)
        assert said.startswith(INTRODUCTION)
        assert len(said.splitlines()) == 2
        assert await subscribed(app, GROUP) is None

    async def test_a_member_s_press_chooses_nothing_and_an_admin_s_does(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        sandbox.world.let_in(GROUP, ADMIN)
        await hear()
        introduction = newest(sandbox, GROUP)
        data = data_of(introduction, "Everything")
        query = sandbox.world.press(GROUP, introduction["message_id"], data, user_id=MEMBER)
        await hear()
        assert sandbox.world.callback_answers[query]["text"] == Messages().text("admins_only")
        assert await subscribed(app, GROUP) is None
        sandbox.world.press(GROUP, introduction["message_id"], data, user_id=ADMIN)
        await hear()
        assert await subscribed(app, GROUP) == EVERYTHING
        assert sandbox.sent(GROUP)[-1].startswith("Subscribed. What comes: Breakout (attempt, confirmed")

    async def test_the_big_ones_are_a_press_away_and_the_others_two(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        sandbox.world.let_in(GROUP, ADMIN)
        await hear()
        introduction = newest(sandbox, GROUP)
        sandbox.world.press(GROUP, introduction["message_id"], data_of(introduction, "The big ones"), user_id=ADMIN)
        await hear()
        assert await subscribed(app, GROUP) == BIG_ONES
        sandbox.world.press(GROUP, introduction["message_id"], data_of(introduction, "Choose"), user_id=ADMIN)
        await hear()
        assert "Alerts of this chat: the big ones" in "".join(sandbox.sent(GROUP))

    async def test_a_forum_reads_how_another_topic_gets_them_and_the_one_it_is_said_in_does(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        sandbox.world.chats[GROUP].chat["is_forum"] = True
        sandbox.world.chats[GROUP].topics[TOPIC] = True
        sandbox.world.let_in(GROUP, ADMIN)
        await hear()
        assert sandbox.sent(GROUP)[0].endswith("For another topic, /subscribe there.")
        sandbox.world.write(GROUP, "/subscribe everything", user_id=ADMIN, topic=TOPIC)
        await hear()
        assert newest(sandbox, GROUP)["message_thread_id"] == TOPIC
        assert "Alerts come to this topic." in sandbox.sent(GROUP)[-1]

    async def test_a_channel_reads_it_once_the_bot_may_post(self, sandbox: Sandbox, hear: Hear) -> None:
        sandbox.world.let_in(CHANNEL, ADMIN, now="administrator", can_post_messages=False)
        await hear()
        assert sandbox.sent(CHANNEL) == []
        sandbox.world.let_in(CHANNEL, ADMIN, before="left", now="administrator")
        await hear()
        assert [text[: len(INTRODUCTION)] for text in sandbox.sent(CHANNEL)] == [INTRODUCTION]

    async def test_in_a_simulated_market_it_says_so(self, sandbox: Sandbox, hear: Hear, record: Record) -> None:
        await record(quiet(), origin="simulated")
        sandbox.world.let_in(GROUP, ADMIN)
        await hear()
        assert sandbox.sent(GROUP)[0].startswith("SIMULATED MARKET")


class TestNoIntroduction:
    @pytest.mark.parametrize(
        ("before", "now"), [("member", "administrator"), ("administrator", "member"), ("left", "restricted")]
    )
    async def test_where_it_was_there_before_or_may_not_write(
        self, sandbox: Sandbox, hear: Hear, before: str, now: str
    ) -> None:
        sandbox.world.let_in(GROUP, ADMIN, before=before, now=now, is_member=True)
        await hear()
        assert sandbox.sent(GROUP) == []

    async def test_where_it_was_set_up_before_alerts_just_come_again(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        sandbox.world.write(GROUP, "/subscribe everything", user_id=ADMIN)
        await hear()
        sandbox.world.let_in(GROUP, ADMIN, before="member", now="kicked")
        await hear()
        async with app.database.reading() as connection:
            assert list(await chats.subscribers(connection)) == []
        sandbox.world.let_in(GROUP, ADMIN, before="kicked")
        await hear()
        async with app.database.reading() as connection:
            assert list(await chats.subscribers(connection)) == [GROUP]
        assert len(sandbox.sent(GROUP)) == 1

    async def test_where_telegram_takes_it_not_that_it_is_let_in_is_stored(
        self, app: App, sandbox: Sandbox, hear: Hear, caplog: pytest.LogCaptureFixture
    ) -> None:
        sandbox.faults.append(("sendMessage", BotApiError(400, "Bad Request: not enough rights to send text messages")))
        sandbox.world.let_in(GROUP, ADMIN)
        await hear()
        assert not [record for record in caplog.records if record.levelname == "ERROR"]
        async with app.database.reading() as connection:
            assert await chats.find(connection, GROUP) is not None
