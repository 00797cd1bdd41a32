"""How fast messages may be sent: so many a second over all chats, so many in one chat, and one shared 429 deadline.

Replies to commands and broadcasts share it. Replies go first: one is sent at once where a broadcast would wait, and
the broadcast waits longer for it. All times are seconds of a monotonic clock: a clock that is set changes no pace.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.delivery.failures import CONSEQUENCES, Failure, FailureKind, Result
from bot.delivery.outage import OutageDetector


@dataclass(frozen=True, slots=True)
class Limits:
    """Telegram's free limits: messages a second over all chats, a second in a chat, a minute in a group."""

    per_second: int = 30
    per_chat: int = 1
    per_group: int = 20


# A message is counted where it arrives, a little earlier or later than a second after another.
_SECOND = 1.005
# A reply is one too many for a broadcast's second, and nothing more may arrive in it, however late or early.
_FULL_SECOND = 1.01
_MINUTE = 60.0
# A slot missed by less than this is made up for, within the second's limit; an older one is lost.
_LATE = 0.15
# What is claimed with one statement is sent within this time.
_CLAIM = 0.05
# Where a second has more than a hundred, those of so long are sent at once: a timer for each would cost more than it.
_TOGETHER, _MANY = 0.02, 100
# A claim takes some milliseconds: begun that much earlier, its message is sent on time.
_AHEAD = 0.01
# Replies a minute to one private chat: people do not type as fast, and a flood must not stop everybody's messages.
_REPLIES = 60


class Pacer:
    """Says when the next message may be sent. It starts smooth: no burst in the first second."""

    def __init__(self, limits: Limits, monotonic: Callable[[], float]) -> None:
        self._limits, self._monotonic = limits, monotonic
        self._per_second = limits.per_second
        self._next = 0.0
        self._paused_until = self._throttled_until = 0.0
        self._outage = OutageDetector(monotonic)
        # Set when there is a 429 that others do not know of.
        self.throttled = asyncio.Event()
        # One more than a second's broadcasts: a reply may be the one too many.
        self._sent: deque[float] = deque(maxlen=limits.per_second + 1)
        self._chats: OrderedDict[int, float] = OrderedDict()
        self._minutes: OrderedDict[int, list[float]] = OrderedDict()

    def share(self, workers: int) -> None:
        """Take one worker's share of the rate: several send with the same token."""
        self._per_second = max(1, self._limits.per_second // workers)

    @property
    def is_probing(self) -> bool:
        """Whether an outage is not over yet: one message at a time finds out."""
        return self._outage.is_probing

    def observe(self, result: Result) -> Result:
        """Pause where the result of a message says so; return what it means in the light of those before it."""
        result = self._outage.observe(result)
        if isinstance(result, Failure):
            self.pause(CONSEQUENCES[result.kind].pause)
            if result.kind is FailureKind.THROTTLED and result.retry_after > 0:
                # It holds for everybody with this token.
                self.pause(result.retry_after)
                self._throttled_until = max(self._throttled_until, self._monotonic() + result.retry_after)
                self.throttled.set()
        return result

    def pause(self, seconds: float) -> None:
        """Let nothing be sent for so long, neither broadcasts nor replies."""
        self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    def throttled_for(self) -> float:
        """Return for how many more seconds Telegram wants nothing."""
        return max(self._throttled_until - self._monotonic(), 0.0)

    def wait(self) -> float:
        """Return how long until some broadcast may be sent; 0 now."""
        full = self._full_until(self._per_second, _SECOND)
        slot = self._next - _TOGETHER if self._per_second > _MANY else self._next
        return max(self._paused_until, self._outage.paused_until, slot, full, now := self._monotonic()) - now

    def claim_wait(self) -> float:
        """Return how long until it is time to claim what may be sent next; 0 now."""
        return max(self.wait() - _AHEAD, 0.0)

    def permitted(self) -> int:
        """Return how many broadcasts may be sent about now: more than one only where a second has many."""
        if self.claim_wait() > 0:
            return 0
        return max(1, int(self._per_second * _CLAIM))

    def record_broadcast(self, chat_id: int) -> None:
        """Count a broadcast sent now."""
        now = self._monotonic()
        self._take_slot(now)
        self._count(chat_id, now)

    def chat_wait(self, chat_id: int) -> float:
        """Return how long until this chat may have its next broadcast; 0 now."""
        now = self._monotonic()
        free_at = self._chats.get(chat_id, now - 1) + 1 / self._limits.per_chat
        last_minute = self._last_minute(chat_id, now)
        if chat_id < 0 and len(last_minute) >= self._limits.per_group:
            free_at = max(free_at, last_minute[-self._limits.per_group] + _MINUTE)
        return max(free_at - now, 0.0)

    def reserve(self, chat_id: int, pause: float) -> None:
        """Keep this chat's turn after ``pause`` for a broadcast that waits for it."""
        self._chats[chat_id] = self._monotonic() + pause
        self._chats.move_to_end(chat_id)

    def reply_wait(self) -> float:
        """Return how long until a reply may be sent; 0 now, unless this second has one too many already."""
        full = self._full_until(self._per_second + 1, _FULL_SECOND)
        return max(self._paused_until, full, now := self._monotonic()) - now

    def record_reply(self, chat_id: int) -> None:
        """Count a reply sent now; the next broadcast waits longer for it."""
        now = self._monotonic()
        self._take_slot(now)
        if chat_id > 0:
            self._minutes.setdefault(chat_id, []).append(now)
        self._count(chat_id, now)

    def is_flooded(self, chat_id: int) -> bool:
        """Return whether a chat has had as many replies as one may have in a minute."""
        most = self._limits.per_group if chat_id < 0 else _REPLIES
        return len(self._last_minute(chat_id, self._monotonic())) >= most

    def _take_slot(self, now: float) -> None:
        self._next = (self._next if self._next > now - _LATE else now) + 1 / self._per_second

    def _full_until(self, most: int, second: float) -> float:
        """Return when the last second has had fewer than ``most`` messages."""
        return self._sent[-most] + second if len(self._sent) >= most else 0.0

    def _count(self, chat_id: int, now: float) -> None:
        self._sent.append(now)
        self._chats[chat_id] = max(now, self._chats.get(chat_id, now))
        self._chats.move_to_end(chat_id)
        while self._chats[next(iter(self._chats))] < now - 1 / self._limits.per_chat:
            self._chats.popitem(last=False)
        if chat_id < 0:
            self._minutes.setdefault(chat_id, []).append(now)
        if chat_id in self._minutes:
            self._minutes.move_to_end(chat_id)
        while self._minutes and self._minutes[next(iter(self._minutes))][-1] < now - _MINUTE:
            self._minutes.popitem(last=False)

    def _last_minute(self, chat_id: int, now: float) -> list[float]:
        times = self._minutes.get(chat_id)
        if times is None:
            return []
        while times and times[0] <= now - _MINUTE:
            del times[0]
        if not times:
            del self._minutes[chat_id]
        return times
