"""How fast messages may leave: so many a second over all chats, so many in one chat, and one shared 429 deadline."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """Telegram's limits for a bot without paid broadcasts."""

    per_second: float = 30.0
    per_chat: timedelta = timedelta(seconds=1)
    per_group: int = 20
    group_window: timedelta = timedelta(minutes=1)


_LATE = timedelta(milliseconds=5)


class Pacer:
    """Says when the next message may leave. It starts smooth: no burst in the first second."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._next: datetime | None = None
        self._halted_until: datetime | None = None
        self._sent: dict[int, deque[datetime]] = {}

    def halt(self, until: datetime) -> None:
        """Let nothing leave before ``until``: Telegram said so."""
        self._halted_until = until if self._halted_until is None else max(until, self._halted_until)

    def wait(self, now: datetime) -> timedelta:
        """Return how long until some message may leave; zero takes the slot."""
        until = max(filter(None, (self._next, self._halted_until)), default=now)
        if until > now:
            return until - now
        gap = timedelta(seconds=1 / self._limits.per_second)
        # A slot that was not used is lost, but for the little by which a timer rings late.
        self._next = max(self._next or now, now - _LATE) + gap
        return timedelta(0)

    def chat_free_at(self, chat_id: int, now: datetime) -> datetime:
        """Return when this chat may get its next message; at or before ``now`` takes its place."""
        window = self._limits.group_window if chat_id < 0 else self._limits.per_chat
        most = self._limits.per_group if chat_id < 0 else 1
        sent = self._sent.setdefault(chat_id, deque(maxlen=most))
        free_at = sent[0] + window if len(sent) == most else now
        if sent:
            free_at = max(free_at, sent[-1] + self._limits.per_chat)
        if free_at <= now:
            self._forget_idle(now)
            self._sent.setdefault(chat_id, sent).append(now)
        return free_at

    def _forget_idle(self, now: datetime) -> None:
        if len(self._sent) > 10_000:
            idle = now - self._limits.group_window
            self._sent = {chat: sent for chat, sent in self._sent.items() if sent and sent[-1] > idle}
