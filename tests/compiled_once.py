"""Statements are compiled once for all engines of the suite's process, and not for each test's own engine again.

Compiling takes a quarter of a test with a database. What comes out depends on the kind of database alone: each kind is
one server, or one library, of one version here.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import LRUCache

_COMPILED: LRUCache[Any, Any] = LRUCache(2_000)


def share_compiled_statements() -> None:
    """Let every engine made from now on use what another has compiled."""
    for kind in (SQLiteDialect_aiosqlite, PGDialect_asyncpg):
        # The key of a compiled statement contains the dialect, of which each engine has one of its own.
        setattr(kind, "__eq__", _is_of_one_kind)  # noqa: B010
        setattr(kind, "__hash__", _kind)  # noqa: B010
    event.listen(Engine, "engine_connect", _use)


def _kind(dialect: Dialect) -> int:
    return hash(type(dialect))


def _is_of_one_kind(dialect: Dialect, other: object) -> bool:
    return type(dialect) is type(other)


def _use(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_COMPILED)
