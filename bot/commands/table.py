"""Every command and button, one row each: the handlers, ``/help`` and Telegram's menu are all made of this table."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from telegram import CallbackQuery, Update
from telegram.constants import ChatType
from telegram.error import BadRequest, TelegramError
from telegram.ext import (
    Application,
    ChatMemberHandler,
    CommandHandler,
    InlineQueryHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot.commands import alert, chart, evidence, membership, past, record, status, subscription
from bot.commands.answering import Handler, Request, Services
from bot.commands.inline import InlineMode
from bot.commands.operator import delivery, evening, health, posts
from bot.commands.settings import alerts, board, digest, language, mute, overview, personal, quiet, timezone, watches
from bot.commands.settings.speaking import in_language
from bot.delivery.replies import TooFastError, UnansweredError
from bot.errors import AlreadyHandledError
from bot.messages.buttons import Asked
from storage import ledger

logger = logging.getLogger(__name__)

# What is typed, in a channel too; not what is edited, nor what a channel's discussion group gets of its posts.
_TYPED = (filters.UpdateType.MESSAGE | filters.UpdateType.CHANNEL_POST) & ~filters.IS_AUTOMATIC_FORWARD


@dataclass(frozen=True, slots=True)
class Command:
    """What may be typed as ``/name``, or pressed as a button with that name as its data.

    One without a description can only be pressed. ``group`` and ``argument`` are what ``/help`` shows of it. What
    people ask is explained there; what changes the chat is named, and explains itself when it is sent.
    One that ``has_effect`` has it even where there is to be no answer. ``for_admins``: in a group only its admins
    may. In a channel they alone may press anything: whatever is answered there is a post. Of one ``for_operators``
    nobody else learns that there is any.
    """

    name: str
    description: str
    handler: Handler
    group: str = ""
    argument: str = ""
    has_effect: bool = False
    for_admins: bool = False
    for_operators: bool = False


async def _help(services: Services, request: Request) -> None:
    groups = {title: [command for command in _FOR_ALL if command.group == title] for title in (_NOW, _PAST, _CHAT, "")}
    brief = {title: groups.pop(title) for title in (_CHAT, "")}
    # In a group others would read it, too.
    is_private = request.chat.type == ChatType.PRIVATE
    is_operator = is_private and services.operation.is_operator(request.update.effective_user)
    operators = _FOR_OPERATORS if is_operator else []
    async with services.database.reading() as connection:
        newest = await ledger.newest_session(connection)
    await request.reply(services.messages.text("help", groups=groups, brief=brief, operators=operators, newest=newest))


_NOW, _PAST, _CHAT = "Where things stand", "What happened before", "This chat"
COMMANDS = (
    Command("status", "where things stand now", status.status, _NOW),
    Command("why", "what changed lately, or all of one part", evidence.why, _NOW, "[bonds]"),
    Command("breakout", "the Russell 2000 and its breakout", partial(evidence.in_depth, "breakout"), _NOW),
    Command("liquidity", "US liquidity and its nine conditions", partial(evidence.in_depth, "liquidity"), _NOW),
    Command("cascade", "the four links and the stage", partial(evidence.in_depth, "cascade"), _NOW),
    Command("crypto", "the crypto window and its precondition", evidence.crypto, _NOW),
    Command("supercycle", "the four properties of a long rally", partial(evidence.in_depth, "supercycle"), _NOW),
    Command("chart", "the same as a picture", chart.chart, _NOW, "[liquidity 1y]"),
    Command("record", "how earlier cases turned out, and live ones", record.record, _PAST, "[events]"),
    Command("history", "the last changes", past.history, _PAST, "[10]"),
    Command("asof", "the status of a past evening", past.as_of, _PAST, "2020-11-17"),
    Command("subscribe", "get an alert when something changes", subscription.subscribe, _CHAT, "", True, True),
    Command("alerts", "which alerts come, and how", alerts.alerts, _CHAT, "", True, True),
    Command("mute", "no alerts for a while", mute.mute, _CHAT, "7d", True, True),
    Command("digest", "what changed, daily or weekly", digest.digest, _CHAT, "daily 8", True, True),
    Command("watch", "a price: a record, or a level", watches.watch, _CHAT, "BTC-USD > 120000", True, True),
    Command("settings", "language, time zone and quiet hours", overview.settings, _CHAT, "", True, True),
    Command("unsubscribe", "no more alerts", subscription.unsubscribe, _CHAT, "", True, True),
    Command("unwatch", "one no more", watches.unwatch, _CHAT, "NVDA", True, True),
    Command("unmute", "alerts again", mute.unmute, _CHAT, "", True, True),
    Command("timezone", "where this chat is", timezone.timezone, _CHAT, "Paris", True, True),
    Command("language", "the language of this chat", language.language, _CHAT, "fr", True, True),
    Command("quiet", "hours in which nothing comes", quiet.quiet, _CHAT, "22:00-07:00", True, True),
    Command("board", "a pinned message with where things stand", board.board, _CHAT, "", True, True),
    Command("help", "this list", _help),
    Command("start", "what this is", subscription.start, has_effect=True),
    Command("method", "how it is computed", evidence.method),
    Command("privacy", "what is stored, and how long", personal.privacy),
    Command("export", "all that is stored about this chat", personal.export, "", "", False, True),
    Command("deleteme", "delete all of it", personal.delete, "", "", True, True),
    Command("id", "the numbers of this chat and of you", personal.numbers),
    Command("health", "data, evening, queue, errors", health.health, for_operators=True),
    Command("stats", "chats, and what was done today", health.stats, for_operators=True),
    Command("evaluate", "run the evening now", evening.evaluate, for_operators=True),
    Command("pause", "hold delivery", delivery.pause_delivery, "", "", True, for_operators=True),
    Command("resume", "let it go on", delivery.resume_delivery, "", "", True, for_operators=True),
    Command("broadcast", "write to all", posts.broadcast, "", "TEXT", True, for_operators=True),
    Command("correction", "put an alert right", posts.correction, "", "ALERT TEXT", True, for_operators=True),
    Command("dispatch", "", posts.dispatch, has_effect=True, for_operators=True),
    Command("discard", "", posts.discard, has_effect=True, for_operators=True),
    Command("refresh", "", status.refresh),
    Command("alert", "", alert.alert),
    Command("details", "", alert.details),
)
_BUTTONS = {command.name: command for command in COMMANDS}
_FOR_ALL = [command for command in COMMANDS if command.description and not command.for_operators]
_FOR_OPERATORS = [command for command in COMMANDS if command.description and command.for_operators]
MENU = {command.name: command.description for command in _FOR_ALL}
"""The commands people see, with what each does, in the order of the menu."""
MEMBERS_MENU = {command.name: command.description for command in _FOR_ALL if not command.for_admins}
"""Those that anybody in a group may use."""
OPERATOR_MENU = {command.name: command.description for command in (*_FOR_ALL, *_FOR_OPERATORS)}
"""The same with those that only operators see."""


def register(application: Application[Any, Any, Any, Any, Any, Any], services: Services) -> None:
    """Let an application answer every command and button, and what Telegram says of a chat coming and going."""
    # Typed by anybody else, one for operators is no command at all.
    by_operators = _TYPED & filters.User(services.operation.ids)
    for command in COMMANDS:
        if command.description:
            typed = by_operators if command.for_operators else _TYPED
            application.add_handler(CommandHandler(command.name, partial(_typed, services, command), typed))
    changed, moved = partial(membership.note_membership, services), partial(membership.follow_migration, services)
    application.add_handler(ChatMemberHandler(changed, ChatMemberHandler.MY_CHAT_MEMBER))
    application.add_handler(MessageHandler(filters.StatusUpdate.MIGRATE, moved))
    application.add_handler(InlineQueryHandler(InlineMode(services.database, services.clock).answer))
    # It answers whatever no other did.
    private = filters.UpdateType.MESSAGE & ~filters.IS_AUTOMATIC_FORWARD & filters.ChatType.PRIVATE
    application.add_handler(MessageHandler(private & filters.COMMAND, partial(_say, services, "unknown_command")))
    application.add_handler(MessageHandler(private & filters.TEXT, partial(_say, services, "plain_words")))
    # Every press, with whatever data or none.
    application.add_handler(TypeHandler(Update, partial(_pressed, services)))


async def _typed(services: Services, command: Command, update: Update, context: Any) -> None:
    assert update.effective_message is not None
    services = await in_language(services, update)
    request = Request(services, update, update.effective_message, tuple(context.args or ()))
    try:
        if (sentence := await _carry_out(services, command, request)) is not None:
            await request.reply(sentence)
    except TooFastError:
        await request.tell_to_slow_down()


async def _pressed(services: Services, update: Update, _: object) -> None:
    query = update.callback_query
    if query is None:
        return
    services, asked = await in_language(services, update), Asked.of(query.data or "")
    command = _BUTTONS.get(asked.name)
    is_hidden = command is not None and command.for_operators and not services.operation.is_operator(query.from_user)
    if command is None or query.message is None or is_hidden:
        # Under what was posted by way of another chat there is no message, and nowhere to answer.
        await _end(query, services.messages.text("unknown_button"))
        return
    try:
        request = Request(services, update, query.message, asked.words, asked.origin)
        sentence = await _carry_out(services, command, request)
    except UnansweredError:
        await _end(query, services.messages.text("slow_down"))
        raise
    except (TelegramError, AlreadyHandledError):
        await _end(query)
        raise
    await _end(query, sentence)


async def _carry_out(services: Services, command: Command, request: Request) -> str | None:
    """Let a command have its effect and be answered; return the sentence that is left to say, if any."""
    is_press = request.update.callback_query is not None
    is_for_admins = command.for_admins or (is_press and request.chat.type == ChatType.CHANNEL)
    if is_for_admins and (why_not := await services.admins.refusal(request.update)) is not None:
        return services.messages.text(why_not)
    if not command.has_effect:
        await request.admit()
    return await command.handler(services, request)


async def _end(query: CallbackQuery, sentence: str | None = None) -> None:
    """Let the button be at rest again, and whoever pressed it read a sentence that nobody else sees."""
    try:
        await query.answer(sentence, show_alert=sentence is not None)
    except BadRequest as error:
        # It was pressed too long ago.
        logger.info("a press is not answered: %s", error)


async def _say(services: Services, template: str, update: Update, _: object) -> None:
    assert update.effective_message is not None
    services = await in_language(services, update)
    await Request(services, update, update.effective_message).reply(services.messages.text(template))
