"""Telegram's flood limits, as the sandbox enforces them."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from bot.sandbox.telegram import BotApiError

_EVERY_CHAT = 0


class Limiter:
    """Counts messages in sliding windows and answers 429 beyond them.

    A single chat may have a short burst, as Telegram tolerates it.
    """

    def __init__(
        self,
        per_second: int = 30,
        chat_burst: int = 5,
        per_group: int = 20,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._windows = {"all": (per_second, 1.0), "chat": (chat_burst, 3.0), "group": (per_group, 60.0)}
        self._sent: dict[tuple[str, int], deque[float]] = {}
        self._monotonic = monotonic
        self.refused = 0

    def take(self, chat_id: int) -> None:
        """Count one message.

        Raises
        ------
        BotApiError
            429 with ``retry_after``; the message is not counted then.
        """
        now = self._monotonic()
        keys = [("all", _EVERY_CHAT), ("group" if chat_id < 0 else "chat", chat_id)]
        retry_after = max(self._retry_after(key, now) for key in keys)
        if retry_after > 0:
            self.refused += 1
            seconds = max(1, math.ceil(retry_after))
            raise BotApiError(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
        for key in keys:
            self._sent[key].append(now)

    def _retry_after(self, key: tuple[str, int], now: float) -> float:
        most, window = self._windows[key[0]]
        sent = self._sent.setdefault(key, deque())
        while sent and sent[0] <= now - window:
            sent.popleft()
        return sent[0] + window - now if len(sent) >= most else 0.0
