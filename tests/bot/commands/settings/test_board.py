"""A status board, asked for by a press and kept up to date: in private, in a group, in a topic, in a channel."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.app import App
from bot.clock import SteppedClock
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html, utf16_length
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BOT, BotApiError, Json
from storage import chats
from storage.chain import links
from storage.chain.links import Head
from storage.market import Agenda, Market
from storage.settings import board
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Hear, Press, Say
from tests.bot.conftest import Record
from tests.bot.messages.whole import SESSION, whole
from tests.bot.running import EVENING, attempt

CHANNEL, TOPIC = -1_000_000_000_007, 3
AGENDA = Agenda(SESSION + timedelta(days=1), EVENING, SESSION, None)
NEXT = replace(whole(), session=SESSION + timedelta(days=1))
HEADLINE = "Breakout confirmed"


@pytest.fixture
async def evening(record: Record) -> None:
    """The first verdict."""
    await record(whole(), agenda=AGENDA)


@pytest.fixture(autouse=True)
def _places(sandbox: Sandbox, evening: None, say: Say) -> None:
    sandbox.world.chats[GROUP].admins.add(BOT["id"])
    sandbox.world.chats[GROUP].topics[TOPIC] = True
    sandbox.world.add_channel(CHANNEL, "News", admins={ADMIN})


def text_of(sandbox: Sandbox, number: int, chat_id: int = ME) -> str:
    return str(sandbox.world.chats[chat_id].messages[number]["text"])


def boards(sandbox: Sandbox, chat_id: int = ME) -> list[Json]:
    """Return the messages of a chat that are boards."""
    shown = sandbox.world.chats[chat_id].messages.values()
    return [message for message in shown if "Brought up to date after the close of" in message.get("text", "")]


def calls(sandbox: Sandbox, method: str) -> int:
    return sum(name == method for name, _ in sandbox.calls)


async def ask(sandbox: Sandbox, hear: Hear, chat_id: int, user_id: int, topic: int | None = None) -> int:
    """Ask for a board in a chat and press the button; return the number of the message with the button."""
    sandbox.world.write(chat_id, "/board", user_id=user_id, topic=topic)
    await hear()
    number = max(sandbox.world.chats[chat_id].messages)
    sandbox.world.press(chat_id, number, "board:here", user_id=user_id)
    await hear()
    return number


class TestInPrivate:
    @pytest.fixture
    async def number(self, app: App, sandbox: Sandbox, hear: Hear) -> int:
        """The number of the message that has become a board."""
        number = await ask(sandbox, hear, ME, ME)
        await app.sender.drain()
        return number

    async def test_a_press_turns_its_message_into_a_pinned_board_without_buttons(
        self, app: App, sandbox: Sandbox, number: int
    ) -> None:
        (found,) = boards(sandbox)
        assert found["message_id"] == number
        assert found["text"].startswith(HEADLINE)
        assert found["text"].endswith("Brought up to date after the close of Wed 18 Nov 2020")
        assert "reply_markup" not in found
        assert sandbox.world.chats[ME].pinned == [number]
        assert calls(sandbox, "sendMessage") == 1
        (pin,) = [given for name, given in sandbox.calls if name == "pinChatMessage"]
        assert pin["disable_notification"] is True

    async def test_it_shows_the_head_of_the_live_record(self, app: App, sandbox: Sandbox, number: int) -> None:
        async with app.database.reading() as connection:
            head = await links.newest(connection)
        assert head is not None
        assert f"The live record has {head.number} row" in text_of(sandbox, number)
        assert head.hash[:20] in text_of(sandbox, number)

    async def test_it_is_edited_once_after_the_next_evening_and_not_before(
        self, app: App, sandbox: Sandbox, number: int, record: Record
    ) -> None:
        edits = calls(sandbox, "editMessageText")
        await app.sender.drain()
        assert calls(sandbox, "editMessageText") == edits
        await record(NEXT)
        await app.sender.drain()
        await app.sender.drain()
        assert calls(sandbox, "editMessageText") == edits + 1
        assert "Wed 18 Nov 2020" in text_of(sandbox, number).splitlines()[1]
        assert calls(sandbox, "pinChatMessage") == 1

    async def test_deleted_it_is_made_again_and_pinned_and_makes_no_sound(
        self, app: App, sandbox: Sandbox, number: int, record: Record
    ) -> None:
        sandbox.world.delete(ME, number)
        await record(NEXT)
        await app.sender.drain()
        (found,) = boards(sandbox)
        assert found["message_id"] != number
        assert sandbox.world.chats[ME].pinned == [found["message_id"]]
        sent = [given for name, given in sandbox.calls if name == "sendMessage"]
        assert sent[-1]["disable_notification"] is True

    async def test_so_it_is_where_it_is_too_old_and_the_old_one_is_unpinned(
        self, app: App, sandbox: Sandbox, number: int, record: Record
    ) -> None:
        too_old = BotApiError(400, "Bad Request: message can't be edited")
        sandbox.faults += [("editMessageText", too_old)]
        await record(NEXT)
        await app.sender.drain()
        (found,) = [message for message in boards(sandbox) if message["message_id"] != number]
        assert sandbox.world.chats[ME].pinned == [found["message_id"]]
        assert text_of(sandbox, number).startswith("This is no longer a status board.")

    async def test_moved_there_is_one_and_the_other_says_so(
        self, app: App, sandbox: Sandbox, hear: Hear, number: int, say: Say, press: Press
    ) -> None:
        assert (await say("/board")).startswith("This chat has a status board.")
        await press("Move it here")
        await app.sender.drain()
        (found,) = boards(sandbox)
        assert sandbox.world.chats[ME].pinned == [found["message_id"]]
        assert text_of(sandbox, number).startswith("This is no longer a status board.")

    async def test_turned_off_it_is_unpinned_and_says_so(
        self, app: App, sandbox: Sandbox, number: int, say: Say, press: Press, record: Record
    ) -> None:
        await say("/board")
        await press("Turn it off")
        assert sandbox.sent(ME)[-1].startswith("A status board is one message")
        await app.sender.drain()
        await record(NEXT)
        await app.sender.drain()
        assert boards(sandbox) == []
        assert sandbox.world.chats[ME].pinned == []
        assert text_of(sandbox, number).startswith("This is no longer a status board.")

    async def test_settings_lead_there_and_say_so(self, sandbox: Sandbox, number: int, say: Say, press: Press) -> None:
        assert "Status board: brought up to date after every close" in await say("/settings")
        await press("Board")
        assert sandbox.sent(ME)[-1].startswith("This chat has a status board.")

    async def test_in_another_language_it_is_written_anew_at_once(
        self, app: App, sandbox: Sandbox, number: int, say: Say
    ) -> None:
        await say("/language fr")
        await app.sender.drain()
        assert text_of(sandbox, number).startswith("Cassure confirmée")
        assert "Mis à jour après la clôture du mer. 18 nov. 2020" in text_of(sandbox, number)

    async def test_an_alert_of_the_same_evening_goes_first(
        self, app: App, sandbox: Sandbox, number: int, say: Say, record: Record
    ) -> None:
        await say("/subscribe")
        await record(replace(attempt(), session=SESSION + timedelta(days=1)), "attempt")
        before = len(sandbox.calls)
        await app.sender.drain()
        assert [name for name, _ in sandbox.calls[before:]] == ["sendMessage", "editMessageText"]

    async def test_blocked_it_is_let_be_and_brought_up_to_date_when_the_chat_is_back(
        self, app: App, sandbox: Sandbox, hear: Hear, number: int, record: Record
    ) -> None:
        await record(NEXT)
        sandbox.world.chats[ME].blocked = True
        await app.sender.drain()
        async with app.database.reading() as connection:
            found = await chats.find(connection, ME)
        assert found is not None
        assert found.gone_at is not None
        sandbox.world.block(ME, blocked=False)
        await hear()
        await app.sender.drain()
        assert "Wed 18 Nov 2020" in text_of(sandbox, number).splitlines()[1]


class TestElsewhere:
    async def test_in_a_group_a_member_may_not(self, app: App, sandbox: Sandbox, hear: Hear, say: Say) -> None:
        refused = Messages().text("admins_only")
        assert await say("/board", GROUP, MEMBER) == refused
        sandbox.world.write(GROUP, "/board", user_id=ADMIN)
        await hear()
        query = sandbox.world.press(GROUP, max(sandbox.world.chats[GROUP].messages), "board:here", user_id=MEMBER)
        await hear()
        await app.sender.drain()
        assert sandbox.world.callback_answers[query]["text"] == refused
        assert boards(sandbox, GROUP) == []

    @pytest.mark.parametrize("topic", [None, TOPIC])
    async def test_an_admin_may_and_it_stays_in_its_topic_when_it_is_made_again(
        self, app: App, sandbox: Sandbox, hear: Hear, record: Record, topic: int | None
    ) -> None:
        number = await ask(sandbox, hear, GROUP, ADMIN, topic)
        await app.sender.drain()
        sandbox.world.delete(GROUP, number)
        await record(NEXT)
        await app.sender.drain()
        (found,) = boards(sandbox, GROUP)
        assert found.get("message_thread_id") == topic
        assert sandbox.world.chats[GROUP].pinned == [found["message_id"]]

    async def test_where_that_topic_is_gone_it_comes_to_general(
        self, app: App, sandbox: Sandbox, hear: Hear, record: Record
    ) -> None:
        number = await ask(sandbox, hear, GROUP, ADMIN, TOPIC)
        await app.sender.drain()
        sandbox.world.delete(GROUP, number)
        del sandbox.world.chats[GROUP].topics[TOPIC]
        await record(NEXT)
        await app.sender.drain()
        (found,) = boards(sandbox, GROUP)
        assert "message_thread_id" not in found

    async def test_an_anonymous_admin_asks_in_the_name_of_the_group_and_presses_as_who_it_is(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        sandbox.world.write(GROUP, "/board", as_chat=True)
        await hear()
        number = max(sandbox.world.chats[GROUP].messages)
        sandbox.world.press(GROUP, number, "board:here", user_id=ADMIN)
        await hear()
        await app.sender.drain()
        assert [message["message_id"] for message in boards(sandbox, GROUP)] == [number]

    async def test_in_a_channel_it_is_a_post(self, app: App, sandbox: Sandbox, hear: Hear) -> None:
        number = await ask(sandbox, hear, CHANNEL, ADMIN)
        await app.sender.drain()
        assert [message["message_id"] for message in boards(sandbox, CHANNEL)] == [number]
        assert sandbox.world.chats[CHANNEL].pinned == [number]

    async def test_where_it_may_not_pin_it_is_a_board_all_the_same_and_pinned_once_it_may(
        self, app: App, sandbox: Sandbox, hear: Hear
    ) -> None:
        sandbox.world.chats[GROUP].admins.discard(BOT["id"])
        number = await ask(sandbox, hear, GROUP, ADMIN)
        await app.sender.drain()
        assert [message["message_id"] for message in boards(sandbox, GROUP)] == [number]
        assert sandbox.world.chats[GROUP].pinned == []
        sandbox.world.let_in(GROUP, ADMIN, before="member", now="administrator")
        await hear()
        await app.sender.drain()
        assert sandbox.world.chats[GROUP].pinned == [number]


class TestWhatIsAsked:
    @pytest.mark.parametrize("typed", ["on", "here now", "off please", "7"])
    async def test_what_it_does_not_know_gets_one_line(self, say: Say, typed: str) -> None:
        answer = await say(f"/board {typed}")
        assert answer.endswith("For example /board off")
        assert len(answer.splitlines()) == 1

    async def test_typed_here_shows_the_button(self, say: Say) -> None:
        assert (await say("/board here")).startswith("A status board is one message with where things stand.")

    async def test_a_press_under_a_message_that_is_gone_shows_it_anew(
        self, app: App, sandbox: Sandbox, hear: Hear, say: Say
    ) -> None:
        await say("/board")
        number = max(sandbox.world.chats[ME].messages)
        sandbox.world.delete(ME, number)
        sandbox.world.press(ME, number, "board:here")
        await hear()
        assert sandbox.sent(ME)[-1].startswith("A status board is one message")
        async with app.database.reading() as connection:
            assert await board.find(connection, ME) is None


KILLED_AT = ("editMessageText", "pinChatMessage", "sendMessage", "unpinChatMessage")


@pytest.mark.parametrize("method", KILLED_AT)
@pytest.mark.parametrize("fault", [Fault.HANG, Fault.RESET_BEFORE], ids=["it arrived", "it did not"])
async def test_killed_while_a_request_is_on_its_way_there_is_one_board_at_most(
    app: App, sandbox: Sandbox, hear: Hear, record: Record, method: str, fault: Fault
) -> None:
    number = await ask(sandbox, hear, ME, ME)
    if method == "sendMessage":
        # It has to be made again.
        await app.sender.drain()
        sandbox.world.delete(ME, number)
        await record(NEXT)
    elif method == "unpinChatMessage":
        await app.sender.drain()
        await ask(sandbox, hear, ME, ME)
    sandbox.faults.append((method, fault))
    await kill_at_the_fault(app, sandbox)
    await app.sender.recover()
    await app.sender.drain()
    if method == "sendMessage":
        # Only of that nobody can know whether it arrived.
        assert len(boards(sandbox)) == (fault is Fault.HANG)
        async with app.database.reading() as connection:
            found = await board.find(connection, ME)
        assert found is not None
        assert found.is_lost
        return
    (shown,) = boards(sandbox)
    assert sandbox.world.chats[ME].pinned == [shown["message_id"]]


async def kill_at_the_fault(app: App, sandbox: Sandbox) -> None:
    """Deliver until the fault strikes, and let nothing be known of what is on its way then."""
    delivering = asyncio.create_task(app.sender.drain())
    async with asyncio.timeout(10):
        while sandbox.faults:
            await asyncio.sleep(0.01)
    for task in (delivering, *app.sender._in_flight):
        task.cancel()
    await asyncio.gather(delivering, *app.sender._in_flight, return_exceptions=True)
    async with app.sender.results._storing:
        app.sender.results._results.clear()
    # What was found out a moment before is tried again after a minute.
    assert isinstance(app.clock, SteppedClock)
    app.clock.move(EVENING + timedelta(minutes=2))


async def test_a_lost_one_is_asked_for_again_by_whoever_wants_it(
    app: App, sandbox: Sandbox, hear: Hear, record: Record, say: Say, press: Press
) -> None:
    number = await ask(sandbox, hear, ME, ME)
    await app.sender.drain()
    sandbox.world.delete(ME, number)
    await record(NEXT)
    sandbox.faults.append(("sendMessage", Fault.RESET))
    await app.sender.drain()
    await app.sender.drain()
    assert calls(sandbox, "sendMessage") == 2
    assert (await say("/board")).startswith("Nobody knows whether this chat's status board arrived.")
    await press("Pin it here")
    await app.sender.drain()
    assert sandbox.world.chats[ME].pinned == [max(sandbox.world.chats[ME].messages)]


@pytest.mark.parametrize(
    ("refusal", "again"),
    [
        (BotApiError(429, "Too Many Requests: retry after 1", {"retry_after": 1}), True),
        (BotApiError(400, "Bad Request: something nobody has seen yet"), False),
        (BotApiError(400, "Bad Request: can't parse entities: no"), True),
    ],
    ids=str,
)
async def test_an_edit_that_is_refused_is_repeated_or_waits_for_the_next_evening(
    app: App, sandbox: Sandbox, hear: Hear, record: Record, refusal: BotApiError, again: bool
) -> None:
    number = await ask(sandbox, hear, ME, ME)
    await app.sender.drain()
    before = text_of(sandbox, number)
    sandbox.faults.append(("editMessageText", refusal))
    await record(NEXT)
    await app.sender.drain()
    assert (text_of(sandbox, number) != before) is again
    await record(replace(NEXT, session=SESSION + timedelta(days=2)))
    await app.sender.drain()
    assert "Thu 19 Nov 2020" in text_of(sandbox, number).splitlines()[1]


def test_its_words_fit_a_phone() -> None:
    text = parse_html(
        Messages().part("status_board", whole(), Market("simulated", None, AGENDA), head=Head(99_999, "f" * 64))
    ).text
    assert text.startswith("SIMULATED MARKET")
    assert utf16_length(text) <= 700
