"""What Telegram may send: read from the description of its whole Bot API, or the small one of ours.

Ours holds the kinds of updates that the bot takes, for a machine that has not the other, which is no part of this
repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.worlds import REAL_HISTORY

WHOLE = REAL_HISTORY / "raw/telegram_bot_api.json"
_CONSTANT = re.compile(r"(?:always|must be)\s+[\"“](\w+)[\"”]")

OURS = """
Update: update_id Integer, message? Message, edited_message? Message, channel_post? Message, callback_query? CallbackQuery,
 inline_query? InlineQuery, my_chat_member? ChatMemberUpdated
Message: message_id Integer, date Integer, chat Chat, from? User, sender_chat? Chat, message_thread_id? Integer,
 is_topic_message? Boolean, is_automatic_forward? Boolean, reply_to_message? Message, text? String, caption? String,
 entities? Array of MessageEntity, photo? Array of PhotoSize, left_chat_member? User, new_chat_members? Array of User,
 migrate_to_chat_id? Integer, migrate_from_chat_id? Integer, pinned_message? MaybeInaccessibleMessage, edit_date? Integer
InaccessibleMessage: message_id Integer, date Integer, chat Chat
MaybeInaccessibleMessage = Message | InaccessibleMessage
MessageEntity: type String, offset Integer, length Integer, url? String
PhotoSize: file_id String, file_unique_id String, width Integer, height Integer
CallbackQuery: id String, from User, message? MaybeInaccessibleMessage, inline_message_id? String, chat_instance String,
 data? String, game_short_name? String
InlineQuery: id String, from User, query String, offset String, chat_type? String
ChatMemberUpdated: chat Chat, from User, date Integer, old_chat_member ChatMember, new_chat_member ChatMember,
 via_join_request? Boolean
ChatMember = ChatMemberOwner | ChatMemberMember | ChatMemberLeft | ChatMemberBanned
ChatMemberOwner: status creator, user User, is_anonymous Boolean
ChatMemberMember: status member, user User
ChatMemberLeft: status left, user User
ChatMemberBanned: status kicked, user User, until_date Integer
User: id Integer, is_bot Boolean, first_name String, language_code? String, username? String
Chat: id Integer, type String, title? String, is_forum? Boolean
"""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object: the types it may have, one of which may be a word that stands there always."""

    types: tuple[str, ...]
    is_required: bool
    constant: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """The fields of every type, and what may stand for those that are one of several."""

    fields: Mapping[str, Mapping[str, Field]]
    unions: Mapping[str, tuple[str, ...]]


def described(whole: Path = WHOLE) -> Description:
    """Return the description of the whole Bot API, and ours where that is not on this machine."""
    return _read(json.loads(whole.read_text())["types"]) if whole.exists() else ours()


def _read(types: Mapping[str, Mapping[str, list[dict[str, object]]]]) -> Description:
    fields = {
        name: {
            str(field["name"]): Field(tuple(map(str, _listed(field["types"]))), bool(field["required"]), _always(field))
            for field in shape.get("fields", [])
        }
        for name, shape in types.items()
        if "subtypes" not in shape
    }
    unions = {name: tuple(map(str, shape["subtypes"])) for name, shape in types.items() if "subtypes" in shape}
    return Description(fields, unions)


def _listed(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def _always(field: Mapping[str, object]) -> str:
    found = _CONSTANT.search(str(field["description"]))
    return found[1] if found else ""


def ours() -> Description:
    """Return the small description."""
    fields, unions = {}, {}
    for line in OURS.replace("\n ", " ").strip().splitlines():
        if " = " in line:
            name, _, some = line.partition(" = ")
            unions[name] = tuple(some.split(" | "))
        else:
            name, _, described_ = line.partition(": ")
            fields[name] = dict(map(_field, described_.split(", ")))
    return Description(fields, unions)


def _field(text: str) -> tuple[str, Field]:
    name, _, type_ = text.partition(" ")
    constant = type_ if type_.islower() else ""
    return name.rstrip("?"), Field(("String",) if constant else (type_,), not name.endswith("?"), constant)
