"""The delivery loop: fan out, send, sleep until there is more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from bot.clock import Clock
from bot.delivery.sender import Sender
from storage import outbox
from storage.database import Database

logger = logging.getLogger(__name__)

_IN_FLIGHT = 20
_LONGEST_SLEEP = timedelta(seconds=30)


class Courier:
    """Delivers whatever is owed. ``wake`` it when something new is recorded."""

    def __init__(self, database: Database, sender: Sender, clock: Clock, operators: Sequence[int] = ()) -> None:
        self._database, self._sender, self._clock, self._operators = database, sender, clock, operators
        self._work = asyncio.Event()

    def wake(self) -> None:
        """Look for work now."""
        self._work.set()

    async def recover(self) -> None:
        """Account for what a dead process left on its way; call it once, before the first delivery."""
        async with self._database.transaction() as connection:
            lost = await outbox.recover(connection, self._clock.now())
        if lost:
            logger.warning("%d deliveries were on their way when the process ended: unknown", lost)

    async def run(self) -> None:
        """Deliver for ever."""
        pause: timedelta | None
        while True:
            self._work.clear()
            try:
                pause = await self._work_off()
            except* Exception:
                # The queue is in the database: whatever this was, the next round goes on from there.
                logger.exception("the delivery failed, trying again")
                pause = _LONGEST_SLEEP
            try:
                async with asyncio.timeout((_LONGEST_SLEEP if pause is None else pause).total_seconds()):
                    await self._work.wait()
            except TimeoutError:
                continue

    async def drain(self) -> None:
        """Deliver until nothing is queued, waiting for what may not leave yet."""
        while (pause := await self._work_off()) is not None:
            await asyncio.sleep(pause.total_seconds())

    async def _work_off(self) -> timedelta | None:
        """Fan out and send all that is due. Returns how long until the next is due, None when nothing is queued."""
        found = True
        while found:
            async with self._database.transaction() as connection:
                found = await outbox.fan_out(connection, self._clock.now(), operators=self._operators)
        slots = asyncio.Semaphore(_IN_FLIGHT)
        async with asyncio.TaskGroup() as in_flight:
            while await self._sender.send_next(in_flight, slots):
                pass
        async with self._database.transaction() as connection:
            due = await outbox.next_due(connection)
        return None if due is None else min(max(due - self._clock.now(), timedelta(0)), _LONGEST_SLEEP)
