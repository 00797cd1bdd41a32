"""Updates of every kind, in every kind of chat, as a description says that they may look."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

from bot.commands.table import COMMANDS
from bot.sandbox.telegram import BOT, Json
from tests.fuzzing.description import Description, Field

PERSON: Json = {"id": 5, "is_bot": False, "first_name": "You"}
ADMIN: Json = {"id": 11, "is_bot": False, "first_name": "Ann", "language_code": "fr"}
OPERATOR: Json = {"id": 13, "is_bot": False, "first_name": "Op"}
PRIVATE: Json = {"id": 5, "type": "private", "first_name": "You"}
OF_OPERATOR: Json = {"id": 13, "type": "private", "first_name": "Op"}
GROUP: Json = {"id": -77, "type": "group", "title": "Friends"}
FORUM: Json = {"id": -1_000_000_000_005, "type": "supergroup", "title": "Traders", "is_forum": True}
CHANNEL: Json = {"id": -1_000_000_000_007, "type": "channel", "title": "News"}
CHATS = (PRIVATE, OF_OPERATOR, GROUP, FORUM, CHANNEL)
STRANGE: Json = {"id": -1_000_000_000_999, "type": "secret", "title": "Nobody knows"}

_NUMBERS = itertools.count(1_000)
_WORDS = (
    "", " 1 2", " fr", " 7d", " 22:00-07:00", " IWM > 100", " \u202e", " " + "9" * 40, " <b>&", " daily 8", " off", " 2020-11-13",
    " Paris", " bonds", " all", " here",
)  # fmt: skip
_TYPED = [f"/{command.name}" for command in COMMANDS]
_TEXTS = st.one_of(
    st.tuples(st.sampled_from(_TYPED), st.sampled_from(["", f"@{BOT['username']}", "@another_bot"]), st.sampled_from(_WORDS)).map("".join),
    st.sampled_from(["", "hello", "/", "\x00", "\u202e/help", "a" * 5_000, "подписка"]),
)  # fmt: skip
_BEHIND = ("", "@status", "@1", "@999999999", "@" + "9" * 18, ":1y", ":on", ":off", ":7d@1", ":12m@status", ":breakout:1y:dark", ":yes",
    ":here", ":Europe/Paris", ":NVDA:>:1.0", ":IWM:record", ":1", ":fr", ":22-7", ":everything")  # fmt: skip
_DATA = st.one_of(
    st.tuples(st.sampled_from([command.name for command in COMMANDS]), st.sampled_from(_BEHIND)).map("".join),
    st.sampled_from(["", "\x00", "status@../..", "why:" + "x" * 100, "status:<b>", "Status", "подписка"]),
)
# Ids have 52 bits; dates, lengths and sizes what their kind may have.
_IDS = st.sampled_from([1, 3, 77, 2**31, 2**52 - 1, -77, -(10**12) - 5])
_INTEGERS = st.sampled_from([0, 1, 3, 60, 1_600_000_000, 2**31 - 1])
_PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "Chat": st.sampled_from([*CHATS, *CHATS, STRANGE]).map(dict),
    "User": st.sampled_from([PERSON, ADMIN, OPERATOR, BOT]).map(dict),
    "Float": st.floats(-180, 180),
}
_KINDS_WE_TAKE = ("message", "message", "message", "channel_post", "callback_query", "callback_query", "my_chat_member")
_DEEPEST = 3


@st.composite
def updates(draw: st.DrawFn, description: Description) -> Json:
    """Return one update; most are of the kinds that the bot asks Telegram for."""
    fields = description.fields["Update"]
    others = sorted(name for name in fields if name != "update_id")
    kind = draw(st.one_of(st.sampled_from(_KINDS_WE_TAKE), st.sampled_from(others)))
    content = _value(draw, description, fields[kind], kind, 0)
    if "message" in kind or "post" in kind:
        _make_typed(draw, content)
    return {"update_id": next(_NUMBERS), kind: content}


def _make_typed(draw: st.DrawFn, message: Json) -> None:
    """Let most messages hold what somebody types, a command as Telegram marks it."""
    if not draw(st.booleans()) and "text" not in message:
        return
    text = message["text"] = draw(_TEXTS)
    if text.startswith("/") and len(text) > 1:
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]


def _value(draw: st.DrawFn, description: Description, field: Field, name: str, depth: int) -> Any:
    if field.constant:
        return field.constant
    return _of_type(draw, description, draw(st.sampled_from(field.types)), name, depth)


def _of_type(draw: st.DrawFn, description: Description, type_: str, name: str, depth: int) -> Any:
    if type_.startswith("Array of "):
        count = 0 if depth >= _DEEPEST else draw(st.integers(0, 2))
        return [_of_type(draw, description, type_.removeprefix("Array of "), name, depth + 1) for _ in range(count)]
    if type_ in description.unions:
        return _of_type(draw, description, draw(st.sampled_from(description.unions[type_])), name, depth)
    if type_ in _PLAIN:
        return draw(_PLAIN[type_])
    if type_ == "Boolean":
        return name.startswith("is_") or draw(st.booleans())
    if type_ == "Integer":
        return draw(_IDS if name.endswith("id") else _INTEGERS)
    if type_ in description.fields:
        return _object(draw, description, type_, depth)
    # A query's number must be its own.
    return str(next(_NUMBERS)) if name == "id" else draw(_DATA if name == "data" else _TEXTS)


def _object(draw: st.DrawFn, description: Description, type_: str, depth: int) -> Json:
    fields = description.fields[type_]
    optional = [name for name, field in fields.items() if not field.is_required]
    wanted = st.lists(st.sampled_from(optional), unique=True, max_size=3) if optional and depth < _DEEPEST else None
    chosen = set(draw(wanted)) if wanted is not None else set()
    if type_ == "CallbackQuery":
        chosen |= set(draw(st.sampled_from([("message", "data"), ("message", "data"), ("data",), ()])))
    if type_ == "Message" and depth == 0:
        chosen |= set(draw(st.sampled_from([("from",), ("from",), ("sender_chat",), ("from", "sender_chat"), ()])))
    return {
        name: 0 if type_ == "InaccessibleMessage" and name == "date" else _value(draw, description, field, name, depth + 1)
        for name, field in fields.items()
        if field.is_required or name in chosen
    }  # fmt: skip
