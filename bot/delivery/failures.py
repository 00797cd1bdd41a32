"""What the answer to a sendMessage means: sent, surely not sent, refused for good, moved, unknown, or our mistake.

Read from the status and the body themselves, because python-telegram-bot's exceptions nest in ways that mislead
(``BadRequest`` and ``TimedOut`` are both ``NetworkError``) and its texts are not quite Telegram's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any

import aiohttp
import msgspec

from storage.outbox.states import State


class FailureKind(Enum):
    """What is known about a message that did not simply arrive."""

    THROTTLED = auto()
    NOT_SENT = auto()
    CHAT_BUSY = auto()
    GONE = auto()
    MOVED = auto()
    TOPIC_GONE = auto()
    MESSAGE_GONE = auto()
    CANNOT_WRITE = auto()
    BAD_MARKUP = auto()
    OUR_MISTAKE = auto()
    REFUSED = auto()
    MASS_REFUSAL = auto()
    BAD_TOKEN = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Failure:
    """One message that did not arrive, or may not have. ``retry_after`` is in seconds."""

    kind: FailureKind
    text: str
    retry_after: float = 0.0
    new_chat_id: int | None = None


Result = int | Failure
"""How one message went: the id Telegram gave it, or what is known instead."""


class Effect(Enum):
    """What a failure says of more than its one delivery."""

    CHAT_IS_GONE = auto()
    CHAT_MOVED = auto()
    TOPIC_IS_GONE = auto()
    ALERT_IS_PLAIN = auto()
    ALERT_STOPS = auto()


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from a failure.

    Its delivery gets the ``state``: queued and held ones are sent again, the others are final. A held one waits for
    ``hold`` (as long as its alert is old where that ``hold_grows``), or for as long as the failure says; where
    ``gives_up`` it is stopped once its alert is a day old. Nothing at all is sent for ``pause`` seconds. Operators
    hear the ``sentence``, if there is one; what ``is_everyday`` is not even logged.
    """

    state: State
    hold: timedelta = timedelta()
    hold_grows: bool = False
    gives_up: bool = False
    pause: float = 0.0
    effect: Effect | None = None
    sentence: str = ""
    is_everyday: bool = False


_REFUSED = "{what} was refused by Telegram: {why}"
_MASS_REFUSAL = "Telegram refuses one message after the other ({why}): they wait and are tried again"
# An admin may let the bot write again, an operator may find out why nothing is taken.
_TRY_AGAIN = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=1)
"""How old an alert is when what ``gives_up`` is tried no more."""
CONSEQUENCES = {
    FailureKind.THROTTLED: Consequence(State.QUEUED, is_everyday=True),
    FailureKind.NOT_SENT: Consequence(State.QUEUED, pause=5.0),
    FailureKind.CHAT_BUSY: Consequence(State.HELD, is_everyday=True),
    FailureKind.GONE: Consequence(State.GONE, effect=Effect.CHAT_IS_GONE),
    FailureKind.MOVED: Consequence(State.QUEUED, effect=Effect.CHAT_MOVED),
    FailureKind.TOPIC_GONE: Consequence(State.QUEUED, effect=Effect.TOPIC_IS_GONE),
    # Only what is edited or pinned can be: a status board, and it is made again.
    FailureKind.MESSAGE_GONE: Consequence(State.QUEUED),
    FailureKind.CANNOT_WRITE: Consequence(State.HELD, hold=_TRY_AGAIN, gives_up=True),
    FailureKind.BAD_MARKUP: Consequence(
        State.QUEUED, effect=Effect.ALERT_IS_PLAIN, sentence="{what} goes out as plain text: {why}"
    ),
    FailureKind.OUR_MISTAKE: Consequence(State.STOPPED, effect=Effect.ALERT_STOPS, sentence=_REFUSED),
    FailureKind.REFUSED: Consequence(State.STOPPED, sentence=_REFUSED),
    # Each time later, so that a million of them does not keep newer alerts back for a day.
    FailureKind.MASS_REFUSAL: Consequence(
        State.HELD, hold=_TRY_AGAIN, hold_grows=True, gives_up=True, sentence=_MASS_REFUSAL
    ),
    FailureKind.BAD_TOKEN: Consequence(
        State.QUEUED, pause=30.0, sentence="{why}: nothing is sent, everything stays queued"
    ),
    FailureKind.UNKNOWN: Consequence(
        State.UNKNOWN, sentence="{what}: of some messages nobody can know whether they arrived"
    ),
}
"""The one place that says what becomes of a failure; ``bot.delivery.outage`` says when many are one."""


# Substrings of Telegram's descriptions, lower case. The chat cannot be reached until it comes back by itself:
GONE_TEXTS = (
    "bot was blocked by the user",
    "user is deactivated",
    "bot can't initiate conversation with a user",
    "bot was kicked from the group chat",
    "bot was kicked from the supergroup chat",
    "bot was kicked from the channel chat",
    "bot is not a member of the group chat",
    "bot is not a member of the supergroup chat",
    "bot is not a member of the channel chat",
    "the group chat was deleted",
    "chat not found",
    "peer_id_invalid",
)
# The bot is there and may not write now; an admin can change that:
CANNOT_WRITE_TEXTS = (
    "not enough rights",
    "have no rights to send a message",
    "need administrator rights",
    "chat_write_forbidden",
    "chat_restricted",
)
# The chat is there, and General takes what its topic does not:
TOPIC_GONE_TEXTS = ("message thread not found", "topic_closed", "topic_deleted", "topic_id_invalid")
# What was to be edited, pinned or unpinned is deleted, or too old for that:
MESSAGE_GONE_TEXTS = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message to pin not found",
    "message to unpin not found",
)
# It is so already:
DONE_TEXTS = ("message is not modified", "chat_not_modified")
BAD_MARKUP_TEXTS = ("can't parse entities",)
OUR_MISTAKE_TEXTS = ("message is too long", "message text is empty", "text must be non-empty")
_TABLE = (
    (FailureKind.GONE, GONE_TEXTS),
    (FailureKind.TOPIC_GONE, TOPIC_GONE_TEXTS),
    (FailureKind.MESSAGE_GONE, MESSAGE_GONE_TEXTS),
    (FailureKind.CANNOT_WRITE, CANNOT_WRITE_TEXTS),
    (FailureKind.BAD_MARKUP, BAD_MARKUP_TEXTS),
    (FailureKind.OUR_MISTAKE, OUR_MISTAKE_TEXTS),
)
# Before these the request had not left this machine.
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
# A 429 that does not say for how long.
_SOME_SECONDS = 5.0


class _Message(msgspec.Struct):
    message_id: int


class _Sent(msgspec.Struct):
    ok: bool
    result: _Message


_SENT = msgspec.json.Decoder(_Sent)


def read_answer(status: int, body: bytes) -> Result:
    """Return the id of the message that a sendMessage made, or what its answer means."""
    if status == 200:
        try:
            sent = _SENT.decode(body)
        except msgspec.MsgspecError:
            sent = None
        unreadable = Failure(FailureKind.UNKNOWN, "an answer that cannot be read")
        return sent.result.message_id if sent and sent.ok else unreadable
    answer = _object(body)
    if answer is None and 400 <= status < 500 and status != 429:
        # The Bot API answers in JSON: this is a proxy, a firewall or a captive portal, and nothing went further.
        return Failure(FailureKind.NOT_SENT, f"something between here and Telegram answers HTTP {status}")
    answer = answer or {}
    text = str(answer.get("description") or f"HTTP {status}")
    match status:
        case 401 | 404:
            return Failure(FailureKind.BAD_TOKEN, f"Telegram does not accept the token ({status})")
        case 429:
            seconds = _number(answer, "retry_after")
            return Failure(FailureKind.THROTTLED, text, retry_after=_SOME_SECONDS if seconds is None else seconds)
        case 400 | 403:
            return _refusal(text, _number(answer, "migrate_to_chat_id"))
        case _ if 400 <= status < 500:
            return Failure(FailureKind.REFUSED, text)
        case _:
            return Failure(FailureKind.UNKNOWN, text)


def read_done(status: int, body: bytes, message_id: int) -> Result:
    """Return the id of a message that was edited, pinned or unpinned, or what the answer means.

    Where it was so before, it is done: such a request can be repeated.
    """
    answer = _object(body)
    if status == 200:
        is_done = answer is not None and answer.get("ok") is True
        return message_id if is_done else Failure(FailureKind.UNKNOWN, "an answer that cannot be read")
    is_so_already = answer is not None and any(text in str(answer.get("description")).lower() for text in DONE_TEXTS)
    return message_id if status == 400 and is_so_already else read_answer(status, body)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def read_error(error: Exception) -> Failure:
    """Return what an exception of a request means."""
    never_left = isinstance(error.__cause__, _NEVER_LEFT)
    return Failure(FailureKind.NOT_SENT if never_left else FailureKind.UNKNOWN, f"{type(error).__name__}: {error}")


def _refusal(text: str, new_chat_id: int | None) -> Failure:
    if new_chat_id is not None:
        return Failure(FailureKind.MOVED, text, new_chat_id=new_chat_id)
    lower = text.lower()
    for kind, texts in _TABLE:
        if any(known in lower for known in texts):
            return Failure(kind, text)
    return Failure(FailureKind.REFUSED, text)


def _number(answer: dict[str, Any], name: str) -> int | None:
    parameters = answer.get("parameters")
    number = parameters.get(name) if isinstance(parameters, dict) else None
    return number if isinstance(number, int) else None
