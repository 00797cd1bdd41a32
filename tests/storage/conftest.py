"""What is stored is stored on SQLite and on PostgreSQL, by the same statements."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.database import Database


@pytest.fixture
async def database(either_url: str) -> AsyncIterator[Database]:
    """An empty database, open; every test with it runs on both."""
    async with Database(either_url) as database:
        yield database
