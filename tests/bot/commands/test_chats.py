"""Channels, groups that hide their members, messages that are gone: who may do what, and that it is always answered."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bot.app import App
from bot.commands.table import COMMANDS, MENU
from bot.messages.render import Messages
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BOT, BotApiError, Json
from storage import chats
from tests.bot.conftest import Record
from tests.bot.messages.whole import whole
from tests.bot.updates.test_any_update import RIGHTS

CHANNEL, GROUP, ME, ADMIN, MEMBER = -1_000_000_000_007, -1_000_000_000_005, 5, 11, 12
Hear = Callable[[], Coroutine[Any, Any, None]]
ADMINS_ONLY, ADMINS_UNKNOWN = (Messages().text(name) for name in ("admins_only", "admins_unknown"))


@pytest.fixture(autouse=True)
def _people(sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME, started=True)
    sandbox.world.add_group(GROUP, "Traders", admins={ADMIN})
    sandbox.world.add_channel(CHANNEL, "News", admins={ADMIN})


async def subscribers(app: App) -> list[int]:
    async with app.database.transaction() as connection:
        return list(await chats.subscribers(connection))


@pytest.fixture
def button(sandbox: Sandbox) -> Callable[[int], int]:
    """Return a function that posts a message of the bot with buttons to a chat and returns its number."""

    def post(chat_id: int) -> int:
        markup = {"inline_keyboard": [[{"text": "Subscribe", "callback_data": "subscribe"}]]}
        number: int = sandbox.world.post(sandbox.world.chats[chat_id], "Cascade", [], markup)["message_id"]
        return number

    return post


Button = Callable[[int], int]


class TestChannels:
    async def test_what_is_posted_there_subscribes_the_channel_and_ends_it(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        sandbox.world.write(CHANNEL, "/subscribe")
        await hear()
        assert await subscribers(app) == [CHANNEL]
        sandbox.world.write(CHANNEL, "/unsubscribe")
        await hear()
        assert await subscribers(app) == []
        assert len(sandbox.sent(CHANNEL)) == 2

    async def test_every_command_of_the_menu_is_answered_there(
        self, sandbox: Sandbox, hear: Hear, record: Record
    ) -> None:
        await record(whole())
        for count, name in enumerate(MENU, 1):
            sandbox.world.write(CHANNEL, f"/{name}")
            await hear()
            assert len(sandbox.sent(CHANNEL)) == count, name

    async def test_a_reader_who_presses_a_button_changes_nothing_and_posts_nothing(
        self, app: App, sandbox: Sandbox, hear: Hear, button: Button
    ) -> None:
        number = button(CHANNEL)
        for command in (command for command in COMMANDS if not command.for_operators):
            query = sandbox.world.press(CHANNEL, number, command.name, user_id=MEMBER)
            await hear()
            assert sandbox.world.callback_answers[query]["text"] == ADMINS_ONLY
        assert sandbox.sent(CHANNEL) == ["Cascade"]
        assert await subscribers(app) == []

    async def test_an_admin_of_the_channel_may_press(
        self, app: App, sandbox: Sandbox, hear: Hear, button: Button
    ) -> None:
        sandbox.world.press(CHANNEL, button(CHANNEL), "subscribe", user_id=ADMIN)
        await hear()
        assert await subscribers(app) == [CHANNEL]

    async def test_a_post_that_its_discussion_group_gets_too_is_obeyed_once(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        sandbox.world.write(GROUP, "/subscribe", user_id=ADMIN)
        sandbox.world.updates[-1]["message"]["is_automatic_forward"] = True
        await hear()
        assert await subscribers(app) == []
        assert sandbox.sent(GROUP) == []


class TestGroups:
    async def test_who_writes_in_the_name_of_the_group_may_subscribe_it(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        sandbox.world.write(GROUP, "/subscribe", as_chat=True)
        await hear()
        assert await subscribers(app) == [GROUP]

    async def test_a_members_press_under_what_was_written_in_its_name_does_not(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        number = sandbox.world.write(GROUP, "Welcome", as_chat=True)["message_id"]
        query = sandbox.world.press(GROUP, number, "subscribe", user_id=MEMBER)
        await hear()
        assert await subscribers(app) == []
        assert sandbox.world.callback_answers[query]["text"] == ADMINS_ONLY

    async def test_a_press_of_an_admin_subscribes_it(
        self, app: App, sandbox: Sandbox, hear: Hear, button: Button
    ) -> None:
        sandbox.world.press(GROUP, button(GROUP), "subscribe", user_id=ADMIN)
        await hear()
        assert await subscribers(app) == [GROUP]

    @pytest.mark.parametrize("is_member", [True, False])
    async def test_where_the_bot_is_restricted_it_is_still_there_unless_it_was_removed_before(
        self, app: App, sandbox: Sandbox, hear: Hear, is_member: bool
    ) -> None:
        sandbox.world.write(GROUP, "/subscribe", user_id=ADMIN)
        await hear()
        old, new = (RIGHTS | {"user": BOT, "status": "restricted", "is_member": there} for there in (True, is_member))
        change = {"chat": sandbox.world.chats[GROUP].chat, "from": {"id": ADMIN, "is_bot": False, "first_name": "A"}}
        await app.inbox.store(
            [{"update_id": 999, "my_chat_member": change | {"date": 1, "old_chat_member": old, "new_chat_member": new}}]
        )
        await app.inbox.handle_stored()
        assert await subscribers(app) == ([GROUP] if is_member else [])

    async def test_where_members_are_hidden_an_admin_reads_what_to_do(
        self, app: App, sandbox: Sandbox, hear: Hear, button: Button
    ) -> None:
        sandbox.world.chats[GROUP].hides_members = True
        sandbox.world.write(GROUP, "/subscribe", user_id=ADMIN)
        query = sandbox.world.press(GROUP, button(GROUP), "subscribe", user_id=ADMIN)
        await hear()
        assert sandbox.sent(GROUP) == ["Cascade", ADMINS_UNKNOWN]
        assert "Make the bot an admin" in ADMINS_UNKNOWN
        assert sandbox.world.callback_answers[query]["text"] == ADMINS_UNKNOWN
        sandbox.world.chats[GROUP].admins.add(BOT["id"])
        sandbox.world.write(GROUP, "/subscribe", user_id=ADMIN)
        await hear()
        assert await subscribers(app) == [GROUP]

    @pytest.mark.parametrize(
        "refusal",
        [
            BotApiError(400, "Bad Request: member list is inaccessible"),
            BotApiError(400, "Bad Request: CHAT_ADMIN_REQUIRED"),
            BotApiError(400, "Bad Request: PARTICIPANT_ID_INVALID"),
            BotApiError(400, "Bad Request: user not found"),
            BotApiError(400, "Bad Request: invalid user_id specified"),
            BotApiError(400, "Bad Request: a sentence nobody has seen yet"),
            BotApiError(403, "Forbidden: something"),
        ],
        ids=str,
    )
    async def test_in_whatever_words_it_is_refused(
        self, app: App, sandbox: Sandbox, hear: Hear, refusal: BotApiError
    ) -> None:
        sandbox.faults.append(("getChatMember", refusal))
        sandbox.world.write(GROUP, "/subscribe", user_id=ADMIN)
        await hear()
        assert sandbox.sent(GROUP) == [ADMINS_UNKNOWN]
        assert await subscribers(app) == []

    async def test_while_telegram_is_away_a_press_is_answered_to_who_pressed_alone(
        self, sandbox: Sandbox, hear: Hear, button: Button, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.updates.inbox._ADMIN_CHECKS", 1)
        sandbox.faults += [("getChatMember", Fault.BAD_GATEWAY)]
        query = sandbox.world.press(GROUP, button(GROUP), "subscribe", user_id=ADMIN)
        await hear()
        assert sandbox.sent(GROUP) == ["Cascade"]
        assert sandbox.world.callback_answers[query]["text"].startswith("Telegram did not say who is an admin")


class TestWhatIsGone:
    @pytest.mark.parametrize("chat_id", [GROUP, CHANNEL])
    async def test_a_command_that_is_deleted_is_answered(self, sandbox: Sandbox, hear: Hear, chat_id: int) -> None:
        number = sandbox.world.write(chat_id, "/help", user_id=MEMBER)["message_id"]
        sandbox.world.delete(chat_id, number)
        await hear()
        assert len(sandbox.sent(chat_id)) == 1

    async def test_so_is_one_that_could_not_be_carried_out(
        self, sandbox: Sandbox, hear: Hear, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.updates.inbox._ADMIN_CHECKS", 1)
        sandbox.faults += [("getChatMember", Fault.BAD_GATEWAY)]
        number = sandbox.world.write(GROUP, "/subscribe", user_id=ADMIN)["message_id"]
        sandbox.world.delete(GROUP, number)
        await hear()
        assert len(sandbox.sent(GROUP)) == 1

    @pytest.mark.parametrize(
        "command",
        [c for c in COMMANDS if c.name not in ("alert", "details", "chart") and not c.for_operators],
        ids=lambda c: c.name,
    )
    async def test_a_press_under_a_message_that_is_gone_is_answered_by_a_new_one(
        self, sandbox: Sandbox, hear: Hear, record: Record, button: Button, command: Any
    ) -> None:
        await record(whole())
        number = button(ME)
        sandbox.world.delete(ME, number)
        query = sandbox.world.press(ME, number, command.name)
        await hear()
        assert len(sandbox.sent(ME)) == 1
        assert query in sandbox.world.callback_answers

    @pytest.mark.parametrize("why", ["message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID"])
    async def test_what_cannot_be_edited_is_said_anew(
        self, sandbox: Sandbox, hear: Hear, record: Record, button: Button, why: str
    ) -> None:
        await record(whole())
        sandbox.faults.append(("editMessageText", BotApiError(400, f"Bad Request: {why}")))
        query = sandbox.world.press(ME, button(ME), "refresh")
        await hear()
        assert len(sandbox.sent(ME)) == 2
        assert query in sandbox.world.callback_answers

    @pytest.mark.parametrize(
        "data",
        ["", "alert", "alert@9", "details@x", "alert@" + "9" * 50, "subscribed", "Subscribe", "\x00", "a" * 64, None],
    )
    @pytest.mark.parametrize("chat_id", [ME, GROUP, CHANNEL])
    async def test_a_button_nobody_knows_says_so(
        self, app: App, sandbox: Sandbox, hear: Hear, button: Button, chat_id: int, data: str | None
    ) -> None:
        query = sandbox.world.press(chat_id, button(chat_id), data or "", user_id=ADMIN)
        pressed: Json = sandbox.world.updates[-1]["callback_query"]
        if data is None:
            pressed |= {"game_short_name": "chess"}
            del pressed["data"]
        await hear()
        assert sandbox.world.callback_answers[query]["text"].startswith("This button no longer works")
        assert sandbox.sent(chat_id) == ["Cascade"]

    async def test_a_button_under_no_message_at_all_says_so_too(
        self, sandbox: Sandbox, hear: Hear, button: Button
    ) -> None:
        query = sandbox.world.press(ME, button(ME), "status")
        pressed: Json = sandbox.world.updates[-1]["callback_query"]
        del pressed["message"]
        pressed["inline_message_id"] = "7"
        await hear()
        assert sandbox.world.callback_answers[query]["text"].startswith("This button no longer works")

    async def test_a_press_too_old_to_be_answered_has_its_effect(
        self, app: App, sandbox: Sandbox, hear: Hear, button: Button, caplog: pytest.LogCaptureFixture
    ) -> None:
        sandbox.world.press(ME, button(ME), "subscribe")
        sandbox.world.pressed.clear()
        await hear()
        assert await subscribers(app) == [ME]
        assert len(sandbox.sent(ME)) == 2
        assert not [record for record in caplog.records if record.levelname == "ERROR"]

    async def test_a_press_whose_answer_is_refused_ends_all_the_same(
        self, app: App, sandbox: Sandbox, hear: Hear, button: Button
    ) -> None:
        sandbox.faults.append(("sendMessage", BotApiError(400, "Bad Request: not enough rights to send text messages")))
        query = sandbox.world.press(GROUP, button(GROUP), "subscribe", user_id=ADMIN)
        await hear()
        assert await subscribers(app) == [GROUP]
        assert query in sandbox.world.callback_answers
