"""Live through sessions one by one, with everything that happens to a bot in a year, and account for all of it."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
from sqlalchemy import exists, func, or_, select

from bot.app import App, build
from bot.clock import NEW_YORK, SteppedClock
from bot.delivery.purging import Purger
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from signals.data.sessions import decision_time
from storage import migrate as migrating
from storage.chain.verify import verify
from storage.database import parse_url
from storage.keeping.backup import back_up, restore
from storage.market import closures, load_market
from storage.migrate import newest_revision
from storage.operator import pause
from storage.outbox.states import State
from storage.schema import alert, chat, delivery, received_update, verdict
from tests.bot.market.in_process import MarketInProcess
from tests.bot.running import settings_for
from tests.soak.accounting import Accounts, all_chats
from tests.soak.crowd import gather
from tests.soak.market import BEGIN, SoakMarket
from tests.storage.test_releases import NEXT
from tests.worlds import day

# What happens on which session of a month; some of it in the first month alone.
PAUSE, RESUME, REFUSALS, OFF, OUTAGE, REVISION, SPLIT, CLOSED, ROLLBACK, UPGRADE, BLOCKS = (
    *(0, 2, 3, (5, 6, 7), 8, 9, 11, 10, 12, 13, 14),
)
MONTH = 21
_MORNING, _EVENING = time(8), time(17, 30)
_STOPS = (time(3), _MORNING, _EVENING, time(21))
# By then the quiet hours of every chat are over, and a pause.
_SETTLED = timedelta(days=7)
_LONGEST = 120.0


@dataclass
class Sample:
    """What the process and its database weigh: bytes, open files, rows."""

    resident: int
    handles: int
    database: int
    deliveries: int
    updates: int


@dataclass
class Lived:
    """What a soak found."""

    accounts: Accounts = field(default_factory=Accounts)
    happened: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    asked: int = 0
    answered: int = 0
    decided: int = 0
    links: int = 0


class Soak:
    """A bot in a folder, its market and its chats."""

    def __init__(self, folder: Path, sandbox: Sandbox, sessions: int, people: int) -> None:
        self.lived = Lived()
        self._folder, self._sandbox, self._sessions, self._people = folder, sandbox, sessions, people
        self._path, self._last = folder / "cascade.db", day(BEGIN + sessions - 1)
        self._market = SoakMarket(folder / "market", sessions, BEGIN + CLOSED if sessions > CLOSED else None)
        more = {"market_data": f"folder:{folder / 'market'}", "messages_per_second": 1000}
        self._settings = settings_for(sandbox, f"sqlite+aiosqlite:///{self._path}", **more)
        self._clock, self._process = SteppedClock(decision_time(day(BEGIN - 1))), MarketInProcess()
        self._is_out = self._is_paused = False

    async def run(self, report: Callable[[str], None]) -> Lived:
        """Live through all sessions, and some days more, until nothing is owed any more."""
        first = day(BEGIN - 1)
        positions = {day(BEGIN + number): number for number in range(self._sessions)}
        with self._versions() as upgrade:
            async with self._running() as app:
                await app.decide()
                self._chats = await gather(app.database, self._sandbox, self._people, self._clock.now(), first)
                await self._settle(app)
            days: Iterator[date] = iter(_days(first, self._last + _SETTLED + timedelta(days=1)))
            # From one start of the bot to the next.
            while (today := next(days, None)) is not None:
                number = positions.get(today)
                if _coming(today, positions) in OFF:
                    self.lived.happened["off"] += number is not None
                    continue
                async with self._running() as app:
                    while True:
                        await self._day(app, today, number)
                        if today > self._last and not await self._is_held(app):
                            days = iter(())  # Nothing is owed any more.
                        number = positions.get(today + timedelta(days=1))
                        is_last = _coming(today + timedelta(days=1), positions) in (*OFF, ROLLBACK, UPGRADE)
                        if is_last or (following := next(days, None)) is None:
                            break
                        today = following
                report(f"{today}: {sum(self.lived.accounts.ends.values())} deliveries, {self.lived.samples[-1]}")
                if number is not None and number % MONTH == ROLLBACK:
                    await self._roll_back()
                if number == UPGRADE:
                    upgrade()
            async with self._running() as app:
                await self._close(app)
        return self.lived

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[App]:
        async with build(self._settings, self._clock, self._process, MarketInProcess()) as app:
            await app.connect()
            await app.sender.recover()
            delivering = asyncio.create_task(app.sender.run())
            try:
                yield app
            finally:
                delivering.cancel()
                await asyncio.gather(delivering, return_exceptions=True)

    async def _day(self, app: App, today: date, number: int | None) -> None:
        """Live through one day; ``number`` counts the session, if it is one."""
        for at in _STOPS:
            now = datetime.combine(today, at, NEW_YORK)
            self._clock.move(now)
            if at == _EVENING and number is not None:
                self._happen(number)
            before = await all_chats(app.database)
            # On the days after the last session there is only what is still owed.
            if today <= self._last and at in (_MORNING, _EVENING) and await self._is_due(app, now):
                await app.decide()
                await app.evening.watch(self._clock.now())
            if at == _EVENING and number is not None and number % MONTH in (PAUSE, RESUME):
                await self._pause(app, now, begins=number % MONTH == PAUSE)
            await self._listen(app, before, now)
            if at == _MORNING and self._is_out:
                self._market.mend("IWM")
                self._is_out = False
        # What nobody met of the faults is over.
        self._sandbox.faults.clear()
        await self._ask(app, today)
        await self.lived.accounts.settle(app.database, self._clock.now() - _SETTLED)
        await Purger(app.database, self._clock).once()
        if number is not None:
            self.lived.samples.append(await self._sample(app))

    async def _listen(self, app: App, before: Sequence[Any], now: datetime) -> None:
        """Wait until what is owed has been sent, and account for it; ``before`` are the chats as they were."""
        await self.lived.accounts.expect(app.database, before, now)
        if not self._is_paused:
            await self._settle(app)
        await self.lived.accounts.expect(app.database, [], now)
        self.lived.accounts.hear(self._sandbox)

    async def _pause(self, app: App, now: datetime, *, begins: bool) -> None:
        """Let the operators hold the delivery, or let it go on."""
        async with app.database.transaction() as connection:
            await (pause.begin(connection, now) if begins else pause.end(connection))
        self._is_paused = begins
        self.lived.happened["pause"] += begins

    async def _is_due(self, app: App, now: datetime) -> bool:
        async with app.database.reading() as connection:
            row = await load_market(connection)
        return row is None or row.agenda is None or row.agenda.next_decision_at <= now

    def _happen(self, number: int) -> None:
        """Let happen what does on a session of a month."""
        month, position = number % MONTH, BEGIN + number
        if month == OUTAGE:
            self._market.fail("IWM")
            self._is_out = True
        elif month == REFUSALS:
            too_many = BotApiError(429, "Too Many Requests: retry after 1", {"retry_after": 1})
            kinds = (Fault.RESET, Fault.BAD_GATEWAY, Fault.RESET_BEFORE, Fault.NOT_JSON)
            self._sandbox.faults = [("sendMessage", one) for one in (*kinds * 3, too_many)]
        elif month == REVISION:
            self._market.revise("SPY", position - 2)
        elif number == SPLIT:
            self._market.split("IWC", position)
        elif month == BLOCKS:
            for chat_id in self._chats[number % 50 :: 50]:
                self._sandbox.world.chats[chat_id].blocked = True
        else:
            return
        names = {OUTAGE: "outage", REFUSALS: "refusals", REVISION: "revision", SPLIT: "split", BLOCKS: "blocks"}
        self.lived.happened[names[month]] += 1

    async def _settle(self, app: App) -> None:
        """Wait until nothing is owed now: whatever is left is for a later hour."""
        app.sender.wake()
        async with asyncio.timeout(_LONGEST):
            while await self._is_owed(app):
                await asyncio.sleep(0.05)

    async def _is_owed(self, app: App) -> bool:
        now = self._clock.now()
        of_deliveries = or_(
            delivery.c.state.in_((State.QUEUED, State.SENDING)),
            (delivery.c.state == State.HELD) & (delivery.c.not_before <= now),
        )
        owed = (
            exists().where(of_deliveries),
            exists().where(alert.c.fanned_out_at.is_(None)),
            exists().where(chat.c.digest_due_at <= now, chat.c.gone_at.is_(None), chat.c.subscribed_at.is_not(None)),
        )
        async with app.database.reading() as connection:
            return bool((await connection.execute(select(or_(*owed)))).scalar_one())

    async def _is_held(self, app: App) -> bool:
        async with app.database.reading() as connection:
            return bool((await connection.execute(select(exists().where(delivery.c.state == State.HELD)))).scalar_one())

    async def _ask(self, app: App, today: date) -> None:
        """Let somebody ask, and count whether there was an answer."""
        state = self._sandbox.world.chats[self._chats[today.toordinal() % len(self._chats)]]
        if state.blocked or state.chat["type"] == "channel":
            return
        before = len(state.messages)
        self._sandbox.world.write(state.chat["id"], "/id@cascade_sandbox_bot", user_id=1)
        while self._sandbox.world.updates:
            await app.poller.once()
        self.lived.asked += 1
        self.lived.answered += len(state.messages) == before + 2

    async def _sample(self, app: App) -> Sample:
        process = psutil.Process()
        async with app.database.reading() as connection:
            deliveries, updates = [
                (await connection.execute(select(func.count()).select_from(table))).scalar_one()
                for table in (delivery, received_update)
            ]
        size = sum(path.stat().st_size for path in self._folder.glob("cascade.db*"))
        return Sample(process.memory_info().rss, process.num_fds(), size, deliveries, updates)

    async def _roll_back(self) -> None:
        """Copy the database, lose it, and go on from the copy."""
        copy = self._folder / "copy.db"
        copy.unlink(missing_ok=True)
        url = parse_url(self._settings.database_url)
        await asyncio.to_thread(back_up, url, copy)
        self._path.write_bytes(b"lost")
        await asyncio.to_thread(restore, url, copy)
        self.lived.happened["rollback"] += 1

    @contextmanager
    def _versions(self) -> Iterator[Callable[[], None]]:
        """Yield what lets a later version, with a later schema, run from then on."""
        folder, newest = self._folder / "migrations", newest_revision()
        shutil.copytree(migrating._FOLDER, folder)
        with patch.object(migrating, "_FOLDER", folder):
            following = f"{int(newest) + 1:04}"

            def upgrade() -> None:
                (folder / "versions" / f"{following}_made_up.py").write_text(NEXT.format(next=following, newest=newest))
                self.lived.happened["upgrade"] += 1

            yield upgrade

    async def _close(self, app: App) -> None:
        """Account for what is left, and recompute the live record's chain."""
        await self.lived.accounts.settle(app.database, self._clock.now())
        await self.lived.accounts.look_for_untold(app.database)
        async with app.database.transaction() as connection:
            self.lived.links = len(await verify(connection))
            live = select(func.count()).select_from(verdict).where(~verdict.c.backfilled)
            self.lived.decided = (await connection.execute(live)).scalar_one()
            self.lived.happened["closure"] = sum(row.closed for row in await closures(connection))


def _days(first: date, last: date) -> Iterator[date]:
    """Yield every day after the first one, to the last one."""
    for number in range(1, (last - first).days + 1):
        yield first + timedelta(days=number)


def _coming(today: date, positions: Mapping[date, int]) -> int | None:
    """Return which session of its month a day is, or the next one; ``None`` after the last."""
    return next((number % MONTH for session, number in positions.items() if session >= today), None)
