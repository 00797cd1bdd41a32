"""The exchange was closed and the calendar did not know: the day waits, and then everything is as if it had known."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.cli.history import load
from bot.market.evening import Evening
from signals.data.series import SECTORS
from signals.data.sessions import decision_time, last_call, nyse_sessions
from signals.rules import GATE
from storage import market as stored_market
from storage.database import Database
from storage.market import Agenda
from storage.outbox import notices
from storage.schema import alert, transition, verdict
from tests.bot.market.in_process import MarketInProcess
from tests.worlds import day, lead, market

pytestmark = pytest.mark.asyncio(loop_scope="module")
N = len(lead())
KEYS = (*GATE.blocking, *SECTORS)
# An attempt at N, and by N + 6 a confirmation whatever is taken out of the days after it.
CLOSES = (*lead(), 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0)
# For what needs no breakout.
SHORT = tuple(90.0 + 0.1 * position for position in range(45))


@cache
def files(closes: Sequence[float], closed: Sequence[int]) -> dict[str, str]:
    """Return what the file of each series says, without the bars of some positions."""
    lacking = pd.DatetimeIndex([day(position) for position in closed])
    tables = {name: frame[~frame.index.isin(lacking)] for name, frame in market(closes).items() if name in KEYS}
    return {
        name: table.rename(columns={"value": "close"}).rename_axis("date").to_csv() for name, table in tables.items()
    }


class World:
    """A folder with the stock market; ``closed`` are the positions on which nothing trades."""

    def __init__(self, folder: Path, closed: Iterable[int] = (), closes: Sequence[float] = CLOSES) -> None:
        self.folder, self.closed, self.closes = folder, tuple(closed), closes
        folder.mkdir()
        self.write(*KEYS)

    def write(self, *keys: str, closed: Sequence[int] | None = None) -> None:
        """Write some series anew; ``closed`` is what they lack, by default the closed days."""
        texts = files(self.closes, self.closed if closed is None else tuple(closed))
        for key in keys:
            (self.folder / f"{key.removeprefix('^')}.csv").write_text(texts[key])

    def fail(self, *keys: str) -> None:
        """Let nothing be answered for some series."""
        for key in keys:
            (self.folder / f"{key.removeprefix('^')}.csv").write_text("not,a,series\n1,2,3\n")


@pytest.fixture(scope="module")
def process() -> MarketInProcess:
    return MarketInProcess()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world in which nothing was closed; no test writes to it."""
    return World(tmp_path_factory.mktemp("opened") / "world")


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world in which the day after the attempt was closed; no test writes to it."""
    return World(tmp_path_factory.mktemp("shut") / "world", [N + 1])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def begun(
    process: MarketInProcess, migrated: Path, opened: World, shut: World, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with the database through the attempt, and what became of it in the doubtful day, and in the next."""
    folder = tmp_path_factory.mktemp("begun")
    before = migrated
    for name, world, position in (("begun", opened, N), ("doubted", shut, N + 1), ("noted", shut, N + 2)):
        shutil.copy(before, folder / f"{name}.db")
        async with Database(f"sqlite+aiosqlite:///{folder}/{name}.db") as database:
            await ring(evening_of(database, process, world), position)
        before = folder / f"{name}.db"
    return folder


@asynccontextmanager
async def copied(file: Path, folder: Path) -> AsyncIterator[Database]:
    shutil.copy(file, folder / file.name)
    async with Database(f"sqlite+aiosqlite:///{folder}/{file.name}") as database:
        yield database


@pytest_asyncio.fixture(loop_scope="module")
async def database(begun: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A copy of the database with the history through the attempt, which nothing was closed on or before."""
    async with copied(begun / "begun.db", tmp_path) as database:
        yield database


@pytest_asyncio.fixture(loop_scope="module")
async def doubted(begun: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """The same past the last call of a session without bars."""
    async with copied(begun / "doubted.db", tmp_path) as database:
        yield database


@pytest_asyncio.fixture(loop_scope="module")
async def noted(begun: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """The same after the evening of the session that followed, which had them."""
    async with copied(begun / "noted.db", tmp_path) as database:
        yield database


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(database_url: str) -> AsyncIterator[Database]:
    """A database before the first evening."""
    async with Database(database_url) as database:
        yield database


def evening_of(database: Database, process: MarketInProcess, world: World) -> Evening:
    return Evening(database, process, f"folder:{world.folder}", asyncio.Lock())


async def ring(evening: Evening, position: int) -> Agenda:
    """Run a session's evening at its time, and at its last call if it waits until then."""
    for instant in (decision_time(day(position)), last_call(day(position))):
        agenda = await evening.run(instant)
        if agenda.waiting is None:
            break
    return agenda


async def rows(evening: Evening, *columns: Any) -> list[Any]:
    async with evening.database.reading() as connection:
        return [tuple(row) for row in await connection.execute(select(*columns).order_by(columns[0]))]


async def told(evening: Evening) -> list[str]:
    async with evening.database.reading() as connection:
        return [sentence for _, sentence in await notices.pending(connection)]


async def closures(evening: Evening) -> dict[date, tuple[bool, str]]:
    async with evening.database.reading() as connection:
        return {row.session: (row.closed, row.noted_by) for row in await stored_market.closures(connection)}


async def say(evening: Evening, position: int, *, closed: bool) -> None:
    async with evening.database.transaction() as connection:
        at = decision_time(day(position))
        await stored_market.say_closure(connection, day(position), at, closed=closed)


async def sessions(evening: Evening) -> list[date]:
    return [session for (session,) in await rows(evening, verdict.c.session)]


@pytest.mark.parametrize("length", [1, 4])
async def test_days_without_a_bar_end_as_on_a_calendar_that_knew_them(
    database: Database, process: MarketInProcess, begun: Path, tmp_path: Path, length: int
) -> None:
    closed = range(N + 1, N + 1 + length)
    world = World(tmp_path / "world", closed)
    evening = evening_of(database, process, world)
    for instant in (decision_time(day(closed[0])), last_call(day(closed[-1]))):
        assert (await evening.run(instant)).waiting is not None
    (tmp_path / "knew").mkdir()
    async with copied(begun / "begun.db", tmp_path / "knew") as other:
        knew = evening_of(other, process, world)
        for position in closed:
            await say(knew, position, closed=True)
        for one in (evening, knew):
            for position in range(N + length + 1, N + length + 3):
                await ring(one, position)
        stored = [
            [
                await rows(one, verdict.c.session, verdict.c.decided_at, verdict.c.body),
                await rows(one, transition.c.id, transition.c.subject, transition.c.kind, transition.c.occurred_on),
                await rows(one, alert.c.id, alert.c.key, alert.c.kind, alert.c.session),
            ]
            for one in (evening, knew)
        ]
    assert stored[0] == stored[1]
    kinds = [kind for _, _, kind, _ in stored[0][2]]
    assert kinds == ["breakout.confirmed"]
    assert await closures(evening) == {day(position): (True, "rule") for position in closed}


class TestADoubtfulDay:
    async def test_waits_past_the_last_call_for_the_next_session(
        self, database: Database, process: MarketInProcess, shut: World
    ) -> None:
        evening = evening_of(database, process, shut)
        agenda = await ring(evening, N + 1)
        assert agenda.next_session == day(N + 1)
        assert agenda.waiting is not None
        assert agenda.waiting.startswith(f"^RUT, IWM, SPY: no bar of {day(N + 1)}, though earlier ones are answered")
        assert (await sessions(evening))[-1] == day(N)
        agenda = await ring(evening, N + 2)
        assert (agenda.next_session, agenda.waiting) == (day(N + 3), None)
        assert (await sessions(evening))[-2:] == [day(N), day(N + 2)]

    async def test_is_told_to_the_operators_once_with_how_to_take_it_back(
        self, noted: Database, process: MarketInProcess, shut: World
    ) -> None:
        evening = evening_of(noted, process, shut)
        for position in (N + 3, N + 4):
            await ring(evening, position)
        (sentence,) = await told(evening)
        assert sentence.startswith(f"The exchange seems to have been closed on {day(N + 1)}: ")
        assert sentence.endswith(f"docker compose run --rm cascade closure remove {day(N + 1)}")

    async def test_on_which_the_source_did_not_answer_is_written_at_the_last_call(
        self, database: Database, process: MarketInProcess, tmp_path: Path
    ) -> None:
        world = World(tmp_path / "world")
        evening = evening_of(database, process, world)
        world.fail(*KEYS)
        agenda = await ring(evening, N + 1)
        assert agenda.waiting is None
        assert (await sessions(evening))[-1] == day(N + 1)

    async def test_that_was_a_session_is_decided_when_its_bars_come_with_the_next_ones(
        self, doubted: Database, process: MarketInProcess, opened: World
    ) -> None:
        evening = evening_of(doubted, process, opened)
        await ring(evening, N + 2)
        assert (await sessions(evening))[-2:] == [day(N + 1), day(N + 2)]
        assert await closures(evening) == {}

    async def test_on_which_four_sectors_traded_is_written_with_what_is_unknown(
        self, database: Database, process: MarketInProcess, tmp_path: Path
    ) -> None:
        world = World(tmp_path / "world", [N + 1])
        world.write("XLB", "XLC", "XLE", "XLF", closed=[])
        evening = evening_of(database, process, world)
        assert (await evening.run(last_call(day(N + 1)))).waiting is not None
        await ring(evening, N + 2)
        assert (await sessions(evening))[-2:] == [day(N + 1), day(N + 2)]
        assert await closures(evening) == {}

    async def test_waits_for_the_sectors_on_the_next_evening_though_the_index_is_there(
        self, doubted: Database, process: MarketInProcess, tmp_path: Path
    ) -> None:
        world = World(tmp_path / "world", [N + 1])
        evening = evening_of(doubted, process, world)
        world.fail(*SECTORS)
        assert (await evening.run(decision_time(day(N + 2)))).waiting is not None
        world.write(*SECTORS)
        assert (await evening.run(decision_time(day(N + 2)) + timedelta(minutes=15))).waiting is None
        assert await closures(evening) == {day(N + 1): (True, "rule")}

    async def test_of_which_the_sectors_never_tell_is_written_at_the_next_last_call(
        self, doubted: Database, process: MarketInProcess, tmp_path: Path
    ) -> None:
        world = World(tmp_path / "world", [N + 1])
        evening = evening_of(doubted, process, world)
        world.fail(*SECTORS)
        await ring(evening, N + 2)
        assert (await sessions(evening))[-2:] == [day(N + 1), day(N + 2)]

    async def test_is_not_written_by_a_first_start_and_its_history_lacks_it_later(
        self, fresh: Database, process: MarketInProcess, tmp_path: Path
    ) -> None:
        evening = evening_of(fresh, process, World(tmp_path / "world", [20, 40], SHORT))
        await ring(evening, 40)
        decided = await sessions(evening)
        assert decided[-1] == day(39)
        assert day(20) not in decided
        await ring(evening, 41)
        assert set(await closures(evening)) == {day(20), day(40)}


class TestAnOperator:
    async def test_says_it_at_once_and_nothing_waits(
        self, database: Database, process: MarketInProcess, shut: World
    ) -> None:
        evening = evening_of(database, process, shut)
        await say(evening, N + 1, closed=True)
        agenda = await evening.run(decision_time(day(N + 1)))
        assert agenda == Agenda(day(N + 2), decision_time(day(N + 2)), day(N), None)
        assert await told(evening) == []

    async def test_takes_it_back_and_the_rule_says_no_more(
        self, noted: Database, process: MarketInProcess, shut: World
    ) -> None:
        evening = evening_of(noted, process, shut)
        await say(evening, N + 1, closed=False)
        await ring(evening, N + 3)
        assert await closures(evening) == {day(N + 1): (False, "operator")}

    async def test_says_that_a_doubtful_day_was_a_session_and_it_is_written_at_its_last_call(
        self, database: Database, process: MarketInProcess, shut: World
    ) -> None:
        evening = evening_of(database, process, shut)
        await say(evening, N + 1, closed=False)
        await ring(evening, N + 1)
        assert (await sessions(evening))[-1] == day(N + 1)

    async def test_may_say_it_of_a_day_that_has_bars_and_they_are_not_read(
        self, database: Database, process: MarketInProcess, opened: World
    ) -> None:
        evening = evening_of(database, process, opened)
        await say(evening, N + 1, closed=True)
        for position in (N + 2, N + 3):
            await ring(evening, position)
        confirmed = [row for row in await rows(evening, alert.c.session, alert.c.kind) if "confirmed" in row[1]]
        assert confirmed == [(day(N + 3), "breakout.confirmed")]


async def test_the_command_line_reads_the_archive_on_the_same_calendar(noted: Database) -> None:
    url, now = noted.url.render_as_string(), decision_time(day(N + 2))
    loaded = await asyncio.to_thread(load, None, url, now)
    assert pd.Timestamp(day(N + 1)) not in loaded.calendar
    assert len(loaded.calendar) == len(nyse_sessions(now)) - 1


async def test_a_kill_between_the_closure_and_the_verdict_changes_nothing(
    database: Database, process: MarketInProcess, shut: World
) -> None:
    evening = evening_of(database, process, shut)
    await evening._note_closures([day(N + 1)], decision_time(day(N + 2)))
    await ring(evening, N + 2)
    assert (await sessions(evening))[-2:] == [day(N), day(N + 2)]
    assert len(await told(evening)) == 1


async def test_many_days_of_a_first_history_are_told_in_one_sentence(
    fresh: Database, process: MarketInProcess, tmp_path: Path
) -> None:
    evening = evening_of(fresh, process, World(tmp_path / "world", range(10, 34, 2), SHORT))
    await ring(evening, 40)
    (sentence,) = await told(evening)
    assert " and 2 more days: " in sentence
    assert len(await closures(evening)) == 12


async def test_the_rule_needs_what_the_method_says() -> None:
    assert (GATE.blocking, GATE.closed_sectors, len(SECTORS)) == (("^RUT", "IWM", "SPY"), 8, 11)
