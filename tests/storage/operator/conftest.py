"""Every test here runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest


@pytest.fixture
def database_url(either_url: str) -> str:
    return either_url
