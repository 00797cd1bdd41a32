"""What an answer to a sendMessage means, row by row, over real HTTP from a real server."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from telegram.error import NetworkError, TimedOut
from yarl import URL

from bot.delivery import request as requests
from bot.delivery.composing import Text
from bot.delivery.failures import CONSEQUENCES, Effect, Failure, FailureKind, read_answer, read_error
from bot.delivery.post import Post
from bot.delivery.request import AiohttpRequest
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from storage.outbox.states import Claimed, State

ROWS = {
    FailureKind.GONE: [
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
    ],
    FailureKind.CANNOT_WRITE: [
        (400, "Bad Request: not enough rights to send text messages to the chat"),
        (400, "Bad Request: have no rights to send a message"),
        (400, "Bad Request: need administrator rights in the channel chat"),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN"),
        (400, "Bad Request: CHAT_RESTRICTED"),
    ],
    FailureKind.BAD_MARKUP: [(400, "Bad Request: can't parse entities: Unsupported start tag")],
    FailureKind.OUR_MISTAKE: [(400, "Bad Request: message is too long"), (400, "Bad Request: message text is empty")],
    FailureKind.BAD_TOKEN: [(401, "Unauthorized"), (404, "Not Found")],
    FailureKind.REFUSED: [
        (403, "Forbidden: something nobody has seen before"),
        (400, "Bad Request: something nobody has seen before"),
        (409, "Conflict: terminated by other getUpdates request"),
        (413, "Request Entity Too Large"),
        (418, "I'm a teapot"),
    ],
    FailureKind.UNKNOWN: [(500, "Internal Server Error: restart"), (500, "Request aborted"), (504, "Gateway Timeout")],
}
FIVE = Claimed(1, 1, 5, 1, 0)
EVERY = [(kind, code, text) for kind, rows in ROWS.items() for code, text in rows]


async def send(
    sandbox: Sandbox, *faults: Fault | BotApiError, read_timeout: float = 5, plain: bool = False
) -> int | Failure:
    """Send one message that meets the faults."""
    sandbox.world.add_private_chat(5, started=True)
    sandbox.faults += [("sendMessage", fault) for fault in faults]
    async with AiohttpRequest(1, read_timeout) as request:
        return await Post(request, f"{sandbox.url}/bot{sandbox.token}").send(FIVE, Text("hello", is_plain=plain))


async def kind(sandbox: Sandbox, fault: Fault | BotApiError, read_timeout: float = 5) -> FailureKind:
    failure = await send(sandbox, fault, read_timeout=read_timeout)
    assert isinstance(failure, Failure)
    return failure.kind


@pytest.mark.parametrize(("expected", "code", "text"), EVERY, ids=[text for _, _, text in EVERY])
async def test_a_row_of_the_table(sandbox: Sandbox, expected: FailureKind, code: int, text: str) -> None:
    assert await kind(sandbox, BotApiError(code, text)) is expected
    assert sandbox.sent(5) == []


def test_every_kind_of_failure_has_consequences_and_none_leaves_a_delivery_on_its_way() -> None:
    assert CONSEQUENCES.keys() == set(FailureKind)
    assert {then.state for then in CONSEQUENCES.values()}.isdisjoint({State.SENDING, State.SENT})


def test_only_a_chat_that_is_gone_is_treated_as_gone() -> None:
    gone = [
        kind for kind, then in CONSEQUENCES.items() if then.effect is Effect.CHAT_IS_GONE or then.state == State.GONE
    ]
    assert gone == [FailureKind.GONE]


def test_whatever_surely_was_not_sent_is_sent_again_and_nothing_else() -> None:
    again = {kind.name for kind, then in CONSEQUENCES.items() if then.state in (State.QUEUED, State.HELD)}
    assert again == {
        "THROTTLED", "NOT_SENT", "CHAT_BUSY", "MOVED", "TOPIC_GONE", "MESSAGE_GONE", "CANNOT_WRITE", "BAD_MARKUP", "MASS_REFUSAL",
        "BAD_TOKEN",
    }  # fmt: skip


async def test_what_arrived_has_the_id_of_its_message(sandbox: Sandbox) -> None:
    message_id = await send(sandbox)
    assert message_id in sandbox.world.chats[5].messages


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.BAD_GATEWAY, Fault.NOT_JSON], ids=str)
async def test_after_a_broken_answer_nobody_knows_and_the_message_is_there(sandbox: Sandbox, fault: Fault) -> None:
    assert await kind(sandbox, fault) is FailureKind.UNKNOWN
    assert sandbox.sent(5) == ["hello"]


async def test_after_a_reset_before_it_was_carried_out_nobody_knows_either(sandbox: Sandbox) -> None:
    assert await kind(sandbox, Fault.RESET_BEFORE) is FailureKind.UNKNOWN
    assert sandbox.sent(5) == []


async def test_after_a_read_timeout_nobody_knows_and_the_message_is_there(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_CONNECT", 0.4)
    assert await kind(sandbox, Fault.HANG, read_timeout=0.1) is FailureKind.UNKNOWN
    assert sandbox.sent(5) == ["hello"]


async def test_a_429_says_for_how_long(sandbox: Sandbox) -> None:
    failure = await send(sandbox, BotApiError(429, "Too Many Requests: retry after 7", {"retry_after": 7}))
    assert failure == Failure(FailureKind.THROTTLED, "Too Many Requests: retry after 7", retry_after=7)


async def test_a_429_that_does_not_say_is_waited_out_too(sandbox: Sandbox) -> None:
    failure = await send(sandbox, BotApiError(429, "Too Many Requests: slow down"))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.retry_after > 0) == (FailureKind.THROTTLED, True)


async def test_a_group_that_moved_says_where(sandbox: Sandbox) -> None:
    moved = BotApiError(400, "Bad Request: group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": -1007})
    failure = await send(sandbox, moved)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.new_chat_id) == (FailureKind.MOVED, -1007)


async def test_plain_text_that_cannot_be_parsed_is_our_mistake(sandbox: Sandbox) -> None:
    failure = await send(sandbox, BotApiError(400, "Bad Request: can't parse entities"), plain=True)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.OUR_MISTAKE


async def test_a_server_that_is_not_there_was_surely_not_reached() -> None:
    async with AiohttpRequest(1, 5) as request:
        failure = await Post(request, "http://127.0.0.1:9/bot1:x").send(FIVE, Text("hello", is_plain=False))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.NOT_SENT
    assert "1:x" not in failure.text


async def test_a_server_whose_name_is_not_known_was_surely_not_reached() -> None:
    async with AiohttpRequest(1, 5) as request:
        failure = await Post(request, "http://nowhere.invalid/bot1:x").send(FIVE, Text("hello", is_plain=False))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.NOT_SENT


async def test_a_server_that_no_free_connection_leads_to_was_surely_not_reached(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_CONNECT", 0.1)
    sandbox.world.add_private_chat(5, started=True)
    sandbox.faults.append(("sendMessage", Fault.HANG))
    async with AiohttpRequest(1, 1) as request:
        post = Post(request, f"{sandbox.url}/bot{sandbox.token}")
        hanging = asyncio.create_task(post.send(FIVE, Text("one", is_plain=True)))
        await sandbox.called.wait()
        failure = await post.send(FIVE, Text("two", is_plain=True))
        hanging.cancel()
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.NOT_SENT
    assert sandbox.sent(5) == ["one"]


@pytest.mark.parametrize(
    "cause",
    [
        aiohttp.SocketTimeoutError(), aiohttp.ServerDisconnectedError(), aiohttp.ClientOSError(),
        aiohttp.ClientPayloadError(), TimeoutError(), OSError(), None,
    ],
    ids=repr,
)  # fmt: skip
def test_whatever_else_fails_is_unknown_and_never_gone(cause: Exception | None) -> None:
    for error in (TimedOut("x"), NetworkError("x"), ValueError("x")):
        error.__cause__ = cause
        assert read_error(error).kind is FailureKind.UNKNOWN


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"ok":true}', b'{"ok":true,"result":true}', b"\xff"])
def test_a_200_that_names_no_message_is_unknown(body: bytes) -> None:
    failure = read_answer(200, body)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.UNKNOWN


def test_a_redirect_is_not_followed_and_unknown() -> None:
    failure = read_answer(302, b"")
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.UNKNOWN


def test_the_case_of_a_text_does_not_matter() -> None:
    failure = read_answer(400, b'{"ok":false,"description":"Bad Request: Peer_id_invalid"}')
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.GONE


@pytest.mark.parametrize("status", [400, 403, 404, 407, 408])
def test_what_does_not_speak_json_is_not_telegram_and_nothing_went_further(status: int) -> None:
    answer = read_answer(status, b"<html>captive portal</html>")
    assert isinstance(answer, Failure)
    assert answer.kind is FailureKind.NOT_SENT


def test_a_proxy_that_does_not_let_it_out_was_as_far_as_it_came() -> None:
    error = NetworkError("ClientHttpProxyError")
    asked = aiohttp.RequestInfo(URL("http://proxy"), "CONNECT", CIMultiDictProxy(CIMultiDict()), URL("http://proxy"))
    error.__cause__ = aiohttp.ClientHttpProxyError(asked, (), status=502)
    assert read_error(error).kind is FailureKind.NOT_SENT
