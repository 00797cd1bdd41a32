"""Who takes part on the chat page, and what of the world a page has not been told yet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.sandbox.telegram import BOT, ChatState, Json, World


@dataclass(frozen=True, slots=True)
class Person:
    """A person one can be: a number, a name, what is to be known of them, and what their Telegram speaks."""

    id: int
    name: str
    role: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of the page, and the chats that all of them share; each has one with the bot besides.

    ``topics`` names the topics of a forum, by chat and number.
    """

    people: Sequence[Person]
    shared: Sequence[int] = ()
    admins: Sequence[int] = ()
    topics: Mapping[int, Mapping[int, str]] = field(default_factory=dict)

    def fill(self, world: World) -> None:
        """Let the people be there; the shared chats are the caller's."""
        for person in self.people:
            world.add_private_chat(person.id, person.name)
            if person.language != "en":
                world.languages[person.id] = person.language

    def may_write(self, chat_id: int, user_id: int) -> bool:
        """Return whether a person may write in a chat: their own, or a shared one that is no channel or theirs."""
        return chat_id == user_id or chat_id in self.shared


class News:
    """Keeps what one page was told, and finds what it was not."""

    def __init__(self, world: World, cast: Cast) -> None:
        self._world, self._cast = world, cast
        self._chats: list[Json] = []
        self._messages: dict[tuple[int, int], str] = {}

    def take(self) -> Json:
        """Return what is new, the first time everything: ``first``, ``people``, ``chats``, ``messages``, ``gone``."""
        chats = [self._described(chat_id) for chat_id in self._ids()]
        messages = dict(self._all())
        told = {key: json.dumps(message) for key, message in messages.items()}
        fresh = [messages[key] for key, text in told.items() if self._messages.get(key) != text]
        gone = [list(key) for key in self._messages if key not in told]
        news: Json = {"messages": fresh} if fresh else {}
        news |= {"gone": gone} if gone else {}
        if not self._chats:
            people = [{"id": one.id, "name": one.name, "role": one.role} for one in self._cast.people]
            news |= {"first": True, "people": people}
        if chats != self._chats:
            news["chats"] = chats
        self._chats, self._messages = chats, told
        return news

    def _ids(self) -> list[int]:
        return [*(person.id for person in self._cast.people), *self._cast.shared]

    def _all(self) -> Iterator[tuple[tuple[int, int], Json]]:
        for chat_id in self._ids():
            for number, message in self._world.chats[chat_id].messages.items():
                yield (chat_id, number), message

    def _described(self, chat_id: int) -> Json:
        state = self._world.chats[chat_id]
        topics = self._cast.topics.get(chat_id, {})
        title = state.chat.get("title", BOT["first_name"])
        return {
            "id": chat_id,
            "type": state.chat["type"],
            "title": title,
            "started": state.started,
            "pinned": state.pinned[-1:],
            "topics": [{"id": number, "name": topics.get(number, str(number))} for number in state.topics],
            "writers": [one.id for one in self._cast.people if self._writes(state, one)],
            "menus": {str(one.id): self._menu(state, one) for one in self._cast.people},
        }

    def _writes(self, state: ChatState, person: Person) -> bool:
        if state.chat["type"] == "channel":
            return person.id in self._cast.admins
        return self._cast.may_write(state.chat["id"], person.id)

    def _menu(self, state: ChatState, person: Person) -> list[Json]:
        """Return the commands that Telegram shows a person there: those of the narrowest scope, in their language."""
        chat_id, is_private = state.chat["id"], state.chat["type"] == "private"
        scopes: list[Json] = [{"chat_id": chat_id, "type": "chat"}]
        if is_private:
            scopes.append({"type": "all_private_chats"})
        else:
            scopes += [{"type": "all_chat_administrators"}] if person.id in state.admins else []
            scopes.append({"type": "all_group_chats"})
        for scope in (*scopes, {"type": "default"}):
            for language in (person.language, ""):
                found = self._world.commands.get((json.dumps(scope, sort_keys=True), language))
                if found:
                    return found
        return []
