"""Inline mode: whoever types the bot's name in some chat may post there where things stand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from bot.app import App
from bot.messages.languages import NAMES
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError, Json
from storage.market import Agenda
from storage.schema import chat, received_update
from tests.bot.commands.conftest import ME, Hear
from tests.bot.conftest import Record
from tests.bot.messages.whole import SESSION, whole
from tests.bot.running import EVENING

ELSEWHERE = -4_711


@pytest.fixture(autouse=True)
def _places(sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME, started=True)
    # The bot has never been there.
    sandbox.world.add_group(ELSEWHERE, "Elsewhere").started = False


def due(after: timedelta) -> Agenda:
    return Agenda(SESSION + timedelta(days=1), EVENING + after, SESSION, None)


async def answered(sandbox: Sandbox, hear: Hear, text: str = "", language: str = "en") -> Json:
    """Return what the bot offers to whoever types a text behind its name."""
    query = sandbox.world.ask_inline(ME, text, language=language)
    await hear()
    answer = sandbox.world.inline_queries[query]
    assert answer is not None
    return answer | {"id": query}


async def test_the_status_is_posted_in_a_chat_where_the_bot_is_not(
    sandbox: Sandbox, hear: Hear, record: Record
) -> None:
    await record(whole())
    answer = await answered(sandbox, hear)
    posted = sandbox.world.choose(answer["id"], 0, ELSEWHERE, ME)
    assert posted["text"].startswith("Breakout confirmed")
    assert "reply_markup" not in posted
    assert sandbox.sent(ELSEWHERE) == []


@pytest.mark.parametrize("typed", ["", "status", "status please", "x" * 256])
@pytest.mark.parametrize("language", ["en", "fr", "de"])
async def test_everybody_is_offered_the_same_a_card_in_each_language(
    sandbox: Sandbox, hear: Hear, record: Record, typed: str, language: str
) -> None:
    await record(whole())
    answer = await answered(sandbox, hear, typed, language)
    assert [result["title"] for result in answer["results"]] == ["Where things stand", "La situation"]
    assert [result["description"][:8] for result in answer["results"]] == ["Breakout", "Cassure "]
    assert answer["is_personal"] in (False, "false")
    assert len(NAMES) == 2


@pytest.mark.parametrize("typed", ["fr", " FR "])
async def test_one_language_can_be_asked_for(sandbox: Sandbox, hear: Hear, record: Record, typed: str) -> None:
    await record(whole())
    (offered,) = (await answered(sandbox, hear, typed))["results"]
    assert offered["title"] == "La situation"


@pytest.mark.parametrize(
    ("until", "seconds"),
    [(timedelta(days=3), 300), (timedelta(seconds=90), 90), (timedelta(seconds=2), 10), (timedelta(hours=-1), 10)],
)
async def test_it_is_kept_until_the_next_decision_and_for_five_minutes_at_most(
    sandbox: Sandbox, hear: Hear, record: Record, until: timedelta, seconds: int
) -> None:
    await record(whole(), agenda=due(until))
    answer = await answered(sandbox, hear)
    assert seconds - 5 <= int(answer["cache_time"]) <= seconds
    text = answer["results"][0]["content"]["text"]
    assert text.startswith("Wed 18 Nov 2020 is not decided yet.") is (until < timedelta())


async def test_after_the_next_evening_it_is_another(sandbox: Sandbox, hear: Hear, record: Record) -> None:
    await record(whole())
    before = await answered(sandbox, hear)
    await record(replace(whole(), session=SESSION + timedelta(days=1)))
    after = await answered(sandbox, hear)
    assert "Tue 17 Nov 2020" in before["results"][0]["content"]["text"]
    assert "Wed 18 Nov 2020" in after["results"][0]["content"]["text"]
    assert before["results"][0]["id"] != after["results"][0]["id"]


async def test_before_the_first_verdict_nothing_is_offered_for_some_seconds(sandbox: Sandbox, hear: Hear) -> None:
    answer = await answered(sandbox, hear)
    assert answer["results"] == []
    assert int(answer["cache_time"]) == 10


async def test_a_simulated_market_says_so(sandbox: Sandbox, hear: Hear, record: Record) -> None:
    await record(whole(), origin="simulated")
    for result in (await answered(sandbox, hear))["results"]:
        assert result["content"]["text"].startswith(("SIMULATED MARKET", "MARCHÉ SIMULÉ"))


async def test_nothing_is_stored_of_it(app: App, sandbox: Sandbox, hear: Hear, record: Record) -> None:
    await record(whole())
    await answered(sandbox, hear)
    async with app.database.reading() as connection:
        for table in (chat, received_update):
            assert (await connection.execute(select(func.count()).select_from(table))).scalar_one() == 0


@pytest.mark.parametrize(
    "fault",
    [
        BotApiError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid"),
        BotApiError(429, "Too Many Requests: retry after 3", {"retry_after": 3}),
        Fault.BAD_GATEWAY,
    ],
    ids=str,
)
async def test_one_that_cannot_be_answered_keeps_nobody_waiting(
    app: App, sandbox: Sandbox, hear: Hear, record: Record, fault: Fault | BotApiError, caplog: pytest.LogCaptureFixture
) -> None:
    await record(whole())
    sandbox.faults.append(("answerInlineQuery", fault))
    sandbox.world.ask_inline(ME)
    sandbox.world.write(ME, "/status")
    await hear()
    assert len(sandbox.sent(ME)) == 1
    assert (await answered(sandbox, hear))["results"]
    assert not [logged for logged in caplog.records if logged.levelname == "ERROR" and logged.name.startswith("bot")]


async def test_one_of_a_shape_nobody_knows_is_passed_over(app: App, sandbox: Sandbox, hear: Hear) -> None:
    await app.inbox.store([{"update_id": 7, "inline_query": {"id": "1"}}])
    await app.inbox.handle_stored()
    sandbox.world.write(ME, "/help")
    await hear()
    assert len(sandbox.sent(ME)) == 1
