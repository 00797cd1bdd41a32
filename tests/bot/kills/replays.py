"""A replay of two evenings with news as a process, to be killed at any of its steps and repeated.

A step is a committed transaction, or a request on its way. The process is a real one, the kill is real, and the
truth is what the server's chat holds.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
from multiprocessing.process import BaseProcess
from pathlib import Path

from bot.app import build
from bot.clock import SteppedClock
from bot.sandbox.limits import Limiter
from bot.sandbox.server import Fault, Sandbox, serve
from signals.data.sessions import decision_time
from signals.rules import GATE
from storage import chats
from storage.settings import chosen
from storage.settings.kinds import EVERYTHING
from tests.bot.kills import killed
from tests.bot.market.in_process import MarketInProcess
from tests.bot.market.test_evening import write
from tests.bot.running import environment_for, forked, settings_for
from tests.worlds import day, lead

N = len(lead())
CLOSES = [*lead(), 101.0, 102.0, 103.0]
FIRST, LAST = day(N), day(N + 2)
READER = 7001
ATTEMPT, CONFIRMED = "Russell 2000 at a record", "Russell 2000 breakout confirmed"
_ATTEMPTS = 8


class Prepared:
    """A market, and a database with its history up to the evening before the attempt and one subscriber."""

    def __init__(self, folder: Path) -> None:
        self.market, self.database = folder / "market", folder / "prepared.db"
        self.market.mkdir()

    async def make(self) -> None:
        write(self.market, CLOSES, *GATE.blocking)
        url = f"sqlite+aiosqlite:///{self.database}"
        at = decision_time(day(N - 1))
        async with serve(Sandbox()) as sandbox:
            settings = settings_for(sandbox, url, market_data=f"folder:{self.market}")
            async with build(settings, SteppedClock(at), MarketInProcess()) as app:
                async with app.database.transaction() as connection:
                    await chats.subscribe(connection, READER, "private", at)
                    await chosen.hear_only(connection, READER, EVERYTHING)
                await app.evening.run(at)


class Replay:
    """Runs the replay as a process, again and again, on one database and one server."""

    def __init__(self, prepared: Prepared, folder: Path, sandbox: Sandbox) -> None:
        self.file = folder / "cascade.db"
        shutil.copy(prepared.database, self.file)
        self.errors, self.traced = folder / "stderr", folder / "traced"
        self.market, self.sandbox = prepared.market, sandbox
        sandbox.world.add_private_chat(READER, started=True)

    def start(self, number: int = 0, moment: str = "") -> BaseProcess:
        """Start it, to be killed before or after a transaction if that is given."""
        arguments = ["replay", "--data", str(self.market), "--from", str(FIRST), "--to", str(LAST)]
        environment = environment_for(self.sandbox, f"sqlite+aiosqlite:///{self.file}")
        folder = self.file.parent
        like = (folder, arguments, environment, folder / "stdout", self.errors)
        return forked(killed.run, number, moment, self.traced, *like)

    async def finish(self, process: BaseProcess) -> int:
        await asyncio.to_thread(process.join)
        if process.exitcode not in (0, -signal.SIGKILL):
            raise AssertionError(self.errors.read_text())
        assert process.exitcode is not None
        return process.exitcode

    def states(self) -> dict[str, str]:
        """Return the state of the delivery of each kind of alert."""
        with sqlite3.connect(self.file) as file:
            query = "SELECT alert.kind, delivery.state FROM delivery JOIN alert ON alert.id = delivery.alert_id"
            return {kind.partition(".")[2]: state for kind, state in file.execute(query)}

    def copies(self, words: str) -> int:
        return sum(text.startswith(words) for text in self.sandbox.sent(READER))


def steps(prepared: Prepared, folder: Path) -> list[str]:
    """Return what each transaction of an undisturbed replay does."""

    async def trace() -> list[str]:
        async with serve(Sandbox(limiter=Limiter(1000, 1000))) as sandbox:
            replay = Replay(prepared, folder, sandbox)
            assert await replay.finish(replay.start()) == 0
        return replay.traced.read_text().splitlines()

    return asyncio.run(trace())


async def kill_at(prepared: Prepared, folder: Path, number: int, moment: str) -> None:
    """Kill at a transaction, and repeat the replay. What is collected is stored in one more or one less of them."""
    for attempt in range(_ATTEMPTS):
        (own := folder / str(attempt)).mkdir()
        async with serve(Sandbox(limiter=Limiter(1000, 1000))) as sandbox:
            replay = Replay(prepared, own, sandbox)
            if await replay.finish(replay.start(number, moment)) == -signal.SIGKILL:
                await _repeat(replay, f"killed {moment} transaction {number}")
                return
    raise AssertionError(f"none of {_ATTEMPTS} replays had a transaction {number}")


async def _repeat(replay: Replay, where: str) -> None:
    """Replay what was killed, and find both alerts as they should be."""
    on_its_way = [kind for kind, state in replay.states().items() if state == "sending"]
    assert await replay.finish(replay.start()) == 0
    where += f", on its way: {on_its_way}"
    final = replay.states()
    for kind, words in (("attempt", ATTEMPT), ("confirmed", CONFIRMED)):
        copies = replay.copies(words)
        if kind not in on_its_way:
            assert (final[kind], copies) == ("sent", 1), where
        elif kind == "attempt":
            # Between the claim and the acknowledgement nobody can know: it shows as unknown, once at most.
            assert final[kind] == "unknown", where
            assert copies <= 1, where
        else:
            # An urgent one is sent once more, and says so.
            assert final[kind] == "sent", where
            assert copies in (1, 2), where
            assert any("Sent once more" in text for text in replay.sandbox.sent(READER)), where


async def kill_on_its_way(prepared: Prepared, folder: Path, which: int, final: str, copies: int) -> None:
    """Kill between the request of the first or second alert and its acknowledgement, and repeat the replay."""
    async with serve(Sandbox(limiter=Limiter(1000, 1000))) as sandbox:
        replay = Replay(prepared, folder, sandbox)
        words, kind = ((ATTEMPT, "attempt"), (CONFIRMED, "confirmed"))[which - 1]
        if which == 1:
            sandbox.faults.append(("sendMessage", Fault.HANG))
        process = replay.start()
        while replay.copies(words) == 0:
            if which == 2 and replay.copies(ATTEMPT) == 1 and not sandbox.faults:
                sandbox.faults.append(("sendMessage", Fault.HANG))
            await asyncio.wait_for(sandbox.called.wait(), 60)
        process.kill()
        await replay.finish(process)
        assert replay.states()[kind] == "sending"
        assert await replay.finish(replay.start()) == 0
        assert replay.states()[kind] == final
        assert replay.copies(words) == copies
