"""What the answer to a sendMessage means: sent, surely not sent, refused for good, moved, unknown, or our mistake.

Read from the status and the body themselves, because python-telegram-bot's exceptions nest in ways that mislead
(``BadRequest`` and ``TimedOut`` are both ``NetworkError``) and its texts are not quite Telegram's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import aiohttp


class FailureKind(Enum):
    """What is known about a message that did not simply arrive."""

    THROTTLED = auto()
    NOT_SENT = auto()
    CHAT_BUSY = auto()
    GONE = auto()
    MOVED = auto()
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
    "message thread not found",
    "topic_closed",
    "topic_deleted",
)
BAD_MARKUP_TEXTS = ("can't parse entities",)
OUR_MISTAKE_TEXTS = ("message is too long", "message text is empty", "text must be non-empty")
_TABLE = (
    (FailureKind.GONE, GONE_TEXTS),
    (FailureKind.CANNOT_WRITE, CANNOT_WRITE_TEXTS),
    (FailureKind.BAD_MARKUP, BAD_MARKUP_TEXTS),
    (FailureKind.OUR_MISTAKE, OUR_MISTAKE_TEXTS),
)
# Before these the request had not left this machine.
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
# A 429 that does not say for how long.
_SOME_SECONDS = 5.0


def read_answer(status: int, body: bytes) -> int | Failure:
    """Return the id of the message that a sendMessage made, or what its answer means."""
    answer = _object(body)
    if answer is None and 400 <= status < 500 and status != 429:
        # The Bot API answers in JSON: this is a proxy, a firewall or a captive portal, and nothing went further.
        return Failure(FailureKind.NOT_SENT, f"something between here and Telegram answers HTTP {status}")
    answer = answer or {}
    text = str(answer.get("description") or f"HTTP {status}")
    match status:
        case 200:
            message_id = _message_id(answer)
            return Failure(FailureKind.UNKNOWN, "an answer that cannot be read") if message_id is None else message_id
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


def _message_id(answer: dict[str, Any]) -> int | None:
    result = answer.get("result")
    message_id = result.get("message_id") if answer.get("ok") is True and isinstance(result, dict) else None
    return message_id if isinstance(message_id, int) else None


def _number(answer: dict[str, Any], name: str) -> int | None:
    parameters = answer.get("parameters")
    number = parameters.get(name) if isinstance(parameters, dict) else None
    return number if isinstance(number, int) else None
