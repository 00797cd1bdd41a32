"""What people type and press, through the real client and a strict server."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.app import App
from bot.commands import evidence
from bot.commands.answering import Services
from bot.commands.table import MENU
from bot.messages.buttons import Rows
from bot.messages.render import Messages
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from signals.as_json import encode
from storage import chats, ledger, market
from storage.ledger import AlertRow, ChangeRow, VerdictRow
from storage.market import Agenda
from storage.schema import compressed
from tests.bot.conftest import Record
from tests.bot.messages.whole import BREAKOUT, EPISODE, SESSION, early, whole
from tests.bot.running import EVENING

quiet = whole(
    breakout=replace(
        BREAKOUT,
        close=90.0,
        record=100.0,
        distance=-0.1,
        base_sessions=200,
        episode=None,
        course=None,
        record_after=None,
    )
)
attempt = whole(breakout=replace(BREAKOUT, episode=replace(EPISODE, confirmed=None, hold_until=None)))
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
    async def test_start_says_what_this_is_in_few_lines(self, say: Say) -> None:
        answer = await say("/start")
        assert answer.startswith("Cascade watches whether the Russell 2000")
        assert "not investment advice" in answer
        assert len(answer.splitlines()) <= 5

    async def test_start_subscribes_nobody_by_itself(self, app: App, say: Say) -> None:
        await say("/start")
        assert await subscribers(app) == []

    async def test_the_button_under_start_subscribes(self, app: App, say: Say, press: Press, sandbox: Sandbox) -> None:
        await say("/start")
        await press("Subscribe")
        assert await subscribers(app) == [ME]
        assert sandbox.sent(ME)[-1].startswith("Subscribed.")
        assert len(sandbox.world.callback_answers) == 1

    async def test_pressing_subscribe_twice_is_harmless(
        self, app: App, say: Say, press: Press, sandbox: Sandbox
    ) -> None:
        await say("/start")
        await press("Subscribe")
        await press("Subscribe")
        assert await subscribers(app) == [ME]
        assert sandbox.sent(ME)[-1].startswith("This chat is subscribed already.")

    async def test_start_in_a_simulated_market_says_so(self, say: Say, record: Record) -> None:
        await record(quiet, origin="simulated")
        assert (await say("/start")).startswith("SIMULATED MARKET: every figure is made up")


class TestSubscribing:
    async def test_subscribe_and_unsubscribe(self, app: App, say: Say) -> None:
        assert (await say("/subscribe")).startswith("Subscribed.")
        assert await subscribers(app) == [ME]
        assert (await say("/unsubscribe")).startswith("Unsubscribed.")
        assert await subscribers(app) == []

    async def test_subscribing_or_unsubscribing_twice_says_so(self, say: Say) -> None:
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
    async def test_status_before_the_first_evening_says_that_nothing_is_evaluated(self, say: Say) -> None:
        assert (await say("/status")).startswith("Nothing is evaluated yet.")

    async def test_status_while_the_first_evening_waits_says_for_what(self, app: App, say: Say) -> None:
        async with app.database.transaction() as connection:
            await market.claim_market(connection, "live")
            session = EVENING.date()
            await market.set_agenda(connection, Agenda(session, EVENING, session, "^RUT: Yahoo did not answer"))
        assert "Yahoo did not answer" in await say("/status")

    async def test_status_is_the_whole_state_on_one_phone_screen(self, say: Say, record: Record) -> None:
        await record(quiet)
        lines = (await say("/status")).splitlines()
        assert lines[0] == "Stage 2 of 4 · small caps do not lead"
        assert "95\u00a0% measured" in lines[1]
        assert "Russell 2000  90.00, 10.0\u00a0% below its record 100.00 (200 sessions old)" in lines
        assert "Next: any close above 100.00 is a breakout attempt" in lines
        assert len(lines) <= 14

    async def test_an_open_attempt_says_what_confirms_and_what_rejects_it(self, say: Say, record: Record) -> None:
        await record(attempt)
        answer = await say("/status")
        assert "Breakout attempt · stage 2 of 4" in answer
        assert "closes in a row above 1,740.75 confirm it" in answer

    async def test_a_market_never_seen_is_answered_too(self, say: Say, record: Record) -> None:
        await record(early())
        assert (await say("/status")).startswith("Stage at least 0 of 4 · bonds unknown")

    async def test_when_a_session_is_overdue_the_first_line_says_so_and_why(
        self, app: App, say: Say, record: Record
    ) -> None:
        overdue = EVENING - timedelta(hours=1)
        await record(quiet, agenda=Agenda(overdue.date(), overdue, overdue.date(), "IWM: newest bar is late"))
        first = (await say("/status")).splitlines()[0]
        assert first.startswith("Nothing newer than")
        assert "IWM: newest bar is late" in first

    async def test_the_first_line_says_nothing_of_it_when_no_session_is_overdue(self, say: Say, record: Record) -> None:
        later = EVENING + timedelta(days=1)
        await record(quiet, agenda=Agenda(later.date(), later, EVENING.date(), None))
        assert "Nothing newer" not in await say("/status")

    async def test_refresh_edits_in_place(self, say: Say, press: Press, record: Record, sandbox: Sandbox) -> None:
        await record(quiet)
        await say("/status")
        before = len(sandbox.sent(ME))
        await record(replace(attempt, session=SESSION + timedelta(days=1)))
        await press("Refresh")
        assert len(sandbox.sent(ME)) == before
        assert "Breakout attempt" in sandbox.sent(ME)[-1]

    async def test_refreshing_what_has_not_changed_is_harmless(
        self, say: Say, press: Press, record: Record, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        await record(quiet)
        await say("/status")
        await press("Refresh")
        (answer,) = sandbox.world.callback_answers.values()
        assert answer["text"] == "Nothing new since Tue 17 Nov 2020."
        assert not [r for r in caplog.records if r.levelname == "ERROR"]


class TestWhy:
    async def test_why_shows_what_changed_lately_and_every_link(self, say: Say, record: Record) -> None:
        await record(whole())
        answer = await say("/why")
        assert answer.startswith("What changed in the last month, or is between two thresholds")
        assert "1 Bonds\u00a0● 2 of 4 on" in answer

    async def test_the_button_why_shows_the_same_in_place(
        self, say: Say, press: Press, record: Record, sandbox: Sandbox
    ) -> None:
        await record(whole())
        await say("/status")
        await press("Why")
        assert sandbox.sent(ME)[-1].startswith("What changed in the last month")

    async def test_a_link_is_asked_for_by_number_or_name(self, say: Say, record: Record) -> None:
        await record(whole())
        for asked, heading in (
            ("1", "1 Bonds\u00a0●"),
            ("bonds", "1 Bonds\u00a0●"),
            ("Equities", "2 Equities\u00a0●"),
            ("3", "3 Small caps\u00a0○"),
            ("small caps", "3 Small caps\u00a0○"),
            ("smallcaps", "3 Small caps\u00a0○"),
            ("small-caps", "3 Small caps\u00a0○"),
            ("CRYPTO", "4 Crypto\u00a0○"),
            ("liquidity", "Liquidity neutral since 17 Jul 2020"),
            ("breakout", "The five checks beside a breakout"),
        ):
            assert (await say(f"/why {asked}")).startswith(heading)

    async def test_any_other_link_gets_one_line_with_a_valid_example(self, say: Say) -> None:
        for asked in ("5", "0", "bondz", "3 4", "<b>", "٣"):
            answer = await say(f"/why {asked}")
            assert answer == "/why takes a link by number or name, liquidity or breakout. For example /why bonds"

    async def test_a_group_may_ask_by_the_bots_name(self, say: Say, record: Record) -> None:
        await record(whole())
        answer = await say("/why@cascade_sandbox_bot 2", GROUP, MEMBER)
        assert answer.startswith("2 Equities\u00a0●")


class TestInPlace:
    async def test_parts_open_in_place_and_go_back(
        self, say: Say, press: Press, record: Record, sandbox: Sandbox
    ) -> None:
        await record(whole())
        await say("/status")
        (before,) = sandbox.sent(ME)[-1:]
        count = len(sandbox.sent(ME))
        for button, heading in (
            ("Why", "What changed"),
            ("Bonds", "1 Bonds"),
            ("Back", "What changed"),
            ("Liquidity", "Liquidity neutral"),
            ("Back", "What changed"),
            ("Back", before.splitlines()[0]),
        ):
            await press(button)
            assert len(sandbox.sent(ME)) == count
            assert sandbox.sent(ME)[-1].startswith(heading)

    async def test_an_alert_opens_its_parts_in_place_and_comes_back(
        self, app: App, say: Say, press: Press, sandbox: Sandbox
    ) -> None:
        await say("/subscribe")
        change = ChangeRow("breakout.confirmed", "breakout:2020-11-13", SESSION)
        row = VerdictRow(SESSION, EVENING, "3", compressed(encode(whole())), [change])
        owed = AlertRow("key", change.kind, True, SESSION, EVENING, [(change.subject, change.kind)])
        async with app.database.transaction() as connection:
            await market.claim_market(connection, "live")
            await ledger.record(connection, [row], [owed], backfilled=False)
        await app.sender.drain()
        alert, count = sandbox.sent(ME)[-1], len(sandbox.sent(ME))
        for button, heading in (
            ("Details", "Details of alert 1"),
            ("Back", alert.splitlines()[0]),
            ("Why", "What changed"),
            ("Breakout", "The five checks"),
            ("Back", "What changed"),
            ("Back", alert.splitlines()[0]),
            ("Record", "There is no track record yet"),
            ("Back", alert.splitlines()[0]),
        ):
            await press(button)
            assert len(sandbox.sent(ME)) == count
            assert sandbox.sent(ME)[-1].startswith(heading)
        assert sandbox.sent(ME)[-1] == alert


class TestParts:
    async def test_every_part_is_answered_in_depth(self, say: Say, record: Record) -> None:
        await record(whole())
        for command, heading in (
            ("breakout", "Breakout confirmed · stage 2 of 4"),
            ("liquidity", "US liquidity: neutral since 17 Jul 2020"),
            ("cascade", "Stage 2 of 4 · small caps do not lead"),
            ("crypto", "Crypto: window opens 17 Dec"),
            ("supercycle", "Long rally: 2 of 4 properties hold"),
        ):
            assert (await say(f"/{command}")).startswith(heading)
            assert (await say(f"/{command}", GROUP, MEMBER)).startswith(heading)

    async def test_every_part_says_before_the_first_evening_that_nothing_is_evaluated(self, say: Say) -> None:
        for command in ("why", "why 3", "breakout", "liquidity", "cascade", "crypto", "supercycle", "history"):
            assert (await say(f"/{command}")).startswith("Nothing is evaluated yet.")
        assert (await say("/asof 2020-11-17")).startswith("Nothing is evaluated yet.")

    async def test_the_operators_note_is_part_of_crypto(self, app: App, record: Record) -> None:
        await record(whole())
        services = Services(app.database, Messages(), app.clock, app.replies, note="2026-11-01: custody")
        answers: list[str] = []

        class Asked:
            words = ()

            async def show(self, text: str, buttons: Rows) -> None:
                answers.append(text)

        await evidence.crypto(services, Asked())  # type: ignore[arg-type]
        assert answers[0].endswith("Operator's note, not scored: 2026-11-01: custody")


def _change(kind: str, on: date, before: str = "", after: str = "", what: str = "") -> ChangeRow:
    return ChangeRow(kind, f"{what or kind.partition('.')[0]}:{on}", on, before, after)


async def store(app: App, *evenings: tuple[date, list[ChangeRow]], backfilled: bool = False) -> None:
    """Store one verdict for each evening, with what changed on it."""
    rows = []
    for session, changes in evenings:
        body = compressed(encode(whole(session=session)))
        rows.append(VerdictRow(session, EVENING, "2", body, changes))
    async with app.database.transaction() as connection:
        await market.claim_market(connection, "live")
        await ledger.record(connection, rows, [], backfilled=backfilled)


class TestHistory:
    async def test_history_before_anything_changed_says_so(self, app: App, say: Say) -> None:
        await store(app, (SESSION, []))
        assert await say("/history") == "Nothing has changed yet"

    async def test_the_newest_change_comes_first_in_words_with_its_date(self, app: App, say: Say) -> None:
        earlier, later = date(2020, 11, 13), date(2020, 11, 17)
        regime = _change("liquidity.regime", later, "neutral", "easing")
        await store(app, (earlier, [_change("breakout.attempt", earlier)]), (later, [regime]))
        assert (await say("/history")).splitlines() == [
            "The last 2 changes",
            "17 Nov 2020: US liquidity turned easing (was neutral)",
            "13 Nov 2020: Russell 2000 breakout attempt of 13 Nov 2020",
        ]

    async def test_a_change_found_in_the_history_is_marked_as_never_sent(self, app: App, say: Say) -> None:
        await store(app, (SESSION, [_change("stage.up", SESSION, "1", "2")]), backfilled=True)
        answer = await say("/history")
        assert answer.endswith("17 Nov 2020: Cascade stage 1 → 2 of 4\nAll from history, not sent live.")
        assert answer.splitlines()[0] == "The last change"

    async def test_the_state_of_the_data_is_the_operators(self, app: App, say: Say) -> None:
        await store(app, (SESSION, [ChangeRow("data.problem", f"data:IWC:{SESSION}", SESSION, "late", "stale")]))
        assert await say("/history") == "Nothing has changed yet"

    async def test_ten_unless_asked_for_more_and_all_thirty_fit_a_message(self, app: App, say: Say) -> None:
        days = [date(2020, 1, 1) + timedelta(days=i) for i in range(35)]
        await store(app, *((d, [_change("breakout.warning", d)]) for d in days), backfilled=True)
        for asked, count in (("", 10), (" 1", 1), (" 30", 30)):
            assert (await say(f"/history{asked}")).count("warning") == count

    async def test_anything_else_gets_one_line_with_a_valid_example(self, say: Say) -> None:
        for asked in ("0", "31", "-1", "ten", "1 2", "2.5", "9" * 4000, "١٢"):
            assert await say(f"/history {asked}") == "/history takes a number from 1 to 30. For example /history 20"


class TestAsOf:
    async def test_asof_is_the_stored_verdict_of_that_evening(self, app: App, say: Say) -> None:
        await store(app, (date(2020, 11, 13), []), (SESSION, []))
        lines = (await say("/asof 2020-11-13")).splitlines()
        assert lines[0].startswith("As of that evening, decided ")
        assert lines[2] == "Breakout confirmed · stage 2 of 4"
        assert lines[3].startswith("Fri 13 Nov 2020 · ")

    async def test_a_day_without_a_session_uses_the_one_before_and_says_so(self, app: App, say: Say) -> None:
        await store(app, (date(2020, 11, 13), []), (SESSION, []))
        answer = await say("/asof 2020-11-15")
        assert answer.startswith("Sun 15 Nov 2020 was not a session: this is the one before.")
        assert "Fri 13 Nov 2020 · " in answer

    async def test_a_day_to_come_says_so_in_one_line(self, app: App, say: Say) -> None:
        await store(app, (SESSION, []))
        answer = "2999-01-01 is yet to come: the newest session is 2020-11-17. For example /asof 2020-11-17"
        assert await say("/asof 2999-01-01") == answer

    async def test_asof_before_the_first_verdict_says_which_is_the_first(self, app: App, say: Say) -> None:
        await store(app, (SESSION, []))
        answer = "There is nothing that early: the first session is 2020-11-17. For example /asof 2020-11-17"
        assert await say("/asof 1929-10-29") == answer

    async def test_a_verdict_of_the_history_says_that_it_was_computed_later(self, app: App, say: Say) -> None:
        await store(app, (SESSION, []), backfilled=True)
        async with app.database.transaction() as connection:
            await market.begin_backfill(connection, SESSION)
        assert "computed later from the history" in await say(f"/asof {SESSION}")

    async def test_anything_else_gets_one_line_with_a_valid_example(self, app: App, say: Say) -> None:
        await store(app, (SESSION, []))
        for asked in ("", "yesterday", "17.11.2020", "2020-13-01", "2020-11-17 22:30", "<i>"):
            answer = await say(f"/asof {asked}")
            assert answer == "/asof takes a date as year-month-day. For example /asof 2020-11-17"


class TestHelp:
    async def test_help_lists_every_command_and_so_does_telegrams_menu(self, say: Say, sandbox: Sandbox) -> None:
        answer = await say("/help")
        lines = {line.partition(" ")[0]: line.partition(" – ")[2] for line in answer.splitlines()}
        assert all(lines[f"/{name}"] == description for name, description in MENU.items())
        (menu,) = sandbox.world.commands.values()
        assert {entry["command"]: entry["description"] for entry in menu} == MENU

    async def test_every_command_listed_is_answered(self, say: Say, record: Record) -> None:
        await record(quiet)
        for name in MENU:
            answer = await say(f"/{name}")
            assert answer
            assert "no such command" not in answer

    async def test_an_unknown_command_gets_one_line_with_a_valid_example(self, say: Say) -> None:
        assert await say("/statsu") == "There is no such command. For example /status; /help lists all."

    async def test_in_a_group_a_command_for_another_bot_is_left_alone(self, say: Say) -> None:
        assert await say("/something", GROUP, MEMBER) == ""

    async def test_plain_words_get_one_line_in_private_and_none_in_a_group(self, say: Say) -> None:
        answer = await say("what now?")
        assert "\n" not in answer
        assert all(command in answer for command in ("/status", "/record", "/help"))
        assert await say("what now?", GROUP, MEMBER) == ""

    async def test_every_example_in_the_help_works_on_the_data_at_hand(self, app: App, say: Say) -> None:
        await store(app, (SESSION, []))
        assert "/asof 2020-11-17 – " in await say("/help")


class TestFaults:
    async def test_a_failing_handler_is_logged_and_the_next_one_works(
        self, say: Say, record: Record, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        await record(quiet)
        sandbox.faults.append(("sendMessage", BotApiError(400, "Bad Request: something")))
        assert await say("/status") == ""
        assert "a command failed" in caplog.text
        assert await say("/status") != ""

    async def test_text_from_outside_is_escaped(self, app: App, say: Say) -> None:
        async with app.database.transaction() as connection:
            await market.claim_market(connection, "live")
            agenda = Agenda(EVENING.date(), EVENING, EVENING.date(), "<b>bold</b> & <script>")
            await market.set_agenda(connection, agenda)
        assert "<b>bold</b> & <script>" in await say("/status")
