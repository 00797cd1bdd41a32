"""The evening decides whatever happened to the collecting, and stores what came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime
from itertools import cycle
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from bot.market import child
from bot.market.evening import Evening
from bot.market.process import MarketProcessError
from bot.market.protocol import Checked, Collect, Reply, Request
from signals.data.series import SERIES, Series
from signals.data.sessions import decision_time, last_call
from signals.sources.folder import FolderSource
from signals.sources.fred import FredSource
from signals.sources.newyorkfed import NewYorkFedSource
from signals.sources.patience import Patience
from signals.sources.routed import RoutedSource
from signals.sources.shape import Fetched, Source
from signals.sources.tiingo import TiingoSource
from signals.sources.treasury import TreasurySource
from storage.database import Database
from storage.observations import load_checks
from storage.schema import observation, verdict
from tests.bot.market.in_process import MarketInProcess
from tests.bot.market.test_evening import KEYS, QUIET, M, write
from tests.signals.sources.server import SILENT, Asked, serving, web
from tests.signals.sources.server import Reply as Answer
from tests.signals.sources.test_boundary import HOSTILE
from tests.signals.sources.test_yahoo import yahoo
from tests.worlds import day

GONE = "the market process ended with code -9"


class Dying(MarketInProcess):
    """A market process that is gone after so many series."""

    def __init__(self, series: int) -> None:
        super().__init__()
        self._series = series

    async def ask(self, request: Request) -> AsyncIterator[Reply]:
        done = 0
        async for reply in super().ask(request):
            yield reply
            done += isinstance(reply, Checked)
            if isinstance(request, Collect) and done == self._series:
                raise MarketProcessError(GONE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "market"
    folder.mkdir()
    write(folder, QUIET, *KEYS)
    return folder


async def stored(database: Database) -> tuple[set[str], list[date]]:
    """Return the series of which something is archived, and the sessions decided."""
    async with database.reading() as connection:
        series = set(await connection.scalars(select(observation.c.series)))
        return series, list(await connection.scalars(select(verdict.c.session)))


async def first_evening(database: Database, folder: Path) -> None:
    await Evening(database, MarketInProcess(), f"folder:{folder}", asyncio.Lock()).run(decision_time(day(M)))


async def test_what_came_before_the_process_died_is_stored(database: Database, folder: Path) -> None:
    evening = Evening(database, Dying(2), f"folder:{folder}", asyncio.Lock())
    with pytest.raises(MarketProcessError, match=GONE):
        await evening.run(decision_time(day(M)))
    series, _ = await stored(database)
    assert series == {"^RUT", "IWM"}


@pytest.mark.parametrize("series", [1, 3])
async def test_the_last_call_is_decided_although_it_died(database: Database, folder: Path, series: int) -> None:
    await first_evening(database, folder)
    dying = Evening(database, Dying(series), f"folder:{folder}", asyncio.Lock())
    with pytest.raises(MarketProcessError, match=GONE):
        await dying.run(last_call(day(M + 1)))
    _, sessions = await stored(database)
    assert sessions[-1] == day(M + 1)


def use(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "choose_source", lambda *_: source)


async def test_while_yahoo_hangs_other_series_are_collected_and_the_last_call_decides(
    database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await first_evening(database, folder)
    seconds = iter(range(0, 10**6, 20))
    patience = Patience(sleep=lambda _: None, clock=lambda: float(next(seconds)))
    with yahoo(SILENT, patience, timeout=0.2) as (source, charts):
        use(RoutedSource({"yahoo": source, "fred": FolderSource(folder)}), monkeypatch)
        (folder / "WALCL.csv").write_text("date,value\n2015-01-07,4000000\n")
        evening = Evening(database, MarketInProcess(), f"folder:{folder}", asyncio.Lock())
        await evening.run(last_call(day(M + 1)))
    series, sessions = await stored(database)
    assert "WALCL" in series
    assert sessions[-1] == day(M + 1)
    assert len(charts) <= 3
    async with database.reading() as connection:
        checks = await load_checks(connection)
    assert checks["^RUT"].reason.startswith("Yahoo gave nothing for ^RUT: Yahoo did not answer within 0.2 seconds")
    assert checks["SPY"].reason.endswith("not asked again this time")


async def test_hostile_answers_through_the_real_clients_do_not_either(
    either_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = cycle(
        [*HOSTILE, b'{"count": 1, "observations": [{"date": "\\u0000", "value": "1"}]}', b"date,\x00\n1,2\n"]
    )

    def answer(_: Asked | None = None) -> Answer:
        return Answer(next(bodies))

    async with Database(either_url) as database:
        await first_evening(database, folder)
        with serving(answer) as server, yahoo(answer, Patience(waits=())) as (prices, _):
            asking = web()
            sources: dict[str, Source] = {
                "yahoo": prices,
                "fred": FredSource(asking, server.url),
                "treasury": TreasurySource(asking, server.url),
                "newyorkfed": NewYorkFedSource(asking, server.url),
                "tiingo": TiingoSource(asking, "token", server.url),
            }
            use(RoutedSource(sources), monkeypatch)
            await Evening(database, MarketInProcess(), f"folder:{folder}", asyncio.Lock()).run(last_call(day(M + 1)))
        _, sessions = await stored(database)
        async with database.reading() as connection:
            checks = await load_checks(connection)
    assert sessions[-1] == day(M + 1)
    assert set(checks) == set(SERIES)
    assert all(check.reason.isprintable() and check.reason for check in checks.values())


class Hostile:
    """Says what no database, terminal or chat should get; raises for every second series."""

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        if list(SERIES).index(series.key) % 2:
            raise ValueError("\x00" * 1000)
        figures = {"value": [1e308], "high": [float("inf")], "volume": [-0.0]}
        days = pd.DatetimeIndex(["9999-12-31"])
        return Fetched(pd.DataFrame(figures, index=days), "\x00\x1b[2K \u202e \ud800" + "x" * 10**6)


async def test_hostile_answers_cost_each_series_and_not_the_evening(
    either_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(either_url) as database:
        await first_evening(database, folder)
        use(Hostile(), monkeypatch)
        await Evening(database, MarketInProcess(), f"folder:{folder}", asyncio.Lock()).run(last_call(day(M + 1)))
        _, sessions = await stored(database)
        async with database.reading() as connection:
            checks = await load_checks(connection)
    assert sessions[-1] == day(M + 1)
    assert set(checks) == set(SERIES)
    assert all(check.reason.isprintable() and check.reason for check in checks.values())
