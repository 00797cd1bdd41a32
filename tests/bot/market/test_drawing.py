"""After an evening every chart is drawn once, and a fault of one costs no other."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.charts import drawing as whole_drawing
from bot.charts.frame import Frame
from bot.market import drawing
from bot.market.archive import ArchiveReader
from bot.market.evening import Evening
from bot.market.process import MarketProcessError
from bot.market.progress import unreported
from bot.market.protocol import Draw, NewChart
from bot.messages.chart_kinds import CHARTS, Chart, Kind, Theme, charts_in
from signals.data.sessions import decision_time
from signals.evaluate import History
from storage import charts, chats
from storage.database import Database
from storage.schema import chart as chart_table
from storage.schema import observation
from storage.settings import chosen
from tests.bot.market.in_process import MarketInProcess
from tests.bot.market.test_evening import QUIET, M, write
from tests.worlds import day

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = decision_time(day(M - 1))


@pytest.fixture(scope="module")
def process() -> MarketInProcess:
    return MarketInProcess()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def begun(process: MarketInProcess, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database whose history was recorded, and whose charts were drawn after that."""
    folder = tmp_path_factory.mktemp("market")
    write(folder, QUIET, "^RUT", "IWM", "SPY")
    shutil.copy(migrated, folder / "begun.db")
    async with Database(f"sqlite+aiosqlite:///{folder}/begun.db") as database:
        evening = Evening(database, process, f"folder:{folder}", asyncio.Lock())
        await evening.draw(NOW)
        async with database.reading() as connection:
            assert await charts.find(connection, CHARTS[0].name) is None, "nothing is decided yet"
        await evening.run(NOW)
        await evening.draw(NOW)
    return folder


@pytest_asyncio.fixture(loop_scope="module")
async def evening(process: MarketInProcess, begun: Path, tmp_path: Path) -> AsyncIterator[Evening]:
    shutil.copy(begun / "begun.db", tmp_path / "cascade.db")
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/cascade.db") as database:
        yield Evening(database, process, f"folder:{begun}", asyncio.Lock())


async def drawn(evening: Evening) -> dict[str, Any]:
    async with evening.database.reading() as connection:
        return {chart.name: await charts.find(connection, chart.name) for chart in CHARTS}


async def test_every_chart_shows_the_newest_session_and_is_a_picture(evening: Evening) -> None:
    assert {row.through for row in (await drawn(evening)).values()} == {day(M - 1)}
    async with evening.database.reading() as connection:
        images = [(await charts.image(connection, chart.name)).image for chart in CHARTS]
    assert {image[:8] for image in images} == {b"\x89PNG\r\n\x1a\n"}
    assert len(set(images)) >= len(Kind) * len(Theme)


async def test_without_a_new_session_nothing_is_asked_of_the_child(evening: Evening) -> None:
    async with evening.database.transaction() as connection:
        await connection.execute(observation.delete())
    # With nothing in the archive the child could draw nothing.
    await evening.draw(NOW)
    assert None not in (await drawn(evening)).values()


async def test_a_chart_that_cannot_be_drawn_stays_what_it_was_and_the_others_come(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing, well = "liquidity-1y-light", "cascade-1y-light"

    def draw_but_one(chart: Chart, history: History, *, simulated: bool) -> Frame:
        if chart.name == failing:
            raise ZeroDivisionError("a fault of ours")
        return drawn_well(chart, history, simulated=simulated)

    drawn_well = whole_drawing.drawn
    monkeypatch.setattr(drawing, "drawn", draw_but_one)
    await evening.run(decision_time(day(M)))
    request = Draw(evening.database.url.render_as_string(), decision_time(day(M)), [failing, well])
    replies = drawing.draw(request, ArchiveReader(), unreported)
    (chart,) = await asyncio.to_thread(take, replies, 1)
    assert (chart.name, chart.through) == (well, day(M))
    with pytest.raises(RuntimeError, match=f"cannot draw {failing}"):
        await asyncio.to_thread(take, replies, 1)


async def test_only_a_chart_that_did_not_come_is_drawn_again(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = "crypto-all-dark"
    async with evening.database.transaction() as connection:
        await connection.execute(chart_table.delete().where(chart_table.c.name == missing))
    asked: list[str] = []

    def draw_and_note(chart: Chart, history: History, *, simulated: bool) -> Frame:
        asked.append(chart.name)
        return whole_drawing.drawn(chart, history, simulated=simulated)

    monkeypatch.setattr(drawing, "drawn", draw_and_note)
    await evening.draw(NOW)
    assert asked == [missing]
    assert None not in (await drawn(evening)).values()


async def test_charts_are_drawn_in_each_language_that_a_chat_reads_and_in_no_other(evening: Evening) -> None:
    missing, *others = [chart.name for chart in charts_in("fr") if chart.kind is Kind.CASCADE]
    async with evening.database.transaction() as connection:
        for name in others + [chart.name for chart in charts_in("fr") if chart.kind is not Kind.CASCADE]:
            await charts.store(connection, name, day(M - 1), b"", NOW)
    await evening.draw(NOW)
    async with evening.database.transaction() as connection:
        assert await charts.find(connection, missing) is None
        await chats.mark_reachable(connection, 5, "private")
        await chosen.set_language(connection, 5, "fr")
    await evening.draw(NOW)
    async with evening.database.reading() as connection:
        french = (await charts.image(connection, missing)).image
        assert french not in ((await charts.image(connection, missing.removesuffix("-fr"))).image, b"")


async def test_a_child_that_fails_says_so_and_the_charts_stay_what_they_were(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "drawn", None)
    await evening.run(decision_time(day(M)))
    with pytest.raises(MarketProcessError, match="cannot draw breakout-1y-light"):
        await evening.draw(decision_time(day(M)))
    assert {row.through for row in (await drawn(evening)).values()} == {day(M - 1)}


def take(replies: Iterator[NewChart], count: int) -> list[NewChart]:
    return list(islice(replies, count))
