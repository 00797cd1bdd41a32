"""``/chart`` over real HTTP: uploaded once, then sent by its id; another in place of it; and what cannot be shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import update

from bot.app import App
from bot.messages.buttons import Buttons
from bot.messages.chart_kinds import CHARTS, Chart, Kind, Period, Theme, read_chart
from bot.messages.figures import ENGLISH
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BotApiError
from signals.as_json import encode
from storage import charts, track_record
from storage.schema import compressed, market
from tests.bot.commands.conftest import GROUP, ME, Hear, Press, Say
from tests.bot.conftest import Record
from tests.bot.messages.followed import record as track
from tests.bot.messages.whole import SESSION, whole
from tests.bot.running import EVENING

Messages = Callable[[], list[dict[str, Any]]]


def picture(name: str) -> bytes:
    drawn = BytesIO()
    Image.new("RGB", (40, 48), (sum(name.encode()) % 256, len(name), 0)).save(drawn, "png")
    return drawn.getvalue()


async def store(app: App, *names: str, through: date = SESSION) -> None:
    async with app.database.transaction() as connection:
        for name in names:
            await charts.store(connection, name, through, picture(name), EVENING)


@pytest.fixture
async def drawn(app: App, record: Record) -> None:
    """A decided evening, and every chart of it."""
    await record(whole())
    await store(app, *(chart.name for chart in CHARTS))


@pytest.fixture
def photos(sandbox: Sandbox) -> Messages:
    """Return a function that returns the pictures in the chat, oldest first."""
    return lambda: [message for message in sandbox.world.chats[ME].messages.values() if "photo" in message]


def image_of(sandbox: Sandbox, message: dict[str, Any]) -> bytes | None:
    return sandbox.photos.image(message["photo"][-1]["file_id"])


def uploads(sandbox: Sandbox) -> list[bool]:
    """Return of every picture sent whether it was uploaded."""
    return [not isinstance(given["photo"], str) for method, given in sandbox.calls if method == "sendPhoto"]


@pytest.mark.parametrize(
    ("typed", "chart"),
    [
        ("", Chart(Kind.BREAKOUT, Period.FIVE_YEARS, Theme.LIGHT)),
        ("liquidity", Chart(Kind.LIQUIDITY, Period.FIVE_YEARS, Theme.LIGHT)),
        ("Cascade ALL dark", Chart(Kind.CASCADE, Period.ALL, Theme.DARK)),
        ("dark 1y", Chart(Kind.BREAKOUT, Period.YEAR, Theme.DARK)),
        ("crypto 1y", Chart(Kind.CRYPTO, Period.ALL, Theme.LIGHT)),
        ("record", Chart(Kind.RECORD, Period.ALL, Theme.LIGHT)),
        ("gold", None),
        ("breakout 2y", None),
    ],
)
def test_a_chart_is_asked_for_by_words_in_any_order(typed: str, chart: Chart | None) -> None:
    assert read_chart(typed.split()) == chart
    assert chart is None or chart in CHARTS


@pytest.mark.usefixtures("drawn")
class TestSending:
    @pytest.mark.parametrize(
        ("typed", "name", "words"),
        [
            ("/chart", "breakout-5y-light", "Russell 2000 "),
            ("/chart liquidity 1y", "liquidity-1y-light", "US liquidity: "),
            ("/chart cascade dark", "cascade-5y-dark", "tage "),
            ("/chart crypto", "crypto-all-light", "Crypto: "),
            ("/chart record", "record-all-light", "What followed each confirmed breakout"),
        ],
    )
    async def test_a_chart_comes_with_what_it_shows_in_a_sentence_or_two(
        self, say: Say, sandbox: Sandbox, photos: Messages, typed: str, name: str, words: str
    ) -> None:
        caption = await say(typed)
        assert words in caption
        assert "Tue 17 Nov 2020" in caption
        assert len(caption) <= 300
        (message,) = photos()
        assert image_of(sandbox, message) == picture(name)

    async def test_the_caption_of_the_record_counts_its_cases(self, app: App, say: Say) -> None:
        made = track(5)
        async with app.database.transaction() as connection:
            await track_record.store(connection, made.through, "3", compressed(encode(made)), EVENING)
        assert (await say("/chart record")).startswith("1 confirmed breakout since 2020: 1 held, 0 failed\nBacktest to")

    async def test_a_chat_gets_that_of_its_language_or_until_it_is_drawn_the_english_one(
        self, app: App, say: Say, sandbox: Sandbox, photos: Messages
    ) -> None:
        await say("/language fr")
        assert "Cassure confirmée" in await say("/chart")
        await store(app, "breakout-5y-light-fr")
        await say("/chart")
        assert [image_of(sandbox, message) for message in photos()] == [
            picture("breakout-5y-light"),
            picture("breakout-5y-light-fr"),
        ]

    async def test_a_picture_is_uploaded_once_and_then_sent_by_its_id(
        self, say: Say, sandbox: Sandbox, photos: Messages
    ) -> None:
        for chat in (ME, GROUP, ME):
            await say("/chart", chat, 11)
        assert uploads(sandbox) == [True, False, False]
        assert len({message["photo"][-1]["file_id"] for message in photos()}) == 1

    async def test_two_who_ask_at_once_upload_it_once(self, say: Say, sandbox: Sandbox, hear: Hear) -> None:
        await say("/help")
        sandbox.world.add_private_chat(6, started=True)
        for chat in (ME, 6):
            sandbox.world.write(chat, "/chart")
        await hear()
        assert sorted(uploads(sandbox)) == [False, True]

    async def test_another_evening_s_picture_is_uploaded_anew(
        self, app: App, say: Say, sandbox: Sandbox, record: Record
    ) -> None:
        await say("/chart")
        await record(whole(session=SESSION + timedelta(days=1)))
        await store(app, "breakout-5y-light", through=SESSION + timedelta(days=1))
        assert "Wed 18 Nov 2020" in await say("/chart")
        assert uploads(sandbox) == [True, True]

    async def test_an_id_that_telegram_does_not_know_any_more_is_replaced(
        self, app: App, say: Say, sandbox: Sandbox, photos: Messages
    ) -> None:
        async with app.database.transaction() as connection:
            await charts.keep_file_id(connection, "breakout-5y-light", EVENING, "AgAC-of-another-bot")
        assert await say("/chart")
        assert uploads(sandbox) == [False, True]
        async with app.database.reading() as connection:
            row = await charts.find(connection, "breakout-5y-light")
        assert row.file_id == photos()[0]["photo"][-1]["file_id"]

    async def test_a_picture_that_is_drawn_anew_meanwhile_comes_with_its_own_caption(
        self, app: App, say: Say, record: Record, photos: Messages, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await record(whole(session=SESSION + timedelta(days=1)))
        image = charts.image

        async def after_another_was_drawn(connection: Any, name: str) -> Any:
            monkeypatch.setattr(charts, "image", image)
            async with app.database.transaction() as writing:
                await charts.store(
                    writing, name, SESSION + timedelta(days=1), picture("another"), EVENING + timedelta(days=1)
                )
            return await image(connection, name)

        monkeypatch.setattr(charts, "image", after_another_was_drawn)
        assert "Wed 18 Nov 2020" in await say("/chart")
        assert image_of(sandbox, photos()[0]) == picture("another")

    async def test_an_older_chart_is_shown_with_what_was_so_then(self, say: Say, record: Record) -> None:
        await record(whole(session=SESSION + timedelta(days=1)))
        caption = await say("/chart")
        assert "Tue 17 Nov 2020" in caption
        assert caption.endswith("The newest session, 18 Nov 2020, is not drawn yet.")

    async def test_a_simulated_market_says_so_in_the_caption(self, app: App, say: Say) -> None:
        async with app.database.transaction() as connection:
            await connection.execute(update(market).values(origin="simulated"))
        assert (await say("/chart")).startswith("SIMULATED MARKET")


@pytest.mark.usefixtures("drawn")
class TestPressing:
    async def test_another_chart_takes_the_place_of_the_one_pressed(
        self, say: Say, press: Press, sandbox: Sandbox, photos: Messages
    ) -> None:
        await say("/chart")
        for title, name in (
            ("Liquidity", "liquidity-5y-light"),
            ("1 y", "liquidity-1y-light"),
            ("Dark", "liquidity-1y-dark"),
        ):
            await press(title)
            (message,) = photos()
            assert image_of(sandbox, message) == picture(name)
        assert message["caption"].startswith("US liquidity: ")
        assert "Dark" not in str(message["reply_markup"])
        await press("Crypto")
        assert not {"1 y", "5 y"} & {
            button["text"] for row in photos()[0]["reply_markup"]["inline_keyboard"] for button in row
        }

    async def test_a_picture_shown_in_place_is_uploaded_once_too(
        self, say: Say, press: Press, sandbox: Sandbox
    ) -> None:
        await say("/chart")
        for title in ("Dark", "Light", "Dark"):
            await press(title)
        attached = [
            any(name.startswith("attached") for name in given)
            for method, given in sandbox.calls
            if method == "editMessageMedia"
        ]
        assert attached == [True, False, False]

    async def test_the_button_under_a_status_brings_a_picture_below_it(
        self, say: Say, press: Press, sandbox: Sandbox, photos: Messages
    ) -> None:
        status = await say("/status")
        await press("Chart")
        assert sandbox.sent(ME)[0] == status
        assert len(photos()) == 1

    async def test_a_second_press_of_the_same_button_changes_nothing(
        self, say: Say, sandbox: Sandbox, hear: Hear, photos: Messages
    ) -> None:
        await say("/chart")
        (message,) = photos()
        query = sandbox.world.press(ME, message["message_id"], "chart:breakout:5y:light")
        await hear()
        assert sandbox.world.callback_answers[query].get("text") is None
        assert photos() == [message]

    async def test_under_a_picture_that_is_gone_a_press_brings_a_new_one(
        self, say: Say, sandbox: Sandbox, hear: Hear, photos: Messages
    ) -> None:
        await say("/chart")
        (message,) = photos()
        sandbox.world.delete(ME, message["message_id"])
        sandbox.world.press(ME, message["message_id"], "chart:breakout:1y:light")
        await hear()
        assert len(photos()) == 1


class TestWhatCannotBeShown:
    async def test_a_chart_that_is_not_drawn_yet_is_a_sentence_typed_or_pressed(
        self, say: Say, sandbox: Sandbox, hear: Hear, record: Record
    ) -> None:
        assert "not drawn yet" in await say("/chart")
        await record(whole())
        assert "not drawn yet" in await say("/chart liquidity")
        query = sandbox.world.press(ME, 1, "chart:crypto")
        await hear()
        assert "not drawn yet" in sandbox.world.callback_answers[query]["text"]

    async def test_a_word_that_is_none_of_a_chart_s_is_answered_with_a_valid_example(self, say: Say) -> None:
        assert "/chart liquidity 1y" in await say("/chart gold")

    @pytest.mark.usefixtures("drawn")
    async def test_where_pictures_are_forbidden_a_sentence_says_so(self, say: Say, sandbox: Sandbox) -> None:
        text = "Bad Request: not enough rights to send photos to the chat"
        sandbox.faults.append(("sendPhoto", BotApiError(400, text)))
        assert "Pictures may not be sent here" in await say("/chart", GROUP, 11)

    @pytest.mark.usefixtures("drawn")
    async def test_what_is_posted_in_a_channel_is_answered_there(self, sandbox: Sandbox, hear: Hear) -> None:
        channel = sandbox.world.add_channel(-1_000_000_000_007, "News", admins={11})
        sandbox.world.write(channel.chat["id"], "/chart")
        await hear()
        assert sum("photo" in message for message in channel.messages.values()) == 1

    @pytest.mark.usefixtures("drawn")
    async def test_a_topic_that_is_closed_since_is_answered_in_general(
        self, say: Say, sandbox: Sandbox, hear: Hear
    ) -> None:
        await say("/help")
        sandbox.world.chats[GROUP].topics[3] = True
        sandbox.world.write(GROUP, "/chart", user_id=11, topic=3)
        sandbox.world.chats[GROUP].topics[3] = False
        await hear()
        (answer,) = [m for m in sandbox.world.chats[GROUP].messages.values() if "photo" in m]
        assert "message_thread_id" not in answer


@pytest.mark.parametrize(
    ("kind", "chart"),
    [
        ("breakout.failed", "breakout"), ("catch_up", "breakout"), ("liquidity.regime", "liquidity"),
        ("stage.up", "cascade"), ("supercycle.up", "cascade"), ("window.opened", "crypto"), ("precondition.met", "crypto"),
    ],
)  # fmt: skip
def test_under_an_alert_stands_the_chart_of_what_it_tells(kind: str, chart: str) -> None:
    rows = Buttons(ENGLISH).under_alert(7, kind)
    assert ("Chart", f"chart:{chart}") in [button for row in rows for button in row]


def test_under_what_is_said_of_the_data_stands_no_chart() -> None:
    titles = [title for row in Buttons(ENGLISH).under_alert(7, "data.problem") for title, _ in row]
    assert titles == ["Why", "Record", "Details", "Mute"]
