"""Tell the operators, once: what happened, when something begins to be wrong, and when it is over."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError
from telegram import Bot
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.clock import Clock
from bot.health.faults import COURSES, Fault
from bot.logs import redact
from storage.database import Database
from storage.operator import faults
from storage.operator.faults import OpenFault
from storage.outbox import notices

logger = logging.getLogger(__name__)

_A_DAY = 86_400.0
_AGAIN = 60.0
# Some end in an exception's text, and those have no bounds.
_LONGEST = 1_000
_NO_DATABASE = (SQLAlchemyError, OSError)


class Alarm(Protocol):
    """Whoever tells the operators."""

    async def begins(self, fault: Fault, sentence: str) -> None:
        """Tell that something is wrong; told once, however often it is found, until it is over."""

    async def ends(self, *which: Fault) -> None:
        """Take note that these are not there now."""


@dataclass(slots=True)
class _Open:
    """A fault that is not over. ``gone_at``: since when, by the monotonic clock, it is not there."""

    sentence: str
    told: bool
    gone_at: float | None = None


class OperatorAlarm:
    """Logs what is wrong and sends it to the operators' chats, once.

    No sentence holds any of the ``secrets``. It obeys the pace of all answers. What reaches no operator, as during an
    outage, is kept and sent after it. The process that runs it with a database stores what is wrong there, with what is
    to be told, so that neither a kill nor a restart loses or repeats it.
    """

    def __init__(
        self,
        bot: Bot,
        operator_ids: Sequence[int],
        clock: Clock,
        secrets: Sequence[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot, self._operator_ids, self._clock = bot, operator_ids, clock
        self._secrets, self._monotonic = secrets, monotonic
        self._told: dict[str, float] = {}
        self._untold: list[str] = []
        self._told_notices: set[int] = set()
        self._telling_notices = asyncio.Lock()
        self._faults: dict[Fault, _Open] = {}
        self._database: Database | None = None

    async def begins(self, fault: Fault, sentence: str) -> None:
        """Tell that something is wrong, unless it was already or follows from what is.

        What does not last is gone at once; where its course says so, each sentence of it is told, once a day.
        """
        now, sentence, course = self._monotonic(), self.clean(sentence), COURSES[fault]
        gone_at = None if course.lasts else now
        known = self._faults.get(fault)
        if known is None:
            known = self._faults[fault] = _Open(sentence, told=False, gone_at=gone_at)
            if not self._follows(fault):
                await self._begin(fault, known)
            return
        known.sentence, known.gone_at = sentence, gone_at
        if course.each and now - self._told.get(sentence, -math.inf) >= _A_DAY:
            await self._tell(sentence)

    async def ends(self, *which: Fault) -> None:
        """Take note that these are not there now; each is over when it stays so."""
        # Said after everything that goes well: nearly always none of them is there.
        for fault in which:
            known = self._faults.get(fault)
            if known is not None and known.gone_at is None:
                known.gone_at = self._monotonic()
                await self._close(fault, known)

    def present(self) -> dict[Fault, str]:
        """Return what is wrong now, with its sentence; what does not last until it has not happened for a while."""
        there = {fault: one for fault, one in self._faults.items() if one.gone_at is None or not COURSES[fault].lasts}
        return {fault: one.sentence for fault, one in there.items()}

    def told(self) -> list[tuple[float, str]]:
        """Return what there was to tell within the last day, the oldest first, each with its age in seconds."""
        now = self._monotonic()
        return [(now - at, sentence) for sentence, at in self._told.items() if now - at < _A_DAY]

    def clean(self, sentence: str) -> str:
        """Return a sentence without any secret, of a length that can be told."""
        # Before it is cut: half a secret would not be known for one.
        return redact(sentence, *self._secrets)[:_LONGEST]

    async def run(self, stored: Database | None = None) -> None:
        """Tell for ever what could not be told and what is over, and what is ``stored``; one process tells that."""
        while True:
            try:
                if stored is not None and self._database is None:
                    await self._take_over(stored)
                await self.once()
                if stored is not None:
                    await self._tell_notices(stored)
            except _NO_DATABASE as error:
                logger.warning("what operators are to be told cannot be read or removed: %s", type(error).__name__)
            await asyncio.sleep(_AGAIN)

    async def once(self) -> None:
        """Tell what could not be told, what is over, and what outlasted that from which it followed."""
        for sentence in self._untold[:]:
            if await self._reaches_any(sentence):
                self._untold.remove(sentence)
        for fault, course in [*self._faults.items()]:
            await self._close(fault, course)
        for fault, course in [*self._faults.items()]:
            if not course.told and course.gone_at is None and not self._follows(fault):
                await self._begin(fault, course)

    def _follows(self, fault: Fault) -> bool:
        return any(cause in self._faults for cause in COURSES[fault].follows)

    async def _begin(self, fault: Fault, known: _Open) -> None:
        known.told = True
        if self._database is not None:
            try:
                async with self._database.transaction() as connection:
                    await faults.begin(connection, OpenFault(fault, known.sentence, self._clock.now()))
            except _NO_DATABASE:
                logger.debug("the database does not take what is wrong: it is told all the same")
            else:
                await self._tell_stored(self._database, known.sentence)
                return
        await self._tell(known.sentence)

    async def _close(self, fault: Fault, known: _Open) -> None:
        """Forget a fault that has been gone for long enough, and tell so if it was told."""
        if known.gone_at is None or self._monotonic() - known.gone_at < COURSES[fault].settles:
            return
        # Forgotten first: while the database is asked, another task may find the same.
        if self._faults.pop(fault, None) is None or not known.told:
            return
        sentence = f"Over: {COURSES[fault].over}"
        try:
            if self._database is None or not await self._ended(self._database, fault, sentence):
                await self._tell(sentence)
        except _NO_DATABASE:
            # It is stored as well, so it is tried again.
            self._faults.setdefault(fault, known)

    async def _ended(self, database: Database, fault: Fault, sentence: str) -> bool:
        async with database.transaction() as connection:
            is_stored = await faults.end(connection, fault, sentence, self._clock.now())
        if is_stored:
            await self._tell_stored(database, sentence)
        return is_stored

    async def _take_over(self, database: Database) -> None:
        """Go on with what an earlier process of this database found wrong: its operators know of it."""
        async with database.reading() as connection:
            left = await faults.open_faults(connection)
        names, now = set(Fault), self._monotonic()
        for one in left:
            if one.name in names:
                fault = Fault(one.name)
                gone_at = None if COURSES[fault].lasts else now
                self._faults.setdefault(fault, _Open(one.sentence, told=True, gone_at=gone_at))
        self._database = database

    async def _tell(self, sentence: str) -> None:
        self._note(sentence)
        if not await self._reaches_any(sentence):
            self._untold.append(sentence)

    async def _tell_stored(self, database: Database, sentence: str) -> None:
        """Tell what was just stored; where that fails, ``run`` does it."""
        self._note(sentence)
        try:
            await self._tell_notices(database)
        except _NO_DATABASE as error:
            logger.warning("what operators are to be told cannot be read or removed: %s", type(error).__name__)

    def _note(self, sentence: str) -> None:
        # Anew, so that they stand in the order in which they were told.
        now = self._monotonic()
        self._told = {told: at for told, at in self._told.items() if told != sentence and now - at < _A_DAY}
        self._told[sentence] = now
        logger.error("%s", sentence)

    async def _tell_notices(self, database: Database) -> None:
        async with self._telling_notices:
            async with database.reading() as connection:
                pending = await notices.pending(connection)
            for number, kept in pending:
                # Told and not removed, because the database was away: it is not told again.
                if number not in self._told_notices and not await self._reaches_any(self.clean(kept)):
                    return
                self._told_notices.add(number)
                async with database.transaction() as connection:
                    await notices.remove(connection, number)
                self._told_notices.remove(number)

    async def _reaches_any(self, sentence: str) -> bool:
        reached = [await self._reaches(operator_id, sentence) for operator_id in self._operator_ids]
        return any(reached) or not reached

    async def _reaches(self, operator_id: int, sentence: str) -> bool:
        try:
            await self._bot.send_message(operator_id, escape(sentence), parse_mode=ParseMode.HTML)
        except TelegramError as error:
            logger.warning("operator %d could not be told: %s", operator_id, error)
            return False
        return True
