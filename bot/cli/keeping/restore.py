"""Put a backup in the place of the database."""

from __future__ import annotations

from pathlib import Path

from bot.settings import Settings
from storage.database import parse_url
from storage.keeping.backup import restore


def restored_text(settings: Settings, file: Path) -> str:
    """Put a backup in the place of the database and return a sentence that says what the bot will do with it.

    Raises
    ------
    storage.keeping.backup.BackupError
        When it is no whole database of this program.
    storage.database.DatabaseInUseError
        When the bot is running.
    """
    newest = restore(parse_url(settings.database_url), file)
    return (
        f"{file} is the database now; the last session decided in it: {newest or 'none'}. The bot, once started, "
        "decides what followed again, and sends what was still waiting in it"
    )
