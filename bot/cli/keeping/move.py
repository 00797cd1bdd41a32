"""Move everything from the SQLite file to PostgreSQL."""

from __future__ import annotations

from bot.settings import Settings, SettingsError
from storage.database import POSTGRESQL, SQLITE, Database, DatabaseURLError, parse_url
from storage.keeping.move import move
from storage.migrate import migrate


async def moved_text(settings: Settings, url: str) -> str:
    """Copy the database to PostgreSQL and return a sentence about it.

    Raises
    ------
    bot.settings.SettingsError
        When one of the two addresses is not what it has to be.
    storage.database.DatabaseInUseError
        When the bot is running.
    storage.keeping.move.MoveError
        When the other database is not empty.
    storage.chain.verify.ChainError
        When the live record does not fit its chain.
    """
    try:
        driver = parse_url(url).drivername
    except DatabaseURLError as error:
        raise SettingsError(f"URL {error}") from None
    if driver != POSTGRESQL:
        example = "for example postgresql+asyncpg://cascade:secret@host/cascade"
        raise SettingsError(f"URL is {url!r}, which is no PostgreSQL database; {example}")
    if parse_url(settings.database_url).drivername != SQLITE:
        raise SettingsError("DATABASE_URL is a PostgreSQL server already, whose own pg_dump and pg_restore copy it")
    async with Database(settings.database_url) as source, Database(url) as target:
        await migrate(source)
        await migrate(target)
        moved = await move(source, target)
    # Without the query: the driver takes a password from there, too.
    rows, there = sum(moved.rows.values()), target.url.set(query={}).render_as_string()
    return (
        f"{rows} rows of {len(moved.rows)} tables are in {there}, counted, and the {moved.chained} of the live record "
        "fit their chain. Give DATABASE_URL this address and start the bot; "
        f"{source.url.database} stays as it was: start none on it any more"
    )
