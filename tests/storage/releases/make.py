"""Keeps the database of the version in ``pyproject.toml``, as SQL: its first schema with rows in every table.

Usage: ``make release``, once before each release. What was released is never made again.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.database import Database
from storage.migrate import migrate
from tests.storage.filled import fill

FOLDER = Path(__file__).parent
_PROJECT = FOLDER.parents[2] / "pyproject.toml"


def version() -> str:
    """Return the version of this program."""
    return str(tomllib.loads(_PROJECT.read_text())["project"]["version"])


def main() -> None:
    """Write the file of this version."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cascade.db"
        asyncio.run(_make(path))
        with closing(sqlite3.connect(path)) as connection:
            (FOLDER / f"{version()}.sql").write_text("\n".join(connection.iterdump()) + "\n")


async def _make(path: Path) -> None:
    async with Database(f"sqlite+aiosqlite:///{path}") as database:
        await migrate(database)
        await fill(database)


if __name__ == "__main__":
    main()
