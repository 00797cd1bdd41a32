"""The evening: what is due is decided in order, once, whatever happens."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
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


def write(folder: Path, closes: list[float], *keys: str) -> None:
    """Write a made-up market as CSV files, or only some series of it."""
    for name, frame in market(closes).items():
        if not keys or name in keys:
            table = frame.rename(columns={"value": "close"}).rename_axis("date")
            table.to_csv(folder / f"{name.removeprefix('^')}.csv")


@pytest.fixture(scope="module")
def process() -> MarketInProcess:
    """One market for all tests: a request is complete in itself."""
    return MarketInProcess()


@pytest_asyncio.fixture(loop_scope="module")
async def evening(database_url: str, process: MarketInProcess, tmp_path: Path) -> AsyncIterator[Evening]:
    folder = tmp_path / "market"
    folder.mkdir()
    write(folder, CLOSES, *KEYS)
    async with Database(database_url) as database:
        yield Evening(database, process, f"folder:{folder}", asyncio.Lock())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def begun(process: MarketInProcess, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the history through the session before the first record, recorded once for all that go on."""
    folder = tmp_path_factory.mktemp("begun")
    write(folder, CLOSES, *KEYS)
    shutil.copy(migrated, folder / "begun.db")
    async with Database(f"sqlite+aiosqlite:///{folder}/begun.db") as database:
        await at(Evening(database, process, f"folder:{folder}", asyncio.Lock()), N - 1)
    return folder / "begun.db"


@pytest_asyncio.fixture(loop_scope="module")
async def next_evening(begun: Path, process: MarketInProcess, tmp_path: Path) -> AsyncIterator[Evening]:
    """The evening after that history."""
    folder = tmp_path / "market"
    folder.mkdir()
    write(folder, CLOSES, *KEYS)
    shutil.copy(begun, tmp_path / "cascade.db")
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/cascade.db") as database:
        yield Evening(database, process, f"folder:{folder}", asyncio.Lock())


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

    async def test_the_agenda_says_what_is_due_next(self, evening: Evening) -> None:
        agenda = await at(evening, N)
        assert agenda == Agenda(day(N + 1), decision_time(day(N + 1)), day(N), None)

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

    async def test_without_the_index_nothing_is_recorded_and_the_reason_is_told(self, evening: Evening) -> None:
        (folder_of(evening) / "RUT.csv").unlink()
        agenda = await at(evening, N)
        assert agenda.waiting == "^RUT: there is no file RUT.csv in the data folder"
        assert await rows(evening, verdict) == []

    async def test_while_publishers_are_down_no_history_is_written_at_any_hour(self, evening: Evening) -> None:
        down = [one for one in SERIES.values() if one.source in ("fred", "treasury", "newyorkfed")]
        for one in down:
            (folder_of(evening) / f"{one.file_stem}.csv").write_text("not,a,series\n1,2,3\n")
        morning = datetime.combine(day(N), time(10), NEW_YORK)
        agenda = await evening.run(morning)
        assert agenda.waiting is not None
        assert agenda.waiting.startswith(f"{down[0].key}: {down[0].key}.csv cannot be read")
        until = (morning + timedelta(days=1)).astimezone(UTC)
        without = f", and {len(down) - 1} more series; without them no history is written before"
        assert agenda.waiting.endswith(f"{without} {until:%Y-%m-%d %H:%M} UTC")
        await at(evening, N)
        await evening.run(last_call(day(N)))
        assert await rows(evening, verdict) == []
        for one in down:
            (folder_of(evening) / f"{one.file_stem}.csv").write_text("date,value\n2015-01-07,500\n")
        # What they say is then in the history, and no news.
        await at(evening, N + 1)
        stored = await rows(evening, verdict, verdict.c.backfilled)
        assert len(stored) == N + 2
        assert all(row.backfilled for row in stored)
        assert await alerts(evening) == []

    async def test_what_has_not_come_a_day_after_the_first_evening_is_missing_from_the_history(
        self, evening: Evening
    ) -> None:
        (folder_of(evening) / "RSP.csv").write_text("not,a,series\n1,2,3\n")
        first = decision_time(day(N)) + timedelta(minutes=20)
        for instant in (first, last_call(day(N)), decision_time(day(N + 1))):
            assert (await evening.run(instant)).waiting is not None
            assert await rows(evening, verdict) == []
        await evening.run(first + timedelta(days=1))
        assert [row.backfilled for row in await rows(evening, verdict)] == [True] * (N + 2)
        assert await alerts(evening) == []

    async def test_without_what_a_session_waits_for_there_is_never_a_history(self, evening: Evening) -> None:
        (folder_of(evening) / "SPY.csv").write_text("not,a,series\n1,2,3\n")
        await at(evening, N)
        agenda = await evening.run(decision_time(day(N)) + timedelta(days=3))
        assert agenda.waiting is not None
        assert agenda.waiting.endswith("; without it no history is written")
        assert await rows(evening, verdict) == []

    async def test_a_series_that_begins_later_is_not_waited_for(self, evening: Evening) -> None:
        (folder_of(evening) / "IORB.csv").write_text("date,value\n2021-07-29,0.15\n")
        await at(evening, N)
        assert len(await rows(evening, verdict)) == N + 1

    async def test_a_series_the_source_does_not_carry_is_not_waited_for(self, evening: Evening) -> None:
        (folder_of(evening) / "RSP.csv").unlink()
        await at(evening, N)
        assert len(await rows(evening, verdict)) == N + 1


class TestAnEvening:
    async def test_a_change_is_recorded_with_its_alert(self, next_evening: Evening) -> None:
        await at(next_evening, N)
        assert await alerts(next_evening) == [("breakout.attempt", day(N))]
        row = (await rows(next_evening, verdict, verdict.c.backfilled, verdict.c.decided_at))[-1]
        assert row.backfilled is False
        assert row.decided_at == decision_time(day(N))

    async def test_the_log_says_which_alerts_came_of_a_session(
        self, next_evening: Evening, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        await at(next_evening, N)
        ids = [(vars(line).get("session"), vars(line).get("alert")) for line in caplog.records]
        assert [pair for pair in ids if pair[0]] == [(str(day(N)), None), (str(day(N)), 1)]

    async def test_only_a_confirmation_and_a_failure_are_urgent(self, next_evening: Evening) -> None:
        for position in range(N, N + 5):
            await at(next_evening, position)
        urgent = {row.kind: row.urgent for row in await rows(next_evening, alert)}
        assert urgent == {
            "breakout.attempt": False,
            "breakout.confirmed": True,
            "breakout.failed": True,
        }

    async def test_running_twice_changes_nothing(self, next_evening: Evening) -> None:
        for minutes in (0, 0, 15, 45):
            await at(next_evening, N, minutes)
        assert await alerts(next_evening) == [("breakout.attempt", day(N))]
        assert len(await rows(next_evening, verdict)) == N + 1

    async def test_two_runs_at_once_are_one_after_the_other(self, next_evening: Evening) -> None:
        await asyncio.gather(at(next_evening, N), at(next_evening, N))
        assert await alerts(next_evening) == [("breakout.attempt", day(N))]

    async def test_on_a_weekend_nothing_is_due(self, next_evening: Evening) -> None:
        await at(next_evening, N)
        agenda = await next_evening.run(decision_time(day(N)) + timedelta(hours=20))
        assert agenda.next_session == day(N + 1)
        assert len(await rows(next_evening, verdict)) == N + 1

    async def test_only_what_is_missing_is_archived(self, next_evening: Evening) -> None:
        before = len(await rows(next_evening, observation))
        await at(next_evening, N)
        assert len(await rows(next_evening, observation)) == before + len(KEYS)


class TestWaiting:
    def spoil(self, evening: Evening, key: str, position: int) -> None:
        closes = [*CLOSES]
        closes[position] = np.nan
        write(folder_of(evening), closes, key)

    async def test_a_session_without_its_bar_is_pending_and_told_why(self, next_evening: Evening) -> None:
        self.spoil(next_evening, "^RUT", N)
        agenda = await at(next_evening, N)
        assert agenda.next_session == day(N)
        assert agenda.waiting is not None
        assert "^RUT: newest bar is" in agenda.waiting
        assert await alerts(next_evening) == []
        assert len(await rows(next_evening, verdict)) == N

    async def test_when_the_good_bar_arrives_the_alert_goes_out_once(self, next_evening: Evening) -> None:
        self.spoil(next_evening, "^RUT", N)
        await at(next_evening, N)
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

    async def test_at_the_last_call_a_session_is_written_with_what_is_unknown(self, next_evening: Evening) -> None:
        self.spoil(next_evening, "^RUT", N)
        await at(next_evening, N)
        agenda = await next_evening.run(last_call(day(N)))
        assert agenda.waiting is None
        assert await alerts(next_evening) == [("data.problem", day(N))]
        async with next_evening.database.transaction() as connection:
            stored = read_verdict(await ledger.body_of(connection, day(N)))
        assert stored.breakout.close is None
        assert stored.breakout.reason is not None

    async def test_the_change_then_comes_with_the_next_session_and_says_when_it_happened(
        self, next_evening: Evening
    ) -> None:
        self.spoil(next_evening, "^RUT", N)
        await next_evening.run(last_call(day(N)))
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

    async def test_a_written_verdict_is_never_rewritten(self, evening: Evening) -> None:
        closes = [*CLOSES]
        closes[N] = 100.3
        write(folder_of(evening), closes, *KEYS)
        await at(evening, N - 1)
        await at(evening, N)
        async with evening.database.transaction() as connection:
            before = await ledger.body_of(connection, day(N))
        revised = [*closes]
        revised[N] = 99.9
        write(folder_of(evening), revised, *KEYS)
        await at(evening, N + 1)
        async with evening.database.transaction() as connection:
            assert await ledger.body_of(connection, day(N)) == before
        # Nor does the revised figure enter the rules: the confirming closes are counted on what was seen first.
        await at(evening, N + 2)
        assert ("breakout.confirmed", day(N + 2)) in await alerts(evening)


class TestTheStateOfTheData:
    async def test_a_series_that_goes_stale_is_told_to_the_operators_once_and_once_when_it_is_back(
        self, evening: Evening
    ) -> None:
        path = folder_of(evening) / "RSP.csv"
        whole = path.read_text()
        path.write_text("\n".join(whole.splitlines()[: N - 3]) + "\n")
        await at(evening, N - 4)
        for position in range(N - 3, N + 3):
            await at(evening, position)
        path.write_text(whole)
        await at(evening, N + 3)
        told = [(row.kind, row.audience) for row in await rows(evening, alert) if row.kind.startswith("data.")]
        assert told == [("data.problem", "operators"), ("data.cleared", "operators")]

    async def test_one_that_fails_in_a_session_decided_late_is_told_as_its_end_is(self, evening: Evening) -> None:
        path = folder_of(evening) / "RSP.csv"
        whole = path.read_text()
        path.write_text("\n".join(whole.splitlines()[: N - 3]) + "\n")
        await at(evening, N - 4)
        # It fails from here on, and the bot is down until long after.
        await at(evening, N + 3)
        told = [row for row in await rows(evening, alert) if row.audience == "operators"]
        assert [row.kind for row in told] == ["data.problem"]
        assert told[0].session < day(N + 2)
        path.write_text(whole)
        await at(evening, N + 4)
        told = [row for row in await rows(evening, alert) if row.audience == "operators"]
        assert [row.kind for row in told] == ["data.problem", "data.cleared"]

    async def test_nobody_hears_of_the_end_of_one_that_began_in_history(self, evening: Evening) -> None:
        path = folder_of(evening) / "RSP.csv"
        whole = path.read_text()
        path.write_text("\n".join(whole.splitlines()[: N - 12]) + "\n")
        await at(evening, N - 1)
        path.write_text(whole)
        await at(evening, N)
        changes = [(row.kind, row.session) for row in await rows(evening, transition) if row.kind.startswith("data.")]
        assert changes[-1] == ("data.cleared", day(N))
        assert [row.kind for row in await rows(evening, alert) if row.audience == "operators"] == []


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

    async def test_the_summary_shows_where_the_newest_session_stands(self, next_evening: Evening) -> None:
        await at(next_evening, N + 4)
        summary = (await rows(next_evening, alert))[0]
        # Its last news is of N + 2, and what stands now is what followed.
        assert (summary.kind, summary.session) == ("catch_up", day(N + 4))

    async def test_downtime_without_news_sends_nothing(self, evening: Evening) -> None:
        await at(evening, N - 30)
        await at(evening, N - 1)
        assert await alerts(evening) == []


class TestMarkets:
    async def test_a_database_of_another_market_is_refused_before_anything_is_stored(self, evening: Evening) -> None:
        await at(evening, N)
        other = Evening(evening.database, evening.process, "simulated", asyncio.Lock())
        before = len(await rows(evening, observation))
        with pytest.raises(OtherMarketError):
            await other.run(decision_time(day(N + 1)))
        assert len(await rows(evening, observation)) == before


class TestTheLog:
    async def test_what_is_wrong_with_a_series_is_logged_when_it_changes(
        self, evening: Evening, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        for position in (N - 1, N, N + 1):
            await at(evening, position)
        assert caplog.text.count("KRE: there is no file KRE.csv in the data folder") == 1
        path = folder_of(evening) / "RSP.csv"
        path.write_text("not,a,series\n1,2,3\n")
        for position in (N + 2, N + 3):
            await at(evening, position)
        assert caplog.text.count("RSP: RSP.csv cannot be read") == 1
