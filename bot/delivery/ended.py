"""How deliveries ended, told in the log for each alert: a line now and then, and not one for each chat."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Sequence

from bot.delivery.failures import CONSEQUENCES, Failure, Result
from storage.outbox.boards import ClaimedBoard
from storage.outbox.states import UNFINISHED, Claimed, State

logger = logging.getLogger(__name__)

# Seconds from the first that ended to the line.
_EVERY = 10.0
Claim = Claimed | ClaimedBoard


class AlertLog:
    """Counts what ended and writes it, by the number of the alert."""

    def __init__(self) -> None:
        self._ended: defaultdict[int, Counter[State]] = defaultdict(Counter)
        self._due: asyncio.TimerHandle | None = None

    def note(self, group: Sequence[tuple[Claim, Result]]) -> Counter[State]:
        """Take note of results that are stored. Returns how many deliveries ended by them, by how."""
        ended: Counter[State] = Counter()
        for claimed, result in group:
            state = CONSEQUENCES[result.kind].state if isinstance(result, Failure) else State.SENT
            if isinstance(claimed, Claimed) and state not in UNFINISHED:
                self._ended[claimed.alert_id][state] += 1
                ended[state] += 1
        if self._ended and self._due is None:
            self._due = asyncio.get_running_loop().call_later(_EVERY, self.write)
        return ended

    def write(self) -> None:
        """Write a line for each alert of which something ended since the last one."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        for alert_id, states in self._ended.items():
            how = ", ".join(f"{count} {state}" for state, count in states.items())
            logger.info("alert %d: %s", alert_id, how, extra={"alert": alert_id})
        self._ended.clear()
