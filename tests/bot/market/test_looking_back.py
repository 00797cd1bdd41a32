"""After an evening: the record is computed, alerts keep what they rested on, and what matures is appended."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.market.archive import ArchiveReader
from bot.market.evening import Evening
from bot.market.looking_back import look_back
from bot.market.progress import unreported
from bot.market.protocol import LookBack, NewOutcomes, NewTrackRecord
from bot.messages.record import read_record
from signals.as_json import decode_past
from signals.data.sessions import decision_time
from signals.rules import METHOD_VERSION
from storage import ledger, market, track_record
from storage.database import Database
from storage.schema import compressed, observation, transition
from tests.bot.market.in_process import MarketInProcess
from tests.bot.market.test_evening import N, write
from tests.worlds import day, lead

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEYS = ("^RUT", "IWM", "SPY")
# A confirmed breakout that holds, long enough for the shortest horizon to pass.
CLOSES = [*lead(), 101.0, 102.0, 103.0, *(103.0 + 0.1 * n for n in range(30))]
CONFIRMED, MATURE = N + 2, N + 2 + 1 + 21


@pytest.fixture(scope="module")
def process() -> MarketInProcess:
    return MarketInProcess()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def begun(process: MarketInProcess, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a market, and databases of it.

    The history of the first ends before the attempt and was recorded silently. Of the others one has its record, one
    the confirmation, and one everything until that matured, looked back on.
    """
    folder = tmp_path_factory.mktemp("market")
    write(folder, CLOSES, *KEYS)
    shutil.copy(migrated, folder / "begun.db")
    async with on(folder, process, folder / "begun.db") as evening:
        await evening.run(decision_time(day(N - 1)))
    shutil.copy(folder / "begun.db", folder / "recorded.db")
    async with on(folder, process, folder / "recorded.db") as evening:
        await evening.look_back(decision_time(day(N - 1)))
    shutil.copy(folder / "begun.db", folder / "confirmed.db")
    async with on(folder, process, folder / "confirmed.db") as evening:
        await evening.run(decision_time(day(CONFIRMED)))
    shutil.copy(folder / "confirmed.db", folder / "matured.db")
    async with on(folder, process, folder / "matured.db") as evening:
        await evening.run(decision_time(day(MATURE + 3)))
        await evening.look_back(decision_time(day(MATURE + 3)))
    return folder


@asynccontextmanager
async def on(folder: Path, process: MarketInProcess, database: Path) -> AsyncIterator[Evening]:
    """An evening on a folder with a market, and a database."""
    async with Database(f"sqlite+aiosqlite:///{database}") as own:
        yield Evening(own, process, f"folder:{folder}", asyncio.Lock())


@pytest_asyncio.fixture(loop_scope="module")
async def evening(
    request: pytest.FixtureRequest, process: MarketInProcess, begun: Path, tmp_path: Path
) -> AsyncIterator[Evening]:
    """An evening on a copy of one of those databases, by default the first."""
    shutil.copy(begun / f"{getattr(request, 'param', 'begun')}.db", tmp_path / "cascade.db")
    async with on(begun, process, tmp_path / "cascade.db") as evening:
        yield evening


RECORDED, AFTER_IT, MATURED = (
    pytest.mark.parametrize("evening", [name], indirect=True) for name in ("recorded", "confirmed", "matured")
)


async def live(evening: Evening) -> Sequence[Any]:
    async with evening.database.transaction() as connection:
        return await track_record.live_transitions(connection)


async def outcomes(evening: Evening) -> Sequence[Any]:
    async with evening.database.transaction() as connection:
        return await track_record.outcomes(connection)


async def replies(evening: Evening, now: datetime) -> list[NewTrackRecord | NewOutcomes]:
    # As the child does it: in a thread of its own, with a loop of its own, and nothing kept from before.
    url = evening.database.url.render_as_string()
    return await asyncio.to_thread(lambda: list(look_back(LookBack(url, now), ArchiveReader(), unreported)))


class TestEvidence:
    @AFTER_IT
    async def test_an_alert_keeps_the_earlier_cases_it_rests_on(self, evening: Evening) -> None:
        kinds = {row.kind: row for row in await live(evening)}
        past = decode_past(kinds["breakout.confirmed"].evidence)
        assert past.rule == "breakout.confirmed"
        (followed,) = past.followed
        assert (followed.asset, followed.horizon, followed.n) == ("^RUT", 63, 0)
        assert followed.base.dates > 100

    async def test_history_has_none(self, evening: Evening) -> None:
        async with evening.database.transaction() as connection:
            rows = (await connection.execute(select(transition.c.evidence))).scalars().all()
        assert set(rows) <= {None}


class TestLookBack:
    @RECORDED
    async def test_the_record_is_stored_through_the_newest_session(self, evening: Evening) -> None:
        async with evening.database.transaction() as connection:
            body = await track_record.load(connection)
        assert body is not None
        record = read_record(body)
        assert (record.through, record.method_version) == (day(N - 1), METHOD_VERSION)

    @RECORDED
    async def test_without_a_new_session_nothing_is_asked_of_the_child(self, evening: Evening) -> None:
        now = decision_time(day(N - 1))
        async with evening.database.transaction() as connection:
            await connection.execute(observation.delete())
        # With nothing in the archive the child could not answer.
        await evening.look_back(now)

    @AFTER_IT
    async def test_an_outcome_is_appended_once_its_horizon_has_passed(self, evening: Evening) -> None:
        confirmed = next(row.id for row in await live(evening) if row.kind == "breakout.confirmed")
        for last, expected in ((MATURE - 1, 0), (MATURE, 1)):
            await evening.run(decision_time(day(last)))
            await evening.look_back(decision_time(day(last)))
            rows = [r for r in await outcomes(evening) if r.transition_id == confirmed and r.asset == "^RUT"]
            assert len(rows) == expected
        (row,) = rows
        # Entered a session after the confirmation, left 21 later; a catch-up decides on its own evening's close.
        assert (row.horizon, row.corrects) == (21, None)
        assert row.change == pytest.approx(row.exit_price / row.entry_price - 1)

    @AFTER_IT
    async def test_a_horizon_counts_no_day_on_which_the_exchange_was_closed(self, evening: Evening) -> None:
        async with evening.database.transaction() as connection:
            await market.say_closure(connection, day(CONFIRMED + 5), decision_time(day(CONFIRMED)), closed=True)
        await evening.run(decision_time(day(MATURE + 1)))
        await evening.look_back(decision_time(day(MATURE + 1)))
        exits = {r.exit_on for r in await outcomes(evening) if r.asset == "^RUT" and r.entry_on == day(CONFIRMED + 1)}
        assert exits == {day(MATURE + 1)}

    @MATURED
    async def test_looking_back_again_adds_nothing(self, evening: Evening) -> None:
        before = len(await outcomes(evening))
        assert before > 0
        (matured, _) = await replies(evening, decision_time(day(MATURE + 3)))
        assert matured == NewOutcomes([])

    @MATURED
    async def test_a_corrected_price_appends_a_row_that_points_to_the_old_one(self, evening: Evening) -> None:
        first = next(r for r in await outcomes(evening) if r.asset == "^RUT")
        async with evening.database.transaction() as connection:
            at = (observation.c.series == "^RUT", observation.c.observed_on == first.exit_on)
            await connection.execute(observation.update().where(*at).values(value=first.exit_price * 1.01))
        (matured, _) = await replies(evening, decision_time(day(MATURE + 3)))
        assert isinstance(matured, NewOutcomes)
        assert first.id in [row.corrects for row in matured.rows]

    @MATURED
    async def test_a_split_that_restates_a_history_corrects_nothing(self, evening: Evening) -> None:
        assert {row.asset for row in await outcomes(evening)} >= {"IWM/SPY"}
        async with evening.database.transaction() as connection:
            held = (await connection.execute(select(observation).where(observation.c.series == "IWM"))).all()
            for row in held:
                # As Yahoo serves it again: a third, in single precision.
                at = (observation.c.series == "IWM", observation.c.observed_on == row.observed_on)
                await connection.execute(observation.update().where(*at).values(value=float(np.float32(row.value / 3))))
        (matured, _) = await replies(evening, decision_time(day(MATURE + 3)))
        assert matured == NewOutcomes([])

    async def test_a_late_decision_is_counted_from_when_it_was_made(self, evening: Evening) -> None:
        # The bot was down for four sessions: nobody could have bought on the evening itself.
        late = decision_time(day(CONFIRMED + 4))
        await evening.run(late)
        await evening.run(decision_time(day(CONFIRMED + 4 + 23)))
        await evening.look_back(decision_time(day(CONFIRMED + 4 + 23)))
        entries = {row.entry_on for row in await outcomes(evening) if row.asset == "^RUT"}
        assert min(entries) == day(CONFIRMED + 5)
        assert late - decision_time(day(CONFIRMED)) > timedelta(days=3)

    @RECORDED
    async def test_without_prices_the_old_record_stays(self, evening: Evening) -> None:
        async with evening.database.transaction() as connection:
            await connection.execute(observation.delete())
            rows = [ledger.VerdictRow(day(N), decision_time(day(N)), "3", compressed(b"{}"))]
            await ledger.record(connection, rows, [], backfilled=False)
        await evening.look_back(decision_time(day(N)))
        async with evening.database.transaction() as connection:
            body = await track_record.load(connection)
        assert body is not None
        assert read_record(body).through == day(N - 1)
