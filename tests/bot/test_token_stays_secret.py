"""The token appears in no log line at any level, no exception text, no message."""

from __future__ import annotations

import asyncio
import io
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from telegram.error import NetworkError, TelegramError

from bot.app import App
from bot.delivery.composing import Text
from bot.delivery.failures import Failure
from bot.delivery.post import Post
from bot.delivery.request import AiohttpRequest
from bot.health.faults import Fault as Wrong
from bot.logs import RedactingFormatter, redact
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from storage.outbox.states import Claimed
from tests.bot.running import environment_for, ran

FAULTS = (
    Fault.RESET, Fault.BAD_GATEWAY, Fault.NOT_JSON, BotApiError(400, "Bad Request"), BotApiError(401, "Unauthorized")
)  # fmt: skip
OTHER = "987654321:AAHanother-token-of-thirty-five-chars"


@pytest.fixture
def log(sandbox: Sandbox) -> Iterator[io.StringIO]:
    """Everything that any logger writes, at the loudest level, through our formatter."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(RedactingFormatter(sandbox.token))
    root = logging.getLogger()
    before, levels = root.handlers[:], {name: logging.getLogger(name).level for name in ("", "httpx", "httpcore")}
    root.handlers = [handler]
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield written
    root.handlers = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


async def test_the_token_is_not_in_the_urls_that_httpx_logs(sandbox: Sandbox, log: io.StringIO) -> None:
    # What examines the installation uses it.
    await asyncio.to_thread(httpx.post, f"{sandbox.url}/bot{sandbox.token}/getMe")
    assert "HTTP Request: POST" in log.getvalue()
    assert "<token>/getMe" in log.getvalue()
    assert sandbox.token not in log.getvalue()


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_token_is_not_in_a_logged_failure_with_its_traceback(
    app: App, sandbox: Sandbox, log: io.StringIO, fault: Fault | BotApiError
) -> None:
    sandbox.faults.append(("getMe", fault))
    with pytest.raises(TelegramError) as raised:
        await app.telegram.bot.get_me()
    logging.getLogger("test").error("failed", exc_info=raised.value)
    assert "failed" in log.getvalue()
    assert sandbox.token not in log.getvalue()


@pytest.mark.parametrize("fault", [*FAULTS, Fault.RESET_BEFORE])
async def test_the_token_is_not_in_what_a_failed_delivery_says(sandbox: Sandbox, fault: Fault | BotApiError) -> None:
    sandbox.world.add_private_chat(5, started=True)
    sandbox.faults.append(("sendMessage", fault))
    async with AiohttpRequest(1, 5) as request:
        post = Post(request, f"{sandbox.url}/bot{sandbox.token}")
        failure = await post.send(Claimed(1, 1, 5, 1, 0), Text("x", is_plain=True))
    assert isinstance(failure, Failure)
    assert sandbox.token not in failure.text


async def test_the_token_is_not_in_an_error_of_the_transport() -> None:
    async with AiohttpRequest(1, 5) as request:
        for address in ("http://127.0.0.1:9", "http://nowhere.invalid", "nonsense://x"):
            with pytest.raises(NetworkError) as raised:
                await request.post_json(f"{address}/bot{OTHER}/sendMessage", b"{}")
            assert OTHER not in str(raised.value)


def test_a_token_that_is_not_ours_is_removed_too() -> None:
    assert redact(f"GET /bot{OTHER}/getMe") == "GET /bot<token>/getMe"
    try:
        raise httpx.ConnectError(f"no route to https://api.telegram.org/bot{OTHER}/getMe")
    except httpx.ConnectError:
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "it %s", (OTHER,), None)
        record.exc_text = traceback.format_exc()
    assert OTHER not in RedactingFormatter().format(record)


def test_times_and_ports_are_not_taken_for_a_token() -> None:
    assert redact("at 12:30 on 127.0.0.1:8081") == "at 12:30 on 127.0.0.1:8081"


async def test_the_token_is_not_in_what_a_whole_process_prints_when_it_is_refused(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    environment = environment_for(sandbox, database_url, TELEGRAM_BOT_TOKEN=OTHER, MARKET_DATA="simulated")
    refused = await asyncio.to_thread(ran, tmp_path, ("run",), environment)
    assert refused.returncode == 78
    assert "TELEGRAM_BOT_TOKEN is not accepted by Telegram" in refused.stderr
    assert OTHER not in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr


async def test_the_token_is_not_in_any_message(app: App, sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(5, started=True)
    alarm = type(app.alarm)(app.telegram.bot, (5,), app.clock)
    await alarm.begins(Wrong.EVENING, "Something failed")
    assert all(sandbox.token not in text for text in sandbox.sent(5))
    assert sandbox.sent(5) == ["Something failed"]


def test_a_log_line_holds_nothing_that_moves_a_terminals_cursor(log: io.StringIO) -> None:
    try:
        raise ValueError("\x1b[2K\rwiped \u202e")
    except ValueError:
        logging.getLogger("bot").exception("it says %s", "\x9b2J\x07")
    assert all(line.isprintable() for line in log.getvalue().splitlines())
    assert "Traceback" in log.getvalue()
