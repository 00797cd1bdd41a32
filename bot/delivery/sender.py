"""The delivery loops: owe each alert to its chats, send what is queued, store how it went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.clock import Clock
from bot.delivery.composing import Composer, Text
from bot.delivery.failures import Failure, FailureKind
from bot.delivery.pacing import Pacer
from bot.delivery.post import Post
from bot.delivery.results import ResultWriter
from bot.operator_alarm import Alarm
from storage.database import Database
from storage.outbox import fan_out, queue, recheck, throttle
from storage.outbox.states import Claimed
from storage.roles import Role

logger = logging.getLogger(__name__)

_ROLE = "delivery worker"
# Longer than any request may take, and than the clocks of two machines may differ.
LEASE = timedelta(minutes=5)
_IN_FLIGHT = 64
# So often at most something is claimed: where many may leave, many are claimed at once.
_TICK = 0.02
_LONGEST_SLEEP = 30.0
# Where other workers queue things, too, nobody wakes this one.
_LOOK_AGAIN = 2.0
_AFTER_FAILURE = 5.0
# A claimed message waits for its turn so long at most; then it is put back.
_LONGEST_SLOT_WAIT = 1.0
# And for its chat's turn so long; what has to wait longer is held in the database.
_LONGEST_CHAT_WAIT = 3.0
# What is on its way when the program is stopped gets so long to arrive.
_SHUTDOWN_SECONDS = 20.0
# And the database so long to take how it went.
_LAST_RESULTS_SECONDS = 10.0
_NOT_STARTED = Failure(FailureKind.THROTTLED, "it had not left", retry_after=0.0)


@dataclass(slots=True)
class Sender:
    """Delivers whatever is owed. ``wake`` it when something new is recorded."""

    database: Database
    clock: Clock
    pacer: Pacer
    composer: Composer
    post: Post
    results: ResultWriter
    alarm: Alarm
    operators: Sequence[int] = ()
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _queued: asyncio.Event = field(default_factory=asyncio.Event)
    _finished: asyncio.Event = field(default_factory=asyncio.Event)
    _in_flight: set[asyncio.Task[None]] = field(default_factory=set)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look for work now."""
        self._woken.set()
        self._queued.set()

    async def recover(self) -> None:
        """Account for what a dead process left on its way; call it once, before the first delivery."""
        if lost := await self._recover(everything=self.database.is_exclusive):
            logger.warning("%d deliveries were on their way when the process ended: unknown", lost)

    async def run(self) -> None:
        """Deliver for ever; when cancelled, let what is on its way arrive and store how it went."""
        async with Role(self.database, _ROLE) as role:
            await self._run(role)

    async def _run(self, role: Role) -> None:
        working = (
            self._fan_out(),
            self._send(),
            self.results.run(self.wake),
            self._sync_with_workers(role),
            role.keep(),
        )
        loops = [asyncio.create_task(loop) for loop in working]
        try:
            await asyncio.wait(loops, return_when=asyncio.FIRST_EXCEPTION)
            for loop in loops:
                if loop.done():
                    loop.result()
        finally:
            await self._stop(loops)

    async def drain(self) -> None:
        """Deliver until nothing waits any more, waiting for what may not leave yet."""
        storing = asyncio.create_task(self.results.run(self.wake))
        try:
            while (pause := await self._until_drained()) is not None:
                await asyncio.sleep(pause)
        finally:
            storing.cancel()
        await self.results.wait_for_alarms()

    async def _until_drained(self) -> float | None:
        """Deliver what may leave now. Returns for how long the next has to wait, None when nothing waits."""
        while await self._fan_out_slice() or await self._send_some():
            pass
        if self._in_flight:
            await asyncio.wait(self._in_flight)
        await self.results.flush()
        now = self.clock.now()
        async with self.database.reading() as connection:
            due = await queue.next_due(connection, now)
        return None if due is None else min(max((due - now).total_seconds(), 0.0), _LONGEST_SLEEP)

    async def _stop(self, loops: Sequence[asyncio.Task[None]]) -> None:
        self._stopping.set()
        owing, sending, storing, *_ = loops
        self.wake()
        self._finished.set()
        # They end by themselves: a claim that was made is sent or put back.
        deadline = asyncio.get_running_loop().time() + _SHUTDOWN_SECONDS
        for tasks in ({owing, sending}, self._in_flight):
            if tasks:
                await asyncio.wait(tasks, timeout=max(deadline - asyncio.get_running_loop().time(), 0.0))
        storing.cancel()
        try:
            async with asyncio.timeout(_LAST_RESULTS_SECONDS):
                await self.results.flush()
                await self._tell_of_throttle()
        except Exception:  # whatever it is, everything has to end
            logger.exception("the database did not take the last results: they will be unknown")
        for task in (*loops, *self._in_flight):
            task.cancel()
        await asyncio.gather(*loops, *self._in_flight, return_exceptions=True)

    async def _fan_out(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            pause = 0.0
            try:
                if not await self._fan_out_slice():
                    pause = await self._until_next_release()
            except Exception as error:  # the queue is in the database: the next round goes on from there
                pause = await self._failed(error)
            if pause:
                await _wait_for(self._woken, pause)

    async def _fan_out_slice(self) -> bool:
        """Enqueue one slice of what is owed, or release what was held until now. Returns whether there was any."""
        now = self.clock.now()
        async with self.database.transaction() as connection:
            found = await fan_out.fan_out(connection, now, operators=self.operators)
        if not found:
            async with self.database.transaction() as connection:
                found = await fan_out.release(connection, now) > 0
        if found:
            self._queued.set()
        return found

    async def _until_next_release(self) -> float:
        async with self.database.reading() as connection:
            held = await queue.next_release(connection)
        seconds = _LONGEST_SLEEP if held is None else (held - self.clock.now()).total_seconds()
        return min(max(seconds, _TICK), self._idle_poll_seconds)

    async def _sync_with_workers(self, role: Role) -> None:
        """Tell the other workers of a 429; share the rate with them, and account for what dead ones had."""
        while not self._stopping.is_set():
            await _wait_for(self.pacer.throttled, self._idle_poll_seconds)
            try:
                await self._tell_of_throttle()
                if not self.database.is_exclusive:
                    self.pacer.share(await role.members())
                    if lost := await self._recover(everything=False):
                        logger.warning("%d deliveries of a dead worker: unknown", lost)
                        self._queued.set()
            except Exception as error:  # the next round does what this one did not
                self.pacer.throttled.set()
                await _wait_for(self._stopping, await self._failed(error))

    async def _tell_of_throttle(self) -> None:
        self.pacer.throttled.clear()
        if seconds := self.pacer.throttled_for():
            async with self.database.transaction() as connection:
                await throttle.note(connection, seconds)

    async def _recover(self, *, everything: bool) -> int:
        async with self.database.transaction() as connection:
            return await queue.recover(connection, self.clock.now(), everything=everything)

    @property
    def _idle_poll_seconds(self) -> float:
        return _LONGEST_SLEEP if self.database.is_exclusive else _LOOK_AGAIN

    async def _send(self) -> None:
        while not self._stopping.is_set():
            self._queued.clear()
            try:
                if not await self._send_some():
                    await _wait_for(self._queued, self._idle_poll_seconds)
            except Exception as error:  # nothing was claimed, or what was is accounted for
                await _wait_for(self._queued, await self._failed(error))

    async def _send_some(self) -> bool:
        """Claim what may leave now and let it leave. Returns whether anything was queued."""
        room = await self._wait_for_capacity()
        if room == 0:
            return False
        async with self.results.transaction_storing_results() as connection:
            now, seconds = await throttle.clock(connection)
            if seconds:
                self.pacer.halt(seconds)
                return True
            claims = await queue.claim(connection, room, LEASE, now)
            admitted = await recheck.admit(connection, claims, self.clock.now()) if claims else []
            messages = await self.composer.compose(connection, admitted) if admitted else []
        for claimed, text in messages:
            if isinstance(text, Failure):
                self.results.add(claimed, text)
            elif (pause := self.pacer.chat_wait(claimed.chat_id)) > _LONGEST_CHAT_WAIT:
                busy = Failure(FailureKind.CHAT_BUSY, "this chat has just had messages", retry_after=pause)
                self.results.add(claimed, busy)
            elif pause or await self._wait_for_slot():
                self._start_sending(claimed, text, pause)
            else:
                self.results.add(claimed, _NOT_STARTED)
        if len(messages) > 1:
            await asyncio.sleep(_TICK)
        return bool(claims)

    async def _wait_for_capacity(self) -> int:
        """Wait until something may leave, and return how many; 0 when the program is stopping."""
        while not self._stopping.is_set():
            most = 1 if self.pacer.is_probing else _IN_FLIGHT
            if len(self._in_flight) >= most:
                self._finished.clear()
                await self._finished.wait()
            elif pause := self.pacer.claim_wait():
                await _wait_for(self._stopping, pause)
            else:
                return min(most - len(self._in_flight), self.pacer.permitted())
        return 0

    async def _wait_for_slot(self) -> bool:
        """Wait for the turn of a claimed message; False when it would be long, as after a 429."""
        while (pause := self.pacer.wait()) > 0 and not self._stopping.is_set():
            if pause > _LONGEST_SLOT_WAIT:
                return False
            await _wait_for(self._stopping, pause)
        return not self._stopping.is_set()

    def _start_sending(self, claimed: Claimed, text: Text, pause: float) -> None:
        if pause:
            self.pacer.reserve(claimed.chat_id, pause)
        else:
            self.pacer.record_broadcast(claimed.chat_id)
        task = asyncio.create_task(self._deliver(claimed, text, pause))
        self._in_flight.add(task)
        task.add_done_callback(self._on_finished)

    async def _deliver(self, claimed: Claimed, text: Text, pause: float) -> None:
        if pause:
            # Waiting here and not in the queue keeps the order of what one chat gets.
            await _wait_for(self._stopping, pause)
            if not await self._wait_for_slot():
                self.results.add(claimed, _NOT_STARTED)
                return
            self.pacer.record_broadcast(claimed.chat_id)
        self.results.add(claimed, await self.post.send(claimed.chat_id, text))

    def _on_finished(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._finished.set()

    async def _failed(self, error: Exception) -> float:
        logger.error("the delivery failed, trying again", exc_info=error)
        await self.alarm(f"The delivery failed and is tried again: {type(error).__name__}")
        return _AFTER_FAILURE


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
