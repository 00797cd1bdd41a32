"""The delivery loops: enqueue each alert for its chats, send what is queued, store how it went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from bot.delivery.boards import Boards
from bot.delivery.composing import Composer, Text
from bot.delivery.ended import Claim
from bot.delivery.failures import Failure, FailureKind
from bot.delivery.pacing import Pacer
from bot.delivery.post import Post
from bot.delivery.results import ResultWriter
from bot.health.faults import Fault
from bot.operator_alarm import Alarm
from storage.database import Database
from storage.outbox import boards, digests, fan_out, notices, queue, recheck, throttle
from storage.outbox.states import Claimed
from storage.process_roles import Role

logger = logging.getLogger(__name__)

_ROLE = "delivery worker"
# Longer than any request may take, and than the clocks of two machines may differ.
LEASE = timedelta(minutes=5)
# A thousand a second, the most that Telegram permits anybody, where an answer takes 100 ms; as many connections.
MOST_IN_FLIGHT = 128
# Seconds; what is due sooner is looked for after so long.
_SHORTEST_SLEEP, _LONGEST_SLEEP = 0.02, 30.0
# Where other workers queue things, too, nobody wakes this one.
_LOOK_AGAIN = 2.0
_AFTER_FAILURE = 5.0
# A slice of a fan-out waits so long at most for whoever is being answered: a million chats then take a minute.
_GIVES_WAY = 0.02
# And so long for who writes next: one after a long slice, the other after a short one.
_BETWEEN_SLICES, _BETWEEN_SHORT_ONES = 0.001, 0.005
# A claimed message waits so long for a free slot at most; then it is put back.
_LONGEST_SLOT_WAIT = 1.0
# And so long for its chat; what has to wait longer is held in the database.
_LONGEST_CHAT_WAIT = 3.0
# What is on its way when the program is stopped gets so long to arrive.
_SHUTDOWN_SECONDS = 20.0
# And the database so long to take how it went.
_LAST_RESULTS_SECONDS = 10.0
_NOT_STARTED = Failure(FailureKind.THROTTLED, "it had not left", retry_after=0.0)


@dataclass(slots=True)
class Sender:
    """Delivers every alert that is recorded. ``wake`` it when there is a new one.

    ``give_way`` waits for whoever is being answered, so many seconds at most, and returns whether somebody wrote a
    moment ago: then slices are short.
    """

    database: Database
    clock: Clock
    pacer: Pacer
    composer: Composer
    boards: Boards
    post: Post
    results: ResultWriter
    alarm: Alarm
    give_way: Callable[[float], Awaitable[bool]]
    operators: Sequence[int] = ()
    _has_news: asyncio.Event = field(default_factory=asyncio.Event)
    _has_queued: asyncio.Event = field(default_factory=asyncio.Event)
    _has_capacity: asyncio.Event = field(default_factory=asyncio.Event)
    _in_flight: set[asyncio.Task[None]] = field(default_factory=set)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look for work now."""
        self._has_news.set()
        self._has_queued.set()

    async def recover(self) -> None:
        """Account for what a dead process left on its way; call it once, before the first delivery."""
        await self._recover(everything=self.database.is_exclusive)

    async def run(self) -> None:
        """Deliver for ever; when cancelled, let what is on its way arrive and store how it went."""
        self._stopping.clear()
        async with Role(self.database, _ROLE) as role:
            ending = [asyncio.create_task(loop) for loop in (self._enqueue(), self._send())]
            endless = (self.results.run(self.wake), self._sync_with_workers(role), role.keep())
            loops = [*ending, *map(asyncio.create_task, endless)]
            try:
                await asyncio.wait(loops, return_when=asyncio.FIRST_EXCEPTION)
                for loop in loops:
                    if loop.done():
                        loop.result()
            finally:
                await self._stop(ending, loops)

    async def drain(self) -> None:
        """Deliver until nothing waits any more, waiting for what may not be sent yet."""
        self._stopping.clear()
        storing = asyncio.create_task(self.results.run(self.wake))
        try:
            while True:
                while await self._enqueue_some():
                    pass
                while await self._send_some():
                    pass
                if self._in_flight:
                    await asyncio.wait(self._in_flight)
                await self.results.flush()
                now = self.clock.now()
                async with self.database.reading() as connection:
                    due = [at for room in (queue, boards) if (at := await room.next_due(connection, now)) is not None]
                if not due:
                    break
                await asyncio.sleep(min(max((min(due) - now).total_seconds(), 0.0), _LONGEST_SLEEP))
        finally:
            storing.cancel()
        await self.results.wait_for_alarms()

    async def _stop(self, ending: Sequence[asyncio.Task[None]], loops: Sequence[asyncio.Task[None]]) -> None:
        self._stopping.set()
        self.wake()
        self._has_capacity.set()
        # They end by themselves: a claim that was made is sent or put back.
        deadline = asyncio.get_running_loop().time() + _SHUTDOWN_SECONDS
        for tasks in (ending, self._in_flight):
            if tasks:
                await asyncio.wait(tasks, timeout=max(deadline - asyncio.get_running_loop().time(), 0.0))
        try:
            async with asyncio.timeout(_LAST_RESULTS_SECONDS):
                await self.results.flush()
                self.results.write_log()
                await self._tell_of_throttle()
        except Exception:  # whatever it is, everything has to end
            logger.exception("the database did not take the last results: they will be unknown")
        for task in (*loops, *self._in_flight):
            task.cancel()
        await asyncio.gather(*loops, *self._in_flight, return_exceptions=True)
        self._in_flight.clear()

    async def _enqueue(self) -> None:
        """Enqueue recorded alerts, and queue what was held, until the program stops."""
        while not self._stopping.is_set():
            self._has_news.clear()
            try:
                somebody_wrote = await self.give_way(_GIVES_WAY)
                if await self._enqueue_some(fan_out.SHORT_SLICE if somebody_wrote else fan_out.SLICE):
                    await asyncio.sleep(_BETWEEN_SHORT_ONES if somebody_wrote else _BETWEEN_SLICES)
                    continue
                async with self.database.reading() as connection:
                    dues = (await queue.next_release(connection), await digests.next_due(connection))
                now = self.clock.now()
                seconds = [(due - now).total_seconds() for due in dues if due is not None]
                pause = max(min([*seconds, self._idle_poll_seconds]), _SHORTEST_SLEEP)
            except Exception as error:  # the queue is in the database: the next round goes on from there
                pause = await self._failed(error)
            await _wait_for(self._has_news, pause)

    async def _enqueue_some(self, size: int = fan_out.SLICE) -> bool:
        """Enqueue ``size`` of an alert's chats, or digests, or queue what was held. Returns whether there was any."""
        now = self.clock.now()
        async with self.database.transaction(gives_way=True) as connection:
            enqueued = await fan_out.fan_out(connection, now, size, self.operators)
        found = enqueued is not None
        if enqueued is not None and enqueued.is_last:
            logger.info("alert %d is queued for all its chats", enqueued.alert_id, extra={"alert": enqueued.alert_id})
        if not found:
            async with self.database.transaction(gives_way=True) as connection:
                found = await digests.enqueue(connection, now, size) or await fan_out.release(connection, now, size) > 0
                found |= await boards.release(connection, now, size) > 0
        if found:
            self._has_queued.set()
        return found

    async def _sync_with_workers(self, role: Role) -> None:
        """Tell the other workers of a 429; share the rate with them, and account for what dead ones had."""
        while True:
            await _wait_for(self.pacer.throttled, self._idle_poll_seconds)
            try:
                await self._tell_of_throttle()
                if not self.database.is_exclusive:
                    self.pacer.share(await role.members())
                    await self._recover(everything=False)
            except Exception as error:  # the next round does what this one did not
                self.pacer.throttled.set()
                await asyncio.sleep(await self._failed(error))

    async def _tell_of_throttle(self) -> None:
        self.pacer.throttled.clear()
        if seconds := self.pacer.throttled_for():
            async with self.database.transaction() as connection:
                await throttle.note(connection, seconds)

    async def _recover(self, *, everything: bool) -> None:
        now = self.clock.now()
        async with self.database.transaction() as connection:
            lost = await queue.recover(connection, now, everything=everything)
            lost_boards = await boards.recover(connection, everything=everything)
            if not lost and not lost_boards:
                return
            what = [f"{count} of alert {alert_id}" for alert_id, count in sorted(lost.items())]
            what += [f"{lost_boards} new status boards"] if lost_boards else []
            sentence = (
                f"Deliveries were on their way when a process of the bot ended, {', '.join(what)}: nobody can know "
                "whether they arrived. Urgent ones are sent once more, others are not"
            )
            # With what it tells: a process that is killed now has left it to be told by the next.
            await notices.add(connection, sentence, now)
        logger.warning("%s", sentence)
        self._has_queued.set()

    @property
    def _idle_poll_seconds(self) -> float:
        return _LONGEST_SLEEP if self.database.is_exclusive else _LOOK_AGAIN

    async def _send(self) -> None:
        """Send what is queued until the program stops."""
        while not self._stopping.is_set():
            self._has_queued.clear()
            try:
                found = await self._send_some()
                await self.alarm.ends(Fault.DELIVERY, Fault.DATABASE)
                if not found:
                    await _wait_for(self._has_queued, self._idle_poll_seconds)
            except Exception as error:  # nothing was claimed, or what was is accounted for
                await _wait_for(self._has_queued, await self._failed(error))

    async def _send_some(self) -> bool:
        """Claim what may be sent now and start to send it. Returns whether anything was queued and might leave."""
        capacity = await self._wait_for_capacity()
        if capacity == 0:
            return False
        async with self.results.transaction() as connection:
            now, seconds, is_paused = await throttle.clock(connection)
            if is_paused:
                return False
            if seconds:
                self.pacer.pause(seconds)
                return True
            claims = await queue.claim(connection, capacity, LEASE, now)
            admitted = await recheck.admit(connection, claims, self.clock.now()) if claims else []
            messages: list[tuple[Claim, Text | Failure]] = []
            messages += await self.composer.compose(connection, admitted) if admitted else []
            # While alerts wait, of boards only those that somebody has just asked for.
            left = capacity - len(claims)
            updated = await boards.claim(connection, max(left, 1), LEASE, now, asked_only=left == 0)
            messages += await self.boards.compose(connection, updated)
        for claimed, text in messages:
            await self._start(claimed, text)
        return bool(claims or updated)

    async def _wait_for_capacity(self) -> int:
        """Wait until something may be sent, and return how many; 0 when the program is stopping.

        Where a second has many, wait for half of the places: a claim costs the same for one and for many.
        """
        while not self._stopping.is_set():
            most = 1 if self.pacer.is_probing else MOST_IN_FLIGHT
            permitted = self.pacer.permitted()
            wanted = min(permitted, most // 2) or 1
            if len(self._in_flight) + wanted > most:
                self._has_capacity.clear()
                await self._has_capacity.wait()
            elif permitted:
                return min(most - len(self._in_flight), permitted)
            else:
                await _wait_for(self._stopping, self.pacer.claim_wait())
        return 0

    async def _start(self, claimed: Claim, text: Text | Failure) -> None:
        """Start to send one message, when there is a free slot; or take note of why it is not sent now."""
        if isinstance(text, Failure):
            self.results.add(claimed, text)
        elif (pause := self.pacer.chat_wait(claimed.chat_id)) > _LONGEST_CHAT_WAIT:
            busy = Failure(FailureKind.CHAT_BUSY, "this chat has just had messages", retry_after=pause)
            self.results.add(claimed, busy)
        elif pause or await self._wait_for_slot():
            if pause:
                self.pacer.reserve(claimed.chat_id, pause)
            else:
                self.pacer.record_broadcast(claimed.chat_id)
            self._in_flight.add(asyncio.create_task(self._deliver(claimed, text, pause)))
        else:
            self.results.add(claimed, _NOT_STARTED)

    async def _wait_for_slot(self) -> bool:
        """Wait until a claimed message may be sent; False when that would be long, as after a 429."""
        while (pause := self.pacer.wait()) > 0 and not self._stopping.is_set():
            if pause > _LONGEST_SLOT_WAIT:
                return False
            await _wait_for(self._stopping, pause)
        return not self._stopping.is_set()

    async def _deliver(self, claimed: Claim, text: Text, pause: float) -> None:
        try:
            if pause:
                # Waiting here and not in the queue keeps the order of what one chat gets.
                await _wait_for(self._stopping, pause)
                if not await self._wait_for_slot():
                    self.results.add(claimed, _NOT_STARTED)
                    return
                self.pacer.record_broadcast(claimed.chat_id)
            send = self.post.send(claimed, text) if isinstance(claimed, Claimed) else self.post.carry_out(claimed, text)
            self.results.add(claimed, await send)
        finally:
            task = asyncio.current_task()
            assert task is not None
            self._in_flight.discard(task)
            self._has_capacity.set()

    async def _failed(self, error: Exception) -> float:
        logger.error("the delivery failed, trying again", exc_info=error)
        fault = Fault.DATABASE if isinstance(error, SQLAlchemyError | OSError) else Fault.DELIVERY
        await self.alarm.begins(fault, f"The delivery failed and is tried again: {type(error).__name__}")
        return _AFTER_FAILURE


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
