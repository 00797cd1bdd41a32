"""What the newest verdict rests on: every condition, and each part in depth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from telegram import Message, Update
from telegram.ext import BaseHandler, CallbackQueryHandler, CommandHandler

from bot.commands.answering import Desk, argument
from bot.commands.reading import newest, reply
from signals.conditions.table import LINK_NAMES
from signals.model import Verdict
from storage.market import Market

WHY = "why"
_PARTS = ("breakout", "liquidity", "cascade", "supercycle")
_LINKS = {str(number): number for number in LINK_NAMES} | {
    name.lower().replace(" ", ""): number for number, name in LINK_NAMES.items()
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The handlers of this family."""

    desk: Desk

    def handlers(self) -> list[BaseHandler[Any, Any, Any]]:
        """Return them for registration."""
        return [
            CommandHandler("why", self.why),
            CallbackQueryHandler(self.press_why, pattern=f"^{WHY}$"),
            CommandHandler("crypto", partial(self._in_depth, "crypto", note=self.desk.note)),
            *(CommandHandler(part, partial(self._in_depth, part)) for part in _PARTS),
        ]

    async def why(self, update: Update, context: Any) -> None:
        """Answer ``/why``, of everything or of one link."""
        asked = "".join(argument(context)).lower().replace("-", "")
        if not asked:
            await self._answer(update.effective_message, "why")
        elif asked in ("liquidity", "breakout"):
            await self._answer(update.effective_message, f"why_{asked}")
        elif asked in _LINKS:
            await self._answer(update.effective_message, "why_link", number=_LINKS[asked])
        else:
            await reply(update.effective_message, self.desk.messages.text("wrong_link"))

    async def press_why(self, update: Update, _: object) -> None:
        """Answer the button Why."""
        query = update.callback_query
        assert query is not None
        if isinstance(query.message, Message):
            await self._answer(query.message, "why")
        await query.answer()

    async def _in_depth(self, part: str, update: Update, _: object, **context: Any) -> None:
        await self._answer(update.effective_message, part, **context)

    async def _answer(self, message: Message | None, template: str, **context: Any) -> None:
        def render(verdict: Verdict, market_row: Market) -> str:
            return self.desk.messages.part(template, verdict, market_row, **context)

        await reply(message, await newest(self.desk, render))
