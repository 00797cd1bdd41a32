"""How fast messages may be sent: so many a second over all chats, so many in one chat, and one shared 429 deadline.

Replies to commands and broadcasts share it. Replies go first: one is sent at once where a broadcast would wait, and
the broadcast waits longer for it. But while there is a broadcast they get less than half of the rate, and what a chat
brings upon itself holds for that chat alone. All times are seconds of a monotonic clock: a clock that is set changes
no pace.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace

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
# What replies get of the rate while a broadcast waits.
_REPLY_SHARE = 0.37
# So many of them may be written at once.
_REPLY_BURST = 3
_FEW = 4
# So many of a group's messages a minute are no replies.
_KEPT_FOR_ALERTS = 2
# A 429 of so many seconds at most is one chat's if it had more than one reply in as many.
_OWN = 3.0
# Unless so many chats meet one within a second.
_MANY_CHATS = 3


class Pacer:
    """Says when the next message may be sent. It starts smooth: no burst in the first second."""

    def __init__(self, limits: Limits, monotonic: Callable[[], float]) -> None:
        self._limits, self._monotonic = limits, monotonic
        self._per_second = limits.per_second
        self._next = 0.0
        self._paused_until = self._throttled_until = 0.0
        self._outage = OutageDetector(monotonic)
        self.throttles = 0
        # Set when there is a 429 that others do not know of.
        self.throttled = asyncio.Event()
        # One more than a second's broadcasts: a reply may be the one too many.
        self._sent: deque[float] = deque(maxlen=limits.per_second + 1)
        self._replies: deque[float] = deque(maxlen=_FEW + 1)
        self._next_reply = 0.0
        self._broadcast_wanted_until = 0.0
        # How many replies are written and wait: a broadcast leaves them room.
        self.ready_replies = 0
        # Until when a chat may have nothing, by its own fault; and who met a 429 when.
        self._halted: dict[int, float] = {}
        self._met: dict[int, float] = {}
        self._chats: OrderedDict[int, float] = OrderedDict()
        self._minutes: OrderedDict[int, list[float]] = OrderedDict()

    def share(self, workers: int) -> None:
        """Take one worker's share of the rate: several send with the same token."""
        self._per_second = max(1, self._limits.per_second // workers)

    @property
    def is_probing(self) -> bool:
        """Whether an outage is not over yet: one message at a time finds out."""
        return self._outage.is_probing

    def observe(self, result: Result, chat_id: int) -> Result:
        """Pause where the result of a message says so; return what it means in the light of those before it."""
        result = self._outage.observe(result)
        if isinstance(result, Failure):
            self.pause(CONSEQUENCES[result.kind].pause)
            if result.kind is FailureKind.THROTTLED and result.retry_after > 0:
                now = self._monotonic()
                self.throttles += 1
                if self._is_own(chat_id, result.retry_after, now):
                    self._halted = {chat: until for chat, until in self._halted.items() if until > now}
                    self._halted[chat_id] = now + result.retry_after
                    return replace(result, kind=FailureKind.CHAT_BUSY)
                # It holds for everybody with this token.
                self.pause(result.retry_after)
                self._throttled_until = max(self._throttled_until, now + result.retry_after)
                self.throttled.set()
        return result

    def _is_own(self, chat_id: int, retry_after: float, now: float) -> bool:
        """Return whether a 429 is of a chat that has had much lately, and nobody else's."""
        self._met = {chat: at for chat, at in self._met.items() if at > now - 1} | {chat_id: now}
        last_minute = self._last_minute(chat_id, now)
        in_a_moment = sum(at > now - _OWN for at in last_minute)
        is_full_group = chat_id < 0 and len(last_minute) >= self._limits.per_group // 2
        return len(self._met) < _MANY_CHATS and (is_full_group or (retry_after <= _OWN and in_a_moment > 1))

    def pause(self, seconds: float) -> None:
        """Let nothing be sent for so long, neither broadcasts nor replies."""
        self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    def throttled_for(self) -> float:
        """Return for how many more seconds Telegram wants nothing."""
        return max(self._throttled_until - self._monotonic(), 0.0)

    def wait(self) -> float:
        """Return how long until some broadcast may be sent; 0 now."""
        now = self._monotonic()
        full = self._full_until(max(self._per_second - self.ready_replies, 1), _SECOND)
        slot = self._next - _TOGETHER if self._per_second > _MANY else self._next
        return max(self._paused_until, self._outage.paused_until, slot, full, now) - now

    def claim_wait(self) -> float:
        """Return how long until it is time to claim what may be sent next; 0 now."""
        return max(self.wait() - _AHEAD, 0.0)

    def permitted(self) -> int:
        """Return how many broadcasts may be sent about now: more than one only where a second has many.

        Who asks this has some to send: for the next second, replies leave them their share.
        """
        pause = self.claim_wait()
        self._broadcast_wanted_until = self._monotonic() + pause + 1
        if pause > 0:
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
        free_at = max(self._chats.get(chat_id, now - 1) + 1 / self._limits.per_chat, self._halted.get(chat_id, now))
        last_minute = self._last_minute(chat_id, now)
        if chat_id < 0 and len(last_minute) >= self._limits.per_group:
            free_at = max(free_at, last_minute[-self._limits.per_group] + _MINUTE)
        return max(free_at - now, 0.0)

    def reserve(self, chat_id: int, pause: float) -> None:
        """Keep this chat's turn after ``pause`` for a broadcast that waits for it."""
        self._chats[chat_id] = self._monotonic() + pause
        self._chats.move_to_end(chat_id)

    @property
    def replies_per_second(self) -> int:
        """How many replies a second may have now."""
        is_broadcasting = self._monotonic() < self._broadcast_wanted_until
        return max(1, int(self._per_second * _REPLY_SHARE)) if is_broadcasting else self._per_second

    def reply_wait(self) -> float:
        """Return how long until a reply may be written; 0 now, unless this second has its share."""
        share = self._next_reply - _REPLY_BURST / self.replies_per_second
        return max(self._paused_until, share, now := self._monotonic()) - now

    def full_for(self) -> float:
        """Return how long until a reply that is written may be sent; 0 now, unless this second has one too many."""
        now = self._monotonic()
        # One of few in a second is not kept waiting, though it is one too many; many would always be.
        is_one_of_few = len(self._replies) <= _FEW or self._replies[0] < now - _FULL_SECOND
        full = self._full_until(self._per_second + is_one_of_few, _FULL_SECOND)
        return max(self._paused_until, full, now) - now

    def halted_for(self, chat_id: int) -> float:
        """Return for how many more seconds Telegram wants nothing for this chat alone."""
        return max(self._halted.get(chat_id, 0.0) - self._monotonic(), 0.0)

    def grant_reply(self) -> None:
        """Count a reply that is written now, as one of those a second may have."""
        self._replies.append(now := self._monotonic())
        self._next_reply = max(self._next_reply, now) + 1 / self.replies_per_second

    def record_reply(self, chat_id: int) -> None:
        """Count a reply sent now; the next broadcast waits longer for it."""
        now = self._monotonic()
        self._take_slot(now)
        if chat_id > 0:
            self._minutes.setdefault(chat_id, []).append(now)
        self._count(chat_id, now)

    def is_full(self, chat_id: int) -> bool:
        """Return whether a group has had as many messages in a minute as leaves only room for alerts."""
        most = max(1, self._limits.per_group - _KEPT_FOR_ALERTS)
        return chat_id < 0 and len(self._last_minute(chat_id, self._monotonic())) >= most

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
