"""In which language a chat is spoken to."""

from __future__ import annotations

from babel import Locale

from bot.commands.answering import Request, Services
from bot.commands.settings import overview
from bot.messages.languages import NAMES
from storage import chats
from storage.settings import board, chosen


async def language(services: Services, request: Request) -> str | None:
    """Answer ``/language``: by a code, a name in any of the languages, or a button with one."""
    asked = " ".join(request.words).casefold()
    if not asked:
        buttons = services.messages.buttons.under_languages(NAMES)
        await request.show(services.messages.text("language"), buttons)
        return None
    wanted = next((code for code in NAMES if asked in _called(code)), None)
    if wanted is None:
        return services.messages.text("wrong_language")
    chat = request.chat
    async with services.transaction(request.update) as connection:
        await chats.mark_reachable(connection, chat.id, chat.type)
        await chosen.set_language(connection, chat.id, wanted)
        await board.write_again(connection, chat.id)
    services.operation.wake()
    await overview.show(services.speaking(wanted), request)
    return None


def _called(code: str) -> set[str]:
    """Return what a language is called, in itself and in every other."""
    names = (Locale(code).get_language_name(other) for other in NAMES)
    return {code, *(name.casefold() for name in names if name)}
