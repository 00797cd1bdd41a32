"""``/record`` over real HTTP: everything, one event, the article, other states, the live record, and mistakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from bot.app import App
from bot.cli.keeping.verify import verified_text
from bot.sandbox.server import Sandbox
from signals.as_json import encode
from storage import ledger, market, track_record
from storage.chain import links
from storage.ledger import AlertRow, ChangeRow, VerdictRow
from storage.schema import compressed
from storage.track_record import OutcomeRow
from tests.bot.messages.followed import followed, past, record
from tests.bot.messages.whole import SESSION, whole
from tests.bot.running import EVENING

ME = 7001
Ask = Callable[[str], Coroutine[Any, Any, str]]


@pytest.fixture
async def ask(app: App, sandbox: Sandbox, hear: Callable[[], Coroutine[Any, Any, None]]) -> Ask:
    """Return a function that writes to the bot and returns what it answered, all pieces joined."""
    sandbox.world.add_private_chat(ME, started=True)

    async def asked(text: str) -> str:
        before = len(sandbox.sent(ME))
        sandbox.world.write(ME, text)
        await hear()
        return "\n\n".join(sandbox.sent(ME)[before:])

    return asked


@pytest.fixture
async def recorded(app: App) -> None:
    """A stored record, and a market it is of."""
    async with app.database.transaction() as connection:
        await market.claim_market(connection, "live")
        made = record(5)
        await track_record.store(connection, made.through, "3", compressed(encode(made)), EVENING)


async def decide(app: App, *, evidence: bytes | None = None) -> None:
    """Store a live confirmation, with an alert for its subscribers."""
    change = ChangeRow("breakout.confirmed", "breakout:2020-11-13", SESSION, evidence=evidence)
    row = VerdictRow(SESSION, EVENING, "3", compressed(encode(whole())), [change])
    owed = AlertRow("key", change.kind, True, SESSION, EVENING, [(change.subject, change.kind)])
    async with app.database.transaction() as connection:
        await market.claim_market(connection, "live")
        await ledger.record(connection, [row], [owed], backfilled=False)


async def mature(app: App, change: float = 0.338, corrects: int | None = None, horizon: int = 30) -> None:
    row = OutcomeRow(1, "ETH-USD", horizon, SESSION, 480.36, date(2020, 12, 17), 642.87, change, -0.018, corrects)
    async with app.database.transaction() as connection:
        await track_record.append(connection, [row], datetime(2020, 12, 18, 22, 30, tzinfo=EVENING.tzinfo))


class TestBeforeTheFirstRecord:
    async def test_record_says_when_there_will_be_one(self, ask: Ask) -> None:
        assert "There is no track record yet" in await ask("/record")

    async def test_record_live_is_there_all_the_same(self, app: App, ask: Ask) -> None:
        await decide(app)
        assert "no outcome yet" in await ask("/record live")


@pytest.mark.usefixtures("recorded")
class TestBacktest:
    async def test_everything_is_answered(self, ask: Ask) -> None:
        text = await ask("/record")
        assert "1 confirmed breakout since 2020: 1 held, 0 failed" in text
        assert "Russell, 3 months: 3 of 5 rose (true rate likely 23–88\u00a0%)" in text

    @pytest.mark.parametrize(("months", "words"), [("1m", "ETH, 1 month: 3 of 5"), ("6m", "ETH, 6 months: 3 of 5")])
    async def test_other_months_are_asked_for(self, ask: Ask, months: str, words: str) -> None:
        assert words in await ask(f"/record {months}")

    async def test_every_event_is_listed(self, ask: Ask) -> None:
        assert "2020-11-13 held +10\u00a0%" in await ask("/record events")

    async def test_the_button_answers_the_same(self, app: App, sandbox: Sandbox, ask: Ask, hear: Any) -> None:
        await decide(app)
        await ask("/status")
        message = max(sandbox.world.chats[ME].messages)
        sandbox.world.press(ME, message, "record")
        await hear()
        assert "1 confirmed breakout since 2020" in sandbox.sent(ME)[-1]

    @pytest.mark.parametrize("day", ["2020-11-13", "2020-11-17", "2020-12-16"])
    async def test_an_event_is_found_by_any_of_its_dates(self, ask: Ask, day: str) -> None:
        text = await ask(f"/record {day}")
        assert "Russell 2000 breakout of 13 Nov 2020" in text
        assert "ETH: 1 m +10\u00a0%" in text

    async def test_a_rejected_one_says_that_nothing_is_counted(self, app: App, ask: Ask) -> None:
        assert "It was never confirmed: nothing is counted from it." in await ask("/record 2020-11-20")

    async def test_the_article_is_shown_as_claimed(self, ask: Ask) -> None:
        assert "The dates named by the article that this bot tests, as claimed" in await ask("/record thesis")

    async def test_other_states_are_listed_and_each_has_a_record(self, ask: Ask) -> None:
        assert "/record stage-up-3" in await ask("/record states")
        assert "After a rise to stage 3, 1 case" in await ask("/record stage-up-3")

    @pytest.mark.parametrize("wrong", ["2019-01-01", "13.11.2020", "everything", "<b>"])
    async def test_anything_else_gets_a_valid_example_and_the_dates_there_are(self, ask: Ask, wrong: str) -> None:
        text = await ask(f"/record {wrong}")
        assert "For example /record 2020-11-13" in text


class TestLive:
    async def test_an_outcome_stands_beside_its_alert(self, app: App, ask: Ask) -> None:
        await decide(app)
        await mature(app)
        text = await ask("/record live")
        assert "17 Nov 2020  Russell 2000 breakout of 13 Nov 2020 confirmed" in text
        assert "ETH after 1 month: +33.8\u00a0%, at worst −1.8\u00a0%" in text

    async def test_a_correction_stands_in_the_place_of_what_it_corrects_and_says_so(self, app: App, ask: Ask) -> None:
        await decide(app)
        await mature(app)
        await mature(app, 0.35, corrects=1)
        text = await ask("/record live")
        assert "+35.0\u00a0%" in text
        assert "(corrected on 18 Dec 2020)" in text
        assert "+33.8" not in text

    async def test_record_live_says_that_there_is_none(self, app: App, ask: Ask) -> None:
        async with app.database.transaction() as connection:
            await market.claim_market(connection, "live")
        assert "No alert yet." in await ask("/record live")

    async def test_nothing_of_the_backtest_is_in_the_live_record(self, app: App, ask: Ask, recorded: None) -> None:
        await decide(app)
        assert "rose" not in await ask("/record live")

    async def test_the_newest_four_are_shown_and_the_rest_counted(self, app: App, ask: Ask) -> None:
        async with app.database.transaction() as connection:
            await market.claim_market(connection, "live")
            for n in range(8):
                on = SESSION + timedelta(days=n)
                change = ChangeRow("stage.up", f"stage:{on}", on, "1", "2")
                await ledger.record(
                    connection, [VerdictRow(on, EVENING, "3", compressed(b"{}"), [change])], [], backfilled=False
                )
        text = await ask("/record live")
        assert text.count("Cascade stage 1 → 2 of 4") == 4
        assert "4 earlier alerts are on the page" in text

    async def test_it_ends_in_the_head_of_its_chain(self, app: App, ask: Ask) -> None:
        await decide(app)
        await mature(app)
        async with app.database.reading() as connection:
            head = await links.newest(connection)
        assert head is not None
        assert f"The live record has 3 rows and the fingerprint {head.hash[:20]}\n" in await ask("/record live")

    async def test_its_rows_come_as_a_document_that_verify_prints(self, app: App, ask: Ask, sandbox: Sandbox) -> None:
        await decide(app)
        await mature(app)
        assert (await ask("/record rows")).startswith("Every row of the live record, each behind its hash.")
        document = list(sandbox.world.chats[ME].messages.values())[-1]["document"]
        assert document["file_name"] == "live_record.tsv"
        printed = await asyncio.to_thread(verified_text, app.settings, None, rows=True)
        assert sandbox.world.documents[document["file_id"]].decode() == printed + "\n"

    async def test_before_the_first_row_it_says_so(self, ask: Ask, sandbox: Sandbox) -> None:
        assert "no row yet" in await ask("/record rows")
        assert sandbox.world.documents == {}


class TestAlerts:
    async def test_the_cases_known_that_evening_are_delivered_with_the_alert(
        self, app: App, sandbox: Sandbox, ask: Ask
    ) -> None:
        await ask("/subscribe")
        await decide(app, evidence=compressed(encode(past(followed(1)))))
        await app.sender.drain()
        text = sandbox.sent(ME)[-1]
        assert "ETH after 3 months: 2016\u00a0+30\u00a0%" in text
        assert "Wrong if: a close below 1,688.53" in text

    async def test_the_stored_record_says_whether_it_was_better_than_chance(
        self, app: App, sandbox: Sandbox, ask: Ask, recorded: None
    ) -> None:
        await ask("/subscribe")
        await decide(app, evidence=compressed(encode(past(followed(12)))))
        await app.sender.drain()
        assert "any date 58\u00a0%: no better than chance" in sandbox.sent(ME)[-1]
