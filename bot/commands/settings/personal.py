"""What is stored about a chat: said, handed over, deleted."""

from __future__ import annotations

import msgspec

from bot.commands.answering import Request, Services
from storage.settings import personal


async def privacy(services: Services, request: Request) -> None:
    """Answer ``/privacy``: what is stored, for what and how long."""
    await request.show(services.messages.text("privacy"))


async def export(services: Services, request: Request) -> None:
    """Answer ``/export`` with a JSON document: every row that names the chat, by its table."""
    async with services.database.reading() as connection:
        found = await personal.stored(connection, request.chat.id)
    content = msgspec.json.format(msgspec.json.encode(found), indent=2)
    await request.send_document(content, f"cascade{request.chat.id}.json", services.messages.text("export"))


async def delete(services: Services, request: Request) -> str | None:
    """Answer ``/deleteme``: ask once, and delete when that is confirmed."""
    match request.words:
        case ():
            await request.show(services.messages.text("deleteme"), services.messages.buttons.under_deletion())
        case ("yes",):
            async with services.transaction(request.update) as connection:
                await personal.forget(connection, request.chat.id)
            await request.show(services.messages.text("deleted"))
        case _:
            return services.messages.text("wrong_deleteme")
    return None


async def numbers(services: Services, request: Request) -> None:
    """Answer ``/id``: the numbers by which Telegram knows the chat and whoever asks."""
    user = request.update.effective_user
    await request.show(services.messages.text("id", chat_id=request.chat.id, user_id=user.id if user else None))
