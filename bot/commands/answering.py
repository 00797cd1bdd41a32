"""What every command handler needs, and who may change a chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from telegram import Chat, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import BadRequest, NetworkError, RetryAfter

from bot.clock import Clock
from bot.messages.render import Messages
from storage.database import Database

COMMANDS = {
    "status": "where things stand now",
    "why": "every condition with its number and threshold",
    "breakout": "the Russell 2000 and its breakout",
    "liquidity": "US liquidity and its nine conditions",
    "cascade": "the four links and the stage",
    "crypto": "the crypto window and its precondition",
    "supercycle": "the four properties of a long rally",
    "record": "what followed in the past, and live",
    "history": "the last changes",
    "asof": "the status of a past evening",
    "subscribe": "get an alert when something changes",
    "unsubscribe": "no more alerts",
    "help": "this list",
    "start": "what this is",
}
"""The commands people see, in the order of the menu: ``/help`` and Telegram's menu are both made of it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a handler works with. ``note`` is the operator's on custody and regulation: dated, shown, never scored."""

    database: Database
    messages: Messages
    clock: Clock
    note: str = ""


def argument(context: Any) -> list[str]:
    """Return the words behind a command."""
    return context.args or []


class UndecidedError(Exception):
    """Telegram could not be asked who is an admin: what was written has had no effect and has to come again."""


async def may_change(update: Update) -> bool:
    """Return whether the sender may change this chat's settings: anyone in private, admins elsewhere.

    Raises
    ------
    UndecidedError
        When Telegram could not be asked.
    """
    chat, user = update.effective_chat, update.effective_user
    if chat is None:
        return False
    if chat.type in (ChatType.PRIVATE, ChatType.CHANNEL):
        # Only admins can post in a channel.
        return True
    if update.effective_message is not None and _speaks_as(update.effective_message.sender_chat, chat):
        return True
    if user is None:
        return False
    try:
        member = await chat.get_member(user.id)
    except BadRequest:
        raise
    except (NetworkError, RetryAfter) as error:
        raise UndecidedError(type(error).__name__) from error
    return member.status in (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)


def _speaks_as(sender: Chat | None, chat: Chat) -> bool:
    """Return whether an anonymous admin wrote in the name of the group itself."""
    return sender is not None and sender.id == chat.id
