"""What an operator writes to subscribers: shown first as they would read it, and sent by a second tap."""

from __future__ import annotations

import re

from telegram import Message

from bot.commands.answering import Request, Services
from bot.messages.alerts import post_text
from bot.messages.languages import NAMES, messages_of
from bot.messages.pages import units
from storage import ledger
from storage.ledger import Audience
from storage.operator import posts
from storage.operator.posts import Draft, Refusal

MOST = 600
"""UTF-16 units of an operator's text: with the lines around it that is a message of one screen."""
_LANGUAGE = re.compile(rf"(?:^|\s)({'|'.join(NAMES)}):(?=\s|$)")
_NUMBER = re.compile(r"[0-9]{1,9}")


async def broadcast(services: Services, request: Request) -> str | None:
    """Answer ``/broadcast TEXT`` with a preview of it for every subscriber."""
    return await _preview(services, request, _typed(request, 1), None)


async def correction(services: Services, request: Request) -> str | None:
    """Answer ``/correction ALERT TEXT`` with a preview of the correction, for whoever got that alert."""
    number = request.words[0] if request.words else ""
    async with services.database.reading() as connection:
        row = await ledger.find_alert(connection, int(number)) if _NUMBER.fullmatch(number) else None
    if row is None or row.audience == Audience.OPERATORS:
        return services.messages.text("wrong_alert_number", number=number)
    return await _preview(services, request, _typed(request, 2), row.id)


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


async def _preview(services: Services, request: Request, text: str, corrects: int | None) -> str | None:
    texts, now = by_language(text, services.messages.language), services.clock.now()
    lengths = [units(written) for written in texts.values()]
    if not min(lengths) or max(lengths) > MOST:
        # What is missing comes before what is too long.
        length = max(lengths) if min(lengths) else 0
        return services.messages.text("wrong_post", corrects=corrects, length=length, most=MOST)
    async with services.transaction(request.update) as connection:
        number = await posts.draft(connection, Draft(texts, *_author(request), corrects), now)
        count = await posts.recipients(connection, corrects, now)
        shown = [
            (name, await post_text(connection, messages_of(code), texts, corrects)) for code, name in NAMES.items()
        ]
    minutes = posts.VALID.seconds // 60
    preview = services.messages.text("preview", shown=shown, count=count, minutes=minutes)
    await request.reply(preview, services.messages.buttons.under_preview(number, count))
    return None


def by_language(text: str, own: str) -> dict[str, str]:
    """Return what was written, by language: ``en: words fr: mots``, or all of it in the writer's ``own``.

    Where a language has two pieces, they are one.
    """
    first, *rest = _LANGUAGE.split(text)
    if first.strip() or not rest:
        return {own: text}
    pieces: dict[str, str] = {}
    for code, piece in zip(rest[::2], rest[1::2], strict=True):
        pieces[code] = f"{pieces[code]}\n\n{piece.strip()}" if code in pieces else piece.strip()
    return pieces


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
