"""Histories for the command line: from a data folder, simulated, or from the database's archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

import pandas as pd

from bot.market.progress import Report, unreported
from signals.data.closures import Bars, without
from signals.data.series import SERIES
from signals.data.sessions import nyse_sessions
from signals.data.vintages import Archive, settle
from signals.errors import NoHistoryError, NotASessionError
from signals.evaluate import History, evaluate
from signals.sources.choose import choose_source
from signals.sources.collect import collect_archive
from signals.sources.options import SourceOptions
from storage import market, observations
from storage.database import SQLITE, parse_url, read_only, run_until_complete


@dataclass(frozen=True, slots=True)
class Loaded:
    """An archive with the calendar it is aligned to and what was wrong with the answers."""

    archive: Archive
    calendar: pd.DatetimeIndex
    reasons: dict[str, str]

    @property
    def newest(self) -> date:
        """The newest session with a ^RUT close."""
        return pd.DatetimeIndex(self.archive["^RUT"].index)[-1].date()

    def evaluate(self, through: date | None = None) -> History:
        """Evaluate the history through a session, by default the newest with a ^RUT close.

        Raises
        ------
        NotASessionError
            When ``through`` is before the first session of the data.
        """
        session = through or self.newest
        first = self.archive["^RUT"].index[0].date()
        if session < first:
            raise NotASessionError(f"{session} is before the data begin: ^RUT starts on {first}")
        return evaluate(self.archive, self.calendar, session, self.reasons)


def load(
    market_data: str | None,
    database_url: str,
    now: datetime,
    options: SourceOptions | None = None,
    report: Report = unreported,
) -> Loaded:
    """Collect a source into memory, or without one read the database's archive, as known at ``now``.

    Days on which the exchange was closed are found by the bars of a source; a database knows them.

    Raises
    ------
    NoHistoryError
        When there is no ^RUT in it.
    """
    report("reading the history", 0, None)
    calendar = nyse_sessions(now)
    if market_data is not None:
        archive, reasons = collect_archive(
            choose_source(market_data, options), calendar, now, progress=partial(report, "reading the history")
        )
        closed = Bars(archive, calendar).closures
        missing = f"no ^RUT data: {reasons.get('^RUT', 'the answer was empty')}"
    else:
        archive, reasons, closed = _archive_of(database_url, now)
        missing = "the database has no market history yet: run the bot first, or give --data FOLDER"
    if "^RUT" not in archive:
        raise NoHistoryError(missing)
    return Loaded(archive, without(calendar, closed), reasons)


def origin_of(database_url: str) -> str | None:
    """Return which market a database holds: live, simulated or folder; ``None`` before its first evening."""
    return run_until_complete(_origin(database_url)) if database_exists(database_url) else None


async def _origin(url: str) -> str | None:
    async with read_only(url) as connection:
        market_row = await market.load_market(connection)
    return None if market_row is None else market_row.origin


def database_exists(url: str) -> bool:
    """Return whether a database was ever made there; a server's was, or it says so itself."""
    parsed = parse_url(url)
    return parsed.drivername != SQLITE or Path(str(parsed.database)).exists()


def _archive_of(url: str, now: datetime) -> tuple[Archive, dict[str, str], list[date]]:
    """Return the archive, what was wrong with the newest answers, and the days on which the exchange was closed."""
    if not database_exists(url):
        return {}, {}, []
    return run_until_complete(_read(url, now))


async def _read(url: str, now: datetime) -> tuple[Archive, dict[str, str], list[date]]:
    async with read_only(url) as connection:
        vintages = await observations.load_vintages(connection, now, SERIES)
        checks = await observations.load_checks(connection)
        closed = [row.session for row in await market.closures(connection) if row.closed]
    return settle(vintages), {series: check.reason for series, check in checks.items() if check.reason}, closed
