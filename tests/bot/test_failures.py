"""What a failed send means, row by row, as the real client reports it over real HTTP."""

from __future__ import annotations

import httpx
import pytest
from telegram import Bot
from telegram.error import BadRequest, Conflict, NetworkError, TelegramError, TimedOut
from telegram.request import HTTPXRequest

from bot.delivery.failures import Failure, Meaning, classify
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError

GONE = [
    (403, "Forbidden: bot was blocked by the user"),
    (403, "Forbidden: user is deactivated"),
    (403, "Forbidden: bot can't initiate conversation with a user"),
    (403, "Forbidden: bot was kicked from the group chat"),
    (403, "Forbidden: bot was kicked from the supergroup chat"),
    (403, "Forbidden: bot was kicked from the channel chat"),
    (403, "Forbidden: bot is not a member of the group chat"),
    (403, "Forbidden: bot is not a member of the supergroup chat"),
    (403, "Forbidden: bot is not a member of the channel chat"),
    (403, "Forbidden: the group chat was deleted"),
    (400, "Bad Request: chat not found"),
    (400, "Bad Request: private chat not found"),
    (400, "Bad Request: PEER_ID_INVALID"),
]
REFUSED = [
    (403, "Forbidden: something nobody has seen before"),
    (400, "Bad Request: not enough rights to send text messages to the chat"),
    (400, "Bad Request: CHAT_WRITE_FORBIDDEN"),
    (400, "Bad Request: CHAT_RESTRICTED"),
    (400, "Bad Request: message thread not found"),
    (400, "Bad Request: TOPIC_CLOSED"),
    (400, "Bad Request: something nobody has seen before"),
]
OUR_MISTAKE = [
    (400, "Bad Request: can't parse entities: Unsupported start tag"),
    (400, "Bad Request: message is too long"),
    (400, "Bad Request: message text is empty"),
]
BROKEN = [Fault.RESET, Fault.BAD_GATEWAY, Fault.NOT_JSON, BotApiError(500, "Internal Server Error: restart")]


async def fail(sandbox: Sandbox, fault: Fault | BotApiError, read_timeout: float = 5) -> Failure:
    """Return what a send means that meets a fault."""
    sandbox.world.add_private_chat(5, started=True)
    sandbox.faults.append(("sendMessage", fault))
    async with HTTPXRequest(read_timeout=read_timeout) as request:
        bot = Bot(sandbox.token, base_url=f"{sandbox.url}/bot", request=request)
        with pytest.raises(TelegramError) as raised:
            await bot.send_message(5, "hello")
    return classify(raised.value)


@pytest.mark.parametrize(("code", "text"), GONE, ids=[text for _, text in GONE])
async def test_it_is_gone_only_on_an_exact_list_of_texts(sandbox: Sandbox, code: int, text: str) -> None:
    assert (await fail(sandbox, BotApiError(code, text))).meaning is Meaning.GONE


@pytest.mark.parametrize(("code", "text"), REFUSED, ids=[text for _, text in REFUSED])
async def test_any_other_refusal_is_the_operators_to_look_at(sandbox: Sandbox, code: int, text: str) -> None:
    assert (await fail(sandbox, BotApiError(code, text))).meaning is Meaning.REFUSED


@pytest.mark.parametrize(("code", "text"), OUR_MISTAKE, ids=[text for _, text in OUR_MISTAKE])
async def test_a_text_telegram_cannot_take_is_our_mistake(sandbox: Sandbox, code: int, text: str) -> None:
    assert (await fail(sandbox, BotApiError(code, text))).meaning is Meaning.OUR_MISTAKE


@pytest.mark.parametrize("fault", BROKEN, ids=str)
async def test_after_a_broken_answer_nobody_knows(sandbox: Sandbox, fault: Fault | BotApiError) -> None:
    assert (await fail(sandbox, fault)).meaning is Meaning.UNKNOWN


async def test_after_a_read_timeout_nobody_knows_and_the_message_is_there(sandbox: Sandbox) -> None:
    assert (await fail(sandbox, Fault.HANG, read_timeout=0.2)).meaning is Meaning.UNKNOWN
    assert sandbox.sent(5) == ["hello"]


async def test_a_429_says_for_how_long(sandbox: Sandbox) -> None:
    failure = await fail(sandbox, BotApiError(429, "Too Many Requests: retry after 7", {"retry_after": 7}))
    assert (failure.meaning, failure.retry_after) == (Meaning.THROTTLED, 7.0)


async def test_a_429_without_parameters_was_surely_not_sent(sandbox: Sandbox) -> None:
    assert (await fail(sandbox, BotApiError(429, "Too Many Requests: slow down"))).meaning is Meaning.NOT_SENT


async def test_a_group_that_moved_says_where(sandbox: Sandbox) -> None:
    moved = BotApiError(400, "Bad Request: group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": -1007})
    failure = await fail(sandbox, moved)
    assert (failure.meaning, failure.new_chat_id) == (Meaning.MOVED, -1007)


@pytest.mark.parametrize("code", [401, 404])
async def test_a_refused_token_halts(sandbox: Sandbox, code: int) -> None:
    assert (await fail(sandbox, BotApiError(code, "Unauthorized"))).meaning is Meaning.HALT


async def test_a_server_that_is_not_there_was_surely_not_reached() -> None:
    async with HTTPXRequest() as request:
        bot = Bot("1:x", base_url="http://127.0.0.1:9/bot", request=request)
        with pytest.raises(NetworkError) as raised:
            await bot.send_message(5, "hello")
    assert classify(raised.value).meaning is Meaning.NOT_SENT


@pytest.mark.parametrize("cause", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_whatever_fails_before_the_request_leaves_was_surely_not_sent(cause: type[httpx.TransportError]) -> None:
    for error in (TimedOut("x"), NetworkError("x")):
        error.__cause__ = cause("x")
        assert classify(error).meaning is Meaning.NOT_SENT


@pytest.mark.parametrize("cause", [httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.RemoteProtocolError])
def test_whatever_fails_afterwards_is_unknown(cause: type[httpx.TransportError]) -> None:
    error = NetworkError("x")
    error.__cause__ = cause("x")
    assert classify(error).meaning is Meaning.UNKNOWN


def test_a_conflict_is_no_verdict_on_the_chat() -> None:
    assert classify(Conflict("x")).meaning is Meaning.REFUSED


def test_anything_else_is_unknown_and_never_gone() -> None:
    assert classify(ValueError("x")).meaning is Meaning.UNKNOWN
    assert classify(TelegramError("x")).meaning is Meaning.UNKNOWN


def test_the_case_of_a_text_does_not_matter() -> None:
    # python-telegram-bot capitalises what Telegram wrote in capitals.
    assert classify(BadRequest("Peer_id_invalid")).meaning is Meaning.GONE
