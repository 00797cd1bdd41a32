"""Keep the database small: old deliveries become counts, and the file gets its pages back."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from bot.clock import Clock
from storage.database import Database
from storage.inbox import forget_handled
from storage.outbox.purge import purge

logger = logging.getLogger(__name__)

_EVERY = 6 * 3600.0
# Between two slices, so that whoever waits for the database comes first.
_PAUSE_BETWEEN_BATCHES = 0.05


@dataclass(frozen=True, slots=True)
class Purger:
    """Purges four times a day."""

    database: Database
    clock: Clock

    async def run(self) -> None:
        """Purge for ever; a failing database is tried again at the next time."""
        while True:
            try:
                if folded := await self.once():
                    logger.info("%d deliveries of more than 30 days ago are folded into counts", folded)
            except (DBAPIError, OSError) as error:
                logger.warning("nothing could be purged: %s", error)
            await asyncio.sleep(_EVERY)

    async def once(self) -> int:
        """Purge whatever is old, in slices. Returns how many deliveries that were."""
        total = 0
        async with self.database.transaction(gives_way=True) as connection:
            await forget_handled(connection, self.clock.now())
        while True:
            async with self.database.transaction(gives_way=True) as connection:
                folded = await purge(connection, self.clock.now())
            if not folded:
                break
            total += folded
            await asyncio.sleep(_PAUSE_BETWEEN_BATCHES)
        if total:
            await self.database.reclaim()
        return total
