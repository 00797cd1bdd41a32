"""A conversation of every command in other languages.

In French nothing is English. In a language whose every text is marked, no word of an answer or a button is without a
mark, and none too long.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.app import App
from bot.commands import answering
from bot.commands.table import COMMANDS
from bot.sandbox.server import Sandbox
from storage.ledger import ChangeRow
from tests.bot.commands.conftest import ME, Press, Say, store
from tests.bot.messages.pseudo import LONGER, bare
from tests.bot.messages.test_every_session import ENGLISH
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


async def test_every_command_is_answered_in_french(app: App, say: Say, press: Press, sandbox: Sandbox) -> None:
    await say("/language fr")
    await store(app, (whole().session, [ChangeRow("breakout.confirmed", "breakout:2020-11-13", whole().session)]))
    for typed in TYPED:
        answer = await say(typed)
        assert 0 < len(answer) <= (600 if typed == "/status" else 900), typed
    await say("/status")
    for title, first in (
        ("Pourquoi", "Ce qui a changé"), ("Obligations", "1 Obligations"), ("Retour", "Ce qui a changé"),
        ("Retour", "Cassure confirmée"), ("Bilan", "Pas encore de bilan."), ("Retour", "Cassure confirmée"),
    ):  # fmt: skip
        await press(title)
        assert sandbox.sent(ME)[-1].startswith(first)
    assert {text: words for text in said(sandbox) if (words := ENGLISH.findall(text))} == {}


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
