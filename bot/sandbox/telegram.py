"""The world behind the sandbox: its people, chats, messages and the updates a bot has not fetched yet."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.members import member

Json = dict[str, Any]

BOT: Json = {
    "id": 1000000001,
    "is_bot": True,
    "first_name": "Cascade",
    "username": "cascade_sandbox_bot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": True,
    "can_connect_to_business": False,
    "has_main_web_app": False,
    "has_topics_enabled": False,
    "allows_users_to_create_topics": False,
    "can_manage_bots": False,
}

ANONYMOUS: Json = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


class BotApiError(Exception):
    """An answer that is not ok."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


@dataclass(slots=True)
class ChatState:
    """One chat: its Telegram object, its messages (by id) and how the bot stands in it.

    ``topics`` says of each forum topic whether it is open. ``hides_members``: who is none of the ``admins`` is not
    told of any of them; the bot is one where its id is among them. ``pinned`` are numbers of messages, the newest last.
    """

    chat: Json
    messages: dict[int, Json] = field(default_factory=dict)
    started: bool = False
    blocked: bool = False
    admins: set[int] = field(default_factory=set)
    hides_members: bool = False
    topics: dict[int, bool] = field(default_factory=dict)
    pinned: list[int] = field(default_factory=list)


class World:
    """Everything that would live on Telegram's side."""

    def __init__(self) -> None:
        self.chats: dict[int, ChatState] = {}
        self.updates: list[Json] = []
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.profile: dict[tuple[str, str], str] = {}
        self.callback_answers: dict[str, Json] = {}
        self.documents: dict[str, bytes] = {}
        self.pressed: set[str] = set()
        self.inline_queries: dict[str, Json | None] = {}
        self.supports_inline = True
        # What the Telegram of some people speaks, by their ids.
        self.languages: dict[int, str] = {}
        self.changed = asyncio.Event()
        self.version = 0
        self._message_ids = itertools.count(1)
        self._update_ids = itertools.count(1)
        self._callback_ids = itertools.count(1)

    def add_private_chat(self, user_id: int, first_name: str = "You", *, started: bool = False) -> ChatState:
        """Add a person; until they press Start the bot may not write to them."""
        chat = {"id": user_id, "type": "private", "first_name": first_name}
        return self.chats.setdefault(user_id, ChatState(chat, started=started))

    def add_group(
        self, chat_id: int, title: str, admins: set[int] | None = None, *, is_forum: bool = False
    ) -> ChatState:
        """Add a group of which the bot is a member; a forum has topics."""
        chat = {"id": chat_id, "type": "supergroup" if chat_id < -(10**12) else "group", "title": title}
        chat |= {"is_forum": True} if is_forum else {}
        return self.chats.setdefault(chat_id, ChatState(chat, started=True, admins=admins or set()))

    def add_channel(self, chat_id: int, title: str, admins: set[int] | None = None) -> ChatState:
        """Add a channel in which the bot may post."""
        chat = {"id": chat_id, "type": "channel", "title": title}
        return self.chats.setdefault(chat_id, ChatState(chat, started=True, admins={BOT["id"]} | (admins or set())))

    def write(
        self, chat_id: int, text: str, *, user_id: int | None = None, as_chat: bool = False, topic: int | None = None
    ) -> Json:
        """Let a person write a message, ``as_chat`` in the name of the group; it becomes an update.

        In a channel it is a post, and always in the name of the channel.
        """
        state = self.chats[chat_id]
        state.started = True
        is_post = state.chat["type"] == "channel"
        message = self._message(state, {"text": text}, self._person(user_id or chat_id), topic)
        if text.startswith("/"):
            length = len(text.split()[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        if is_post or as_chat:
            message |= {"sender_chat": state.chat}
            message["from"] = ANONYMOUS
        # Nobody is named in a channel.
        shown = {name: value for name, value in message.items() if not (is_post and name == "from")}
        self._push({"channel_post" if is_post else "message": shown})
        return message

    def press(self, chat_id: int, message_id: int, data: str, *, user_id: int | None = None) -> str:
        """Let a person press an inline button; it becomes an update. Returns the callback query's id.

        Of a message that is deleted meanwhile, it tells no more than the number.
        """
        query_id = str(next(self._callback_ids))
        self.pressed.add(query_id)
        state = self.chats[chat_id]
        message = state.messages.get(message_id) or {"chat": state.chat, "message_id": message_id, "date": 0}
        person = self._person(user_id or chat_id)
        query = {"id": query_id, "from": person, "chat_instance": str(chat_id), "data": data}
        self._push({"callback_query": query | {"message": message}})
        return query_id

    def ask_inline(self, user_id: int, text: str = "", *, language: str = "en") -> str:
        """Let a person type the bot's name and a text in some chat; it becomes an update. Returns the query's id."""
        query_id = f"inline {next(self._callback_ids)}"
        self.inline_queries[query_id] = None
        person = self._person(user_id) | {"language_code": language}
        self._push({"inline_query": {"id": query_id, "from": person, "query": text, "offset": ""}})
        return query_id

    def choose(self, query_id: str, number: int, chat_id: int, user_id: int) -> Json:
        """Let a person post one of the results that the bot offered to a chat, where the bot need not be."""
        answer = self.inline_queries[query_id]
        assert answer is not None, "the bot has not answered"
        content = answer["results"][number]["content"]
        state = self.chats[chat_id]
        return self._message(state, content | {"via_bot": BOT}, self._person(user_id))

    def delete(self, chat_id: int, message_id: int) -> None:
        """Let a message be gone."""
        state = self.chats[chat_id]
        del state.messages[message_id]
        state.pinned = [number for number in state.pinned if number != message_id]
        self.wake()

    def block(self, chat_id: int, *, blocked: bool = True) -> None:
        """Let a person block the bot, or unblock it."""
        state = self.chats[chat_id]
        state.blocked = blocked
        member, kicked = {"user": BOT, "status": "member"}, {"user": BOT, "status": "kicked", "until_date": 0}
        old, new = (member, kicked) if blocked else (kicked, member)
        change = {"chat": state.chat, "from": self._person(chat_id), "date": int(time.time())}
        self._push({"my_chat_member": change | {"old_chat_member": old, "new_chat_member": new}})

    def let_in(self, chat_id: int, user_id: int, *, before: str = "left", now: str = "member", **rights: bool) -> None:
        """Let an admin add the bot to a group or channel, or change what it is there; it becomes an update.

        The ``rights`` are those it has now; one that is not named, an admin has and somebody restricted has not.
        """
        state = self.chats[chat_id]
        state.blocked = now in ("left", "kicked")
        state.admins = state.admins - {BOT["id"]} | ({BOT["id"]} if now == "administrator" else set())
        change = {"chat": state.chat, "from": self._person(user_id), "date": int(time.time())}
        change["old_chat_member"] = member(BOT, before, state.chat["type"])
        change["new_chat_member"] = member(BOT, now, state.chat["type"], **rights)
        self._push({"my_chat_member": change})

    def post(
        self, state: ChatState, text: str, entities: list[Json], markup: Json | None, topic: int | None = None
    ) -> Json:
        """Store a message of the bot."""
        return self.post_content(state, content_of_text(text, entities), markup, topic)

    def post_content(
        self,
        state: ChatState,
        content: Json,
        markup: Json | None,
        topic: int | None = None,
        answers: int | None = None,
    ) -> Json:
        """Store a message of the bot that holds a text, or a photo with its caption; it may answer another."""
        message = self._message(state, content, BOT, topic)
        if answers in state.messages:
            answered = state.messages[answers]
            message["reply_to_message"] = {k: v for k, v in answered.items() if k != "reply_to_message"}
        if state.chat["type"] == "channel":
            message["sender_chat"] = state.chat
        if markup:
            message["reply_markup"] = markup
        return message

    def keep_document(self, content: bytes, name: str) -> Json:
        """Keep a file that the bot sends; return what a message of it holds."""
        file_id = f"BQACAgI{len(self.documents)}"
        self.documents[file_id] = content
        sizes = {"file_id": file_id, "file_unique_id": file_id, "file_name": name, "file_size": len(content)}
        return {"document": sizes}

    def forget_updates_before(self, offset: int) -> None:
        """Confirm updates, as a higher offset does."""
        self.updates = [update for update in self.updates if update["update_id"] >= offset]

    def _message(self, state: ChatState, content: Json, sender: Json, topic: int | None = None) -> Json:
        message: Json = {
            "message_id": next(self._message_ids),
            "date": int(time.time()),
            "chat": state.chat,
            "from": sender,
            **content,
        }
        if topic is not None:
            message |= {"message_thread_id": topic, "is_topic_message": True}
        state.messages[message["message_id"]] = message
        self.wake()
        return message

    def _person(self, user_id: int) -> Json:
        chat = self.chats[user_id].chat if user_id in self.chats else {}
        name = chat.get("first_name") or ("You" if user_id > 0 else "Somebody")
        person = {"id": user_id, "is_bot": False, "first_name": name}
        return person | ({"language_code": self.languages[user_id]} if user_id in self.languages else {})

    def _push(self, update: Json) -> None:
        self.updates.append({"update_id": next(self._update_ids), **update})
        self.wake()

    def wake(self) -> None:
        """Tell whoever waits that something is different."""
        self.version += 1
        self.changed.set()
        self.changed = asyncio.Event()


def content_of_text(text: str, entities: list[Json]) -> Json:
    """Return what a message of a text holds."""
    return {"text": text} | ({"entities": entities} if entities else {})


def content_of_photo(sizes: list[Json], caption: str, entities: list[Json]) -> Json:
    """Return what a message of a photo holds."""
    captioned = {"caption": caption} if caption else {}
    return {"photo": sizes} | captioned | ({"caption_entities": entities} if entities else {})
