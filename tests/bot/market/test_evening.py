"""The evening: what is due is decided in order, once, whatever happens."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.market.evening import Evening
from bot.market.protocol import Collect
from bot.messages.render import read_verdict
from signals.as_json import encode
from signals.data.series import SERIES
from signals.data.sessions import NEW_YORK, decision_time, last_call
from storage import ledger
from storage.database import Database
from storage.market import Agenda, Market, OtherMarketError, begin_backfill, claim_market, load_market
from storage.schema import alert, compressed, observation, transition, verdict
from tests.bot.market.in_process import MarketInProcess
from tests.bot.running import quiet
from tests.worlds import day, lead, market, sessions

N = len(lead())
pytestmark = pytest.mark.asyncio(loop_scope="module")
KEYS = ("^RUT", "IWM", "SPY", "RSP")
CLOSES = [*lead(), 101.0, 102.0, 103.0, 104.0, 96.0]
# For what needs no breakout, and the session on which its first evening is.
QUIET = [90.0] * 30
M = 20
_made = cache(market)


@cache
def _csv(closes: tuple[float, ...], name: str) -> str:
    return _made(closes)[name].rename(columns={"value": "close"}).rename_axis("date").to_csv()


def write(folder: Path, closes: list[float], *keys: str) -> None:
    """Write a made-up market as CSV files, or only some series of it."""
    for name in keys or _made(tuple(closes)):
        (folder / f"{name.removeprefix('^')}.csv").write_text(_csv(tuple(closes), name))


@pytest.fixture(scope="module")
def process() -> MarketInProcess:
    """One market for all tests: a request is complete in itself."""
    return MarketInProcess()


@asynccontextmanager
async def evening_on(
    database: Path, process: MarketInProcess, folder: Path, closes: list[float]
) -> AsyncIterator[Evening]:
    """An evening on a copy of a database, with a market of its own in a folder."""
    (folder / "market").mkdir()
    write(folder / "market", closes, *KEYS)
    shutil.copy(database, folder / "own.db")
    async with Database(f"sqlite+aiosqlite:///{folder}/own.db") as own:
        yield Evening(own, process, f"folder:{folder / 'market'}", asyncio.Lock())


@pytest_asyncio.fixture(loop_scope="module")
async def evening(migrated: Path, process: MarketInProcess, tmp_path: Path) -> AsyncIterator[Evening]:
    """The first evening on a market with a breakout."""
    async with evening_on(migrated, process, tmp_path, CLOSES) as evening:
        yield evening


@pytest_asyncio.fixture(loop_scope="module")
async def quiet_evening(migrated: Path, process: MarketInProcess, tmp_path: Path) -> AsyncIterator[Evening]:
    """The first evening on a market of a few weeks in which nothing happens."""
    async with evening_on(migrated, process, tmp_path, QUIET) as evening:
        yield evening


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def begun(process: MarketInProcess, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the history through the session before the first record, recorded once for all that go on."""
    folder = tmp_path_factory.mktemp("begun")
    async with evening_on(migrated, process, folder, CLOSES) as evening:
        await at(evening, N - 1)
    return folder / "own.db"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attempted(process: MarketInProcess, begun: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same an evening later."""
    folder = tmp_path_factory.mktemp("attempted")
    async with evening_on(begun, process, folder, CLOSES) as evening:
        await at(evening, N)
    return folder / "own.db"


@pytest_asyncio.fixture(loop_scope="module")
async def next_evening(begun: Path, process: MarketInProcess, tmp_path: Path) -> AsyncIterator[Evening]:
    """The evening after that history."""
    async with evening_on(begun, process, tmp_path, CLOSES) as evening:
        yield evening


@pytest_asyncio.fixture(loop_scope="module")
async def evening_after(attempted: Path, process: MarketInProcess, tmp_path: Path) -> AsyncIterator[Evening]:
    """The evening after that of the first record."""
    async with evening_on(attempted, process, tmp_path, CLOSES) as evening:
        yield evening


def folder_of(evening: Evening) -> Path:
    return Path(evening.market_data.removeprefix("folder:"))


async def rows(evening: Evening, table: Any, *columns: Any) -> list[Any]:
    async with evening.database.transaction() as connection:
        return list(await connection.execute(select(*(columns or (table,)))))


async def alerts(evening: Evening) -> list[tuple[str, date]]:
    return [(row.kind, row.session) for row in await rows(evening, alert)]


async def market_row(evening: Evening) -> Market:
    async with evening.database.transaction() as connection:
        found = await load_market(connection)
    assert found is not None
    return found


async def at(evening: Evening, position: int, minutes: int = 0) -> Agenda:
    """Run the evening of the session at a position, some minutes after its decision time."""
    return await evening.run(decision_time(day(position)) + timedelta(minutes=minutes))


class TestTheFirstRun:
    async def test_the_whole_history_is_recorded_silently(self, evening: Evening) -> None:
        await at(evening, N + 1)
        stored = await rows(evening, verdict, verdict.c.session, verdict.c.backfilled)
        assert [row.session for row in stored] == [s.date() for s in sessions(N + 2)]
        assert all(row.backfilled for row in stored)
        assert await alerts(evening) == []
        assert [row.kind for row in await rows(evening, transition)] == ["breakout.attempt"]
        assert (await market_row(evening)).backfilled_through == day(N + 1)

    async def test_the_agenda_says_what_is_due_next(self, quiet_evening: Evening) -> None:
        agenda = await at(quiet_evening, M)
        assert agenda == Agenda(day(M + 1), decision_time(day(M + 1)), day(M), None)

    async def test_an_interrupted_backfill_goes_on_silently_where_it_stopped(self, evening: Evening) -> None:
        now = decision_time(day(N + 1))
        await evening._collect(Collect(evening._url, evening.market_data, now), now)
        async with evening.database.transaction() as connection:
            await claim_market(connection, "folder")
            await begin_backfill(connection, day(N + 1))
            first = ledger.VerdictRow(day(0), decision_time(day(0)), "1", compressed(encode(quiet())))
            await ledger.record(connection, [first], [], backfilled=True)
        await at(evening, N + 2)
        stored = {row.session: row.backfilled for row in await rows(evening, verdict)}
        assert len(stored) == N + 3
        assert [session for session, backfilled in stored.items() if not backfilled] == [day(N + 2)]
        assert await alerts(evening) == [("breakout.confirmed", day(N + 2))]

    async def test_without_the_index_nothing_is_recorded_and_the_reason_is_told(self, quiet_evening: Evening) -> None:
        (folder_of(quiet_evening) / "RUT.csv").unlink()
        agenda = await at(quiet_evening, M)
        assert agenda.waiting == "^RUT: there is no file RUT.csv in the data folder"
        assert await rows(quiet_evening, verdict) == []

    async def test_while_publishers_are_down_no_history_is_written_at_any_hour(self, quiet_evening: Evening) -> None:
        down = [one for one in SERIES.values() if one.source in ("fred", "treasury", "newyorkfed")]
        for one in down:
            (folder_of(quiet_evening) / f"{one.file_stem}.csv").write_text("not,a,series\n1,2,3\n")
        morning = datetime.combine(day(M), time(10), NEW_YORK)
        agenda = await quiet_evening.run(morning)
        assert agenda.waiting is not None
        assert agenda.waiting.startswith(f"{down[0].key}: {down[0].key}.csv cannot be read")
        until = (morning + timedelta(days=1)).astimezone(UTC)
        without = f", and {len(down) - 1} more series; without them no history is written before"
        assert agenda.waiting.endswith(f"{without} {until:%Y-%m-%d %H:%M} UTC")
        await at(quiet_evening, M)
        await quiet_evening.run(last_call(day(M)))
        assert await rows(quiet_evening, verdict) == []
        for one in down:
            (folder_of(quiet_evening) / f"{one.file_stem}.csv").write_text("date,value\n2015-01-07,500\n")
        # What they say is then in the history, and no news.
        await at(quiet_evening, M + 1)
        stored = await rows(quiet_evening, verdict, verdict.c.backfilled)
        assert len(stored) == M + 2
        assert all(row.backfilled for row in stored)
        assert await alerts(quiet_evening) == []

    async def test_what_has_not_come_a_day_after_the_first_evening_is_missing_from_the_history(
        self, quiet_evening: Evening
    ) -> None:
        (folder_of(quiet_evening) / "RSP.csv").write_text("not,a,series\n1,2,3\n")
        first = decision_time(day(M)) + timedelta(minutes=20)
        for instant in (first, last_call(day(M)), decision_time(day(M + 1))):
            assert (await quiet_evening.run(instant)).waiting is not None
            assert await rows(quiet_evening, verdict) == []
        await quiet_evening.run(first + timedelta(days=1))
        assert [row.backfilled for row in await rows(quiet_evening, verdict)] == [True] * (M + 2)
        assert await alerts(quiet_evening) == []

    async def test_without_what_a_session_waits_for_there_is_never_a_history(self, quiet_evening: Evening) -> None:
        (folder_of(quiet_evening) / "SPY.csv").write_text("not,a,series\n1,2,3\n")
        await at(quiet_evening, M)
        agenda = await quiet_evening.run(decision_time(day(M)) + timedelta(days=3))
        assert agenda.waiting is not None
        assert agenda.waiting.endswith("; without it no history is written")
        assert await rows(quiet_evening, verdict) == []

    async def test_a_series_that_begins_later_is_not_waited_for(self, quiet_evening: Evening) -> None:
        (folder_of(quiet_evening) / "IORB.csv").write_text("date,value\n2021-07-29,0.15\n")
        await at(quiet_evening, M)
        assert len(await rows(quiet_evening, verdict)) == M + 1

    async def test_a_series_the_source_does_not_carry_is_not_waited_for(self, quiet_evening: Evening) -> None:
        (folder_of(quiet_evening) / "RSP.csv").unlink()
        await at(quiet_evening, M)
        assert len(await rows(quiet_evening, verdict)) == M + 1


class TestAnEvening:
    async def test_a_change_is_recorded_with_its_alert(self, evening_after: Evening) -> None:
        assert await alerts(evening_after) == [("breakout.attempt", day(N))]
        row = (await rows(evening_after, verdict, verdict.c.backfilled, verdict.c.decided_at))[-1]
        assert row.backfilled is False
        assert row.decided_at == decision_time(day(N))

    async def test_only_what_is_missing_is_archived_and_the_log_says_which_alerts_came_of_a_session(
        self, next_evening: Evening, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        before = len(await rows(next_evening, observation))
        await at(next_evening, N)
        ids = [(vars(line).get("session"), vars(line).get("alert")) for line in caplog.records]
        assert [pair for pair in ids if pair[0]] == [(str(day(N)), None), (str(day(N)), 1)]
        assert len(await rows(next_evening, observation)) == before + len(KEYS)

    async def test_only_a_confirmation_and_a_failure_are_urgent(self, evening_after: Evening) -> None:
        for position in (N + 2, N + 4):
            await at(evening_after, position)
        urgent = {row.kind: row.urgent for row in await rows(evening_after, alert)}
        assert urgent == {
            "breakout.attempt": False,
            "breakout.confirmed": True,
            "breakout.failed": True,
        }

    async def test_running_twice_changes_nothing(self, evening_after: Evening) -> None:
        for minutes in (0, 15, 45):
            await at(evening_after, N, minutes)
        assert await alerts(evening_after) == [("breakout.attempt", day(N))]
        assert len(await rows(evening_after, verdict)) == N + 1

    async def test_two_runs_at_once_are_one_after_the_other(self, next_evening: Evening) -> None:
        await asyncio.gather(at(next_evening, N), at(next_evening, N))
        assert await alerts(next_evening) == [("breakout.attempt", day(N))]

    async def test_on_a_weekend_nothing_is_due(self, evening_after: Evening) -> None:
        agenda = await evening_after.run(decision_time(day(N)) + timedelta(hours=20))
        assert agenda.next_session == day(N + 1)
        assert len(await rows(evening_after, verdict)) == N + 1


class TestWaiting:
    def spoil(self, evening: Evening, key: str, position: int) -> None:
        closes = [*CLOSES]
        closes[position] = np.nan
        write(folder_of(evening), closes, key)

    async def test_a_session_without_its_bar_is_pending_and_when_it_arrives_the_alert_goes_out_once(
        self, next_evening: Evening
    ) -> None:
        self.spoil(next_evening, "^RUT", N)
        agenda = await at(next_evening, N)
        assert agenda.next_session == day(N)
        assert agenda.waiting is not None
        assert "^RUT: newest bar is" in agenda.waiting
        assert await alerts(next_evening) == []
        assert len(await rows(next_evening, verdict)) == N
        write(folder_of(next_evening), CLOSES, *KEYS)
        await at(next_evening, N, minutes=45)
        await at(next_evening, N, minutes=90)
        assert await alerts(next_evening) == [("breakout.attempt", day(N))]
        decided = (await rows(next_evening, verdict, verdict.c.decided_at))[-1].decided_at
        assert decided == decision_time(day(N)) + timedelta(minutes=45)

    async def test_a_bar_that_is_there_but_wrong_is_asked_for_again_and_the_good_one_counts(
        self, next_evening: Evening
    ) -> None:
        wrong = [*CLOSES]
        wrong[N] = 50.5
        write(folder_of(next_evening), wrong, "^RUT")
        agenda = await at(next_evening, N)
        assert agenda.waiting is not None
        assert "moved more than 20%" in agenda.waiting
        write(folder_of(next_evening), CLOSES, *KEYS)
        agenda = await at(next_evening, N, minutes=15)
        assert agenda.waiting is None
        assert await alerts(next_evening) == [("breakout.attempt", day(N))]
        kept = [
            row.value
            for row in await rows(next_evening, observation)
            if (row.series, row.observed_on) == ("^RUT", day(N))
        ]
        assert kept == [50.5, 101.0]

    async def test_at_the_last_call_a_session_is_written_with_what_is_unknown_and_the_change_comes_with_the_next_one(
        self, next_evening: Evening
    ) -> None:
        self.spoil(next_evening, "^RUT", N)
        agenda = await next_evening.run(last_call(day(N)))
        assert agenda.waiting is None
        assert await alerts(next_evening) == [("data.problem", day(N))]
        async with next_evening.database.transaction() as connection:
            stored = read_verdict(await ledger.body_of(connection, day(N)))
        assert stored.breakout.close is None
        assert stored.breakout.reason is not None
        write(folder_of(next_evening), CLOSES, *KEYS)
        await at(next_evening, N + 1)
        # The operators hear of the fault once, and once that it is over.
        assert await alerts(next_evening) == [
            ("data.problem", day(N)),
            ("breakout.attempt", day(N + 1)),
            ("data.cleared", day(N + 1)),
        ]
        told = {row.kind: row.occurred_on for row in await rows(next_evening, transition)}
        assert told["breakout.attempt"] == day(N)

    async def test_a_written_verdict_is_never_rewritten(self, next_evening: Evening) -> None:
        closes = [*CLOSES]
        closes[N] = 100.3
        write(folder_of(next_evening), closes, *KEYS)
        await at(next_evening, N)
        async with next_evening.database.transaction() as connection:
            before = await ledger.body_of(connection, day(N))
        revised = [*closes]
        revised[N] = 99.9
        write(folder_of(next_evening), revised, *KEYS)
        await at(next_evening, N + 1)
        async with next_evening.database.transaction() as connection:
            assert await ledger.body_of(connection, day(N)) == before
        # Nor does the revised figure enter the rules: the confirming closes are counted on what was seen first.
        await at(next_evening, N + 2)
        assert ("breakout.confirmed", day(N + 2)) in await alerts(next_evening)


class TestTheStateOfTheData:
    def end(self, evening: Evening, position: int) -> None:
        """Let the file of one series end before a position."""
        path = folder_of(evening) / "RSP.csv"
        path.write_text("\n".join(path.read_text().splitlines()[: position + 1]) + "\n")

    async def test_a_series_that_goes_stale_is_told_to_the_operators_once_and_once_when_it_is_back(
        self, quiet_evening: Evening
    ) -> None:
        self.end(quiet_evening, M - 4)
        # It is late for three sessions before it is stale.
        for position in (M - 4, M - 2):
            await at(quiet_evening, position)
        assert await alerts(quiet_evening) == []
        for position in (M - 1, M):
            await at(quiet_evening, position)
        write(folder_of(quiet_evening), QUIET, "RSP")
        await at(quiet_evening, M + 1)
        told = [(row.kind, row.audience) for row in await rows(quiet_evening, alert) if row.kind.startswith("data.")]
        assert told == [("data.problem", "operators"), ("data.cleared", "operators")]

    async def test_one_that_fails_in_a_session_decided_late_is_told_as_its_end_is(self, quiet_evening: Evening) -> None:
        self.end(quiet_evening, M - 4)
        await at(quiet_evening, M - 4)
        # It fails from here on, and the bot is down until long after.
        await at(quiet_evening, M + 3)
        told = [row for row in await rows(quiet_evening, alert) if row.audience == "operators"]
        assert [row.kind for row in told] == ["data.problem"]
        assert told[0].session < day(M + 2)
        write(folder_of(quiet_evening), QUIET, "RSP")
        await at(quiet_evening, M + 4)
        told = [row for row in await rows(quiet_evening, alert) if row.audience == "operators"]
        assert [row.kind for row in told] == ["data.problem", "data.cleared"]

    async def test_nobody_hears_of_the_end_of_one_that_began_in_history(self, quiet_evening: Evening) -> None:
        self.end(quiet_evening, M - 12)
        await at(quiet_evening, M - 1)
        write(folder_of(quiet_evening), QUIET, "RSP")
        await at(quiet_evening, M)
        changes = [
            (row.kind, row.session) for row in await rows(quiet_evening, transition) if row.kind.startswith("data.")
        ]
        assert changes[-1] == ("data.cleared", day(M))
        assert [row.kind for row in await rows(quiet_evening, alert) if row.audience == "operators"] == []


class TestAfterDowntime:
    async def test_every_missed_session_is_decided_and_old_news_is_one_summary(self, next_evening: Evening) -> None:
        await at(next_evening, N + 4)
        stored = await rows(next_evening, verdict, verdict.c.session)
        assert [row.session for row in stored][-5:] == [day(N + i) for i in range(5)]
        kinds = [kind for kind, _ in await alerts(next_evening)]
        assert kinds == ["catch_up", "breakout.failed"]
        summary = (await rows(next_evening, alert))[0]
        told = [row.kind for row in await rows(next_evening, transition) if row.id in summary.transitions]
        assert told == ["breakout.attempt", "breakout.confirmed"]
        assert summary.urgent
        # It shows where the newest session stands: its last news is of N + 2, and what stands now is what followed.
        assert summary.session == day(N + 4)

    async def test_downtime_without_news_sends_nothing(self, quiet_evening: Evening) -> None:
        await at(quiet_evening, M - 10)
        await at(quiet_evening, M)
        assert await alerts(quiet_evening) == []


class TestMarkets:
    async def test_a_database_of_another_market_is_refused_before_anything_is_stored(
        self, next_evening: Evening
    ) -> None:
        other = Evening(next_evening.database, next_evening.process, "simulated", asyncio.Lock())
        before = len(await rows(next_evening, observation))
        with pytest.raises(OtherMarketError):
            await other.run(decision_time(day(N)))
        assert len(await rows(next_evening, observation)) == before


class TestTheLog:
    async def test_what_is_wrong_with_a_series_is_logged_when_it_changes(
        self, quiet_evening: Evening, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        for position in (M, M + 1):
            await at(quiet_evening, position)
        assert caplog.text.count("KRE: there is no file KRE.csv in the data folder") == 1
        (folder_of(quiet_evening) / "RSP.csv").write_text("not,a,series\n1,2,3\n")
        for position in (M + 2, M + 3):
            await at(quiet_evening, position)
        assert caplog.text.count("RSP: RSP.csv cannot be read") == 1
