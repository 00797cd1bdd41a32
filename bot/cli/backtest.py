"""The whole track record for the command line: as tables, as JSON, or as a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from rich.console import Console

from bot.cli.history import database_exists, load, origin_of
from bot.cli.progress import progress_shown
from bot.cli.report.page import live_of, page
from bot.cli.tables import MADE_UP, backtest_json, backtest_table, families_table, record_tables
from bot.settings import Settings
from signals.evaluate import History
from signals.record.model import TrackRecord
from signals.record.track_record import track_record
from storage.market import SIMULATED

_TABLE_WIDTH = 148


@dataclass(frozen=True, slots=True)
class Backtest:
    """An evaluated history with its record; ``origin`` is which market its figures are of."""

    history: History
    record: TrackRecord
    settings: Settings
    origin: str
    now: datetime

    @classmethod
    def of(cls, settings: Settings, market_data: str | None, now: datetime) -> Backtest:
        """Evaluate a source, or without one the database's archive, and compute its record; a bar shows how far it is.

        Raises
        ------
        signals.errors.NoHistoryError
            When there is no ^RUT in it.
        """
        with progress_shown() as report:
            history = load(market_data, settings.database_url, now, settings.source_options, report).evaluate()
            record = track_record(history, partial(report, "following what came after"))
        origin = market_data.partition(":")[0] if market_data else origin_of(settings.database_url)
        return cls(history, record, settings, origin or "none", now)

    def json(self) -> dict[str, Any]:
        """Return everything for machines."""
        return {"market": self.origin} | backtest_json(self.history) | {"record": msgspec.to_builtins(self.record)}

    def html(self) -> str:
        """Return a page with everything on it, the live record of the configured database included."""
        url = self.settings.database_url
        live = live_of(url, exists=database_exists(url))
        return page(self.history, self.record, live, self.origin, self.now)

    def print(self) -> None:
        """Print tables for people."""
        console = Console()
        console.width = max(console.width, _TABLE_WIDTH)
        if self.origin == SIMULATED:
            console.print(MADE_UP)
        for table in (backtest_table(self.history), *record_tables(self.record), families_table(self.record)):
            console.print(table)
