"""Copy the database while the bot runs."""

from __future__ import annotations

from pathlib import Path

from bot.settings import Settings
from storage.database import parse_url
from storage.keeping.backup import back_up


def backup_text(settings: Settings, file: Path) -> str:
    """Copy the database to a new file and return a sentence that says what is in it, and what is wrong with that.

    Raises
    ------
    storage.keeping.backup.BackupError
        When there is nothing to copy, or nowhere to copy it to.
    """
    made = back_up(parse_url(settings.database_url), file)
    written = f"written to {file} and checked; the last session decided in it: {made.newest_session or 'none'}"
    return written if made.misfit is None else f"{written}. But somebody changed its live record: {made.misfit}"
