"""What people type and press, through the real client and a strict server."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from bot.app import App
from bot.commands.answering import COMMANDS
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from storage import chats
from storage.market import Agenda
from tests.bot.conftest import Record
from tests.bot.running import EVENING, attempt, confirmed, quiet

Hear = Callable[[], Coroutine[Any, Any, None]]
ME, GROUP, ADMIN, MEMBER = 5, -1_000_000_000_005, 11, 12


@pytest.fixture
def say(sandbox: Sandbox, hear: Hear) -> Callable[..., Coroutine[Any, Any, str]]:
    """Return a function that writes to the bot and returns its answer."""
    sandbox.world.add_private_chat(ME)
    sandbox.world.add_group(GROUP, "Traders", admins={ADMIN})

    async def write(text: str, chat_id: int = ME, user_id: int | None = None) -> str:
        before = len(sandbox.sent(chat_id))
        sandbox.world.write(chat_id, text, user_id=user_id)
        await hear()
        answers = sandbox.sent(chat_id)[before:]
        assert len(answers) <= 1
        return answers[0] if answers else ""

    return write


Say = Callable[..., Coroutine[Any, Any, str]]


@pytest.fixture
def press(sandbox: Sandbox, hear: Hear) -> Callable[[str], Coroutine[Any, Any, None]]:
    """Return a function that presses a button, by its text, under the newest message that has it."""

    async def click(text: str) -> None:
        for message in reversed(list(sandbox.world.chats[ME].messages.values())):
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for button in row:
                    if button["text"] == text:
                        sandbox.world.press(ME, message["message_id"], button["callback_data"])
                        await hear()
                        return
        raise AssertionError(f"there is no button {text}")

    return click


Press = Callable[[str], Coroutine[Any, Any, None]]


async def subscribers(app: App) -> list[int]:
    async with app.database.transaction() as connection:
        return list(await chats.subscribers(connection))


class TestStart:
    async def test_it_says_what_this_is_in_few_lines(self, say: Say) -> None:
        answer = await say("/start")
        assert answer.startswith("Cascade watches whether the Russell 2000")
        assert "not investment advice" in answer
        assert len(answer.splitlines()) <= 5

    async def test_it_subscribes_nobody_by_itself(self, app: App, say: Say) -> None:
        await say("/start")
        assert await subscribers(app) == []

    async def test_its_button_subscribes(self, app: App, say: Say, press: Press, sandbox: Sandbox) -> None:
        await say("/start")
        await press("Subscribe")
        assert await subscribers(app) == [ME]
        assert sandbox.sent(ME)[-1].startswith("Subscribed.")
        assert len(sandbox.world.callback_answers) == 1

    async def test_pressing_it_twice_is_harmless(self, app: App, say: Say, press: Press, sandbox: Sandbox) -> None:
        await say("/start")
        await press("Subscribe")
        await press("Subscribe")
        assert await subscribers(app) == [ME]
        assert sandbox.sent(ME)[-1].startswith("This chat is subscribed already.")

    async def test_in_a_simulated_market_it_says_so(self, say: Say, record: Record) -> None:
        await record(quiet(), origin="simulated")
        assert (await say("/start")).startswith("SIMULATED MARKET: every figure is made up")


class TestSubscribing:
    async def test_subscribe_and_unsubscribe(self, app: App, say: Say) -> None:
        assert (await say("/subscribe")).startswith("Subscribed.")
        assert await subscribers(app) == [ME]
        assert (await say("/unsubscribe")).startswith("Unsubscribed.")
        assert await subscribers(app) == []

    async def test_doing_it_twice_says_so(self, say: Say) -> None:
        await say("/subscribe")
        assert "subscribed already" in await say("/subscribe")
        await say("/unsubscribe")
        assert "was not subscribed" in await say("/unsubscribe")

    async def test_in_a_group_only_admins_may(self, app: App, say: Say) -> None:
        assert await say("/subscribe", GROUP, MEMBER) == "Only an admin of this chat can do that."
        assert await subscribers(app) == []
        assert (await say("/subscribe", GROUP, ADMIN)).startswith("Subscribed.")
        assert await subscribers(app) == [GROUP]
        assert await say("/unsubscribe", GROUP, MEMBER) == "Only an admin of this chat can do that."
        assert await subscribers(app) == [GROUP]

    async def test_a_replayed_update_changes_nothing(self, app: App, say: Say, sandbox: Sandbox, hear: Hear) -> None:
        await say("/subscribe")
        sandbox.world.write(ME, "/subscribe")
        await hear()
        assert await subscribers(app) == [ME]

    async def test_blocking_the_bot_ends_alerts_and_unblocking_brings_them_back(
        self, app: App, say: Say, sandbox: Sandbox, hear: Hear
    ) -> None:
        await say("/subscribe")
        sandbox.world.block(ME)
        await hear()
        assert await subscribers(app) == []
        sandbox.world.block(ME, blocked=False)
        await hear()
        assert await subscribers(app) == [ME]

    async def test_the_effect_is_stored_even_when_the_answer_is_lost(
        self, app: App, say: Say, sandbox: Sandbox
    ) -> None:
        sandbox.faults.append(("sendMessage", Fault.RESET_BEFORE))
        await say("/subscribe")
        assert await subscribers(app) == [ME]


class TestStatus:
    async def test_before_the_first_evening_it_says_that_nothing_is_evaluated(self, say: Say) -> None:
        assert (await say("/status")).startswith("Nothing is evaluated yet.")

    async def test_while_the_first_evening_waits_it_says_for_what(self, app: App, say: Say) -> None:
        from storage import market

        async with app.database.transaction() as connection:
            await market.claim_market(connection, "live")
            session = EVENING.date()
            await market.set_agenda(connection, Agenda(session, EVENING, session, "^RUT: Yahoo did not answer"))
        assert "Yahoo did not answer" in await say("/status")

    async def test_a_quiet_evening(self, say: Say, record: Record) -> None:
        await record(quiet())
        lines = (await say("/status")).splitlines()
        assert lines[0] == "Russell 2000 10.0\u00a0% below its record"
        assert "coverage 100\u00a0%" in lines[1]
        assert "Breakout   none in this data" in lines
        assert lines[-1] == "Next: a record close needs +11.1\u00a0% (100.00)"

    async def test_an_open_attempt_says_what_confirms_and_what_rejects_it(self, say: Say, record: Record) -> None:
        await record(attempt())
        answer = await say("/status")
        assert "Breakout   attempt · level 100.00" in answer
        assert "3 closes in a row above 100.00 by" in answer
        assert "a close below 97.00 rejects it" in answer

    async def test_a_confirmed_one_says_until_when_it_must_hold(self, say: Say, record: Record) -> None:
        await record(confirmed())
        assert "unless it fails: a close below 97.00 or 10 in a row below 100.00" in await say("/status")

    async def test_it_fits_a_phone(self, say: Say, record: Record) -> None:
        await record(attempt())
        lines = (await say("/status")).splitlines()
        assert len(lines) <= 12

    async def test_when_a_session_is_overdue_the_first_line_says_so_and_why(
        self, app: App, say: Say, record: Record
    ) -> None:
        overdue = EVENING - timedelta(hours=1)
        await record(quiet(), agenda=Agenda(overdue.date(), overdue, overdue.date(), "IWM: newest bar is late"))
        first = (await say("/status")).splitlines()[0]
        assert first.startswith("No newer verdict than")
        assert "IWM: newest bar is late" in first

    async def test_when_none_is_it_does_not(self, say: Say, record: Record) -> None:
        later = EVENING + timedelta(days=1)
        await record(quiet(), agenda=Agenda(later.date(), later, EVENING.date(), None))
        assert "No newer verdict" not in await say("/status")

    async def test_refresh_edits_in_place(self, say: Say, press: Press, record: Record, sandbox: Sandbox) -> None:
        await record(quiet())
        await say("/status")
        before = len(sandbox.sent(ME))
        await record(attempt())
        await press("Refresh")
        assert len(sandbox.sent(ME)) == before
        assert sandbox.sent(ME)[-1].startswith("Russell 2000 at its record close")

    async def test_refreshing_what_has_not_changed_is_harmless(
        self, say: Say, press: Press, record: Record, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        await record(quiet())
        await say("/status")
        await press("Refresh")
        assert len(sandbox.world.callback_answers) == 1
        assert not [r for r in caplog.records if r.levelname == "ERROR"]


class TestWhy:
    async def test_it_shows_every_check_with_its_number(self, say: Say, record: Record) -> None:
        await record(attempt())
        answer = await say("/why")
        for words in ("close 1 of 3 so far", "volume ✗", "participation", "trend", "relative strength"):
            assert words in answer
        assert "IWM/SPY at a 63-session high within 10 sessions" in answer
        assert "Data as of" in answer

    async def test_the_button_does_the_same(self, say: Say, press: Press, record: Record, sandbox: Sandbox) -> None:
        await record(attempt())
        await say("/status")
        await press("Why")
        assert sandbox.sent(ME)[-1].startswith("The five checks beside a breakout")


class TestHelp:
    async def test_it_lists_every_command_and_so_does_telegrams_menu(self, say: Say, sandbox: Sandbox) -> None:
        answer = await say("/help")
        assert all(f"/{name} – {description}" in answer for name, description in COMMANDS.items())
        (menu,) = sandbox.world.commands.values()
        assert {entry["command"]: entry["description"] for entry in menu} == COMMANDS

    async def test_every_command_listed_is_answered(self, say: Say, record: Record) -> None:
        await record(quiet())
        for name in COMMANDS:
            answer = await say(f"/{name}")
            assert answer
            assert "no such command" not in answer

    async def test_an_unknown_command_gets_one_line_with_a_valid_example(self, say: Say) -> None:
        assert await say("/statsu") == "There is no such command. For example /status; /help lists all."

    async def test_in_a_group_a_command_for_another_bot_is_left_alone(self, say: Say) -> None:
        assert await say("/something", GROUP, MEMBER) == ""

    async def test_plain_words_get_no_answer(self, say: Say) -> None:
        assert await say("hello") == ""


class TestFaults:
    async def test_a_failing_handler_is_logged_and_the_next_one_works(
        self, say: Say, record: Record, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        await record(quiet())
        sandbox.faults.append(("sendMessage", BotApiError(400, "Bad Request: something")))
        assert await say("/status") == ""
        assert "a command failed" in caplog.text
        assert await say("/status") != ""

    async def test_text_from_outside_is_escaped(self, app: App, say: Say) -> None:
        from storage import market

        async with app.database.transaction() as connection:
            await market.claim_market(connection, "live")
            agenda = Agenda(EVENING.date(), EVENING, EVENING.date(), "<b>bold</b> & <script>")
            await market.set_agenda(connection, agenda)
        assert "<b>bold</b> & <script>" in await say("/status")
