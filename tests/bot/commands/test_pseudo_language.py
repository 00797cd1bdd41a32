"""In a language whose every text is marked, no word of an answer or a button is without a mark, and none too long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.app import App
from bot.commands import answering
from bot.commands.table import COMMANDS
from bot.sandbox.server import Sandbox
from storage.ledger import ChangeRow
from tests.bot.commands.conftest import ME, Say, store
from tests.bot.messages.pseudo import LONGER, bare
from tests.bot.messages.whole import whole

TYPED = (
    *(f"/{command.name}" for command in COMMANDS if command.description and not command.for_operators),
    "/why bonds", "/why liquidity", "/why breakout", "/why nothing", "/history x", "/asof 1980-01-01", "/asof 2999-01-01",
    "/asof x", "/mute x", "/mute 7d", "/quiet x", "/quiet 22-7", "/settings x", "/alerts x", "/alerts everything",
    "/alerts breakout", "/digest x", "/digest daily 8", "/subscribe x", "/chart x", "/record x", "/record live",
    "/timezone Nowhere", "/timezone Kolkata", "/language x", "/deleteme x", "/nothing", "hello", "/settings", "/subscribe",
)  # fmt: skip


def said(sandbox: Sandbox) -> Iterator[str]:
    for message in sandbox.world.chats[ME].messages.values():
        if message["from"]["is_bot"]:
            yield message.get("text") or message.get("caption", "")
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                yield from (button["text"] for button in row)


async def test_no_word_is_outside_the_catalogue_and_telegram_takes_words_two_fifths_longer(
    app: App, say: Say, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "messages_of", lambda _: LONGER)
    await store(app, (whole().session, [ChangeRow("breakout.confirmed", "breakout:2020-11-13", whole().session)]))
    for typed in TYPED:
        await say(typed)
    found = list(said(sandbox))
    assert len(found) > 2 * len(TYPED)
    assert {text: words for text in found if (words := bare(text))} == {}
