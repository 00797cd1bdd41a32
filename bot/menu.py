"""What Telegram itself shows of the bot, by scope and language: its menu, and what it is for."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Any

from telegram import (
    Bot,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)
from telegram.error import TelegramError

from bot.commands.table import MEMBERS_MENU, MENU, OPERATOR_MENU
from bot.messages.languages import DEFAULT, NAMES, figures_of

logger = logging.getLogger(__name__)


async def register_menu(bot: Bot, operators: Sequence[int]) -> None:
    """Let Telegram show the commands and what the bot is for, in every language; only what differs is written.

    What Telegram does not take is logged: the bot works without it.
    """
    for language in NAMES:
        # Without a code it is for everybody whose language has none of its own.
        code = None if language == DEFAULT else language
        for scope, menu in _menus(operators):
            await _try(f"the menu ({scope.type}, {language})", _set_menu(bot, scope, menu, language, code))
        await _try(f"the description ({language})", _describe(bot, language, code))


def _menus(operators: Sequence[int]) -> Iterator[tuple[BotCommandScope, Mapping[str, str]]]:
    yield BotCommandScopeDefault(), MENU
    yield BotCommandScopeAllGroupChats(), MEMBERS_MENU
    yield BotCommandScopeAllChatAdministrators(), MENU
    for number in operators:
        # They may not have written to the bot yet.
        yield BotCommandScopeChat(number), OPERATOR_MENU


async def _set_menu(bot: Bot, scope: BotCommandScope, menu: Mapping[str, str], language: str, code: str | None) -> None:
    words = figures_of(language).words
    wanted = [(name, words.gettext(description)) for name, description in menu.items()]
    found = await bot.get_my_commands(scope, code)
    if [(command.command, command.description) for command in found] != wanted:
        await bot.set_my_commands(wanted, scope, code)


async def _describe(bot: Bot, language: str, code: str | None) -> None:
    _ = figures_of(language).words.gettext
    # As /start says it.
    what = _(
        "Cascade watches whether the Russell 2000 breaks out of a long base to a record, and whether crypto follows."
    )
    when = _("It is measured after every US close; you hear of it when something changes, and only then.")
    whole = "\n\n".join((what, when, _("Information, not investment advice.")))
    short = _("Russell 2000 breakouts from a long base, and whether crypto follows. Information, not advice.")
    if (await bot.get_my_description(code)).description != whole:
        await bot.set_my_description(whole, code)
    if (await bot.get_my_short_description(code)).short_description != short:
        await bot.set_my_short_description(short, code)


async def _try(what: str, task: Awaitable[Any]) -> None:
    try:
        await task
    except TelegramError as error:
        logger.warning("%s could not be registered: %s", what, error)
