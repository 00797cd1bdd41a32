"""The market of the demonstration: its clock moves from one evening to the next, or to one that shows something."""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from bot.app import App
from bot.clock import NEW_YORK, SteppedClock
from bot.market.evening import Evening
from bot.market.process import Market
from bot.market.protocol import Scenes
from bot.sandbox.panel import Going, Scene, Stepped, told
from signals.rules import EVENING
from storage.chats import subscribers
from storage.ledger import count_alerts, newest_session
from storage.market import Agenda, begin_anew, load_market, skip_through
from storage.operator.counts import by_state

logger = logging.getLogger(__name__)

QUIET, OUTAGE, CORRECTED, ANY = "quiet", "outage", "corrected", "any"
SCENES = (
    Scene("holds", "a breakout that holds is confirmed"),
    Scene("breakout.failed", "a breakout fails"),
    Scene("liquidity.regime", "liquidity turns"),
    Scene("window.responded", "crypto answers"),
    Scene(OUTAGE, "a source is down"),
    Scene(CORRECTED, "a wrong number is corrected"),
    Scene(QUIET, "a quiet month ends"),
    Scene(ANY, "any alert comes"),
)
# Each slice costs what an evening does, and for no longer than one can a jump not be stopped.
_SESSIONS_A_SLICE = 600


class Recorder:
    """Keeps charts and track record up to date, in a market process of its own so that no step waits for it.

    It begins when nothing has ``changed`` for ``rest`` seconds: a small machine has enough to do with what people do.
    """

    def __init__(
        self,
        evening: Evening,
        clock: SteppedClock,
        process: Market,
        changed: Callable[[], asyncio.Event],
        rest: float = 4.0,
    ) -> None:
        self.process, self._changed, self._rest = process, changed, rest
        self._evening = replace(evening, process=process, running=asyncio.Lock())
        self._clock, self._news = clock, asyncio.Event()

    def wake(self) -> None:
        """Do so once more."""
        self._news.set()

    async def run(self) -> None:
        """Draw and look back whenever woken, for ever."""
        while True:
            await self._news.wait()
            await self._nothing_changes()
            self._news.clear()
            for follow in (self._evening.draw, self._evening.look_back):
                try:
                    await follow(self._clock.now())
                except Exception:
                    logger.exception("what follows an evening failed; what is stored stays what it was")

    async def _nothing_changes(self) -> None:
        """Wait until that has been so for long enough."""
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(self._rest):
                    await self._changed().wait()


@dataclass
class SteppedMarket:
    """Lives through evenings. ``correct`` lets an operator correct the newest alert."""

    app: App
    clock: SteppedClock
    recorder: Recorder
    found: Scenes
    correct: Callable[[], Awaitable[str]]
    note: str = ""
    session: date | None = None
    running: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Those that this market has at all."""
        return tuple(scene for scene in SCENES if self._evenings(scene.name))

    async def outbox(self) -> Mapping[str, int]:
        """Return how many deliveries are in each state."""
        async with self.app.database.reading() as connection:
            return await by_state(connection)

    async def step(self) -> Stepped:
        """Run the evening of the next session."""
        async with self.running:
            async with self.app.database.reading() as connection:
                market_row = await load_market(connection)
                before = await count_alerts(connection)
            assert market_row is not None
            assert market_row.agenda is not None
            agenda = await self.begin(market_row.agenda.next_decision_at)
            async with self.app.database.reading() as connection:
                alerted = await count_alerts(connection) > before
                heard = bool(await subscribers(connection))
        self.recorder.wake()
        assert agenda.last_closed is not None
        return Stepped(agenda.last_closed, alerted, heard)

    async def begin(self, at: datetime) -> Agenda:
        """Move to an instant and run its evening; on an empty database the history up to it is recorded silently."""
        self.clock.move(at)
        agenda = await self.app.evening.run(at)
        await self.app.evening.watch(at)
        async with self.app.database.reading() as connection:
            self.session = await newest_session(connection)
        self.app.sender.wake()
        return agenda

    async def jump(self, scene: str, going: Going) -> str:
        """Go to the next such evening and live through it: what lies between becomes history, told to nobody.

        After the last one the market begins anew.
        """
        sessions = self.found.sessions
        assert self.session is not None
        ahead = {QUIET: self.found.quiet - 1, OUTAGE: self.found.outage - 1}.get(scene, 0)
        coming = self._next(scene, self.session, ahead)
        # None is the first session: there is one before it that the market begins with.
        at = coming or self._next(scene, sessions[0], ahead) or bisect_left(sessions, self._evenings(scene)[0])
        before = sessions[at - ahead - 1]
        if coming is None:
            await self._begin_anew(before)
        elif not await self._skip(before, going):
            return "Stopped on the way."
        if not ahead:
            stepped = await self.step()
            return await self.correct() if scene == CORRECTED else told(stepped)
        async with self.running:
            await self.begin(_decision(sessions[at]))
        self.recorder.wake()
        if scene == OUTAGE:
            return "A source has not answered for days: the operators were told, and /status says what is unknown."
        return f"Nothing in {ahead + 1} sessions: when nothing changes, nobody is told."

    def _next(self, scene: str, after: date, ahead: int) -> int | None:
        """Return the position of the next such evening with so many sessions before it that come after a session."""
        evenings, sessions = self._evenings(scene), self.found.sessions
        possible = sessions[bisect_right(sessions, after) + ahead :]
        following = evenings[bisect_left(evenings, possible[0]) :] if possible else []
        return bisect_left(sessions, following[0]) if following else None

    def _evenings(self, scene: str) -> list[date]:
        return self.found.evenings.get("breakout.confirmed" if scene == CORRECTED else scene, [])

    async def _begin_anew(self, through: date) -> None:
        """Forget what was lived through; everything up to a session is history then."""
        async with self.running:
            async with self.app.database.transaction() as connection:
                await begin_anew(connection)
            await self.begin(_decision(through))

    async def _skip(self, through: date, going: Going) -> bool:
        """Make history of what lies before a session, in slices between which it can be stopped."""
        sessions = self.found.sessions
        assert self.session is not None
        first, last = bisect_right(sessions, self.session), bisect_left(sessions, through)
        for at in range(first, last + 1, _SESSIONS_A_SLICE):
            if going.is_stopped:
                return False
            until = min(at + _SESSIONS_A_SLICE - 1, last)
            going.tell(at - first, last - first + 1)
            async with self.running:
                async with self.app.database.transaction() as connection:
                    await skip_through(connection, sessions[until])
                await self.begin(_decision(sessions[until]))
        return True


@dataclass(frozen=True)
class RealMarket:
    """A market that nobody steps: its evenings come when they come."""

    app: App
    note: str = (
        "Real figures. The first download takes minutes; every session is then decided at 17:30 New York time, "
        "and nothing can be stepped."
    )
    scenes: tuple[Scene, ...] = ()
    session: date | None = None

    async def outbox(self) -> Mapping[str, int]:
        """Return how many deliveries are in each state."""
        async with self.app.database.reading() as connection:
            return await by_state(connection)

    async def step(self) -> Stepped:
        """Refuse: nobody steps it."""
        raise RuntimeError(self.note)

    async def jump(self, scene: str, going: Going) -> str:
        """Refuse: nobody steps it."""
        raise RuntimeError(self.note)


def _decision(session: date) -> datetime:
    return datetime.combine(session, EVENING.decision, NEW_YORK)
