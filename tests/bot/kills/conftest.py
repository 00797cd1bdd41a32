"""What is replayed, made once."""

from __future__ import annotations

import asyncio

import pytest

from tests.bot.kills.replays import Prepared


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A market, and a database with its history up to the evening before the attempt and one subscriber."""
    prepared = Prepared(tmp_path_factory.mktemp("kills"))
    asyncio.run(prepared.make())
    return prepared
