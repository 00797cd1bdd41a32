"""Status and help, and the answer to what does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.constants import ParseMode
from telegram.error import BadRequest
from telegram.ext import BaseHandler, CallbackQueryHandler, CommandHandler, MessageHandler, filters

from bot.commands.answering import COMMANDS, Desk
from bot.commands.evidence import WHY
from bot.commands.reading import newest, reply
from bot.commands.record import RECORD
from signals.model import Verdict
from storage.market import Market

REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class StatusCommands:
    """The handlers of this family."""

    desk: Desk

    def handlers(self) -> list[BaseHandler[Any, Any, Any]]:
        """Return them for registration; the last one answers unknown commands, so it must come last of all."""
        return [
            CommandHandler("status", self.status),
            CommandHandler("help", self.help),
            CallbackQueryHandler(self.press_refresh, pattern=f"^{REFRESH}$"),
            MessageHandler(filters.COMMAND & filters.ChatType.PRIVATE, self.unknown),
        ]

    async def status(self, update: Update, _: object) -> None:
        """Answer ``/status``."""
        await reply(update.effective_message, await newest(self.desk, self._text), _buttons())

    async def help(self, update: Update, _: object) -> None:
        """Answer ``/help``."""
        await reply(update.effective_message, self.desk.messages.text("help", commands=COMMANDS))

    async def unknown(self, update: Update, _: object) -> None:
        """Answer a command that does not exist."""
        await reply(update.effective_message, self.desk.messages.text("unknown_command"))

    async def press_refresh(self, update: Update, _: object) -> None:
        """Bring a status up to date in place."""
        query = update.callback_query
        assert query is not None
        text = await newest(self.desk, self._text)
        try:
            await query.edit_message_text(text, ParseMode.HTML, reply_markup=_buttons())
        except BadRequest as error:
            if "message is not modified" not in str(error).lower():
                raise
        await query.answer()

    def _text(self, verdict: Verdict, market_row: Market) -> str:
        return self.desk.messages.status(verdict, market_row, self.desk.clock.now())


def _buttons() -> InlineKeyboardMarkup:
    buttons = {"Why": WHY, "Record": RECORD, "Refresh": REFRESH}
    return InlineKeyboardMarkup([[InlineKeyboardButton(text, callback_data=data) for text, data in buttons.items()]])
