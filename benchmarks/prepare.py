"""Make a database with subscribers and one alert.

Usage: ``python -m benchmarks.prepare FILE PEOPLE owed|told``; ``told``: nobody is owed the alert any more.
"""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import update

from storage import chats
from storage.database import Database
from storage.migrate import migrate
from storage.schema import alert
from tests.faults.truth import AT, owe


async def main(file: str, people: int, how: str) -> None:
    """Make it."""
    async with Database(f"sqlite+aiosqlite:///{file}") as database:
        await migrate(database)
        async with database.transaction() as connection:
            for chat_id in range(1, people + 1):
                await chats.subscribe(connection, chat_id, "private", AT)
        await owe(database, urgent=False)
        if how == "told":
            async with database.transaction() as connection:
                await connection.execute(update(alert).values(fanned_out_at=AT))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
