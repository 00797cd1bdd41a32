"""What Telegram shows of the bot, in each scope and language, and that it is written only where it differs."""

from __future__ import annotations

import json

import pytest
from telegram import Bot

from bot.app import App
from bot.commands.table import COMMANDS, MEMBERS_MENU, MENU, OPERATOR_MENU
from bot.menu import register_menu
from bot.messages.languages import figures_of
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BotApiError
from tests.bot.commands.conftest import ME

DEFAULT, MEMBERS, ADMINS, OWN = (
    json.dumps(scope, sort_keys=True)
    for scope in (
        {"type": "default"}, {"type": "all_group_chats"}, {"type": "all_chat_administrators"},
        {"type": "chat", "chat_id": ME},
    )
)  # fmt: skip


def menu(sandbox: Sandbox, scope: str, language: str = "") -> dict[str, str]:
    return {entry["command"]: entry["description"] for entry in sandbox.world.commands[scope, language]}


def written(sandbox: Sandbox) -> list[str]:
    return [method for method, _ in sandbox.calls if method.startswith("setMy")]


async def registered(app: App, sandbox: Sandbox) -> Bot:
    sandbox.world.add_private_chat(ME)
    bot: Bot = app.telegram.bot
    await register_menu(bot, [ME])
    return bot


async def test_everybody_an_admin_a_member_and_an_operator_see_what_they_may_use(app: App, sandbox: Sandbox) -> None:
    await registered(app, sandbox)
    assert [menu(sandbox, scope) for scope in (DEFAULT, ADMINS, MEMBERS, OWN)] == [
        *(MENU, MENU, MEMBERS_MENU, OPERATOR_MENU)
    ]
    assert MENU.keys() - MEMBERS_MENU.keys() == {
        command.name for command in COMMANDS if command.for_admins and command.description
    }


async def test_a_french_telegram_shows_it_in_french(app: App, sandbox: Sandbox) -> None:
    await registered(app, sandbox)
    for scope, shown in ((DEFAULT, MENU), (ADMINS, MENU), (MEMBERS, MEMBERS_MENU), (OWN, OPERATOR_MENU)):
        found = menu(sandbox, scope, "fr")
        assert found.keys() == shown.keys()
        assert found == {name: figures_of("fr").words.gettext(text) for name, text in shown.items()}
    profile = sandbox.world.profile
    assert profile["description", "fr"].startswith("Cascade surveille si le Russell 2000 sort")
    assert profile["short_description", "fr"].startswith("Les cassures du Russell 2000")
    assert profile["description", ""].startswith("Cascade watches whether the Russell 2000")


async def test_what_telegram_shows_already_is_not_written_again(app: App, sandbox: Sandbox) -> None:
    bot = await registered(app, sandbox)
    before = written(sandbox)
    assert len(before) == 2 * (4 + 2)
    await register_menu(bot, [ME])
    assert written(sandbox) == before
    sandbox.world.profile["description", "fr"] = "Autre chose"
    sandbox.world.commands[MEMBERS, ""] = []
    await register_menu(bot, [ME])
    assert written(sandbox)[len(before) :] == ["setMyCommands", "setMyDescription"]


async def test_what_telegram_does_not_take_keeps_nothing_else_from_it(
    app: App, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.append(("getMyCommands", BotApiError(400, "Bad Request: no")))
    # Nor has this operator written to the bot yet.
    await register_menu(app.telegram.bot, [ME])
    assert {scope for scope, _ in sandbox.world.commands} >= {MEMBERS, ADMINS}
    assert OWN not in {scope for scope, _ in sandbox.world.commands}
    assert ("short_description", "fr") in sandbox.world.profile
    assert "the menu (chat, fr) could not be registered: Chat not found" in caplog.text
