"""The status board: one pinned message that is brought up to date after every close."""

from __future__ import annotations

from bot.commands.answering import Request, Services
from storage import chats
from storage.settings import board as boards


async def board(services: Services, request: Request) -> str | None:
    """Answer ``/board``: a press turns the message with the button into the board, or ends it.

    Its number is known before it is one: whatever is killed when, a chat has one board at most.
    """
    chat, message = request.chat, request.message
    match request.words:
        case ("here",) if request.update.callback_query is not None and message.is_accessible:
            async with services.transaction(request.update) as connection:
                await chats.mark_reachable(connection, chat.id, chat.type)
                await boards.turn_on(connection, chat.id, message.message_id, request.topic)
            services.operation.wake()
        case () | ("here",):
            await _show(services, request)
        case ("off",):
            async with services.transaction(request.update) as connection:
                await boards.turn_off(connection, chat.id)
            services.operation.wake()
            await _show(services, request)
        case _:
            return services.messages.text("wrong_board")
    return None


async def _show(services: Services, request: Request) -> None:
    async with services.database.reading() as connection:
        found = await boards.find(connection, request.chat.id)
    text = services.messages.text("board", board=found)
    is_known = found is not None and not found.is_lost
    buttons = services.messages.buttons.under_board(has_one=found is not None, is_known=is_known)
    await request.show(text, buttons)
