"""An operator writes to all, or puts an alert right: seen first, sent by a second tap, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from bot.app import App
from bot.clock import SteppedClock
from bot.commands.operator.posts import MOST, by_language
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html, utf16_length
from bot.sandbox.server import Fault, Sandbox
from storage import ledger
from storage.ledger import Audience
from storage.operator import posts
from storage.outbox.states import State
from storage.schema import alert
from storage.settings.kinds import EVERYTHING
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Hear, Press, Say
from tests.bot.commands.operator.conftest import OTHER
from tests.bot.conftest import Record
from tests.bot.delivery.test_delivery import tally
from tests.bot.running import EVENING, attempt, confirmed

MESSAGES = Messages()
FORGED = "<b>two</b> & <script>\n\nlines"


def newest(sandbox: Sandbox, chat_id: int) -> dict[str, Any]:
    return list(sandbox.world.chats[chat_id].messages.values())[-1]


def button(sandbox: Sandbox, chat_id: int, title: str) -> tuple[int, str]:
    """Return the message with a button, and what the button asks for."""
    message = newest(sandbox, chat_id)
    (data,) = [
        one["callback_data"]
        for row in message["reply_markup"]["inline_keyboard"]
        for one in row
        if one["text"].startswith(title)
    ]
    return message["message_id"], data


async def alerts(app: App) -> int:
    async with app.database.reading() as connection:
        return await ledger.count_alerts(connection)


@pytest.fixture
async def subscribed(app: App, say: Say) -> None:
    for chat_id, person in ((OTHER, OTHER), (GROUP, ADMIN)):
        await say("/subscribe", chat_id, person)
        await say("/alerts everything", chat_id, person)


@pytest.mark.usefixtures("subscribed")
class TestBroadcast:
    async def test_it_is_shown_as_it_will_be_read_and_sent_by_a_second_tap(
        self, app: App, say: Say, press: Press, sandbox: Sandbox
    ) -> None:
        preview = await say(f"/broadcast {FORGED}")
        assert preview.startswith(
            f"Preview, for 2 chats\n\nEnglish\nFrom whoever runs this bot\n\n{FORGED}\n\n"
            f"Français\nUn mot de l'opérateur du bot\n\n{FORGED}\n\nNothing is sent"
        )
        assert await alerts(app) == 0
        await press("Send to 2 chats")
        assert sandbox.sent(ME)[-1].startswith("On its way, as alert 1.")
        await app.sender.drain()
        for chat_id in (OTHER, GROUP):
            assert sandbox.sent(chat_id)[-1] == f"From whoever runs this bot\n\n{FORGED}"
            assert "reply_markup" not in newest(sandbox, chat_id)
        assert await tally(app) == {State.SENT: 2}

    async def test_a_second_press_sends_nothing(self, app: App, say: Say, sandbox: Sandbox, hear: Hear) -> None:
        await say("/broadcast words")
        message, data = button(sandbox, ME, "Send")
        pressed = [sandbox.world.press(ME, message, data) for _ in range(2)]
        await hear()
        assert await alerts(app) == 1
        assert sandbox.world.callback_answers[pressed[1]]["text"] == "This was sent or discarded already."

    async def test_it_survives_an_answer_that_is_lost(self, app: App, say: Say, press: Press, sandbox: Sandbox) -> None:
        await say("/broadcast words")
        sandbox.faults += [("editMessageText", Fault.RESET_BEFORE)] * 4
        await press("Send to 2 chats")
        assert await alerts(app) == 1

    async def test_the_button_is_of_one_person_in_one_chat(
        self, app: App, say: Say, sandbox: Sandbox, hear: Hear
    ) -> None:
        app.operation.ids = (ME, ADMIN)
        sandbox.world.add_private_chat(ADMIN)
        await say("/broadcast words")
        message, data = button(sandbox, ME, "Send")
        await say("/status")
        # Another operator; the same one elsewhere; nobody; a number that there is none of.
        wrong = Messages().text("not_dispatched", why="not yours")
        for chat_id, person, asked, answer in (
            (ME, ADMIN, data, wrong),
            (GROUP, ME, data, wrong),
            (ME, OTHER, data, Messages().text("unknown_button")),
            (ME, ME, "dispatch:9999", wrong),
            (ME, ME, "dispatch:x", wrong),
            (ME, ME, "dispatch", wrong),
        ):
            pressed = sandbox.world.press(chat_id, message, asked, user_id=person)
            await hear()
            assert sandbox.world.callback_answers[pressed]["text"] == answer
        assert await alerts(app) == 0

    async def test_it_expires(self, app: App, say: Say, press: Press, sandbox: Sandbox) -> None:
        await say("/broadcast words")
        assert isinstance(app.clock, SteppedClock)
        app.clock.move(EVENING + posts.VALID + timedelta(seconds=1))
        await press("Send to 2 chats")
        (answer,) = sandbox.world.callback_answers.values()
        assert answer["text"] == "This is too old to be sent. Write it again."
        assert await alerts(app) == 0

    async def test_it_can_be_discarded(self, app: App, say: Say, press: Press, sandbox: Sandbox, hear: Hear) -> None:
        await say("/broadcast words")
        message, data = button(sandbox, ME, "Send")
        await press("Discard")
        assert sandbox.sent(ME)[-1] == "Discarded. Nobody got it."
        sandbox.world.press(ME, message, data)
        sandbox.world.press(ME, message, data.replace("dispatch", "discard"))
        await hear()
        assert await alerts(app) == 0

    async def test_each_chat_reads_it_in_its_language(self, app: App, say: Say, press: Press, sandbox: Sandbox) -> None:
        await say("/language fr", OTHER)
        await say("/broadcast en: two\nlines fr: deux lignes")
        await press("Send to 2 chats")
        await app.sender.drain()
        assert sandbox.sent(GROUP)[-1] == "From whoever runs this bot\n\ntwo\nlines"
        assert sandbox.sent(OTHER)[-1] == "Un mot de l'opérateur du bot\n\ndeux lignes"

    async def test_a_piece_that_is_missing_or_too_long_gets_one_line(self, say: Say) -> None:
        assert (await say("/broadcast en: words fr:")).startswith("TEXT is missing.")
        assert (await say(f"/broadcast en: words fr: {'x' * (MOST + 1)}")).startswith(f"TEXT has {MOST + 1} characters")

    async def test_a_text_that_is_missing_or_too_long_gets_one_line(self, app: App, say: Say) -> None:
        assert await say("/broadcast") == (
            "TEXT is missing. For example /broadcast The bot moves to another server on Sunday"
        )
        assert (await say("/broadcast " + "🚀" * (MOST // 2 + 1))).startswith(
            f"TEXT has {MOST + 2} characters, expected at most {MOST}. For example /broadcast "
        )
        assert (await say("/broadcast " + "🚀" * (MOST // 2))).startswith("Preview")

    async def test_in_a_group_its_operator_writes_and_sends_it_there(
        self, app: App, say: Say, sandbox: Sandbox, hear: Hear
    ) -> None:
        await say("/broadcast words", GROUP, ME)
        message, data = button(sandbox, GROUP, "Send")
        pressed = sandbox.world.press(GROUP, message, data, user_id=MEMBER)
        await hear()
        assert sandbox.world.callback_answers[pressed]["text"] == Messages().text("unknown_button")
        assert await alerts(app) == 0
        sandbox.world.press(GROUP, message, data, user_id=ME)
        await hear()
        assert await alerts(app) == 1


@pytest.mark.usefixtures("subscribed")
class TestCorrection:
    @pytest.fixture
    async def sent(self, app: App, subscribed: None, record: Record, sandbox: Sandbox) -> dict[int, int]:
        """The number of the message of one alert in each chat that got it."""
        await record(confirmed(), "confirmed")
        await app.sender.drain()
        return {chat_id: newest(sandbox, chat_id)["message_id"] for chat_id in (OTHER, GROUP)}

    async def test_it_answers_the_alert_in_every_chat_that_got_it(
        self, app: App, say: Say, press: Press, sandbox: Sandbox, sent: dict[int, int]
    ) -> None:
        await say("/subscribe", ME)
        preview = await say("/correction 1 The close was <103>")
        heading = "Correction of the alert of "
        assert preview.startswith(f"Preview, for 2 chats\n\nEnglish\n{heading}")
        assert "Français\nRectification de l'alerte du " in preview
        before = len(sandbox.sent(ME))
        await press("Send to 2 chats")
        await app.sender.drain()
        assert len(sandbox.sent(ME)) == before
        replies = {
            given["chat_id"]: given["reply_parameters"]["message_id"]
            for method, given in sandbox.calls[-2:]
            if method == "sendMessage"
        }
        assert replies == sent
        for chat_id in sent:
            first, _, words = sandbox.sent(chat_id)[-1].splitlines()
            assert first.startswith(heading)
            assert first.endswith("confirmed")
            assert words == "The close was <103>"

    async def test_in_a_group_its_operator_writes_and_sends_it_there(
        self, app: App, say: Say, sandbox: Sandbox, hear: Hear, sent: dict[int, int]
    ) -> None:
        await say("/correction 1 words", GROUP, ME)
        message, data = button(sandbox, GROUP, "Send")
        sandbox.world.press(GROUP, message, data, user_id=ADMIN)
        await hear()
        assert await alerts(app) == 1
        sandbox.world.press(GROUP, message, data, user_id=ME)
        await hear()
        assert await alerts(app) == 2

    async def test_where_the_alert_was_deleted_it_stands_alone(
        self, app: App, say: Say, press: Press, sandbox: Sandbox, sent: dict[int, int]
    ) -> None:
        sandbox.world.delete(OTHER, sent[OTHER])
        await say("/correction 1 words")
        await press("Send to 2 chats")
        await app.sender.drain()
        assert sandbox.sent(OTHER)[-1].endswith("words")
        assert await tally(app) == {State.SENT: 4}

    async def test_while_delivery_is_paused_who_has_not_got_the_alert_gets_only_the_correction(
        self, app: App, say: Say, press: Press, sandbox: Sandbox, record: Record
    ) -> None:
        await say("/pause")
        await record(attempt(), "attempt")
        await app.sender.drain()
        before = len(sandbox.sent(OTHER))
        await say("/correction 1 words")
        await press("Send to 2 chats")
        await app.sender.drain()
        await say("/resume")
        await app.sender.drain()
        assert await tally(app) == {State.SENT: 2, State.SUPERSEDED: 2}
        assert [text.splitlines()[-1] for text in sandbox.sent(OTHER)[before:]] == ["words"]

    async def test_a_broadcast_can_be_put_right_too(self, app: App, say: Say, press: Press, sandbox: Sandbox) -> None:
        await say("/broadcast on Sunday")
        await press("Send to 2 chats")
        await app.sender.drain()
        await say("/correction 1 on Monday")
        await press("Send to 2 chats")
        await app.sender.drain()
        assert sandbox.sent(OTHER)[-1] == "Correction of the message of 13 Nov 2020\n\non Monday"

    async def test_an_alert_that_no_subscriber_got_gets_one_line(self, app: App, say: Say, record: Record) -> None:
        await record(confirmed())
        values = {"key": "data", "kind": "data.problem", "urgent": False, "session": confirmed().session}
        values |= {"transitions": [], "created_at": EVENING, "audience": Audience.OPERATORS, "kinds": EVERYTHING}
        async with app.database.transaction() as connection:
            await connection.execute(insert(alert).values(values))
        for asked in ("1", "99", "x", "<b>", "-1", "1234567890123"):
            answer = await say(f"/correction {asked} words")
            assert answer.startswith(f"ALERT is {asked}, and subscribers got none with that number. For example ")
            assert "\n" not in answer
        assert (await say("/correction")).startswith("ALERT is missing: ")

    async def test_a_text_that_is_missing_gets_one_line_with_its_alert(self, say: Say, record: Record) -> None:
        await record(confirmed(), "confirmed")
        assert await say("/correction 1") == "TEXT is missing. For example /correction 1 The close was 1,744.04"

    async def test_nothing_stands_behind_what_an_operator_wrote(
        self, app: App, say: Say, press: Press, sandbox: Sandbox, hear: Hear
    ) -> None:
        await say("/broadcast words")
        await press("Send to 2 chats")
        for data in ("alert@1", "details@1"):
            pressed = sandbox.world.press(ME, newest(sandbox, ME)["message_id"], data)
            await hear()
            assert sandbox.world.callback_answers[pressed]["text"] == Messages().text("unknown_button")


@pytest.mark.parametrize(
    ("written", "texts"),
    [
        ("words", {"fr": "words"}),
        ("a note: en: is English", {"fr": "a note: en: is English"}),
        ("en: words", {"en": "words"}),
        ("fr: mots\nen:\nwords: two", {"fr": "mots", "en": "words: two"}),
        ("en: one fr: deux en: three", {"en": "one\n\nthree", "fr": "deux"}),
        ("de: Wort", {"fr": "de: Wort"}),
        ("en:words", {"fr": "en:words"}),
        ("", {"fr": ""}),
        ("en:", {"en": ""}),
    ],
)
def test_a_text_is_in_the_languages_that_it_names_or_in_its_writers(written: str, texts: dict[str, str]) -> None:
    assert by_language(written, "fr") == texts


@given(st.text(min_size=1, max_size=MOST))
@settings(deadline=None, max_examples=50)
def test_any_text_is_read_as_it_was_written_on_one_screen(text: str) -> None:
    html = MESSAGES.text("post", text=text, market=None, corrects=None, told=None, again=True, topic_gone=False)
    read = parse_html(html).text
    assert utf16_length(read) <= utf16_length(text) + 120
    assert "".join(text.split()) in "".join(read.split())
