"""Copy the database while the bot runs."""

from __future__ import annotations

from pathlib import Path

from bot.settings import Settings
from storage.database import parse_url
from storage.keeping.backup import back_up


def backup_text(settings: Settings, file: Path) -> str:
    """Copy the database to a new file and return a sentence that says what is in it.

    Raises
    ------
    storage.keeping.backup.BackupError
        When there is nothing to copy, or nowhere to copy it to.
    """
    newest = back_up(parse_url(settings.database_url), file)
    return f"written to {file} and checked; the last session decided in it: {newest or 'none'}"
