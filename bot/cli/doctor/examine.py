"""Try everything the bot depends on and say in a sentence what is wrong and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from bot.clock import SystemClock
from bot.logs import redact
from bot.settings import Settings, SettingsError
from signals.data.sessions import nyse_sessions
from signals.rules import GATE
from signals.sentences import without_controls
from signals.sources.choose import choose_source
from signals.sources.collect import collect
from storage.database import Database, DatabaseInUseError
from storage.migrate import migrate
from storage.unavailable import DatabaseUnavailableError

_MOST_SKEW = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing tried."""

    ok: bool
    text: str


def findings_text(settings: Settings) -> Iterator[tuple[bool, str]]:
    """Try everything. Yields whether each thing is well, and a line about it without any secret."""
    for finding in examine(settings):
        line = f"{'ok  ' if finding.ok else 'FAIL'}  {without_controls(finding.text)}"
        yield finding.ok, redact(line, *settings.secrets)


def examine(settings: Settings) -> Iterator[Finding]:
    """Try the database, the token, the clock and every source, in that order."""
    yield asyncio.run(_database(settings))
    yield from _telegram(settings)
    yield from _sources(settings, SystemClock().now())


async def _database(settings: Settings) -> Finding:
    try:
        async with Database(settings.database_url) as database:
            await database.check()
            await migrate(database)
    except DatabaseInUseError:
        return Finding(True, "database: in use by a running Cascade process")
    except DatabaseUnavailableError as error:
        return Finding(False, f"database: {error}")
    return Finding(True, "database: opens and has the newest schema")


def _telegram(settings: Settings) -> Iterator[Finding]:
    try:
        token = settings.token
    except SettingsError as error:
        yield Finding(False, f"token: {error}")
        return
    try:
        answer = httpx.post(f"{settings.bot_api_base}{token}/getMe", timeout=10)
    except httpx.HTTPError as error:
        where = settings.api_host
        yield Finding(False, f"token: {where} cannot be reached ({type(error).__name__}); check the network")
        return
    if answer.status_code == httpx.codes.OK:
        bot = answer.json()["result"]
        yield Finding(True, f"token: accepted, the bot is @{bot['username']}")
        if not bot.get("supports_inline_queries"):
            name = f"@{bot['username']}"
            # The rest of the bot works without.
            yield Finding(True, f"inline mode: off, so {name} answers only in its chats; send BotFather /setinline")
    else:
        yield Finding(False, f"token: refused with {answer.status_code}; ask BotFather for the current one")
    yield _clock(answer.headers.get("Date"))


def _clock(date_header: str | None) -> Finding:
    if date_header is None:
        return Finding(True, "clock: the server told no time to compare with")
    skew = abs(SystemClock().now() - parsedate_to_datetime(date_header))
    if skew > _MOST_SKEW:
        return Finding(False, f"clock: {skew.total_seconds():.0f} s off; let the machine set its time by NTP")
    return Finding(True, "clock: agrees with the server's")


def _sources(settings: Settings, now: datetime) -> Iterator[Finding]:
    source = choose_source(settings.market_data, settings.source_options)
    for collected in collect(source, {}, nyse_sessions(now), now):
        if len(collected.frame):
            newest = f"{len(collected.frame)} observations to {collected.frame.index[-1]:%Y-%m-%d}"
            yield Finding(True, f"{collected.key}: {newest}" + (f"; {collected.reason}" if collected.reason else ""))
        else:
            # A series nobody publishes, or that a folder lacks, is shown as unknown: nothing is broken.
            missing = collected.absent and collected.key not in GATE.blocking
            yield Finding(missing, f"{collected.key}: {collected.reason}")
