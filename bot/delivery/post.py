"""One message to one chat: the request, and what its answer means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.delivery.composing import Text
from bot.delivery.failures import Failure, FailureKind, read_answer, read_error
from bot.delivery.request import AiohttpRequest


@dataclass(frozen=True, slots=True)
class Post:
    """Carries messages to the Bot API at ``address`` (which ends in the token).

    Without a ``Bot``: turning every answer into objects that nobody reads costs more than the request itself.
    """

    request: AiohttpRequest
    address: str
    is_paid: bool = False

    async def send(self, chat_id: int, text: Text) -> int | Failure:
        """Send a message and return its id, or what became of it. Nothing is retried here."""
        body: dict[str, Any] = {"chat_id": chat_id, "text": text.text}
        if not text.is_plain:
            body["parse_mode"] = ParseMode.HTML
        if self.is_paid:
            body["allow_paid_broadcast"] = True
        try:
            status, answer = await self.request.post_json(f"{self.address}/sendMessage", body)
        except TelegramError as error:
            return read_error(error)
        outcome = read_answer(status, answer)
        if text.is_plain and isinstance(outcome, Failure) and outcome.kind is FailureKind.BAD_MARKUP:
            # There is nothing plainer than plain text.
            return replace(outcome, kind=FailureKind.OUR_MISTAKE)
        return outcome
