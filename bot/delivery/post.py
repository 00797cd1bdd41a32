"""One message to one chat: the request, and what the answer to it means."""

from __future__ import annotations

from dataclasses import dataclass, replace

from telegram.error import TelegramError

from bot.delivery.composing import Text
from bot.delivery.failures import Failure, FailureKind, Result, read_answer, read_done, read_error
from bot.delivery.pictures import Pictures
from bot.delivery.request import AiohttpRequest
from storage.outbox.boards import ClaimedBoard, Step
from storage.outbox.states import Claimed

# The message that is corrected may be deleted since.
_REPLY = b',"reply_parameters":{"message_id":%d,"allow_sending_without_reply":true}'


@dataclass(frozen=True, slots=True)
class Post:
    """Carries messages to the Bot API at ``address`` (which ends in the token); with their ``pictures``, if any.

    Without a ``Bot``: turning every answer into objects that nobody reads costs more than the request itself.
    """

    request: AiohttpRequest
    address: str
    is_paid: bool = False
    pictures: Pictures | None = None

    async def send(self, claimed: Claimed, text: Text) -> Result:
        """Send what was claimed and return the message's id or what became of it. Nothing is retried."""
        try:
            result = await self._sent(self._head(claimed), text)
        except TelegramError as error:
            return read_error(error)
        match result:
            case Failure(kind=FailureKind.BAD_MARKUP) if text.is_plain:
                # There is nothing plainer than plain text.
                return replace(result, kind=FailureKind.OUR_MISTAKE)
            case Failure(kind=FailureKind.TOPIC_GONE) if claimed.thread_id is None:
                # Nor is there another place than General.
                return replace(result, kind=FailureKind.CANNOT_WRITE)
        return result

    async def carry_out(self, claimed: ClaimedBoard, text: Text) -> Result:
        """Make the request that a board needs and return the message's id or what became of it."""
        chat_id, message_id = claimed.chat_id, claimed.message_id
        if message_id is None:
            silently = Claimed(claimed.id, 0, chat_id, 0, 0, thread_id=claimed.thread_id, is_silent=True)
            return await self.send(silently, text)
        match claimed.step:
            case Step.PIN:
                method, more = "pinChatMessage", b',"disable_notification":true}'
            case Step.UNPIN:
                method, more = "unpinChatMessage", b"}"
            case _:
                method, more = "editMessageText", b"," + text.fields[1:]
        body = b'{"chat_id":%d,"message_id":%d%b' % (chat_id, message_id, more)
        try:
            status, answer = await self.request.post_json(f"{self.address}/{method}", body)
        except TelegramError as error:
            return read_error(error)
        result = read_done(status, answer, message_id)
        if isinstance(result, Failure) and result.kind is FailureKind.BAD_MARKUP and text.is_plain:
            return replace(result, kind=FailureKind.OUR_MISTAKE)
        return result

    def _head(self, claimed: Claimed) -> bytes:
        """Return how the JSON of the request begins: to whom and how."""
        paid = b',"allow_paid_broadcast":true' if self.is_paid else b""
        topic = b"" if claimed.thread_id is None else b',"message_thread_id":%d' % claimed.thread_id
        silent = b',"disable_notification":true' if claimed.is_silent else b""
        reply = b"" if claimed.replies_to is None else _REPLY % claimed.replies_to
        return b'{"chat_id":%d%b%b%b%b,' % (claimed.chat_id, paid, topic, silent, reply)

    async def _sent(self, head: bytes, text: Text) -> Result:
        if text.picture is not None and self.pictures is not None:
            result = await self.pictures.send(head, text.picture, text.caption)
            if result is not None:
                return result
        return read_answer(*await self.request.post_json(f"{self.address}/sendMessage", head + text.fields[1:]))
