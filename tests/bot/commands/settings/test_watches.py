"""Watches: added by words and buttons, listed, ended, within limits; what fires comes as an alert."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import App, build
from bot.clock import SteppedClock
from bot.market.process import MarketProcessError
from bot.messages.buttons import Asked
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from storage.settings.chosen import Chosen
from storage.watches import listed
from storage.watches.judged import ABOVE, BELOW
from tests.bot.commands.conftest import ADMIN, GROUP, ME, MEMBER, Hear, Press, Say, store
from tests.bot.commands.settings.test_settings import MOST, buttons
from tests.bot.market.in_process import MarketInProcess
from tests.bot.messages.whole import SESSION
from tests.bot.running import EVENING, settings_for
from tests.storage.watches.crowd import watching

FOLDER = {"NVDA": "2020-11-12,530\n2020-11-13,531.88", "BTC-USD": "2020-11-11,15700\n2020-11-12,16276.34"}


@pytest.fixture
def settings(sandbox: Sandbox, database_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "market").mkdir()
    for symbol, rows in FOLDER.items():
        (tmp_path / "market" / f"{symbol}.csv").write_text(f"date,close\n{rows}\n")
    return settings_for(sandbox, database_url, market_data=f"folder:{tmp_path / 'market'}")


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[App]:
    """The built program whose market answers in this process."""
    async with build(settings, SteppedClock(EVENING), MarketInProcess(), MarketInProcess()) as app:
        await app.connect()
        yield app


async def watched(app: App, chat_id: int = ME) -> list[tuple[str, str, float, bool]]:
    async with app.database.reading() as connection:
        return [(row.symbol, row.side, row.level, row.armed) for row in await listed.of_chat(connection, chat_id)]


class TestAdding:
    async def test_a_record(self, app: App, say: Say) -> None:
        await say("/subscribe")
        assert (await say("/watch nvda")).splitlines() == [
            "Watched: NVDA at a record after a base",
            "Last close 531.88 on 13 Nov 2020.",
            "A record counts after a base of 126 closes without one, by the rule of the Russell 2000's breakouts.",
            "Closed bars only, judged in the evening.",
        ]
        assert await watched(app) == [("NVDA", "record", 0.0, True)]

    @pytest.mark.parametrize("typed", ["BTC-USD > 17000", "btc-usd >17,000", "BTC-USD>17000.0", "BTC-USD> 17000"])
    async def test_a_level(self, app: App, say: Say, typed: str) -> None:
        assert (await say(f"/watch {typed}")).startswith(
            "Watched: BTC-USD above 17,000\nLast close 16,276.34 on 12 Nov"
        )
        assert await watched(app) == [("BTC-USD", ABOVE, 17_000.0, True)]

    async def test_a_level_that_the_price_is_beyond_already_says_when_it_is_armed(self, app: App, say: Say) -> None:
        answer = await say("/watch BTC-USD < 17000")
        assert "Already below 17,000: the alert needs a close at 17,000 or more first." in answer
        assert await watched(app) == [("BTC-USD", BELOW, 17_000.0, False)]

    async def test_what_somebody_watches_already_is_not_asked_for_again(
        self, app: App, say: Say, tmp_path: Path
    ) -> None:
        await say("/watch NVDA", GROUP, ADMIN)
        (tmp_path / "market" / "NVDA.csv").unlink()
        assert (await say("/watch NVDA > 600")).startswith("Watched: NVDA above 600")

    async def test_who_would_hear_nothing_of_it_is_told_so(self, say: Say) -> None:
        await say("/alerts nothing")
        answer = await say("/watch NVDA")
        assert "This chat is not subscribed: nothing comes before /subscribe." in answer
        assert "Watches are off for this chat" in answer

    @pytest.mark.parametrize(
        ("typed", "line"),
        [
            ("<b>", "The symbol is “<b>”, and has up to 16 letters"), ("$$$", "The symbol is “$$$”"),
            ("NVDA > lots", "The level is “lots”, and has to be a number above 0."), ("NVDA < -5", "The level is “-5”"),
            ("NVDA > nan", "The level is “nan”"), ("NVDA > 1e99", "The level is “1e99”"),
            ("NVDA above 5", "“NVDA above 5” is no symbol with a level."), ("NVDA >", "“NVDA >” is no symbol with a level."),
        ],
    )  # fmt: skip
    async def test_what_cannot_be_watched_gets_one_line_with_an_example(
        self, app: App, say: Say, typed: str, line: str
    ) -> None:
        answer = await say(f"/watch {typed}")
        assert answer.startswith(line)
        assert "\n" not in answer
        assert "For example /watch" in answer
        assert await watched(app) == []

    async def test_eleven_are_too_many(self, app: App, say: Say) -> None:
        for level in range(1, 11):
            await say(f"/watch NVDA > {level}")
        assert await say("/watch NVDA > 11") == "This chat watches 10 things, which is the most: /unwatch ends one."
        assert len(await watched(app)) == 10
        # One of the ten is no new one.
        assert (await say("/watch NVDA > 10")).startswith("Watched:")

    async def test_two_hundred_symbols_are_the_most_of_the_bot(self, app: App, say: Say) -> None:
        async with app.database.transaction() as connection:
            await watching(connection, 200, EVENING, SESSION)
        assert (await say("/watch NVDA")).startswith("This bot watches 200 symbols, which is the most")


class TestAnUnknownSymbol:
    async def test_names_like_it_are_offered_and_a_press_watches_one_for_the_same(
        self, app: App, say: Say, press: Press, sandbox: Sandbox
    ) -> None:
        assert await say("/watch NVDDA > 600") == "There is no symbol NVDDA at the source. Perhaps one of these:"
        assert "NVDA" in buttons(sandbox)
        await press("NVDA")
        assert await watched(app) == [("NVDA", ABOVE, 600.0, True)]

    async def test_a_name_of_a_known_series_is_offered_too(self, say: Say, sandbox: Sandbox) -> None:
        await say("/watch bitcoin")
        assert buttons(sandbox)[0] == "BTC-USD"

    async def test_where_nothing_is_like_it_there_is_one_line(self, app: App, say: Say) -> None:
        answer = await say("/watch QQQQQQQQQ")
        assert answer.startswith("There is no symbol QQQQQQQQQ at the source.")
        assert "\n" not in answer
        assert await watched(app) == []

    async def test_a_figure_that_is_no_price_is_no_symbol(self, app: App, say: Say) -> None:
        assert (await say("/watch WALCL")).startswith("There is no symbol WALCL at the source.")

    async def test_while_the_source_does_not_answer_it_says_so(
        self, app: App, say: Say, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> list[bytes]:
            raise MarketProcessError("the market process ended with code 1")

        monkeypatch.setattr(MarketInProcess, "_answer", broken)
        assert (await say("/watch NVDA")).startswith("NVDA could not be looked up: the source does not answer now.")
        assert await watched(app) == []

    async def test_who_asks_too_fast_has_three_symbols_looked_up(
        self, settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[bytes] = []

        def broken(_: MarketInProcess, request: bytes) -> list[bytes]:
            asked.append(request)
            raise MarketProcessError("no answer")

        monkeypatch.setattr(MarketInProcess, "_answer", broken)
        sandbox.world.add_private_chat(ME)
        for number in range(10):
            sandbox.world.write(ME, f"/watch S{number}")
        paced = replace(settings, chat_messages_per_second=1)
        async with build(paced, SteppedClock(EVENING), MarketInProcess(), MarketInProcess()) as app:
            await app.connect()
            while await app.poller.once():
                pass
        assert len(asked) == 3
        assert [text.split()[0] for text in sandbox.sent(ME)] == ["S0", "S1", "S2", "Too"]


class TestTheList:
    async def test_it_shows_each_with_its_last_close_and_ends_one_by_its_button(
        self, app: App, say: Say, press: Press, sandbox: Sandbox
    ) -> None:
        for typed in ("/subscribe", "/watch NVDA", "/watch NVDA > 600", "/watch BTC-USD < 17000"):
            await say(typed)
        assert (await say("/watch")).splitlines()[:4] == [
            "This chat watches 3 of at most 10",
            "BTC-USD below 17,000 · needs a close at or above first",
            "NVDA above 600 · 531.88 on 13 Nov",
            "NVDA at a record after a base · 531.88 on 13 Nov",
        ]
        await press("✕ NVDA")
        assert [(symbol, side) for symbol, side, *_ in await watched(app)] == [("BTC-USD", BELOW), ("NVDA", ABOVE)]
        await press("✕ NVDA > 600")
        assert sandbox.sent(ME)[-1].startswith("This chat watches 1 of at most 10")

    async def test_without_any_it_says_how(self, say: Say) -> None:
        answer = await say("/watch")
        assert answer.startswith("This chat watches nothing.")
        assert "/watch BTC-USD > 120000" in answer

    @pytest.mark.parametrize("typed", ["NVDA", "nvda", "NVDA>600"])
    async def test_it_is_ended_by_words(self, app: App, say: Say, typed: str) -> None:
        await say("/watch NVDA > 600")
        await say(f"/unwatch {typed}")
        assert await watched(app) == []

    @pytest.mark.parametrize(
        ("typed", "line"),
        [
            ("AMD", "AMD is not watched here; /watch lists what is."),
            ("<", "The symbol is “<”"),
        ],
    )  # fmt: skip
    async def test_what_is_not_watched_gets_one_line(self, say: Say, typed: str, line: str) -> None:
        answer = await say(f"/unwatch {typed}")
        assert answer.startswith(line)
        assert "\n" not in answer

    def test_whatever_is_watched_fits_one_screen(self) -> None:
        class Row:
            symbol, side, level, armed, stopped, close = "ABCDEFGHIJKL-USDT", ABOVE, 123_456_789.125, False, False, 1.0

        text = Messages().text(
            "watches", rows=[Row()] * 10, most=10, chosen=Chosen(loud_kinds=0), market=None, is_muted=False
        )
        assert len(parse_html(text).text) <= MOST
        rows = Messages().buttons.under_watches([Row()], "9" * 9)
        assert max(len(data.encode()) for row in rows for _, data in row) <= 64


def test_a_press_reads_every_sign_of_a_symbol() -> None:
    made = Messages().buttons
    for symbol in ("^GSPC", "EURUSD=X", "BRK-B", "MC.PA"):
        for _, data in (
            *made.under_unknown_symbol([symbol], ABOVE, 1.25)[0],
            *made.under_unknown_symbol([symbol], BELOW, 1e-8)[0],
        ):
            assert Asked.of(data).words[0] == symbol


class TestInAGroup:
    async def test_only_admins_watch_and_end_it(self, app: App, say: Say, sandbox: Sandbox, hear: Hear) -> None:
        for typed in ("/watch", "/watch NVDA", "/unwatch NVDA"):
            assert await say(typed, GROUP, MEMBER) == Messages().text("admins_only")
        await say("/watch NVDA", GROUP, ADMIN)
        await say("/watch", GROUP, ADMIN)
        newest = max(sandbox.world.chats[GROUP].messages)
        sandbox.world.press(GROUP, newest, "unwatch:NVDA:record", user_id=MEMBER)
        await hear()
        assert len(await watched(app, GROUP)) == 1
        sandbox.world.press(GROUP, newest, "unwatch:NVDA:record", user_id=ADMIN)
        await hear()
        assert await watched(app, GROUP) == []


async def test_what_fires_comes_as_an_alert_with_the_way_to_all_watches(
    app: App, say: Say, press: Press, sandbox: Sandbox, tmp_path: Path
) -> None:
    await store(app, (SESSION, []))
    await say("/subscribe")
    await say("/watch NVDA > 535")
    (tmp_path / "market" / "NVDA.csv").write_text("date,close\n2020-11-12,530\n2020-11-13,531.88\n2020-11-16,540.61\n")
    before = len(sandbox.sent(ME))
    assert isinstance(app.clock, SteppedClock)
    app.clock.move(EVENING.replace(day=16))
    for _ in range(2):
        await app.evening.watch(app.clock.now())
        await app.sender.drain()
    assert [text.splitlines() for text in sandbox.sent(ME)[before:]] == [
        [
            "NVDA closed above 535",
            "Mon 16 Nov 2020 · 540.61 (+1.0\u00a0% from 535)",
            "",
            "Next alert possible after a close at 535 or less",
        ]
    ]
    assert not list(sandbox.world.chats[ME].messages.values())[-1].get("disable_notification")
    await press("Watches")
    assert "NVDA above 535 · needs a close at or below first" in sandbox.sent(ME)[-1]
    # By a number that somebody made up, another chat learns nothing of it.
    await say("/id", GROUP, MEMBER)
    sandbox.world.press(GROUP, max(sandbox.world.chats[GROUP].messages), "alert@1", user_id=MEMBER)
    while sandbox.world.updates:
        await app.poller.once()
    assert sandbox.sent(GROUP)[-1].startswith("This chat is")
    await press("Back")
    assert sandbox.sent(ME)[-1].startswith("NVDA closed above 535")
