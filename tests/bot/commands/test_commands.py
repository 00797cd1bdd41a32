"""What people type and press, through the real client and a strict server."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.app import App
from bot.commands.table import COMMANDS, MENU
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from bot.settings import Settings
from signals.as_json import encode
from storage import chats, ledger, market
from storage.ledger import AlertRow, ChangeRow, VerdictRow
from storage.market import Agenda
from storage.schema import compressed
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Hear, Press, Say, store
from tests.bot.conftest import Record
from tests.bot.messages.whole import BREAKOUT, EPISODE, SESSION, early, whole
from tests.bot.running import EVENING, settings_for

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
        assert "Russell 2000  90.00, 10.0\u00a0% below its record of 100.00 (200 sessions old)" in lines
        assert "Next: any close above 100.00 is a breakout attempt" in lines
        assert len(lines) <= 14

    async def test_an_open_attempt_says_what_confirms_and_what_rejects_it(self, say: Say, record: Record) -> None:
        await record(attempt)
        answer = await say("/status")
        assert "Breakout attempt · stage 2 of 4" in answer
        assert "closes in a row above 1,740.75 confirm it" in answer

    async def test_a_market_never_seen_is_answered_too(self, say: Say, record: Record) -> None:
        await record(early())
        assert (await say("/status")).startswith("Stage unknown · bonds unknown")

    async def test_when_a_session_is_overdue_the_first_line_says_so_and_why(
        self, app: App, say: Say, record: Record
    ) -> None:
        overdue = EVENING - timedelta(hours=1)
        await record(quiet, agenda=Agenda(overdue.date(), overdue, overdue.date(), "IWM: newest bar is late"))
        first = (await say("/status")).splitlines()[0]
        assert first.startswith("Fri 13 Nov 2020 is not decided yet.")
        assert "IWM: newest bar is late" in first

    async def test_the_first_line_says_nothing_of_it_when_no_session_is_overdue(self, say: Say, record: Record) -> None:
        later = EVENING + timedelta(days=1)
        await record(quiet, agenda=Agenda(later.date(), later, EVENING.date(), None))
        assert "not decided yet" not in await say("/status")

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
            ("breakout", "The five checks of a breakout"),
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
            ("crypto", "Crypto window: opens 17 Dec"),
            ("supercycle", "Signs of a long rally: 2 of 4 hold"),
        ):
            assert (await say(f"/{command}")).startswith(heading)
            assert (await say(f"/{command}", GROUP, MEMBER)).startswith(heading)

    async def test_every_part_says_before_the_first_evening_that_nothing_is_evaluated(self, say: Say) -> None:
        for command in ("why", "why 3", "breakout", "liquidity", "cascade", "crypto", "supercycle", "history"):
            assert (await say(f"/{command}")).startswith("Nothing is evaluated yet.")
        assert (await say("/asof 2020-11-17")).startswith("Nothing is evaluated yet.")


class TestTheOperatorsNote:
    @pytest.fixture
    def settings(self, sandbox: Sandbox, database_url: str) -> Settings:
        return settings_for(sandbox, database_url, operator_note="2026-11-01: custody")

    async def test_it_is_part_of_crypto(self, say: Say, record: Record) -> None:
        await record(whole())
        assert (await say("/crypto")).endswith("Operator's note, not scored: 2026-11-01: custody")


class TestHelp:
    async def test_help_lists_every_command(self, say: Say) -> None:
        answer = await say("/help")
        lines = {line.partition(" ")[0]: line.partition(" – ")[2] for line in answer.splitlines()}
        asked = ("Where things stand", "What happened before")
        explained = {command.name: command.description for command in COMMANDS if command.group in asked}
        assert all(lines[f"/{name}"] == description for name, description in explained.items())
        named = [word for line in answer.splitlines() if " – " not in line for word in line.split(", ")]
        typed = [f"/{c.name} {c.argument}".strip() for c in COMMANDS if c.name in MENU.keys() - explained.keys()]
        assert sorted(word for word in named if word.startswith("/")) == sorted(typed)
        assert len(answer) <= 900

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
