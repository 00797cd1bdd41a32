"""Store how deliveries went, in small groups: with the next claim, or one commit for all that came within 45 ms."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError

from bot.clock import Clock
from bot.delivery.boards import Boards, named, will_be_repeated
from bot.delivery.composing import Composer
from bot.delivery.ended import AlertLog, Claim
from bot.delivery.failures import CONSEQUENCES, GIVE_UP_AFTER, Effect, Failure, FailureKind, Result
from bot.delivery.pacing import Pacer
from bot.health.counting import Counts
from bot.health.faults import Fault
from bot.operator_alarm import Alarm
from storage import AsyncConnection, chats
from storage.database import Database
from storage.outbox import queue
from storage.outbox.boards import ClaimedBoard
from storage.outbox.states import Claimed, State

logger = logging.getLogger(__name__)

# At 30 a second the next claim comes first, and one commit serves both.
_GROUP_SECONDS = 0.045
_MOST_AT_ONCE = 1_000
_PROGRAMMING_ERRORS = (IntegrityError, ProgrammingError, DataError, ArithmeticError, ValueError, TypeError)
_PAUSES = (0.5, 1.0, 2.0, 5.0)
_Group = Sequence[tuple[Claim, Result]]


class ResultWriter:
    """Keeps every result until it is stored."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        pacer: Pacer,
        composer: Composer,
        boards: Boards,
        alarm: Alarm,
        counts: Counts,
    ) -> None:
        self._boards, self._counts, self._log = boards, counts, AlertLog()
        self._database, self._clock, self._pacer, self._composer, self._alarm = database, clock, pacer, composer, alarm
        self._results: list[tuple[Claim, Result]] = []
        self._has_some = asyncio.Event()
        self._has_failures = False
        self._storing = asyncio.Lock()
        self._alarms: set[asyncio.Future[None]] = set()

    def add(self, claimed: Claim, result: Result) -> None:
        """Take note of how a delivery went, or a request of a board."""
        result = self._pacer.observe(result, claimed.chat_id)
        self._has_failures |= isinstance(result, Failure)
        self._results.append((claimed, result))
        self._has_some.set()

    async def run(self, wake: Callable[[], None]) -> None:
        """Store results for ever; ``wake`` is called when something may be waiting again."""
        while True:
            await self._has_some.wait()
            await asyncio.sleep(_GROUP_SECONDS)
            self._has_some.clear()
            await self.flush()
            if self._has_failures:
                self._has_failures = False
                wake()

    async def flush(self) -> None:
        """Store every result there is. While the database does not take them they are kept, and tried again."""
        failures, size = 0, _MOST_AT_ONCE
        while self._results:
            try:
                async with self.transaction(size):
                    pass
                failures = 0
            except _PROGRAMMING_ERRORS:
                # Whatever is wrong with one of them must not keep the others from being stored.
                logger.exception("results of deliveries cannot be stored")
                del self._results[: 1 if size == 1 else 0]
                size = 1
            except (SQLAlchemyError, OSError) as error:
                self._tell(Fault.DATABASE, f"Results of deliveries cannot be stored: {_reason(error)}. They are kept")
                await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1

    @asynccontextmanager
    async def transaction(self, most: int = _MOST_AT_ONCE) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that stores the results there are, for whatever else is to be done in it."""
        async with self._storing:
            group = self._results[:most]
            async with self._database.transaction(gives_way=True) as connection:
                await self._store(connection, group)
                yield connection
            del self._results[: len(group)]
        ended = self._log.note(group)
        self._counts.note_deliveries(ended)
        if ended[State.SENT]:
            await self._alarm.ends(Fault.TOKEN)
        for claimed, failure in group:
            if isinstance(failure, Failure) and not (then := CONSEQUENCES[failure.kind]).is_everyday:
                what = named(claimed) if isinstance(claimed, ClaimedBoard) else f"Alert {claimed.alert_id}"
                ids = {"alert": claimed.alert_id} if isinstance(claimed, Claimed) else {}
                logger.info("%s, in row %d: %s", what, claimed.id, failure.text, extra=ids)
                if then.sentence and not will_be_repeated(claimed, failure):
                    fault = Fault.TOKEN if failure.kind is FailureKind.BAD_TOKEN else Fault.REFUSED
                    self._tell(fault, then.sentence.format(what=what, why=failure.text))

    def write_log(self) -> None:
        """Let the log hold what has ended by now."""
        self._log.write()

    async def wait_for_alarms(self) -> None:
        """Wait until the operators were told what there was to tell."""
        await asyncio.gather(*self._alarms)

    def _tell(self, fault: Fault, sentence: str) -> None:
        # Never waited for here: Telegram may be slow to take it, and results must be stored.
        telling = asyncio.ensure_future(self._alarm.begins(fault, sentence))
        self._alarms.add(telling)
        telling.add_done_callback(self._alarms.discard)

    async def _store(self, connection: AsyncConnection, group: _Group) -> None:
        alerts = [(claimed, result) for claimed, result in group if isinstance(claimed, Claimed)]
        sent = [(claimed, result) for claimed, result in alerts if isinstance(result, int)]
        await queue.mark_sent(connection, sent, self._clock.now())
        if len(sent) < len(group):
            await self._boards.store(connection, [(c, result) for c, result in group if isinstance(c, ClaimedBoard)])
            for claimed, result in alerts:
                if isinstance(result, Failure):
                    await self._store_failure(connection, claimed, result)

    async def _store_failure(self, connection: AsyncConnection, claimed: Claimed, failure: Failure) -> None:
        """Store what follows from a failure for the delivery, and for its chat or alert."""
        now, text, then = self._clock.now(), failure.text, CONSEQUENCES[failure.kind]
        state, hold = then.state, max(then.hold, timedelta(seconds=failure.retry_after))
        if then.gives_up:
            age = await queue.age(connection, claimed.alert_id, now)
            state = state if age <= GIVE_UP_AFTER else State.STOPPED
            hold = max(hold, age) if then.hold_grows else hold
        match state:
            case State.QUEUED | State.HELD:
                await queue.put_back(connection, [claimed], text, now + hold if state is State.HELD else None)
            case State.UNKNOWN:
                await queue.mark_unknown(connection, [claimed], now, text)
            case _:
                await queue.finish(connection, claimed, state, now, text)
        if then.effect is not None:
            await self._store_effect(connection, claimed, failure, then.effect)

    async def _store_effect(
        self, connection: AsyncConnection, claimed: Claimed, failure: Failure, effect: Effect
    ) -> None:
        now, text = self._clock.now(), failure.text
        match effect:
            case Effect.CHAT_IS_GONE:
                await chats.mark_gone(connection, claimed.chat_id, text, now)
            case Effect.CHAT_MOVED if failure.new_chat_id is not None:
                await chats.move(connection, claimed.chat_id, failure.new_chat_id, now)
            case Effect.TOPIC_IS_GONE if claimed.thread_id is not None:
                await chats.leave_topic(connection, claimed.chat_id, claimed.thread_id, claimed.id)
            case Effect.ALERT_IS_PLAIN:
                await queue.make_plain(connection, claimed.alert_id)
                self._composer.forget(claimed.alert_id)
            case Effect.ALERT_STOPS:
                await queue.stop_alert(connection, claimed.alert_id, text, now)


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)
