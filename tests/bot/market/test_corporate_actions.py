"""A split carried out late, and a distribution that cannot be, evening by evening: doubted, told, and nothing switches."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import pytest_asyncio

from bot.market.evening import Evening
from bot.market.process import MarketProcessError
from bot.market.protocol import Observations, Reply, Request
from bot.messages.render import read_verdict
from signals.data.adjust import adjusted_close
from signals.data.sessions import decision_time, last_call
from signals.data.vintages import settle
from signals.model import Freshness
from storage import ledger, observations
from storage.database import Database
from tests.bot.market.in_process import MarketInProcess
from tests.bot.market.test_collecting import Dying
from tests.bot.market.test_evening import KEYS, N, alerts
from tests.worlds import day, lead, market

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLOSES = (*lead(), 101.0, 102.0, 103.0, 104.0, 105.0)
PRICES = ["value", "open", "high", "low"]
Spoil = Callable[[pd.DataFrame, int], pd.DataFrame]
NO_STEP = 0.2
_made = cache(market)


class Market:
    """A folder in which one series is spoiled, and the evenings on it."""

    def __init__(self, database: Database, process: MarketInProcess, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key
        self.database = database
        self.evening = Evening(database, process, f"folder:{folder}", asyncio.Lock())

    def write(self, position: int, spoil: Spoil) -> None:
        for key in KEYS:
            frame = _made(CLOSES)[key].iloc[: position + 1]
            table = spoil(frame, position) if key == self.key else frame
            table = table.rename(columns={"value": "close"}).rename_axis("date")
            table.to_csv(self.folder / f"{key.removeprefix('^')}.csv")

    async def run(self, position: int, spoil: Spoil, *, at_last_call: bool = False) -> Freshness | None:
        """Live through the evening of a session; return what is thought of the spoiled series, None if nothing yet."""
        self.write(position, spoil)
        session = day(position)
        await self.evening.run(last_call(session) if at_last_call else decision_time(session))
        async with self.database.reading() as connection:
            if await ledger.newest_session(connection) != session:
                return None
            sources = read_verdict(await ledger.body_of(connection, session)).sources
        return next(source.verdict for source in sources if source.series == self.key)

    async def steps(self, now_at: int) -> pd.Series[float]:
        """Return the steps of the adjusted series as the rules see it on an evening."""
        now = last_call(day(now_at))
        async with self.database.reading() as connection:
            frame = settle(await observations.load_vintages(connection, now, [self.key]))[self.key]
        return adjusted_close(frame).where(~frame["doubted"]).dropna().pct_change().dropna()


@pytest.fixture(scope="module")
def process() -> MarketInProcess:
    return MarketInProcess()


@asynccontextmanager
async def market_of(key: str, database: Path, process: MarketInProcess, folder: Path) -> AsyncIterator[Market]:
    """A market on a copy of a database."""
    shutil.copy(database, folder / "own.db")
    async with Database(f"sqlite+aiosqlite:///{folder}/own.db") as own:
        yield Market(own, process, folder, key)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def begun(process: MarketInProcess, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the history through N, to which nothing is done in any test."""
    folder = tmp_path_factory.mktemp("begun")
    async with market_of("RSP", migrated, process, folder) as market:
        await market.run(N, as_it_is)
    return folder / "own.db"


@pytest_asyncio.fixture(loop_scope="module")
async def rsp(begun: Path, process: MarketInProcess, tmp_path: Path) -> AsyncIterator[Market]:
    async with market_of("RSP", begun, process, tmp_path) as market:
        yield market


@pytest_asyncio.fixture(loop_scope="module")
async def iwm(begun: Path, process: MarketInProcess, tmp_path: Path) -> AsyncIterator[Market]:
    async with market_of("IWM", begun, process, tmp_path) as market:
        yield market


def split(frame: pd.DataFrame, *, bars: slice, by: float = 2.0) -> pd.DataFrame:
    """Divide some bars by a split listed on the session after N."""
    table = frame.copy()
    table.loc[table.index[bars], PRICES] /= by
    if len(table) > N + 1:
        table.loc[table.index[N + 1], "split"] = by
    return table


def late(frame: pd.DataFrame, position: int) -> pd.DataFrame:
    """The bars before it are divided two evenings after the split."""
    return split(frame, bars=slice(None) if position >= N + 3 else slice(N + 1, None))


def early(frame: pd.DataFrame, position: int) -> pd.DataFrame:
    """The bars before it are divided on the evening of the split, its own and the next one's two evenings later."""
    return split(frame, bars=slice(None) if position >= N + 3 else slice(None, N + 1) if position > N else slice(0, 0))


def in_time(frame: pd.DataFrame, position: int) -> pd.DataFrame:
    return split(frame, bars=slice(None) if position >= N + 1 else slice(0, 0))


def as_it_is(frame: pd.DataFrame, position: int) -> pd.DataFrame:
    return frame


@pytest.mark.parametrize("spoil", [late, early])
async def test_until_a_split_is_carried_out_in_all_bars_the_series_is_invalid_and_shows_no_step(
    rsp: Market, spoil: Spoil
) -> None:
    thought = []
    for position in range(N, N + 4):
        thought.append(await rsp.run(position, spoil))
        assert (await rsp.steps(position)).abs().max() < NO_STEP
    assert thought == [Freshness.OK, Freshness.INVALID, Freshness.INVALID, Freshness.OK]


async def test_one_carried_out_in_time_changes_nothing(rsp: Market) -> None:
    for position in range(N, N + 3):
        assert await rsp.run(position, in_time) is Freshness.OK
        assert (await rsp.steps(position)).abs().max() < NO_STEP
    assert [kind for kind, _ in await alerts(rsp.evening)] == ["breakout.confirmed"]


async def test_a_distribution_a_hundred_times_too_large_is_doubted_until_it_is_corrected(iwm: Market) -> None:
    def too_large(frame: pd.DataFrame, position: int) -> pd.DataFrame:
        table = frame.copy()
        if position > N:
            table.loc[table.index[N + 1], "dividend"] = 16.0 if position == N + 1 else 0.16
        return table

    assert await iwm.run(N, as_it_is) is Freshness.OK
    assert await iwm.run(N + 1, too_large) is None
    assert await iwm.run(N + 1, too_large, at_last_call=True) is Freshness.INVALID
    assert [kind for kind, _ in await alerts(iwm.evening)] == ["data.problem"]
    assert await iwm.run(N + 2, too_large) is Freshness.OK
    assert [kind for kind, _ in await alerts(iwm.evening)] == ["data.problem", "breakout.confirmed", "data.cleared"]
    assert (await iwm.steps(N + 2)).iloc[-2] == pytest.approx(51.0 / (50.5 - 0.16) - 1)


async def test_a_corrected_close_is_used_once_the_whole_history_agrees(rsp: Market) -> None:
    def corrected(frame: pd.DataFrame, position: int) -> pd.DataFrame:
        table = frame.copy()
        if position > N:
            table.loc[table.index[N], PRICES] *= 1.03
        return table

    for position in range(N, N + 2):
        assert await rsp.run(position, corrected) is Freshness.OK
    assert (await rsp.steps(N + 1)).iloc[-2] == pytest.approx(101.0 / 90.0 * 1.03 - 1)


async def test_a_whole_history_that_is_shorter_than_what_is_archived_is_not_used(rsp: Market) -> None:
    def cut(frame: pd.DataFrame, position: int) -> pd.DataFrame:
        return split(frame, bars=slice(None)).iloc[-20:] if position > N else frame

    assert await rsp.run(N, cut) is Freshness.OK
    assert await rsp.run(N + 1, cut) is Freshness.INVALID
    assert len(await rsp.steps(N + 1)) == N


async def test_a_process_that_dies_amid_a_whole_history_leaves_what_was_archived(rsp: Market) -> None:
    class DyingAmid(Dying):
        async def ask(self, request: Request) -> AsyncIterator[Reply]:
            async for reply in super().ask(request):
                yield reply
                if isinstance(reply, Observations) and reply.restated:
                    raise MarketProcessError("the market process ended with code -9")

    assert await rsp.run(N, in_time) is Freshness.OK
    rsp.write(N + 1, in_time)
    dying = Evening(rsp.database, DyingAmid(10**6), rsp.evening.market_data, asyncio.Lock())
    with pytest.raises(MarketProcessError):
        await dying.run(decision_time(day(N + 1)))
    assert (await rsp.steps(N + 1)).abs().max() < NO_STEP
    rsp.evening = Evening(rsp.database, MarketInProcess(), rsp.evening.market_data, asyncio.Lock())
    await rsp.evening.run(decision_time(day(N + 1)) + timedelta(minutes=15))
    steps = await rsp.steps(N + 1)
    assert len(steps) == N + 1
    assert steps.abs().max() < NO_STEP
