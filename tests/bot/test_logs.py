"""The log as JSON: one object a line, an evening to be followed by its ids, and no secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from bot.app import App
from bot.logs import LOG_FORMATS, JsonFormatter
from bot.sandbox.server import Sandbox
from storage import chats
from tests.bot.running import EVENING, attempt, store_verdict

SECRET = 'säsame"seed\\'


class Lines:
    """What was logged, as objects."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    handler = logging.StreamHandler(lines.stream)
    handler.setFormatter(JsonFormatter(SECRET))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_line_is_an_object_with_its_ids_and_its_traceback(lines: Lines) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("x").exception("it failed", extra={"alert": 5, "session": "2020-11-13"})
    (line,) = lines.all()
    assert (line["level"], line["logger"], line["message"], line["alert"]) == ("ERROR", "x", "it failed", 5)
    assert line["session"] == "2020-11-13"
    assert line["traceback"].endswith("ValueError: two\nlines")
    assert line["at"].endswith("+00:00")


@pytest.mark.parametrize("form", LOG_FORMATS)
def test_no_secret_is_in_it_whatever_json_makes_of_its_letters(form: str) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        record = logging.LogRecord("x", logging.INFO, "", 1, f"it was {SECRET}", (), (type(error), error, None))
    text = LOG_FORMATS[form](SECRET).format(record)
    assert "seed" not in text
    assert text.count("<token>") == 2


@pytest.mark.parametrize("form", LOG_FORMATS)
def test_a_line_holds_nothing_that_moves_a_terminals_cursor_or_turns_its_letters(form: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "a\x1b[2Jb\u202ec", (), None)
    text = LOG_FORMATS[form]().format(record)
    assert not {"\x1b", "\u202e"} & set(text)
    assert "\\u001b" not in text


async def test_one_number_leads_from_an_alert_to_how_its_deliveries_ended(
    app: App, sandbox: Sandbox, lines: Lines
) -> None:
    for chat_id in (5, 6):
        sandbox.world.add_private_chat(chat_id, started=chat_id == 5)
        async with app.database.transaction() as connection:
            await chats.subscribe(connection, chat_id, "private", EVENING)
    await store_verdict(app, attempt(), "attempt")
    await app.sender.drain()
    app.sender.results.write_log()
    said = [line["message"] for line in lines.all() if line.get("alert") == 1]
    assert said[0] == "alert 1 is queued for all its chats"
    assert "alert 1: 1 sent, 1 gone" in said
