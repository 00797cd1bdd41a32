"""Try everything the bot depends on, all at once, and say in a line each what is wrong and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import msgspec

from bot.cli.doctor.finding import Finding, fail, ok
from bot.cli.doctor.sources import examine_sources
from bot.cli.doctor.stored import examine_database
from bot.cli.doctor.telegram import examine_telegram
from bot.messages.languages import NAMES, messages_of
from bot.settings import Settings
from signals.data.sessions import nyse_sessions

_HORIZON = timedelta(days=180)


def examine(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Try the database, Telegram, the sources, the calendar and the languages, and tell them in that order."""
    with ThreadPoolExecutor(3) as pool:
        parts = [
            pool.submit(lambda: asyncio.run(examine_database(settings))),
            pool.submit(lambda: list(examine_telegram(settings, now))),
            pool.submit(examine_sources, settings, now),
        ]
        for part in parts:
            for finding in part.result():
                yield finding.cleaned(settings.secrets)
    yield calendar(nyse_sessions(now)[-1].date(), now)
    yield languages()


def as_json(findings: list[Finding]) -> str:
    """Return findings for machines: an array of objects with name, state, text and remedy."""
    return msgspec.json.format(msgspec.json.encode(findings), indent=2).decode()


def calendar(last: date, now: datetime) -> Finding:
    """Say how far the calendar of sessions reaches."""
    if last - now.date() < _HORIZON:
        remedy = "install a newer version: closures after that are unknown"
        return fail("calendar", f"knows the sessions to {last} only", remedy)
    return ok("calendar", f"knows the sessions to {last}")


def languages() -> Finding:
    """Say which languages people can choose, each made once."""
    try:
        for language in NAMES:
            messages_of(language)
    except (OSError, ValueError) as error:
        return fail("languages", f"one cannot be read ({type(error).__name__})", "install the program anew")
    return ok("languages", ", ".join(NAMES.values()))
