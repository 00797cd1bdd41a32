"""In which language a chat is spoken to: the one it chose, or began with."""

from __future__ import annotations

from telegram import Update
from telegram.constants import ChatType

from bot.commands.answering import Services
from bot.messages.languages import DEFAULT, known
from storage import AsyncConnection
from storage.settings import chosen


async def in_language(services: Services, update: Update) -> Services:
    """Return the services with the words of the chat that an update is of.

    One that has no language yet is answered in English, a person in that of their own Telegram.
    """
    chat, stored = update.effective_chat, None
    if chat is not None:
        async with services.database.reading() as connection:
            stored = await chosen.language_of(connection, chat.id)
    is_personal = chat is None or chat.type == ChatType.PRIVATE
    return services.speaking(stored or (_own(update) if is_personal else None) or DEFAULT)


async def begin(services: Services, connection: AsyncConnection, update: Update) -> Services:
    """Store the language that a chat begins with: that of whoever speaks for it first, where it is one of ours.

    Call it where only those who may change its settings get. Returns the services with its words.
    """
    assert update.effective_chat is not None
    language = await chosen.begin_in(connection, update.effective_chat.id, _own(update))
    return services.speaking(language or DEFAULT)


async def undecided(services: Services, update: Update) -> str:
    """Return the sentence that nobody could tell whether somebody may do what they asked."""
    return (await in_language(services, update)).messages.text("undecided")


def _own(update: Update) -> str | None:
    """Return the language of a person's Telegram; ``None`` where it is none of ours, or nobody is named."""
    return known(update.effective_user.language_code if update.effective_user else None)
