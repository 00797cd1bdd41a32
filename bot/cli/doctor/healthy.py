"""Whether the bot on this machine does its work now: one line, for a health check that asks every minute."""

from __future__ import annotations

from datetime import datetime

from bot.health.checks import of_beats, of_data, of_disk, of_verdict, read
from bot.heartbeat import machine as this_machine
from storage.database import read_only
from storage.operator import heartbeat
from storage.unavailable import DatabaseUnavailableError


async def health(url: str, now: datetime, machine: str | None = None) -> tuple[bool, str]:
    """Return whether all is well on a machine, by default this one, and a line that says so or what is not."""
    try:
        async with read_only(url) as connection:
            beats = await heartbeat.of(connection, machine or this_machine())
            stored = await read(connection)
    except DatabaseUnavailableError as error:
        return False, str(error)
    decided = of_verdict(stored.agenda, stored.verdict, now)
    found = (processes := of_beats(beats, now), decided, of_data(stored.verdict), of_disk(url))
    wrong = [check.sentence for check in found if not check.is_well]
    return not wrong, "; ".join(wrong) or f"{processes.sentence}; {decided.sentence}"
