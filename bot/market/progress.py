"""How far long work is: reported by whoever does it, logged once a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

Report = Callable[[str, int, int | None], None]
"""Called with what is being done, how much of it is done, and of how much, ``None`` when that is not known."""

_SECONDS_BETWEEN_LINES = 60.0


def unreported(_what: str, _done: int, _of: int | None) -> None:
    """Report to nobody."""


class ProgressLog:
    """A ``Report`` that logs one line for every minute that work takes, and nothing of short work."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._what, self._since = "", 0.0

    def __call__(self, what: str, done: int, of: int | None) -> None:
        """Log it, unless less than a minute has passed since the last line or since this work began."""
        now = self._monotonic()
        if what != self._what:
            self._what, self._since = what, now
        elif now - self._since >= _SECONDS_BETWEEN_LINES:
            self._since = now
            logger.info("%s: %d%s", what, done, "" if of is None else f" of {of}")
