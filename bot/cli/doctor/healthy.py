"""Whether the bot on this machine does its work now: one line, for a health check that asks every minute."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from bot.heartbeat import MOST_SILENCE
from bot.heartbeat import machine as this_machine
from signals.as_json import decode_verdict
from signals.model import Freshness, Verdict
from signals.rules import GATE
from storage import ledger, market
from storage.database import SQLITE, parse_url, read_only
from storage.market import Agenda
from storage.operator import heartbeat
from storage.unavailable import DatabaseUnavailableError

# An evening decides at eight the next morning at the latest, fourteen and a half hours after its session is due.
_LATEST = timedelta(hours=16)
LEAST_FREE = 200 * 2**20
"""Bytes that have to be free where the database is: less, and the next evening may not fit."""
_BAD = (Freshness.STALE, Freshness.INVALID)


async def health(url: str, now: datetime, machine: str | None = None) -> tuple[bool, str]:
    """Return whether all is well on a machine, by default this one, and a line that says so or what is not."""
    try:
        async with read_only(url) as connection:
            beats = await heartbeat.of(connection, machine or this_machine())
            row = await market.load_market(connection)
            body = await ledger.newest_body(connection)
    except DatabaseUnavailableError as error:
        return False, str(error)
    verdict = decode_verdict(body) if body else None
    wrong = [*_silent(beats, now), *_behind(row.agenda if row else None, now), *_stale(verdict), *_full(url)]
    decided = f"decided through {verdict.session}" if verdict else "no session decided yet"
    return not wrong, "; ".join(wrong) or f"{', '.join(beats)} well; {decided}"


def _silent(beats: Mapping[str, datetime], now: datetime) -> Iterator[str]:
    if not beats:
        yield "no process of the bot has begun on this machine"
    for role, at in beats.items():
        if now - at > MOST_SILENCE:
            yield f"{role} has heard nothing of Telegram, or could store nothing, for {_minutes(now - at)} minutes"


def _behind(agenda: Agenda | None, now: datetime) -> Iterator[str]:
    if agenda and now - agenda.next_decision_at > _LATEST:
        yield f"session {agenda.next_session} is not decided: {agenda.waiting or 'the evening does not run'}"


def _stale(verdict: Verdict | None) -> Iterator[str]:
    for found in verdict.sources if verdict else ():
        if found.series in GATE.blocking and found.verdict in _BAD:
            yield f"{found.series} is {found.verdict} in the newest verdict"


def _full(url: str) -> Iterator[str]:
    parsed = parse_url(url)
    if parsed.drivername == SQLITE:
        free = shutil.disk_usage(Path(str(parsed.database)).absolute().parent).free
        if free < LEAST_FREE:
            yield f"the disk is full: {free / 2**20:.0f} MB are free, and {LEAST_FREE / 2**20:.0f} should be"


def _minutes(silence: timedelta) -> int:
    return int(silence.total_seconds() // 60)
