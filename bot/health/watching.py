"""Look once a minute at how the bot does, and tell the operators what begins and ceases to be wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from bot.health import checks
from bot.health.checks import Check
from bot.health.counting import Counts
from bot.health.faults import COURSES, Fault
from bot.heartbeat import EVERY, Heartbeat
from storage.database import Database

logger = logging.getLogger(__name__)

# Whoever asks again within so many seconds gets the same answer: asking costs a write.
_SAME_FOR = 5.0
# So long a write may take before it counts as none; SQLite waits ten seconds for whoever locks it.
_LONGEST_WRITE = 15.0


class Faults(Protocol):
    """Who is told of faults, and knows which there are."""

    async def begins(self, fault: Fault, sentence: str) -> None:
        """See ``bot.operator_alarm.Alarm``."""

    async def ends(self, *which: Fault) -> None:
        """See ``bot.operator_alarm.Alarm``."""

    def present(self) -> dict[Fault, str]:
        """Return what is wrong now, with its sentence."""


@dataclass(slots=True)
class Watch:
    """Looks at one process. ``silence`` as in ``Heartbeat``; ``is_outage`` says whether messages get lost.

    Where several processes deliver, one ``tells``; the others only beat.
    """

    database: Database
    clock: Clock
    alarm: Faults
    counts: Counts
    beat: Heartbeat
    silence: Callable[[], float] | None
    is_outage: Callable[[], bool]
    tells: bool = True
    _last: tuple[float, list[Check]] | None = None
    _failing_since: dict[Fault, float] = field(default_factory=dict)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Look for ever, and tell."""
        while True:
            try:
                await (self.tell() if self.tells else self.beat.once())
            except Exception:  # whatever it is: who does not look does not see
                logger.exception("it cannot be seen how the bot does")
            await asyncio.sleep(EVERY)

    def become_worker(self) -> None:
        """Look at a process that only delivers, beside the one that tells."""
        self.beat, self.silence, self.tells = self.beat.of("worker"), None, False

    async def tell(self) -> None:
        """Tell the operators what begins to be wrong and what ceases to be."""
        for check in await self.look():
            if check.fault is not None and check.is_well:
                self._failing_since.pop(check.fault, None)
                await self.alarm.ends(check.fault)
            elif check.fault is not None:
                now = self.counts.monotonic()
                if now - self._failing_since.setdefault(check.fault, now) >= check.patience:
                    await self.alarm.begins(check.fault, _told(check.sentence))

    async def look(self) -> list[Check]:
        """Return every check, and every fault that no check found."""
        async with self._looking:
            now = self.counts.monotonic()
            if self._last is None or now - self._last[0] >= _SAME_FOR:
                self._last = (now, await self._checks())
            found = self._last[1]
        known = {check.fault for check in found}
        present = self.alarm.present()
        return found + [
            Check(fault.value, is_well=False, sentence=sentence, minor=COURSES[fault].minor)
            for fault, sentence in present.items()
            if fault not in known
        ]

    async def _checks(self) -> list[Check]:
        found = [
            checks.of_polls(self.silence and self.silence()),
            checks.of_writing(await self._writes()),
            checks.of_disk(self.database.url.render_as_string(hide_password=False)),
            checks.of_sending(self.is_outage()),
        ]
        try:
            async with self.database.reading() as connection:
                stored = await checks.read(connection)
        except (SQLAlchemyError, OSError) as error:
            return [*found, Check("reading", False, f"the database cannot be read: {type(error).__name__}")]
        now = self.clock.now()
        if not stored.is_queued:
            self.counts.moved_at = self.counts.monotonic()
        standstill = self.counts.monotonic() - self.counts.moved_at
        found += [checks.of_verdict(stored.agenda, stored.verdict, now), checks.of_data(stored.verdict)]
        found.append(checks.of_answers(stored.unanswered))
        return [*found, checks.of_sources(stored.verdict), checks.of_queue(stored, standstill, now)]

    async def _writes(self) -> bool:
        try:
            async with asyncio.timeout(_LONGEST_WRITE):
                return await self.beat.once()
        except TimeoutError:
            return False


def _told(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
