"""Who may change the settings of a chat: anyone in private, the admins of a group or channel."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from telegram import Chat, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter

from bot.clock import Clock
from bot.errors import AdminCheckError

# Who presses ten buttons in a row is asked about once; an admin who is one no more keeps that for so long.
_REMEMBERED = timedelta(minutes=1)


class Admins:
    """Asks Telegram who is an admin, and remembers for a minute what it said."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: OrderedDict[tuple[int, int], tuple[datetime, bool]] = OrderedDict()

    async def refusal(self, update: Update) -> str | None:
        """Return the template that says why this person may not change this chat; ``None`` where they may.

        Anyone may in private, elsewhere an admin. What is typed shows who may where it stands in the name of the chat,
        as every post of a channel does. A press shows only who presses: Telegram is asked of them, whoever wrote the
        message.

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
            is_admin = await self._is_admin(chat, user.id)
        except (BadRequest, Forbidden, ChatMigrated):
            # A group that hides its members refuses in many words; whatever they are, only an admin can help.
            # That is not remembered: it may be mended a moment later.
            return "admins_unknown"
        except (NetworkError, RetryAfter) as error:
            raise AdminCheckError(type(error).__name__) from error
        return None if is_admin else "admins_only"

    async def _is_admin(self, chat: Chat, user_id: int) -> bool:
        now, asked = self._clock.now(), (chat.id, user_id)
        while self._said and not _holds(next(iter(self._said.values()))[0], now):
            self._said.popitem(last=False)
        if asked in self._said and _holds(self._said[asked][0], now):
            return self._said[asked][1]
        member = await chat.get_member(user_id)
        is_admin = member.status in (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)
        self._said[asked] = (now, is_admin)
        self._said.move_to_end(asked)
        return is_admin


def _holds(said_at: datetime, now: datetime) -> bool:
    # What was said in the future was said before the clock was set.
    return said_at <= now < said_at + _REMEMBERED
