"""Who may change the settings of a chat: anyone in private, the admins of a group or channel."""

from __future__ import annotations

from telegram import Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter

from bot.errors import AdminCheckError


async def refusal(update: Update) -> str | None:
    """Return the template that says why this person may not change this chat; ``None`` where they may.

    Anyone may in private, elsewhere an admin. What is typed shows who may where it stands in the name of the chat, as
    every post of a channel does. A press shows only who presses: Telegram is asked of them, whoever wrote the message.

    Raises
    ------
    AdminCheckError
        When Telegram could not be asked.
    """
    chat, user, message = update.effective_chat, update.effective_user, update.effective_message
    if chat is None:
        return "admins_only"
    is_typed = update.callback_query is None and message is not None
    speaks_as_chat = is_typed and message is not None and message.sender_chat == chat
    if chat.type == ChatType.PRIVATE or update.channel_post is not None or speaks_as_chat:
        return None
    if user is None:
        return "admins_only"
    try:
        member = await chat.get_member(user.id)
    except (BadRequest, Forbidden, ChatMigrated):
        # A group that hides its members refuses in many words; whatever they are, only an admin can help.
        return "admins_unknown"
    except (NetworkError, RetryAfter) as error:
        raise AdminCheckError(type(error).__name__) from error
    is_admin = member.status in (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)
    return None if is_admin else "admins_only"
