"""Backups by the bot itself: a copy in a folder after each evening, of which the newest are kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.engine import URL

from storage.keeping.backup import Backup, back_up

_NAME, _NAMED = "cascade-%Y%m%d-%H%M%S.db", re.compile(r"cascade-\d{8}-\d{6}\.db")
_UNFINISHED = re.compile(_NAMED.pattern + r"\.copy(-\w+)?")
_A_DAY = timedelta(days=1)


def back_up_in_turn(
    url: URL, folder: Path, now: datetime, newest_decision: datetime | None, kept: int
) -> Backup | None:
    """Copy the database into a folder, which is made if need be, and keep the newest ``kept`` of the copies there.

    Nothing is done where there is a copy that is newer than the newest decision and less than a day old. The copies are
    named by their time in UTC; what a killed one left behind is removed, other files are left alone.

    Raises
    ------
    storage.keeping.backup.BackupError
        When the database cannot be copied; no older copy is removed then.
    OSError
        When the folder cannot be made or read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for killed in _matching(_UNFINISHED, folder):
        killed.unlink()
    copies = _matching(_NAMED, folder)
    if copies and not _is_due(copies[-1], now, newest_decision):
        return None
    made = back_up(url, folder / now.astimezone(UTC).strftime(_NAME))
    for old in _matching(_NAMED, folder)[:-kept]:
        old.unlink()
    return made


def _is_due(newest: Path, now: datetime, newest_decision: datetime | None) -> bool:
    made = datetime.strptime(newest.name, _NAME).replace(tzinfo=UTC)
    is_behind = newest_decision is not None and made < newest_decision
    # One of the future was made while the clock was wrong.
    return is_behind or not timedelta(0) <= now - made < _A_DAY


def _matching(names: re.Pattern[str], folder: Path) -> list[Path]:
    """Return the files in a folder that are named so, oldest first."""
    return sorted(path for path in folder.iterdir() if names.fullmatch(path.name))
