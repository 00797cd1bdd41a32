"""What a database says of itself, read beside a running bot."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from storage.database import POSTGRESQL, parse_url, read_only
from storage.unavailable import RESTORE, unavailable

# SQLite before these could lose commits of a second writing connection (the WAL-reset defect); see docs/operation.md.
_MENDED = (((3, 44, 6), (3, 45, 0)), ((3, 50, 7), (3, 51, 0)), ((3, 51, 3), (99, 0, 0)))


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a database is, and how.

    Attributes
    ----------
    server
        Which server or library, with its version.
    journal
        SQLite's journal mode, empty on PostgreSQL.
    size
        In bytes.
    """

    server: str
    revision: str
    journal: str
    size: int

    @property
    def can_lose_commits(self) -> bool:
        """Whether it is an SQLite with the defect."""
        return bool(self.journal) and can_lose_commits(sqlite3.sqlite_version_info)


async def inspect(url: str) -> Inspection:
    """Read every page and return what the database says.

    Raises
    ------
    storage.unavailable.DatabaseUnavailableError
        When it cannot be read, or is damaged.
    """
    parsed = parse_url(url)
    async with read_only(url) as connection:

        async def value(statement: str) -> str:
            return str((await connection.execute(text(statement))).scalar_one())

        revision = await value("SELECT version_num FROM alembic_version")
        if parsed.drivername == POSTGRESQL:
            size = int(await value("SELECT pg_database_size(current_database())"))
            return Inspection(f"PostgreSQL {await value('SHOW server_version')}", revision, "", size)
        if (found := await value("PRAGMA quick_check(1)")) != "ok":
            raise unavailable(parsed, f"is damaged ({found.splitlines()[-1]})", RESTORE)
        size = int(await value("PRAGMA page_count")) * int(await value("PRAGMA page_size"))
        return Inspection(f"SQLite {sqlite3.sqlite_version}", revision, await value("PRAGMA journal_mode"), size)


def can_lose_commits(version: tuple[int, ...]) -> bool:
    """Return whether an SQLite has the defect."""
    return not any(first <= version < end for first, end in _MENDED)


def readable_by_others(url: str) -> list[Path]:
    """Return the files of an SQLite database that other users of the machine may read."""
    parsed = parse_url(url)
    if parsed.drivername == POSTGRESQL:
        return []
    path = Path(str(parsed.database))
    files = (path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm"))
    return [file for file in files if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077]
