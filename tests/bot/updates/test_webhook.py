"""Telegram brings updates to the web-hook and brings them again until they are stored."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from sqlalchemy.exc import OperationalError

from bot.app import App, build
from bot.clock import SteppedClock
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from bot.settings import SettingsError
from bot.updates import webhook
from bot.updates.webhook import Webhook
from bot.web import server
from storage import chats, inbox
from tests.bot.running import EVENING, settings_for

ME, SECRET = 5, "a-secret-of-nobody-at-all"
HEADER = "X-Telegram-Bot-Api-Secret-Token"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
async def hooked(sandbox: Sandbox, database_url: str) -> AsyncIterator[App]:
    """The program, listening instead of polling; the sandbox pushes to it."""
    port = free_port()
    own = {"webhook_url": f"http://127.0.0.1:{port}", "webhook_secret": SECRET, "webhook_listen": f"127.0.0.1:{port}"}
    sandbox.world.add_private_chat(ME)
    async with build(settings_for(sandbox, database_url, **own), SteppedClock(EVENING)) as app:
        await app.connect()
        listening = asyncio.create_task(app.listen())
        async with asyncio.timeout(10):
            while not sandbox.pusher.is_set:
                await sandbox.called.wait()
        yield app
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def until_taken(sandbox: Sandbox) -> None:
    async with asyncio.timeout(10):
        while sandbox.world.updates:
            await sandbox.world.changed.wait()


async def post(app: App, body: Any, **headers: str) -> int:
    url = f"{app.settings.webhook_url}/telegram"
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
        return answer.status


async def test_an_update_that_is_stored_is_answered_with_200_and_handled(hooked: App, sandbox: Sandbox) -> None:
    sandbox.world.write(ME, "/subscribe")
    await until_taken(sandbox)
    await hooked.inbox.handle_stored()
    assert sandbox.pusher.answers == [200]
    async with hooked.database.transaction() as connection:
        assert list(await chats.subscribers(connection)) == [ME]
    assert sandbox.sent(ME)[0].startswith("Subscribed.")


async def test_the_kinds_of_updates_and_the_secret_are_given_when_the_web_hook_is_set(
    hooked: App, sandbox: Sandbox
) -> None:
    (call,) = [call for method, call in sandbox.calls if method == "setWebhook"]
    assert "my_chat_member" in call["allowed_updates"]
    assert call["secret_token"] == SECRET


async def test_an_update_is_brought_again_while_the_database_fails(
    hooked: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, failures = inbox.store, [OperationalError("INSERT", {}, Exception("database is locked"))] * 2

    async def failing(*arguments: Any) -> None:
        if failures:
            raise failures.pop()
        await store(*arguments)

    monkeypatch.setattr(inbox, "store", failing)
    sandbox.world.write(ME, "/subscribe")
    await until_taken(sandbox)
    await hooked.inbox.handle_stored()
    assert sandbox.pusher.answers == [503, 503, 200]
    async with hooked.database.transaction() as connection:
        assert list(await chats.subscribers(connection)) == [ME]


async def test_an_update_that_comes_again_is_answered_once(hooked: App, sandbox: Sandbox) -> None:
    update = {"update_id": 7, "message": {**sandbox.world.write(ME, "/help")}}
    await until_taken(sandbox)
    for _ in range(2):
        assert await post(hooked, update, **{HEADER: SECRET}) == 200
    await hooked.inbox.handle_stored()
    assert len(sandbox.sent(ME)) == 2


@pytest.mark.parametrize("headers", [{}, {HEADER: ""}, {HEADER: "a-secret-of-nobody-at-al"}, {HEADER: "ä"}])
async def test_whoever_does_not_know_the_secret_gets_nothing_done(
    hooked: App, sandbox: Sandbox, headers: dict[str, str]
) -> None:
    message = {"message_id": 1, "date": 0, "chat": {"id": ME, "type": "private"}, "text": "/subscribe"}
    command = {"type": "bot_command", "offset": 0, "length": 10}
    assert await post(hooked, {"update_id": 1, "message": {**message, "entities": [command]}}, **headers) == 403
    async with hooked.database.transaction() as connection:
        assert list(await chats.subscribers(connection)) == []


@pytest.mark.parametrize("body", ["text", [], {}, {"message": {}}])
async def test_a_body_that_is_no_update_is_refused_and_ends_nothing(hooked: App, sandbox: Sandbox, body: Any) -> None:
    assert await post(hooked, body, **{HEADER: SECRET}) == 400
    sandbox.world.write(ME, "/help")
    await until_taken(sandbox)
    await hooked.inbox.handle_stored()
    assert sandbox.sent(ME)


async def raw_post(app: App, body: bytes | io.BytesIO, **headers: str) -> int:
    url = f"{app.settings.webhook_url}/telegram"
    given = {HEADER: SECRET, "Content-Type": "application/json"} | headers
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=given) as answer:
        return answer.status


DEEP = [b"[" * 200_000, b'{"update_id": 1, "message": ' + b'{"a":' * 100_000]
HOSTILE = [*DEEP, b"\xff\xfe", b"", b"9" * 10_000, b'{"update_id": 1e999}', b'{"update_id": true}']


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_body_made_to_break_a_reader_is_400_without_a_traceback(
    hooked: App, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    assert await raw_post(hooked, body) == 400
    assert [record for record in caplog.records if record.exc_info] == []


async def test_nesting_that_is_just_read_is_handled_or_refused_and_breaks_nothing(
    hooked: App, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    for depth in range(700, 1_000, 20):
        message = b'{"update_id": %d, "message": ' % depth + b"[" * depth + b"]" * depth + b"}"
        assert await raw_post(hooked, message) in (200, 400)
    sandbox.world.write(ME, "/help")
    await until_taken(sandbox)
    await hooked.inbox.handle_stored()
    assert sandbox.sent(ME)
    assert "aiohttp.server" not in {record.name for record in caplog.records}


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=no-such"},
        {"Content-Encoding": "deflate"},
        {"Content-Encoding": "gzip"},
    ],
    ids=["charset", "deflate", "gzip"],
)
async def test_a_header_that_lies_about_the_body_is_no_fault_of_the_program(
    hooked: App, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    assert await raw_post(hooked, b'{"message": {}}', **headers) == 400
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_body_of_more_than_a_megabyte_is_refused(hooked: App) -> None:
    assert await raw_post(hooked, io.BytesIO(b" " * 1_100_000)) == 413


@pytest.mark.parametrize(("method", "path"), [("GET", "/telegram"), ("POST", "/"), ("POST", "/telegram/")])
async def test_there_is_nothing_else(hooked: App, method: str, path: str) -> None:
    url = f"{hooked.settings.webhook_url}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, headers={HEADER: SECRET}) as answer:
        assert answer.status == 404


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def opened(app: App, count: int) -> list[Connection]:
    host, port = app.settings.webhook_listen.rsplit(":", 1)
    return [await asyncio.open_connection(host, int(port)) for _ in range(count)]


async def close(connections: list[Connection]) -> None:
    for _, writer in connections:
        writer.close()


async def test_three_hundred_idle_connections_do_not_lock_telegram_out(hooked: App, sandbox: Sandbox) -> None:
    idle = await opened(hooked, 300)
    sandbox.world.write(ME, "/subscribe")
    await until_taken(sandbox)
    assert sandbox.pusher.answers == [200]
    async with asyncio.timeout(10):
        # The oldest were closed for the newest.
        assert [await reader.read() for reader, _ in idle[:50]] == [b""] * 50
    assert not idle[-1][0].at_eof()
    await close(idle)


async def test_a_call_that_knows_the_secret_is_not_closed_for_others(hooked: App) -> None:
    body = b'{"update_id": 7, "message": {}}'
    (call,) = await opened(hooked, 1)
    reader, writer = call
    head = f"POST /telegram HTTP/1.1\r\nHost: x\r\n{HEADER}: {SECRET}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode())
    idle = await opened(hooked, 250)
    writer.write(body)
    async with asyncio.timeout(10):
        assert (await reader.readline()).split()[1] == b"200"
    await close([call, *idle])


async def test_who_never_ends_a_header_or_a_body_is_given_up(
    sandbox: Sandbox, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_HEADER_SECONDS", 0.05)
    monkeypatch.setattr(server, "_LINGER", 0.05)
    monkeypatch.setattr(webhook, "_BODY_SECONDS", 0.05)
    runner = await Webhook(app.inbox, SECRET, app.alarm).serve("127.0.0.1:0")
    host, port = runner.addresses[0][:2]
    for begun, status in ((b"POST /telegram HTTP/1.1\r\nHost: x\r\nX: ", b""), (
        f"POST /telegram HTTP/1.1\r\nHost: x\r\n{HEADER}: {SECRET}\r\nContent-Length: 9\r\n\r\n".encode(), b"HTTP/1.1 408"
    )):  # fmt: skip
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(begun)
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(status)
        writer.close()
    await runner.cleanup()


async def test_an_update_of_an_unknown_shape_is_passed_over_and_told(
    hooked: App, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    assert await post(hooked, {"update_id": 1, "message": 7}, **{HEADER: SECRET}) == 200
    await hooked.inbox.handle_stored()
    assert "An update from Telegram cannot be handled and is passed over (AttributeError in update 1)" in caplog.text


async def test_a_web_hook_that_telegram_refuses_ends_the_program_with_its_reason(
    sandbox: Sandbox, database_url: str
) -> None:
    own = {"webhook_url": "https://bot.example.org", "webhook_secret": SECRET, "webhook_listen": "127.0.0.1:0"}
    sandbox.faults.append(
        ("setWebhook", BotApiError(400, "Bad Request: bad webhook: IP address 127.0.0.1 is reserved"))
    )
    async with build(settings_for(sandbox, database_url, **own), SteppedClock(EVENING)) as app:
        await app.connect()
        refused = r"WEBHOOK_URL is https://bot.example.org, and Telegram refuses it: .*address 127.0.0.1 is reserved"
        with pytest.raises(SettingsError, match=refused):
            await app.listen()


async def test_an_address_that_is_taken_ends_the_program_with_its_reason(sandbox: Sandbox, database_url: str) -> None:
    taken = sandbox.url.removeprefix("http://")
    own = {"webhook_url": "https://bot.example.org", "webhook_secret": SECRET, "webhook_listen": taken}
    async with build(settings_for(sandbox, database_url, **own), SteppedClock(EVENING)) as app:
        with pytest.raises(SettingsError, match=f"WEBHOOK_LISTEN is {taken}: .*in use"):
            await app.listen()


async def test_the_web_hook_listens_on_ipv6_too(app: App, sandbox: Sandbox) -> None:
    try:
        runner = await Webhook(app.inbox, SECRET, app.alarm).serve(f"[::1]:{free_port()}")
    except SettingsError:
        pytest.skip("this machine has no IPv6")
    host, port = runner.addresses[0][:2]
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"POST /telegram HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"403"
    writer.close()
    await runner.cleanup()


async def test_a_secret_that_is_no_text_is_a_wrong_one(hooked: App, sandbox: Sandbox) -> None:
    host, port = hooked.settings.webhook_listen.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /telegram HTTP/1.1\r\nHost: x\r\n" + HEADER.encode() + b": \xff\r\nContent-Length: 0\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"403"
    writer.close()


async def test_setting_the_web_hook_waits_for_the_network(sandbox: Sandbox, database_url: str) -> None:
    sandbox.faults.append(("setWebhook", Fault.BAD_GATEWAY))
    port = free_port()
    own = {"webhook_url": f"http://127.0.0.1:{port}", "webhook_secret": SECRET, "webhook_listen": f"127.0.0.1:{port}"}
    async with build(settings_for(sandbox, database_url, **own), SteppedClock(EVENING)) as app:
        listening = asyncio.create_task(app.listen())
        async with asyncio.timeout(20):
            while not sandbox.pusher.is_set:
                await sandbox.called.wait()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
