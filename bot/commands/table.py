"""Every command and button, one row each: the handlers, ``/help`` and Telegram's menu are all made of this table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from telegram import Message, Update
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    MessageHandler,
    filters,
)

from bot.commands import evidence, past, record, status, subscription
from bot.commands.answering import Handler, Request, Services, may_change


@dataclass(frozen=True, slots=True)
class Command:
    """What may be typed as ``/name``, or pressed as a button with that name as its data.

    One without a description can only be pressed. ``changes_chat``: in a group only its admins may.
    """

    name: str
    description: str
    handler: Handler
    changes_chat: bool = False


async def _help(services: Services, request: Request) -> None:
    await request.reply(services.messages.text("help", commands=MENU))


COMMANDS = (
    Command("status", "where things stand now", status.status),
    Command("why", "every condition with its number and threshold", evidence.why),
    Command("breakout", "the Russell 2000 and its breakout", partial(evidence.in_depth, "breakout")),
    Command("liquidity", "US liquidity and its nine conditions", partial(evidence.in_depth, "liquidity")),
    Command("cascade", "the four links and the stage", partial(evidence.in_depth, "cascade")),
    Command("crypto", "the crypto window and its precondition", evidence.crypto),
    Command("supercycle", "the four properties of a long rally", partial(evidence.in_depth, "supercycle")),
    Command("record", "what followed in the past, and live", record.record),
    Command("history", "the last changes", past.history),
    Command("asof", "the status of a past evening", past.as_of),
    Command("subscribe", "get an alert when something changes", subscription.subscribe, changes_chat=True),
    Command("unsubscribe", "no more alerts", subscription.unsubscribe, changes_chat=True),
    Command("help", "this list", _help),
    Command("start", "what this is", subscription.start),
    Command("refresh", "", status.refresh),
)
MENU = {command.name: command.description for command in COMMANDS if command.description}
"""The commands people see, with what each does, in the order of the menu."""


def register(application: Application[Any, Any, Any, Any, Any, Any], services: Services) -> None:
    """Let an application answer every command and button, and what Telegram says of a chat coming and going."""
    for command in COMMANDS:
        if command.description:
            application.add_handler(CommandHandler(command.name, partial(_typed, services, command)))
        application.add_handler(CallbackQueryHandler(partial(_pressed, services, command), f"^{command.name}$"))
    membership, migration = (
        partial(subscription.note_membership, services),
        partial(subscription.follow_migration, services),
    )
    application.add_handler(ChatMemberHandler(membership, ChatMemberHandler.MY_CHAT_MEMBER))
    application.add_handler(MessageHandler(filters.StatusUpdate.MIGRATE, migration))
    # The last one: it answers whatever no other did.
    application.add_handler(MessageHandler(filters.COMMAND & filters.ChatType.PRIVATE, partial(_unknown, services)))


async def _typed(services: Services, command: Command, update: Update, context: Any) -> None:
    assert update.effective_message is not None
    await _answer(services, command, Request(update, update.effective_message, tuple(context.args or ())))


async def _pressed(services: Services, command: Command, update: Update, _: object) -> None:
    query = update.callback_query
    assert query is not None
    if isinstance(query.message, Message):
        await _answer(services, command, Request(update, query.message))
    await query.answer()


async def _answer(services: Services, command: Command, request: Request) -> None:
    if command.changes_chat and not await may_change(request.update):
        await request.reply(services.messages.text("admins_only"))
    else:
        await command.handler(services, request)


async def _unknown(services: Services, update: Update, _: object) -> None:
    assert update.effective_message is not None
    await Request(update, update.effective_message).reply(services.messages.text("unknown_command"))
