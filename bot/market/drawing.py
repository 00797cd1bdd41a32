"""The market process's last task of an evening: the charts, which the bot only stores and sends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from bot.charts.drawing import drawn
from bot.market.archive import ArchiveReader
from bot.market.decided import Decided, read_decided
from bot.market.progress import Report
from bot.market.protocol import Draw, NewChart
from bot.messages.chart_kinds import charts_in
from bot.messages.languages import NAMES
from storage.database import read_only, run_until_complete
from storage.market import load_market

logger = logging.getLogger(__name__)


def draw(request: Draw, archives: ArchiveReader, report: Report) -> Iterator[NewChart]:
    """Yield the charts asked for through the newest session decided.

    Raises
    ------
    RuntimeError
        When some could not be drawn, after all the others.
    """
    decided, simulated = run_until_complete(_load(request.database_url, request.now, archives))
    history = decided.evaluated(request.now)
    if history is None:
        return
    every = [chart for language in NAMES for chart in charts_in(language)]
    wanted, failed = [chart for chart in every if chart.name in request.names], []
    for done, chart in enumerate(wanted, start=1):
        try:
            image = drawn(chart, history, simulated=simulated).png()
        except Exception:  # whatever is wrong with one, the others can be drawn
            logger.exception("the chart %s cannot be drawn", chart.name)
            failed.append(chart.name)
        else:
            yield NewChart(chart.name, history.panel.days[-1], image)
        report("drawing charts", done, len(wanted))
    if failed:
        raise RuntimeError(f"cannot draw {', '.join(failed)}")


async def _load(url: str, now: datetime, archives: ArchiveReader) -> tuple[Decided, bool]:
    async with read_only(url) as connection:
        market_row = await load_market(connection)
        simulated = market_row is not None and market_row.is_simulated
        return await read_decided(connection, url, now, archives), simulated
