"""Say every minute, in the database, that this process does well: ``python -m bot healthy`` reads it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from storage.database import Database
from storage.operator import heartbeat

logger = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds from one to the next."""
MOST_SILENCE = timedelta(minutes=3)
"""After which something is wrong: a poll takes 25 seconds, and a database that is busy delays a beat."""


def machine() -> str:
    """Return the name of this machine or container."""
    return socket.gethostname()[:255]


class Heartbeat:
    """Beats for one process. ``silence`` says for how many seconds Telegram has given no answer to a poll.

    While nothing is heard of Telegram, or the database takes nothing, the last beat grows old.
    """

    def __init__(self, database: Database, clock: Clock, role: str, silence: Callable[[], float] | None = None) -> None:
        self._database, self._clock, self._role = database, clock, role
        self._silence = silence or (lambda: 0.0)

    def of(self, role: str) -> Heartbeat:
        """Return one for a process in another role, which polls nothing."""
        return Heartbeat(self._database, self._clock, role)

    async def once(self) -> bool:
        """Store when this process last did well. Returns whether the database took it."""
        at = self._clock.now() - timedelta(seconds=self._silence())
        try:
            async with self._database.transaction() as connection:
                await heartbeat.beat(connection, machine(), self._role, at)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("the heartbeat cannot be stored: %s", type(error).__name__)
            return False
        return True
