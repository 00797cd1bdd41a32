"""Evaluated histories for the command line: from a data folder, or from the database's archive."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from signals.as_json import decode_verdict
from signals.data.sessions import NEW_YORK, decision_time, last_call, nyse_sessions
from signals.data.vintages import Archive, settle
from signals.errors import NoHistoryError, NotASessionError
from signals.evaluate import History, evaluate
from signals.model import Verdict
from signals.rules import EVENING
from signals.sources.choose import choose_source
from signals.sources.collect import collect_archive
from signals.sources.options import SourceOptions
from storage import ledger, market, observations
from storage.database import SQLITE, parse_url, read_only


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
            When ``through`` is no session, or the data do not reach it.
        """
        session = through or self.newest
        if pd.Timestamp(session) not in self.calendar:
            raise NotASessionError(f"{session} is not a NYSE session; {self._neighbours(session)}")
        first = self.archive["^RUT"].index[0].date()
        if session < first:
            raise NotASessionError(f"{session} is before the data begin: ^RUT starts on {first}")
        return evaluate(self.archive, self.calendar, session, self.reasons)

    def _neighbours(self, day: date) -> str:
        after = int(self.calendar.searchsorted(pd.Timestamp(day)))
        around = self.calendar[max(after - 1, 0) : after + 1]
        return "the nearest are " + " and ".join(f"{session:%Y-%m-%d}" for session in around)


def load(market_data: str | None, database_url: str, now: datetime, options: SourceOptions | None = None) -> Loaded:
    """Collect a source into memory, or without one read the database's archive, as known at ``now``.

    Raises
    ------
    NoHistoryError
        When there is no ^RUT in it.
    """
    calendar = nyse_sessions(now)
    if market_data is not None:
        archive, reasons = collect_archive(choose_source(market_data, options), calendar, now)
        missing = f"no ^RUT data: {reasons.get('^RUT', 'the answer was empty')}"
    else:
        archive, reasons = _archive_of(database_url, now)
        missing = "the database has no market history yet: run the bot first, or give --data FOLDER"
    if "^RUT" not in archive:
        raise NoHistoryError(missing)
    return Loaded(archive, calendar, reasons)


def origin_of(database_url: str) -> str | None:
    """Return which market a database holds: live, simulated or folder; ``None`` before its first evening."""
    return asyncio.run(_origin(database_url)) if database_exists(database_url) else None


async def _origin(url: str) -> str | None:
    async with read_only(url) as connection:
        market_row = await market.load_market(connection)
    return None if market_row is None else market_row.origin


def stored_verdict(database_url: str, session: date | None) -> Verdict:
    """Return what was decided for a session, by default for the newest: a verdict is never rewritten.

    Raises
    ------
    NoHistoryError
        When the database has no verdict at all.
    NotASessionError
        When it has none for this date.
    """
    body, nearest = asyncio.run(_body(database_url, session)) if database_exists(database_url) else (None, None)
    if nearest is None:
        raise NoHistoryError("the database has no verdict yet: run the bot first, or give --data FOLDER")
    if body is None:
        raise NotASessionError(f"the database has no verdict of {session}; the nearest before it is of {nearest}")
    return decode_verdict(body)


async def _body(url: str, session: date | None) -> tuple[str | None, date | None]:
    async with read_only(url) as connection:
        nearest = await ledger.nearest_body(connection, session or date.max)
        first = await ledger.first_session(connection)
    if nearest is None:
        return None, first
    found = decode_verdict(nearest).session
    return (nearest if session in (None, found) else None), found


def database_exists(url: str) -> bool:
    """Return whether a database was ever made there; a server's was, or it says so itself."""
    parsed = parse_url(url)
    return parsed.drivername != SQLITE or Path(str(parsed.database)).exists()


def _archive_of(url: str, now: datetime) -> tuple[Archive, dict[str, str]]:
    if not database_exists(url):
        return {}, {}
    vintages, checks = asyncio.run(_read(url, now))
    return settle(vintages), {series: check.reason for series, check in checks.items() if check.reason}


async def _read(url: str, now: datetime) -> tuple[Sequence[Any], dict[str, observations.SourceCheck]]:
    async with read_only(url) as connection:
        return await observations.load_vintages(connection, now), await observations.load_checks(connection)


def rings(first: date, last: date) -> list[list[datetime]]:
    """Return for each session from ``first`` to ``last`` the instants at which its evening rings.

    Raises
    ------
    NotASessionError
        When there is no session between them.
    """
    calendar = nyse_sessions(decision_time(last) + timedelta(days=1))
    sessions = calendar[(calendar >= pd.Timestamp(first)) & (calendar <= pd.Timestamp(last))]
    if not len(sessions):
        raise NotASessionError(f"there is no NYSE session from {first} to {last}")
    evenings = []
    for session in sessions:
        day = session.date()
        retries = [datetime.combine(day, at, NEW_YORK) for at in EVENING.retries]
        evenings.append([decision_time(day), *retries, last_call(day)])
    return evenings
