"""One message to one chat: the request, and what the answer to it means."""

from __future__ import annotations

from dataclasses import dataclass, replace

from telegram.error import TelegramError

from bot.delivery.composing import Text
from bot.delivery.failures import Failure, FailureKind, Result, read_answer, read_error
from bot.delivery.request import AiohttpRequest


@dataclass(frozen=True, slots=True)
class Post:
    """Carries messages to the Bot API at ``address`` (which ends in the token).

    Without a ``Bot``: turning every answer into objects that nobody reads costs more than the request itself.
    """

    request: AiohttpRequest
    address: str
    is_paid: bool = False

    async def send(self, chat_id: int, text: Text) -> Result:
        """Send a message and return its id, or what became of it. Nothing is retried here."""
        paid = b',"allow_paid_broadcast":true' if self.is_paid else b""
        body = b'{"chat_id":%d%b,%b' % (chat_id, paid, text.fields[1:])
        try:
            status, answer = await self.request.post_json(f"{self.address}/sendMessage", body)
        except TelegramError as error:
            return read_error(error)
        result = read_answer(status, answer)
        if text.is_plain and isinstance(result, Failure) and result.kind is FailureKind.BAD_MARKUP:
            # There is nothing plainer than plain text.
            return replace(result, kind=FailureKind.OUR_MISTAKE)
        return result
