"""Store how deliveries went, in small groups: with the next claim, or one commit for all that came within 45 ms."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.delivery.composing import Composer
from bot.delivery.failures import Failure, FailureKind
from bot.delivery.outage import OutageDetector
from bot.delivery.pacing import Pacer
from bot.operator_alarm import Alarm
from storage import chats
from storage.database import Database
from storage.outbox import queue
from storage.outbox.states import Claimed, State

logger = logging.getLogger(__name__)

Outcome = tuple[Claimed, int | Failure]

# At 30 a second the next claim comes first, and one commit serves both.
_GROUP = 0.045
_ALL = 1_000
_PROGRAMMING_ERRORS = (IntegrityError, ProgrammingError, DataError, ArithmeticError, ValueError, TypeError)
_PAUSES = (0.5, 1.0, 2.0, 5.0)
_HALT = 30.0
_UNREACHABLE = 5.0
# An admin may let the bot write again, an operator may find out why nothing is taken; after a day the news is none.
_TRY_AGAIN = timedelta(hours=1)
_GIVE_UP_AFTER = timedelta(days=1)
_WAITS_FOR_SOMEBODY = frozenset({FailureKind.CANNOT_WRITE, FailureKind.MASS_REFUSAL})
_SURELY_NOT_SENT = frozenset(
    {
        FailureKind.THROTTLED,
        FailureKind.NOT_SENT,
        FailureKind.BAD_TOKEN,
        FailureKind.CHAT_BUSY,
        FailureKind.CANNOT_WRITE,
        FailureKind.MOVED,
        FailureKind.BAD_MARKUP,
        FailureKind.MASS_REFUSAL,
    }
)
_EVERY_DAY = frozenset({FailureKind.THROTTLED, FailureKind.CHAT_BUSY})
_REFUSED = "Alert {alert} was refused by Telegram: {why}"
_SENTENCES = {
    FailureKind.BAD_TOKEN: "{why}: nothing is sent, everything stays queued",
    FailureKind.BAD_MARKUP: "Alert {alert} goes out as plain text: {why}",
    FailureKind.OUR_MISTAKE: _REFUSED,
    FailureKind.REFUSED: _REFUSED,
    FailureKind.MASS_REFUSAL: "Telegram refuses one message after the other ({why}): they wait and are tried again",
    FailureKind.UNKNOWN: "Alert {alert}: of some messages nobody can know whether they arrived",
}


class ResultWriter:
    """Keeps every outcome until it is stored."""

    def __init__(self, database: Database, clock: Clock, pacer: Pacer, composer: Composer, alarm: Alarm) -> None:
        self._database, self._clock, self._pacer, self._composer, self._alarm = database, clock, pacer, composer, alarm
        self._brake = OutageDetector(pacer)
        self._outcomes: list[Outcome] = []
        self._some = asyncio.Event()
        self._has_failures = False
        self._storing = asyncio.Lock()
        self._telling: set[asyncio.Future[None]] = set()

    def add(self, claimed: Claimed, outcome: int | Failure) -> None:
        """Take note of how a delivery went: the id of its message, or what became of it."""
        outcome = self._brake.observe(outcome)
        if isinstance(outcome, Failure):
            self._has_failures = True
            self._obey(outcome)
        self._outcomes.append((claimed, outcome))
        self._some.set()

    def _obey(self, failure: Failure) -> None:
        match failure.kind:
            case FailureKind.THROTTLED:
                self._pacer.throttle(failure.retry_after)
            case FailureKind.NOT_SENT:
                self._pacer.halt(_UNREACHABLE)
            case FailureKind.BAD_TOKEN:
                self._pacer.halt(_HALT)

    async def run(self, wake: Callable[[], None]) -> None:
        """Store outcomes for ever; ``wake`` is called when something may be waiting again."""
        while True:
            await self._some.wait()
            await asyncio.sleep(_GROUP)
            self._some.clear()
            await self.flush()
            if self._has_failures:
                self._has_failures = False
                wake()

    async def flush(self) -> None:
        """Store every outcome there is. While the database does not take them they are kept, and tried again."""
        failures, size = 0, _ALL
        async with self._storing:
            while self._outcomes:
                group = self._outcomes[:size]
                try:
                    await self._store(group)
                except _PROGRAMMING_ERRORS:
                    # Whatever is wrong with one of them must not keep the others from being stored.
                    logger.exception("%d outcomes cannot be stored", len(group))
                    del self._outcomes[: 1 if len(group) == 1 else 0]
                    size = 1
                except (SQLAlchemyError, OSError) as error:
                    self._tell(f"Results of deliveries cannot be stored: {_reason(error)}. They are kept")
                    await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                    failures += 1
                else:
                    del self._outcomes[: len(group)]
                    self._tell(*_sentences(group))
                    failures = 0

    async def wait_for_alarms(self) -> None:
        """Wait until the operators were told what there was to tell."""
        await asyncio.gather(*self._telling)

    def _tell(self, *sentences: str) -> None:
        # Never waited for here: Telegram may be slow to take it, and results must be stored.
        for sentence in sentences:
            telling = asyncio.ensure_future(self._alarm(sentence))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    @asynccontextmanager
    async def transaction_storing_results(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that stores every outcome there is, for whatever else is to be done in it."""
        async with self._storing:
            group = self._outcomes[:_ALL]
            async with self._database.transaction() as connection:
                await self._store_in(connection, group)
                yield connection
            del self._outcomes[: len(group)]
            self._tell(*_sentences(group))

    async def _store(self, group: Sequence[Outcome]) -> None:
        async with self._database.transaction() as connection:
            await self._store_in(connection, group)

    async def _store_in(self, connection: AsyncConnection, group: Sequence[Outcome]) -> None:
        sent = [(claimed, outcome) for claimed, outcome in group if isinstance(outcome, int)]
        await queue.mark_sent(connection, sent, self._clock.now())
        for claimed, outcome in group:
            if isinstance(outcome, Failure):
                await self._store_failure(connection, claimed, outcome)

    async def _store_failure(self, connection: AsyncConnection, claimed: Claimed, failure: Failure) -> None:
        """Store what a failure means for the delivery, and for its chat or alert where it says something of them."""
        now, text = self._clock.now(), failure.text
        waits = failure.kind in _WAITS_FOR_SOMEBODY
        age = await queue.age(connection, claimed.alert_id, now) if waits else timedelta()
        if failure.kind in _SURELY_NOT_SENT and age <= _GIVE_UP_AFTER:
            pause = _pause(failure, age)
            await queue.put_back(connection, [claimed], text, None if pause is None else now + pause)
        match failure.kind:
            case FailureKind.GONE:
                await queue.finish(connection, claimed, State.GONE, now, text)
                await chats.mark_gone(connection, claimed.chat_id, text, now)
            case FailureKind.MOVED if failure.new_chat_id is not None:
                await chats.move(connection, claimed.chat_id, failure.new_chat_id, now)
            case FailureKind.BAD_MARKUP:
                await queue.make_plain(connection, claimed.alert_id)
                self._composer.forget(claimed.alert_id)
            case FailureKind.OUR_MISTAKE:
                await queue.finish(connection, claimed, State.STOPPED, now, text)
                await queue.stop_alert(connection, claimed.alert_id, text, now)
            case FailureKind.UNKNOWN:
                await queue.mark_unknown(connection, [claimed], now, text)
        # Whatever nothing above has settled is the operators' to look at.
        await queue.finish(connection, claimed, State.STOPPED, now, text)


def _pause(failure: Failure, age: timedelta) -> timedelta | None:
    """Return for how long something that was not sent is held back for a reason of its chat's own."""
    match failure.kind:
        case FailureKind.CHAT_BUSY:
            return timedelta(seconds=failure.retry_after)
        case FailureKind.CANNOT_WRITE:
            return _TRY_AGAIN
        case FailureKind.MASS_REFUSAL:
            # Each time later, so that a million of them does not keep newer alerts back for a day.
            return max(_TRY_AGAIN, age)
    return None


def _sentences(group: Sequence[Outcome]) -> Iterator[str]:
    """Yield what the operators hear of these outcomes; the alarm tells each sentence once."""
    for claimed, failure in group:
        if isinstance(failure, Failure) and failure.kind not in _EVERY_DAY:
            logger.info("delivery %d of alert %d: %s", claimed.id, claimed.alert_id, failure.text)
            if sentence := _SENTENCES.get(failure.kind):
                yield sentence.format(alert=claimed.alert_id, why=failure.text)


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)
