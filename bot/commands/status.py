"""Status, why and help: answered from what is stored, never fetched, never computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.constants import ParseMode
from telegram.error import BadRequest
from telegram.ext import BaseHandler, CallbackQueryHandler, CommandHandler, MessageHandler, filters

from bot.commands.answering import COMMANDS, Desk
from bot.messages.render import read_verdict
from signals.model import Verdict
from storage import ledger, market
from storage.market import Market

WHY, REFRESH = "why", "refresh"


@dataclass(frozen=True, slots=True)
class StatusCommands:
    """The handlers of this family."""

    desk: Desk

    def handlers(self) -> list[BaseHandler[Any, Any, Any]]:
        """Return them for registration; the last one answers unknown commands, so it must come last of all."""
        return [
            CommandHandler("status", self.status),
            CommandHandler("why", self.why),
            CommandHandler("help", self.help),
            CallbackQueryHandler(self.press_why, pattern=f"^{WHY}$"),
            CallbackQueryHandler(self.press_refresh, pattern=f"^{REFRESH}$"),
            MessageHandler(filters.COMMAND & filters.ChatType.PRIVATE, self.unknown),
        ]

    async def status(self, update: Update, _: object) -> None:
        """Answer ``/status``."""
        await self._answer(update.effective_message, self._status_text, _status_buttons())

    async def why(self, update: Update, _: object) -> None:
        """Answer ``/why``."""
        await self._answer(update.effective_message, self.desk.messages.why)

    async def help(self, update: Update, _: object) -> None:
        """Answer ``/help``."""
        assert update.effective_message is not None
        text = self.desk.messages.text("help", commands=COMMANDS)
        await update.effective_message.reply_text(text, ParseMode.HTML)

    async def unknown(self, update: Update, _: object) -> None:
        """Answer a command that does not exist."""
        assert update.effective_message is not None
        await update.effective_message.reply_text(self.desk.messages.text("unknown_command"), ParseMode.HTML)

    async def press_why(self, update: Update, _: object) -> None:
        """Answer the button Why."""
        query = update.callback_query
        assert query is not None
        if isinstance(query.message, Message):
            await self._answer(query.message, self.desk.messages.why)
        await query.answer()

    async def press_refresh(self, update: Update, _: object) -> None:
        """Bring a status up to date in place."""
        query = update.callback_query
        assert query is not None
        text = await self._text(self._status_text)
        try:
            await query.edit_message_text(text, ParseMode.HTML, reply_markup=_status_buttons())
        except BadRequest as error:
            if "message is not modified" not in str(error).lower():
                raise
        await query.answer()

    async def _answer(
        self,
        message: Message | None,
        render: Callable[[Verdict, Market], str],
        buttons: InlineKeyboardMarkup | None = None,
    ) -> None:
        assert message is not None
        await message.reply_text(await self._text(render), ParseMode.HTML, reply_markup=buttons)

    async def _text(self, render: Callable[[Verdict, Market], str]) -> str:
        async with self.desk.database.transaction() as connection:
            body = await ledger.newest_body(connection)
            held = await market.load_market(connection)
        if body is None or held is None:
            waiting = held.agenda.waiting if held and held.agenda else None
            return self.desk.messages.text("nothing_yet", reason=waiting)
        return render(read_verdict(body), held)

    def _status_text(self, verdict: Verdict, held: Market) -> str:
        return self.desk.messages.status(verdict, held, self.desk.clock.now())


def _status_buttons() -> InlineKeyboardMarkup:
    why = InlineKeyboardButton("Why", callback_data=WHY)
    return InlineKeyboardMarkup([[why, InlineKeyboardButton("Refresh", callback_data=REFRESH)]])
