"""Two processes on one PostgreSQL: one evaluates, both answer the web-hook and deliver, and the main one is killed midway."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import aiohttp
from sqlalchemy import func, insert, select

from bot.market.evening import Evening
from bot.market.process import MarketProcess
from bot.sandbox.limits import Limiter
from bot.sandbox.server import Sandbox, serve
from bot.sandbox.telegram import Json
from signals.data.sessions import decision_time, nyse_sessions
from storage import ledger
from storage.database import Database
from storage.outbox.states import UNFINISHED
from storage.schema import chat, delivery, received_update
from storage.settings.kinds import BITS
from tests.faults.processes import start
from tests.faults.truth import AT, Account, account, owe
from tests.faults.updates import People

_SECRET = "a-secret-of-nobody-at-all"
_FIRST_RECIPIENT = 1_000_000
# Nobody hears of it who has not said so: who subscribes meanwhile is owed nothing of it.
_OWED = BITS["window.elapsed"]
# Messages a second, of both processes together, and a little more, which is where the server begins to refuse.
_RATE, _REFUSED_FROM = 400, 440
_CONNECTIONS = 40
_LONGEST = 1_800.0
_PACE = {"MESSAGES_PER_SECOND": f"{_RATE}", "CHAT_MESSAGES_PER_SECOND": "30", "LEASE_SECONDS": "20"}
_DECIDED = re.compile(r"session (\S+) decided")


@dataclass
class Found:
    """How it went: what came of the fan-out, of the updates, and of the sessions that were due."""

    account: Account
    updates: int
    lost: int
    again: int
    wrong: list[str]
    decided: Counter[str]
    undecided: int
    is_second_refused: bool
    refused: int
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost or doubled, and every session was decided once."""
        is_whole = self.account.lost == self.account.doubled == self.lost == 0 and not self.wrong
        is_one = self.is_second_refused and self.undecided == 0 and max(self.decided.values(), default=0) <= 1
        return is_whole and is_one

    def __str__(self) -> str:
        second = "refused" if self.is_second_refused else "NOT refused"
        return (
            f"{self.account}; {self.updates} updates to either, {self.lost} lost, {self.again} brought again, "
            f"{len(self.wrong)} chats wrong; {len(self.decided)} sessions decided, at most "
            f"{max(self.decided.values(), default=0)} times each, {self.undecided} not, a second main process {second}; "
            f"{self.refused} 429s; {self.seconds:.0f} s"
        )


class _Processes:
    """The processes, the port of each, and what those wrote that have ended."""

    def __init__(self, sandbox: Sandbox, url: str) -> None:
        self._sandbox, self._url = sandbox, url
        self.ports = {"main": _free_port(), "worker": _free_port()}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._writing: dict[str, list[asyncio.Task[tuple[bytes, bytes]]]] = defaultdict(list)

    async def start(self, mode: str) -> None:
        """Start one, or start it again."""
        self._running[mode] = process = await start(self._sandbox, self._url, mode, self._pace(self.ports[mode]))
        # What it logs must be read, or it would wait for that.
        self._writing[mode].append(asyncio.create_task(process.communicate()))

    async def end(self, mode: str, how: signal.Signals) -> None:
        """End one."""
        self._running[mode].send_signal(how)
        await self._writing[mode][-1]

    async def is_second_refused(self) -> bool:
        """Return whether another main process ends with the sentence that says why."""
        second = await start(self._sandbox, self._url, "main", self._pace(_free_port()))
        _, errors = await second.communicate()
        return second.returncode != 0 and b"another Cascade process is the main process" in errors

    async def written(self) -> str:
        """Return what all of them wrote."""
        found = [await writing for tasks in self._writing.values() for writing in tasks]
        return "".join(errors.decode() for _, errors in found)

    def _pace(self, port: int) -> dict[str, str]:
        hook = {"WEBHOOK_URL": f"http://127.0.0.1:{port}", "WEBHOOK_LISTEN": f"127.0.0.1:{port}"}
        return _PACE | hook | {"WEBHOOK_SECRET": _SECRET, "MARKET_DATA": "simulated"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def two_processes(url: str, seed: int, *, people: int, count: int) -> Found:
    """Owe an alert to many, have ten days decided and bring updates to both; kill the main process halfway."""
    # What setWebhook names is not called: the updates are brought here, to either process.
    sandbox = Sandbox(limiter=Limiter(_REFUSED_FROM, 10**6, 10**6), takes_webhooks=True)
    async with serve(sandbox), Database(url) as database:
        await _prepare(database, sandbox, people)
        writers = People(sandbox, Random(seed), count // 10)
        while len(sandbox.world.updates) < count:
            writers.act()
        updates = sandbox.world.updates[:]
        sandbox.world.updates.clear()
        begun, processes = time.monotonic(), _Processes(sandbox, url)
        await processes.start("main")
        await processes.start("worker")
        bringing = asyncio.create_task(_bring(updates, list(processes.ports.values())))
        await _until_sent(sandbox, 1)
        is_second_refused = await processes.is_second_refused()
        await _until_sent(sandbox, people // 2)
        await processes.end("main", signal.SIGKILL)
        await processes.start("main")
        again = await bringing
        await _until_finished(database)
        seconds = time.monotonic() - begun
        for mode in processes.ports:
            await processes.end(mode, signal.SIGTERM)
        decided = Counter(_DECIDED.findall(await processes.written()))
        return Found(
            await account(database, sandbox, people, only=1), len(updates), await _lost(database, updates), again,
            await writers.wrong(database), decided, await _undecided(database), is_second_refused,
            sandbox.limiter.refused, seconds,
        )  # fmt: skip


async def _prepare(database: Database, sandbox: Sandbox, people: int) -> None:
    """Record a history until ten days ago, and owe an alert to so many."""
    process = MarketProcess()
    await Evening(database, process, "simulated", asyncio.Lock()).run(datetime.now(UTC) - timedelta(days=10))
    await process.close()
    recipients = range(_FIRST_RECIPIENT, _FIRST_RECIPIENT + people)
    row = {"type": "private", "subscribed_at": AT, "loud_kinds": _OWED}
    async with database.transaction() as connection:
        await connection.execute(insert(chat), [row | {"id": chat_id} for chat_id in recipients])
    for chat_id in recipients:
        sandbox.world.add_private_chat(chat_id, started=True)
    await owe(database, urgent=True, kinds=_OWED, origin="simulated")


async def _bring(updates: Sequence[Json], ports: Sequence[int]) -> int:
    """Bring what each chat sent in its order, to one process or the other, again after any answer but 200.

    Returns how often it was again.
    """
    waiting: dict[int, list[Json]] = defaultdict(list)
    for one in updates:
        content = next(value for name, value in one.items() if name != "update_id")
        waiting[content.get("message", content)["chat"]["id"]].append(one)
    free, random = asyncio.Semaphore(_CONNECTIONS), Random(1)
    async with aiohttp.ClientSession(headers={"X-Telegram-Bot-Api-Secret-Token": _SECRET}) as session:

        async def bring_all_of_one(own: Sequence[Json]) -> int:
            again = 0
            for one in own:
                while not await _taken(session, random.choice(ports), one, free):
                    again += 1
                    await asyncio.sleep(0.5)
            return again

        return sum(await asyncio.gather(*map(bring_all_of_one, waiting.values())))


async def _taken(session: aiohttp.ClientSession, port: int, one: Json, free: asyncio.Semaphore) -> bool:
    try:
        async with free, session.post(f"http://127.0.0.1:{port}/telegram", json=one) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, OSError):
        return False


async def _until_sent(sandbox: Sandbox, count: int) -> None:
    """Wait until so many calls were made to send a message."""
    sent = seen = 0
    async with asyncio.timeout(_LONGEST):
        while sent < count:
            await asyncio.sleep(0.1)
            sent += sum(name == "sendMessage" for name, _ in sandbox.calls[seen:])
            seen = len(sandbox.calls)


async def _until_finished(database: Database) -> None:
    """Wait until nothing is owed, nothing is to be handled and no session is due."""
    queued = select(func.count()).where(delivery.c.state.in_(UNFINISHED))
    unhandled = select(func.count()).where(received_update.c.handled_at.is_(None))
    async with asyncio.timeout(_LONGEST):
        while True:
            async with database.reading() as connection:
                left = [(await connection.execute(query)).scalar_one() for query in (queued, unhandled)]
            if not any(left) and not await _undecided(database):
                return
            await asyncio.sleep(1)


async def _lost(database: Database, updates: Sequence[Json]) -> int:
    """Return how many of the updates that were taken are not known to be handled."""
    async with database.reading() as connection:
        handled = select(received_update.c.update_id).where(received_update.c.handled_at.is_not(None))
        known = set((await connection.execute(handled)).scalars())
    return sum(one["update_id"] not in known for one in updates)


async def _undecided(database: Database) -> int:
    """Return how many sessions are due and not decided."""
    now = datetime.now(UTC)
    async with database.reading() as connection:
        newest = await ledger.newest_session(connection)
    assert newest is not None
    due = nyse_sessions(now)
    return sum(newest < day and decision_time(day) <= now for day in (session.date() for session in due[-20:]))
