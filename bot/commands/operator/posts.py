"""What an operator writes to subscribers: shown first as they would read it, and sent by a second tap."""

from __future__ import annotations

import re
from collections.abc import Sequence

from telegram import Message

from bot.commands.answering import Request, Services
from bot.messages.alerts import post_text
from bot.messages.pages import units
from storage import ledger
from storage.ledger import Audience
from storage.operator import posts
from storage.operator.posts import Draft, Refusal

MOST = 600
"""UTF-16 units of an operator's text: with the lines around it that is a message of one screen."""
_NUMBER = re.compile(r"[0-9]{1,9}")


async def broadcast(services: Services, request: Request) -> str | None:
    """Answer ``/broadcast TEXT`` with a preview of it for every subscriber."""
    return await _preview(services, request, "broadcast", _typed(request, 1), None)


async def correction(services: Services, request: Request) -> str | None:
    """Answer ``/correction ALERT TEXT`` with a preview of the correction, for whoever got that alert."""
    number = request.words[0] if request.words else ""
    async with services.database.reading() as connection:
        row = await ledger.find_alert(connection, int(number)) if _NUMBER.fullmatch(number) else None
    if row is None or row.audience == Audience.OPERATORS:
        return services.messages.text("wrong_alert_number", number=number)
    return await _preview(services, request, "correction", _typed(request, 2), row.id)


async def dispatch(services: Services, request: Request) -> str | None:
    """Send what was previewed: what is owed of it is stored with the fact that it is confirmed."""
    number, (who, where), now = _draft_of(request), _author(request), services.clock.now()
    async with services.transaction(request.update) as connection:
        owed = await posts.owe(connection, number, who, where, now)
    if isinstance(owed, Refusal):
        return services.messages.text("not_dispatched", why=owed)
    services.operation.wake()
    await request.show(services.messages.text("dispatched", alert_id=owed))
    return None


async def discard(services: Services, request: Request) -> str | None:
    """Forget what was previewed."""
    async with services.transaction(request.update) as connection:
        gone = await posts.discard(connection, _draft_of(request), *_author(request))
    if not gone:
        return services.messages.text("not_dispatched", why=Refusal.SENT)
    await request.show(services.messages.text("discarded"))
    return None


async def _preview(services: Services, request: Request, command: str, text: str, corrects: int | None) -> str | None:
    if not text or units(text) > MOST:
        return services.messages.text("wrong_post", command=command, corrects=corrects, length=units(text), most=MOST)
    texts, now = {services.messages.language: text}, services.clock.now()
    async with services.transaction(request.update) as connection:
        number = await posts.draft(connection, Draft(texts, *_author(request), corrects), now)
        count = await posts.recipients(connection, corrects, now)
        shown = [await post_text(connection, services.messages, texts, corrects)]
    await _show(services, request, number, shown, count)
    return None


async def _show(services: Services, request: Request, number: int, shown: Sequence[str], count: int) -> None:
    minutes = posts.VALID.seconds // 60
    text = services.messages.text("preview", texts=shown, count=count, minutes=minutes)
    await request.reply(text, services.messages.buttons.under_preview(number, count))


def _typed(request: Request, words: int) -> str:
    """Return what stands behind the command and its first words, lines and all."""
    message = request.message
    assert isinstance(message, Message), "it was typed"
    parts = (message.text or "").split(maxsplit=words)
    return parts[words].strip() if len(parts) > words else ""


def _draft_of(request: Request) -> int:
    (number,) = request.words if len(request.words) == 1 else ("",)
    return int(number) if _NUMBER.fullmatch(number) else 0


def _author(request: Request) -> tuple[int, int]:
    user = request.update.effective_user
    assert user is not None, "an operator writes and presses in person"
    return user.id, request.chat.id
