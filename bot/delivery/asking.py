"""How often each chat asks: who asks faster than one may be answered, and who asks so seldom that they go first."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

# So many answers may follow one another at once; then a chat has the pace that Telegram gives it.
_BURST = 3
_ALMOST = 0.9
# Seconds after which what a chat asked counts about a third.
_MEMORY = 10.0


class Ask(Enum):
    """What becomes of an answer."""

    GIVEN = auto()
    # The same was asked a moment ago.
    REPEATED = auto()
    # The chat hears, once, that it asks too fast.
    SLOW_DOWN = auto()
    # It has heard so, and has not stopped.
    IGNORED = auto()


@dataclass(slots=True)
class _Asker:
    """One chat. ``free_at``: when its pace would permit an answer if there were no burst."""

    seen_at: float
    free_at: float
    weight: float = 0.0
    asked_at: float = -math.inf
    asked: str = ""
    update_id: int | None = None
    is_too_fast: bool = False
    is_told: bool = False


class Askers:
    """Remembers the chats that asked lately. All times are seconds of a monotonic clock."""

    def __init__(self, per_second: int, monotonic: Callable[[], float]) -> None:
        self._pause, self._monotonic = 1 / per_second, monotonic
        self._askers: OrderedDict[int, _Asker] = OrderedDict()

    def ask(self, chat_id: int, update_id: int, text: str) -> Ask:
        """Count what a chat asks, and return what becomes of the answer; an update that is tried again counts once."""
        now, asker = self._monotonic(), self._asker(chat_id)
        if asker.update_id == update_id:
            return Ask.GIVEN
        since, is_same = now - asker.asked_at, text == asker.asked
        asker.update_id, asker.asked_at, asker.asked = update_id, now, text
        asker.weight += 1
        if since >= _BURST * self._pause:
            asker.is_told = False
        # Who was too fast has slowed down once the time between two is as it should be.
        is_hasty = asker.is_too_fast and since < _ALMOST * self._pause
        asker.is_too_fast = is_hasty or self._wait(asker, now) > 0
        if asker.is_too_fast:
            return Ask.IGNORED if asker.is_told else Ask.SLOW_DOWN
        asker.free_at = max(asker.free_at, now) + self._pause
        return Ask.REPEATED if is_same and since < self._pause else Ask.GIVEN

    def note_told(self, chat_id: int) -> None:
        """Note that a chat hears now that it asks too fast."""
        self._asker(chat_id).is_told = True

    def follow(self, chat_id: int) -> float:
        """Count one more message of what is owed to a chat; return how many seconds it has to wait."""
        now, asker = self._monotonic(), self._asker(chat_id)
        wait = self._wait(asker, now)
        asker.free_at = max(asker.free_at, now) + self._pause
        return wait

    def weight(self, chat_id: int) -> float:
        """Return about how often a chat has asked within the last ten seconds."""
        return self._asker(chat_id).weight

    def _wait(self, asker: _Asker, now: float) -> float:
        # A little less, or rounding would make a chat too fast that asks exactly as fast as it may.
        return max(asker.free_at - now - (_BURST - _ALMOST) * self._pause, 0.0)

    def _asker(self, chat_id: int) -> _Asker:
        now = self._monotonic()
        asker = self._askers.setdefault(chat_id, _Asker(now, now))
        asker.weight *= math.exp((asker.seen_at - now) / _MEMORY)
        asker.seen_at = now
        self._askers.move_to_end(chat_id)
        while self._askers[next(iter(self._askers))].seen_at < now - _MEMORY:
            self._askers.popitem(last=False)
        return asker
