"""What a failed request means for the message: surely not sent, refused for good, moved, unknown, or our mistake.

Decided by the exact type of python-telegram-bot's exception and of its cause, because its classes nest in ways
that mislead: ``BadRequest`` and ``TimedOut`` are both ``NetworkError``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)


class Meaning(Enum):
    """What is known about the message after a failed request."""

    THROTTLED = auto()
    NOT_SENT = auto()
    GONE = auto()
    MOVED = auto()
    REFUSED = auto()
    OUR_MISTAKE = auto()
    HALT = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed request. ``retry_after`` is in seconds, ``new_chat_id`` where a group moved to."""

    meaning: Meaning
    text: str
    retry_after: float = 0.0
    new_chat_id: int | None = None


# Substrings of Telegram's descriptions, lower case: the chat cannot be reached until it comes back by itself.
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
OUR_MISTAKE_TEXTS = ("can't parse entities", "message is too long", "message text is empty", "text must be non-empty")
# Before these the request had not left this machine.
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def classify(error: Exception) -> Failure:
    """Return what an exception of a send means."""
    text = str(error)
    match error:
        case RetryAfter():
            return Failure(Meaning.THROTTLED, text, retry_after=_seconds(error))
        case ChatMigrated():
            return Failure(Meaning.MOVED, text, new_chat_id=error.new_chat_id)
        case InvalidToken():
            # Telegram answers 401 and 404 alike; the text of the exception may hold the token.
            return Failure(Meaning.HALT, "Telegram does not accept the token")
        case Forbidden() | BadRequest():
            return Failure(_refusal(text), text)
        case Conflict():
            return Failure(Meaning.REFUSED, text)
        case TimedOut() | NetworkError():
            # A 429 without parameters arrives as a bare NetworkError.
            never_left = isinstance(error.__cause__, _NEVER_LEFT) or "too many requests" in text.lower()
            return Failure(Meaning.NOT_SENT if never_left else Meaning.UNKNOWN, text)
        case _:
            return Failure(Meaning.UNKNOWN, f"{type(error).__name__}: {text}")


def _seconds(error: RetryAfter) -> float:
    # A number or a timedelta, as PTB_TIMEDELTA says; the private one is always a timedelta and warns of nothing.
    return error._retry_after.total_seconds()


def _refusal(text: str) -> Meaning:
    lower = text.lower()
    if any(known in lower for known in GONE_TEXTS):
        return Meaning.GONE
    return Meaning.OUR_MISTAKE if any(known in lower for known in OUR_MISTAKE_TEXTS) else Meaning.REFUSED
