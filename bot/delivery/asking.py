"""How often each chat asks: who asks faster than one may be answered, and who asks so seldom that they go first."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

# So many answers may follow one another at once; then a chat has the pace that Telegram gives it.
_BURST = 3
# Seconds after which what a chat asked counts about a third.
_MEMORY = 10.0


class Ask(Enum):
    """What becomes of an answer."""

    GIVEN = auto()
    # The same was said a moment ago.
    REPEATED = auto()
    # The chat hears, once, that it asks too fast.
    SLOW_DOWN = auto()
    # It has heard so, and has not stopped.
    IGNORED = auto()


@dataclass(slots=True)
class _Asker:
    """One chat. ``free_at``: when its pace would permit an answer if there were no burst."""

    asked_at: float
    free_at: float
    weight: float = 0.0
    slow_until: float = -math.inf
    said: tuple[float, str] = (-math.inf, "")


class Askers:
    """Remembers the chats that asked lately. All times are seconds of a monotonic clock."""

    def __init__(self, per_second: int, monotonic: Callable[[], float]) -> None:
        self._pause, self._monotonic = 1 / per_second, monotonic
        self._askers: OrderedDict[int, _Asker] = OrderedDict()

    def ask(self, chat_id: int, text: str) -> Ask:
        """Count an answer that is to say ``text``, and return what becomes of it."""
        now, asker = self._monotonic(), self._asker(chat_id)
        asker.weight += 1
        is_slowed = now < asker.slow_until
        if is_slowed or self._take(asker, now) > 0:
            # It has stopped when as much time has passed as its burst takes.
            asker.slow_until = now + _BURST * self._pause
            return Ask.IGNORED if is_slowed else Ask.SLOW_DOWN
        said_at, said = asker.said
        if text == said and now < said_at + self._pause:
            return Ask.REPEATED
        asker.said = (now, text)
        return Ask.GIVEN

    def follow(self, chat_id: int) -> float:
        """Count one more message of what is owed to a chat; return how many seconds it has to wait."""
        return self._take(self._asker(chat_id), self._monotonic())

    def weight(self, chat_id: int) -> float:
        """Return about how often a chat has asked within the last ten seconds."""
        return self._asker(chat_id).weight

    def _take(self, asker: _Asker, now: float) -> float:
        # A little less than the burst, or rounding would make a chat too fast that asks exactly as fast as it may.
        wait = asker.free_at - now - (_BURST - 0.9) * self._pause
        asker.free_at = max(asker.free_at, now) + self._pause
        return max(wait, 0.0)

    def _asker(self, chat_id: int) -> _Asker:
        now = self._monotonic()
        asker = self._askers.setdefault(chat_id, _Asker(now, now))
        asker.weight *= math.exp((asker.asked_at - now) / _MEMORY)
        asker.asked_at = now
        self._askers.move_to_end(chat_id)
        while self._askers[next(iter(self._askers))].asked_at < now - _MEMORY:
            self._askers.popitem(last=False)
        return asker
