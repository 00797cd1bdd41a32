"""The evening of 13 November 2020 with a fault in its bar: no alert, and exactly one when the good bar arrives."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.delivery.composing import Composer, Text
from bot.market.evening import Evening
from bot.messages.alerts import details_text
from bot.messages.render import Messages
from signals.data.sessions import decision_time, last_call
from storage import ledger
from storage.database import Database
from storage.outbox.states import Claimed
from storage.schema import alert
from tests.bot.market.in_process import MarketInProcess
from tests.bot.messages.reviewed import plain

pytestmark = pytest.mark.asyncio(loop_scope="module")
THURSDAY, FRIDAY, MONDAY = date(2020, 11, 12), date(2020, 11, 13), date(2020, 11, 16)
EVENING = decision_time(FRIDAY)
PRICES = ["open", "high", "low", "close", "adj_close"]
Spoil = Callable[[pd.DataFrame], pd.DataFrame]


def scaled(factor: float) -> Spoil:
    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        there = [column for column in PRICES if column in table]
        table.loc["2020-11-13", there] *= factor
        return table

    return spoil


def emptied(table: pd.DataFrame) -> pd.DataFrame:
    table.loc["2020-11-13"] = float("nan")
    return table


FAULTS: dict[str, tuple[str, Spoil]] = {
    "NaN": ("RUT", emptied),
    "doubled": ("RUT", scaled(2.0)),
    "halved": ("RUT", scaled(0.5)),
    "stale": ("RUT", lambda table: table.drop("2020-11-13")),
    "IWM contradicts it": ("IWM", scaled(0.98)),
}


@cache
def _read(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, index_col="date").astype(float)
    return table[(table.index >= "2017-06-01") & (table.index <= "2020-11-20")]


class Market:
    """A folder with the three series a session waits for, cut to what the breakout of 2020 needs."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.source, self.folder = source, folder
        for name in ("RUT", "IWM", "SPY"):
            self.mend(name)

    def mend(self, name: str) -> None:
        """Write a file as it should be."""
        (self.folder / f"{name}.csv").write_text(_whole(self.source / f"{name}.csv"))

    def spoil(self, name: str, spoil: Spoil) -> None:
        """Write a file with a fault."""
        spoil(_read(self.source / f"{name}.csv").copy()).to_csv(self.folder / f"{name}.csv")


@cache
def _whole(path: Path) -> str:
    return _read(path).to_csv()


@pytest.fixture(scope="module")
def process() -> MarketInProcess:
    return MarketInProcess()


@pytest.fixture
def market(real_history: Path, tmp_path: Path) -> Market:
    folder = tmp_path / "market"
    folder.mkdir()
    return Market(real_history, folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def begun(
    real_history: Path, process: MarketInProcess, migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A database with the history up to the evening before, recorded once for all tests."""
    folder = tmp_path_factory.mktemp("begun")
    market = Market(real_history, folder)
    shutil.copy(migrated, folder / "begun.db")
    async with Database(f"sqlite+aiosqlite:///{folder}/begun.db") as database:
        await Evening(database, process, f"folder:{market.folder}", asyncio.Lock()).run(decision_time(THURSDAY))
    return folder / "begun.db"


@pytest_asyncio.fixture(loop_scope="module")
async def evening(begun: Path, process: MarketInProcess, market: Market, tmp_path: Path) -> AsyncIterator[Evening]:
    """The next evening, on a copy of it."""
    shutil.copy(begun, tmp_path / "cascade.db")
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/cascade.db") as database:
        yield Evening(database, process, f"folder:{market.folder}", asyncio.Lock())


async def alerts(evening: Evening) -> list[str]:
    async with evening.database.transaction() as connection:
        query = select(alert.c.kind).where(alert.c.audience == "subscribers").order_by(alert.c.id)
        return list((await connection.execute(query)).scalars())


async def text_of(evening: Evening, kind: str) -> str:
    """Return an alert and its details."""
    async with evening.database.transaction() as connection:
        number = (await connection.execute(select(alert.c.id).where(alert.c.kind == kind))).scalar_one()
        ((_, text),) = await Composer().compose(connection, [Claimed(1, number, 5, 1, 0)])
        details = await details_text(connection, Messages(), await ledger.load_alert(connection, number), "UTC")
    assert isinstance(text, Text)
    return plain(f"{text.text}\n{details}")


async def run(evening: Evening, *instants: datetime) -> None:
    for instant in instants:
        await evening.run(instant)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_makes_no_alert_and_a_good_bar_the_same_evening_makes_one(
    evening: Evening, market: Market, fault: str
) -> None:
    market.spoil(*FAULTS[fault])
    await run(evening, EVENING, EVENING + timedelta(minutes=15))
    assert await alerts(evening) == []
    market.mend(FAULTS[fault][0])
    await run(evening, EVENING + timedelta(minutes=45), EVENING + timedelta(minutes=90))
    assert await alerts(evening) == ["breakout.attempt"]
    assert "decided 13 Nov 2020 23:15 UTC" in await text_of(evening, "breakout.attempt")


@pytest.mark.parametrize("fault", ["NaN", "doubled"])
async def test_a_good_bar_that_comes_with_the_next_session_is_told_once_as_late(
    evening: Evening, market: Market, fault: str
) -> None:
    market.spoil(*FAULTS[fault])
    await run(evening, EVENING, last_call(FRIDAY))
    assert await alerts(evening) == []
    market.mend(FAULTS[fault][0])
    await run(evening, decision_time(MONDAY), decision_time(MONDAY) + timedelta(minutes=15))
    assert await alerts(evening) == ["breakout.attempt"]
    text = await text_of(evening, "breakout.attempt")
    assert "Fri 13 Nov 2020 · " in text
    assert "decided 16 Nov 2020 22:30 UTC" in text
    assert "Its data came late" in text


async def test_a_contradiction_that_is_never_resolved_withdraws_the_breakout(evening: Evening, market: Market) -> None:
    market.spoil(*FAULTS["IWM contradicts it"])
    await run(evening, EVENING, last_call(FRIDAY))
    # Monday's close is a record out of the same base, but IWM's return from its wrong bar does not bear it out either.
    await run(evening, decision_time(MONDAY), last_call(MONDAY))
    assert await alerts(evening) == []
