"""What the sandbox shows of the bot: its commands by scope and language, and what it is for."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from bot.sandbox.entities import utf16_length
from bot.sandbox.telegram import BotApiError, Json, World

_NAME, _CODE = re.compile(r"[a-z0-9_]{1,32}"), re.compile(r"([a-z]{2})?")
_SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat", "chat_administrators")
_MOST_COMMANDS, _MOST_OF_A_COMMAND = 100, 256
_MOST = {"description": 512, "short_description": 120}


class Profile:
    """Carries out the methods on what Telegram shows of a bot."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.methods: dict[str, tuple[Callable[[Json], Awaitable[Any]], frozenset[str]]] = {
            "setMyCommands": (self._set_commands, frozenset({"commands", "scope", "language_code"})),
            "getMyCommands": (self._get_commands, frozenset({"scope", "language_code"})),
            "setMyDescription": (self._set("description"), frozenset({"description", "language_code"})),
            "getMyDescription": (self._get("description"), frozenset({"language_code"})),
            "setMyShortDescription": (
                self._set("short_description"),
                frozenset({"short_description", "language_code"}),
            ),
            "getMyShortDescription": (self._get("short_description"), frozenset({"language_code"})),
        }

    async def _set_commands(self, given: Json) -> bool:
        commands = given["commands"]
        if len(commands) > _MOST_COMMANDS:
            raise BotApiError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not _NAME.fullmatch(command["command"]):
                raise BotApiError(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= utf16_length(command["description"]) <= _MOST_OF_A_COMMAND:
                raise BotApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        self._world.commands[self._scope(given), _code(given)] = commands
        return True

    async def _get_commands(self, given: Json) -> list[Json]:
        return self._world.commands.get((self._scope(given), _code(given)), [])

    def _scope(self, given: Json) -> str:
        scope = given.get("scope") or {"type": "default"}
        if scope["type"] not in _SCOPES:
            raise BotApiError(400, "Bad Request: unsupported scope type")
        if scope["type"] == "chat" and scope["chat_id"] not in self._world.chats:
            raise BotApiError(400, "Bad Request: chat not found")
        return json.dumps(scope, sort_keys=True)

    def _set(self, name: str) -> Callable[[Json], Awaitable[bool]]:
        async def set_it(given: Json) -> bool:
            if utf16_length(given.get(name, "")) > _MOST[name]:
                raise BotApiError(400, f"Bad Request: {name.upper()}_TOO_LONG")
            self._world.profile[name, _code(given)] = given.get(name, "")
            return True

        return set_it

    def _get(self, name: str) -> Callable[[Json], Awaitable[Json]]:
        async def get_it(given: Json) -> Json:
            return {name: self._world.profile.get((name, _code(given)), "")}

        return get_it


def _code(given: Json) -> str:
    """Return the language that something is for; nothing where it is for all that have none of their own."""
    code: str = given.get("language_code", "")
    if not _CODE.fullmatch(code):
        raise BotApiError(400, "Bad Request: invalid language code specified")
    return code
