"""Bring a database to the newest schema; each step and its record are one transaction."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from storage.database import Database, lock
from storage.unavailable import RESTORE, explained, unavailable

_FOLDER = Path(__file__).with_name("migrations")


async def migrate(database: Database) -> None:
    """Apply every migration that the database lacks; on a shared database one process at a time.

    Raises
    ------
    storage.unavailable.DatabaseUnavailableError
        When a newer version of this program has written it, or it does not take a migration.
    """
    with explained(database.url):
        async with database.transaction() as connection:
            await lock(connection, "migrate")
            revision = await connection.run_sync(_revision)
            if revision is not None and revision not in revisions():
                what = (
                    f"has the schema {revision}, and this version of the program knows none after {newest_revision()}"
                )
                raise unavailable(database.url, what, f"run the version that wrote it, or {RESTORE}")
            if revision != newest_revision():
                await connection.run_sync(_upgrade)


def newest_revision() -> str:
    """Return the newest revision there is."""
    return max(revisions())


def revisions() -> set[str]:
    """Return every revision this program knows: migrations are files named by a rising number."""
    return {path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py")}


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return revision


def _upgrade(connection: Connection) -> None:
    # Imported when there is something to apply: it would weigh on the bot for the rest of its life.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
