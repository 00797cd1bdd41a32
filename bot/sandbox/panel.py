"""The panel beside the chats: what the market is told to do, how far that is, and where deliveries stand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Protocol

logger = logging.getLogger(__name__)

MOST_QUIET = 60
"""After so many sessions without an alert playing ends."""
_SECONDS_BETWEEN_COUNTS = 0.3


class BusyError(RuntimeError):
    """Something is being done already, or the market is not there yet."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """A session lived through, whether it brought an alert, and whether anybody is there to hear of it."""

    session: date
    alerted: bool
    heard: bool = True


@dataclass(frozen=True, slots=True)
class Scene:
    """An evening one can jump to: its name, and its words after 'the next evening on which'."""

    name: str
    words: str


class Market(Protocol):
    """The market the panel steps."""

    @property
    def scenes(self) -> Sequence[Scene]:
        """What one can jump to; none where nobody steps."""

    @property
    def note(self) -> str:
        """What is to be known of it."""

    @property
    def session(self) -> date | None:
        """The last session that was lived through."""

    async def step(self) -> Stepped:
        """Live through the next session."""

    async def jump(self, scene: str, going: Going) -> str:
        """Go to the next such evening and live through it. Returns a sentence on where that led."""

    async def outbox(self) -> Mapping[str, int]:
        """Return how many deliveries are in each state."""


class Going:
    """How far something long is, told to the panel, and whether it is to be stopped."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self.tell = tell
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Let it end at the next place where it may."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Whether it is to end."""
        return self._stopped.is_set()

    async def rest(self, seconds: float) -> None:
        """Wait, unless it is stopped."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopped.wait()
        except TimeoutError:
            return


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands on the panel."""

    ready: bool = False
    doing: str = ""
    done: int = 0
    of: int = 0
    said: str = "The market is being prepared…"
    session: str = ""
    note: str = ""
    scenes: Sequence[Mapping[str, str]] = ()
    outbox: Mapping[str, int] | None = None


class Panel:
    """Does one thing at a time with a market, and wakes the pages whenever something on it is different."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake, self._shown = wake, Shown()
        self._market: Market | None = None
        self._task: asyncio.Task[None] | None = None
        self._going: Going | None = None
        self._pages = 0
        self._opened = asyncio.Event()

    def shown(self) -> dict[str, Any]:
        """Return what stands on it."""
        return asdict(self._shown)

    def prepare(self, said: str, done: int = 0, of: int = 0) -> None:
        """Say how far the preparation is; once there is a market, nothing."""
        if self._market is None:
            self._show(said=said, done=done, of=of)

    def attach(self, market: Market) -> None:
        """Give it the market; before that nothing can be asked of it."""
        self._market = market
        scenes = [{"name": scene.name, "words": scene.words} for scene in market.scenes]
        said = "Choose an evening, or let the sessions pass." if scenes else ""
        self._show(ready=True, said=said, done=0, of=0, scenes=scenes, note=market.note, session=_day(market))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count a page that is open: without one, deliveries are not counted."""
        self._pages += 1
        self._opened.set()
        try:
            yield
        finally:
            self._pages -= 1

    async def count_deliveries(self) -> None:
        """Keep the outbox on the panel up to date while a page is open, for ever."""
        while True:
            if not self._pages:
                self._opened.clear()
                await self._opened.wait()
            if self._market is not None:
                self._show(outbox=dict(await self._market.outbox()))
            await asyncio.sleep(_SECONDS_BETWEEN_COUNTS)

    def begin(self, action: str, given: Mapping[str, Any]) -> None:
        """Begin ``step``, ``play`` or ``jump``, or ``stop`` what was begun.

        Raises
        ------
        BusyError
            When something is being done already, or there is no market yet.
        KeyError, ValueError
            When there is no such thing to do.
        """
        if action == "stop":
            if self._going is not None:
                self._going.stop()
                self._show(said="Stopping…")
            return
        market = self._market
        if market is None or not market.scenes:
            raise BusyError("the market is not ready yet" if market is None else market.note)
        if self._going is not None:
            raise BusyError(f"still busy: {self._shown.doing}")
        words = {scene.name: scene.words for scene in market.scenes}
        match action:
            case "step":
                self._do("One session", lambda going: self._step(market, going))
            case "play":
                seconds = float(given["seconds"])
                self._do("Playing", lambda going: self._play(market, going, seconds))
            case "jump":
                scene = str(given["scene"])
                self._do(f"On the way to {words[scene]}", lambda going: market.jump(scene, going))
            case _:
                raise ValueError(action)

    def _do(self, doing: str, work: Callable[[Going], Awaitable[str]]) -> None:
        going = self._going = Going(lambda done, of: self._show(done=done, of=of))
        self._show(doing=doing, said="", done=0, of=0)
        self._task = asyncio.create_task(self._finish(work(going)))

    async def _finish(self, work: Awaitable[str]) -> None:
        said = "It was interrupted."
        try:
            said = await work
        except Exception as error:
            logger.exception("the market could not do what was asked")
            said = f"It did not work: {error}"
        finally:
            self._going = None
            self._show(doing="", said=said, done=0, of=0, session=_day(self._market))

    async def _step(self, market: Market, _: Going) -> str:
        return told(await market.step())

    async def _play(self, market: Market, going: Going, seconds: float) -> str:
        for quiet in range(MOST_QUIET):
            stepped = await market.step()
            self._show(done=quiet + 1, of=MOST_QUIET, session=_day(market))
            if stepped.alerted:
                return told(stepped)
            if going.is_stopped:
                return f"Stopped after {quiet + 1} {'session' if not quiet else 'sessions'} without an alert."
            await going.rest(seconds)
        return f"Nothing in {MOST_QUIET} sessions."

    def _show(self, **changes: Any) -> None:
        shown = replace(self._shown, **changes)
        if shown != self._shown:
            self._shown = shown
            self._wake()


def told(stepped: Stepped) -> str:
    """Return a sentence on what a session brought."""
    if not stepped.alerted:
        return "A session without an alert."
    return "An alert came." if stepped.heard else "An alert came, and nobody is subscribed: Start, then Subscribe."


def _day(market: Market | None) -> str:
    return "" if market is None or market.session is None else f"{market.session:%a %-d %b %Y}"
