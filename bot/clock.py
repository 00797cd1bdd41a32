"""Time is an argument: everything else is told the time by one of these."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the current instant."""
        return datetime.now(UTC)


class SteppedClock:
    """A clock that is moved by hand and runs on from there at the pace of real time."""

    def __init__(self, start: datetime) -> None:
        self.move(start)

    def move(self, to: datetime) -> None:
        """Set the clock."""
        self._set_to, self._set_at = to.astimezone(UTC), time.monotonic()

    def now(self) -> datetime:
        """Return the instant set, plus the real time since."""
        return self._set_to + timedelta(seconds=time.monotonic() - self._set_at)
