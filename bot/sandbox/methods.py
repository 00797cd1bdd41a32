"""The Bot API methods of the sandbox. As strict as Telegram, and stricter: an unknown parameter is an error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp.web import FileField

from bot.sandbox.entities import EntityError, Parsed, parse_html, utf16_length
from bot.sandbox.limits import Limiter
from bot.sandbox.origin import is_here
from bot.sandbox.photos import Photos
from bot.sandbox.profile import Profile
from bot.sandbox.pushing import Pusher
from bot.sandbox.telegram import BOT, BotApiError, ChatState, Json, World, content_of_photo, content_of_text

_CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_HOOKED = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
_NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
_TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"
_MOST_TEXT = 4096
_MOST_CAPTION = 1024
_MOST_TOAST = 200
_MOST_UPDATES = 100
_MOST_RESULTS, _LONGEST_RESULT_ID = 50, 64


class Methods:
    """Carries out methods on a world."""

    def __init__(self, world: World, limiter: Limiter, pusher: Pusher | None, photos: Photos) -> None:
        self._world, self._limiter, self._pusher, self._photos = world, limiter, pusher, photos
        self._polling: asyncio.Task[Any] | None = None
        self._methods: dict[str, tuple[Callable[[Json], Awaitable[Any]], frozenset[str]]] = {
            "getMe": (self._get_me, frozenset()),
            "getUpdates": (self._get_updates, frozenset({"offset", "limit", "timeout", "allowed_updates"})),
            "sendMessage": (self._send_message, _SENDING),
            "editMessageText": (self._edit_message_text, _EDITING),
            "sendPhoto": (self._send_photo, _SENDING - {"text", "link_preview_options"} | {"photo", "caption"}),
            "sendDocument": (
                self._send_document,
                _SENDING - {"text", "link_preview_options"} | {"document", "caption"},
            ),
            "editMessageMedia": (
                self._edit_message_media,
                frozenset({"chat_id", "message_id", "media", "reply_markup"}),
            ),
            "answerCallbackQuery": (
                self._answer_callback_query,
                frozenset({"callback_query_id", "text", "show_alert"}),
            ),
            "getWebhookInfo": (self._get_webhook_info, frozenset()),
            "getChat": (self._get_chat, frozenset({"chat_id"})),
            "pinChatMessage": (self._pin, frozenset({"chat_id", "message_id", "disable_notification"})),
            "unpinChatMessage": (self._unpin, frozenset({"chat_id", "message_id"})),
            "answerInlineQuery": (
                self._answer_inline_query,
                frozenset({"inline_query_id", "results", "cache_time", "is_personal", "next_offset", "button"}),
            ),
            "setWebhook": (self._set_webhook, frozenset({"url", "secret_token", "allowed_updates", "max_connections"})),
            "deleteWebhook": (self._delete_webhook, frozenset({"drop_pending_updates"})),
            "getChatMember": (self._get_chat_member, frozenset({"chat_id", "user_id"})),
            **Profile(world).methods,
        }

    async def call(self, method: str, parameters: Mapping[str, Any]) -> Any:
        """Return a method's result.

        Raises
        ------
        BotApiError
            With Telegram's code and text, whatever is wrong.
        """
        by_name = {name.lower(): entry for name, entry in self._methods.items()}
        if method.lower() not in by_name:
            raise BotApiError(404, "Not Found: method not found")
        function, known = by_name[method.lower()]
        attached = {name for name, value in parameters.items() if isinstance(value, FileField)}
        if unknown := set(parameters) - known - (attached if "media" in known else set()):
            raise BotApiError(400, f"Bad Request: the sandbox does not know the parameter {min(unknown)!r} of {method}")
        return await function({name: _decoded(value) for name, value in parameters.items()})

    async def _get_me(self, _: Json) -> Json:
        return BOT | {"supports_inline_queries": self._world.supports_inline}

    async def _set_webhook(self, given: Json) -> bool:
        secret = str(given.get("secret_token", ""))
        if self._pusher is None or not is_here(str(given["url"])):
            raise BotApiError(400, "Bad Request: bad webhook: the sandbox calls nobody, in tests this machine alone")
        await self._pusher.set(str(given["url"]), secret, given.get("allowed_updates") or [])
        return True

    async def _get_webhook_info(self, _: Json) -> Json:
        is_set = self._pusher is not None and self._pusher.is_set
        url = "https://set.example" if is_set else ""
        return {"url": url, "has_custom_certificate": False, "pending_update_count": len(self._world.updates)}

    async def _get_chat(self, given: Json) -> Json:
        return self._chat(given).chat

    async def _delete_webhook(self, _: Json) -> bool:
        if self._pusher is not None:
            await self._pusher.set("", "", [])
        return True

    async def _get_updates(self, given: Json) -> list[Json]:
        if self._pusher is not None and self._pusher.is_set:
            raise BotApiError(409, _HOOKED)
        if self._polling is not None and not self._polling.done():
            self._polling.cancel()
        self._polling = asyncio.current_task()
        if (offset := given.get("offset")) is not None:
            self._world.forget_updates_before(int(offset))
        allowed = given.get("allowed_updates") or []
        self._world.updates = [u for u in self._world.updates if not allowed or set(u) & set(allowed)]
        try:
            async with asyncio.timeout(min(float(given.get("timeout", 0)), 50)):
                while not self._world.updates:
                    await self._world.changed.wait()
        except TimeoutError:
            return []
        except asyncio.CancelledError:
            if self._polling is asyncio.current_task():
                raise
            raise BotApiError(409, _CONFLICT) from None

        return self._world.updates[: min(int(given.get("limit", _MOST_UPDATES)), _MOST_UPDATES)]

    async def _send_message(self, given: Json) -> Json:
        state = self._chat(given)
        parsed, topic = _parse(given), _topic(state, given)
        answers = _answered(state, given.get("reply_parameters"))
        self._limiter.take(state.chat["id"])
        content = content_of_text(parsed.text, parsed.entities)
        return self._world.post_content(state, content, given.get("reply_markup"), topic, answers)

    async def _send_photo(self, given: Json) -> Json:
        state = self._chat(given)
        content, topic = self._photo(given.get("photo"), given), _topic(state, given)
        answers = _answered(state, given.get("reply_parameters"))
        self._limiter.take(state.chat["id"])
        return self._world.post_content(state, content, given.get("reply_markup"), topic, answers)

    async def _send_document(self, given: Json) -> Json:
        state, document = self._chat(given), given.get("document")
        if not isinstance(document, FileField):
            raise BotApiError(400, "Bad Request: there is no document in the request")
        topic, caption = _topic(state, given), _parse_caption(given)
        answers = _answered(state, given.get("reply_parameters"))
        self._limiter.take(state.chat["id"])
        content = self._world.keep_document(document.file.read(), document.filename)
        content |= {"caption": caption.text} if caption.text else {}
        return self._world.post_content(state, content, given.get("reply_markup"), topic, answers)

    def _photo(self, photo: Any, given: Json) -> Json:
        """Return what a message of a photo holds."""
        caption = _parse_caption(given)
        return content_of_photo(self._photos.sizes(photo), caption.text, caption.entities)

    async def _edit_message_text(self, given: Json) -> Json:
        message = self._own_message(given)
        if "text" not in message:
            raise BotApiError(400, "Bad Request: there is no text in the message to edit")
        parsed = _parse(given)
        return self._edit(message, content_of_text(parsed.text, parsed.entities), given.get("reply_markup"))

    async def _edit_message_media(self, given: Json) -> Json:
        message, media = self._own_message(given), given.get("media") or {}
        if media.get("type") != "photo" or "photo" not in message:
            raise BotApiError(400, "Bad Request: the sandbox puts a photo only in the place of another")
        name = str(media.get("media", ""))
        photo = given.get(name.removeprefix("attach://")) if name.startswith("attach://") else name
        return self._edit(message, self._photo(photo, media), given.get("reply_markup"))

    async def _pin(self, given: Json) -> bool:
        state, number = self._pinnable(given), int(given.get("message_id", 0))
        if number not in state.messages:
            raise BotApiError(400, "Bad Request: message to pin not found")
        state.pinned = [*(other for other in state.pinned if other != number), number]
        self._world.wake()
        return True

    async def _unpin(self, given: Json) -> bool:
        state, number = self._pinnable(given), int(given.get("message_id", 0))
        if number not in state.messages:
            raise BotApiError(400, "Bad Request: message to unpin not found")
        state.pinned = [other for other in state.pinned if other != number]
        self._world.wake()
        return True

    def _pinnable(self, given: Json) -> ChatState:
        """Return a chat in which the bot may pin: in private anybody, elsewhere an admin."""
        state = self._chat(given)
        if state.chat["type"] != "private" and BOT["id"] not in state.admins:
            raise BotApiError(400, "Bad Request: not enough rights to manage pinned messages in the chat")
        return state

    def _own_message(self, given: Json) -> Json:
        """Return the message of the bot that is to be edited."""
        message = self._chat(given).messages.get(int(given.get("message_id", 0)))
        if message is None:
            raise BotApiError(400, "Bad Request: message to edit not found")
        if message["from"] != BOT:
            raise BotApiError(400, "Bad Request: message can't be edited")
        return message

    def _edit(self, message: Json, content: Json, markup: Json | None) -> Json:
        """Let a message hold something else, under other buttons or none."""
        new = content | ({"reply_markup": markup} if markup else {})
        old = {name: message[name] for name in _CONTENT if name in message}
        if new == old:
            raise BotApiError(400, _NOT_MODIFIED)
        for name in old:
            del message[name]
        message.update(new)
        self._world.wake()
        return message

    async def _answer_callback_query(self, given: Json) -> bool:
        query_id = str(given["callback_query_id"])
        if query_id not in self._world.pressed:
            raise BotApiError(400, _TOO_OLD)
        if utf16_length(str(given.get("text", ""))) > _MOST_TOAST:
            raise BotApiError(400, "Bad Request: MESSAGE_TOO_LONG")
        self._world.callback_answers[query_id] = given
        self._world.wake()
        return True

    async def _answer_inline_query(self, given: Json) -> bool:
        query_id, results = str(given["inline_query_id"]), given.get("results") or []
        if self._world.inline_queries.get(query_id, given) is not None:
            raise BotApiError(400, _TOO_OLD)
        if len(results) > _MOST_RESULTS:
            raise BotApiError(400, "Bad Request: RESULTS_TOO_MUCH")
        if len({result.get("id") for result in results}) < len(results):
            raise BotApiError(400, "Bad Request: RESULT_ID_DUPLICATE")
        offered = [result | {"content": _content_of_result(result)} for result in results]
        self._world.inline_queries[query_id] = given | {"results": offered}
        return True

    async def _get_chat_member(self, given: Json) -> Json:
        state, user_id = self._chat(given), int(given["user_id"])
        if state.hides_members and BOT["id"] not in state.admins:
            raise BotApiError(400, "Bad Request: member list is inaccessible")
        user = {"id": user_id, "is_bot": False, "first_name": "Somebody"}
        if user_id not in state.admins:
            return {"user": user, "status": "member"}
        return {"user": user, "status": "creator", "is_anonymous": False}

    def _chat(self, given: Json) -> ChatState:
        state = self._world.chats.get(int(given.get("chat_id", 0)))
        if state is None:
            raise BotApiError(400, "Bad Request: chat not found")
        if state.blocked and state.chat["type"] != "private":
            raise BotApiError(403, f"Forbidden: bot was kicked from the {state.chat['type']} chat")
        if state.blocked:
            raise BotApiError(403, "Forbidden: bot was blocked by the user")
        if not state.started:
            raise BotApiError(403, "Forbidden: bot can't initiate conversation with a user")
        return state


_CONTENT = ("text", "entities", "photo", "caption", "caption_entities", "reply_markup")
_TEXT = frozenset({"chat_id", "text", "parse_mode", "reply_markup", "link_preview_options"})
_SENDING = _TEXT | {"reply_parameters", "message_thread_id", "disable_notification", "allow_paid_broadcast"}
_EDITING = _TEXT | {"message_id"}


def _content_of_result(result: Json) -> Json:
    """Return what the message holds that an inline result becomes."""
    if result.get("type") != "article" or not result.get("title"):
        raise BotApiError(400, "Bad Request: the sandbox takes articles with a title as inline results")
    if not 0 < len(str(result.get("id", "")).encode()) <= _LONGEST_RESULT_ID:
        raise BotApiError(400, "Bad Request: RESULT_ID_INVALID")
    message = result["input_message_content"]
    parsed = _parse(message | {"text": message.get("message_text")})
    return content_of_text(parsed.text, parsed.entities)


def _decoded(value: Any) -> Any:
    """Return a form field as JSON where it is JSON, else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _topic(state: ChatState, given: Json) -> int | None:
    """Return the topic that a message is for, which must be there and open."""
    if given.get("message_thread_id") is None:
        return None
    topic = int(given["message_thread_id"])
    if topic not in state.topics:
        raise BotApiError(400, "Bad Request: message thread not found")
    if not state.topics[topic]:
        raise BotApiError(400, "Bad Request: TOPIC_CLOSED")
    return topic


def _answered(state: ChatState, reply: Json | None) -> int | None:
    """Return the message that is answered; an answer to what is deleted is refused unless it may stand alone."""
    if reply and reply["message_id"] not in state.messages and not reply.get("allow_sending_without_reply"):
        raise BotApiError(400, "Bad Request: message to be replied not found")
    return int(reply["message_id"]) if reply else None


def _parse_caption(given: Json) -> Parsed:
    parsed = _parsed(given, "caption")
    if utf16_length(parsed.text) > _MOST_CAPTION:
        raise BotApiError(400, "Bad Request: message caption is too long")
    return parsed


def _parsed(given: Json, name: str) -> Parsed:
    text = given.get(name) if isinstance(given.get(name), str) else ""
    assert isinstance(text, str)
    try:
        return parse_html(text) if given.get("parse_mode") == "HTML" else Parsed(text.strip(), [])
    except EntityError as error:
        raise BotApiError(400, f"Bad Request: can't parse entities: {error}") from None


def _parse(given: Json) -> Parsed:
    parsed = _parsed(given, "text")
    if not parsed.text:
        raise BotApiError(400, "Bad Request: message text is empty")
    if utf16_length(parsed.text) > _MOST_TEXT:
        raise BotApiError(400, "Bad Request: message is too long")
    return parsed
