"""A database of the first method is brought up to date with everything in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

import storage.migrate
from bot.messages.render import read_verdict
from signals.model import Regime, Window
from storage import ledger
from storage.database import Database
from storage.migrate import migrate

BODY = (
    '{"session": "2020-11-13", "decided_at": "2020-11-13T22:30:00Z", "method_version": "1", "coverage": 0.5, '
    '"breakout": {"close": 1744.04, "record": 1744.04, "distance": 0.0, "distance_atr": 0.0, "base_sessions": 0, '
    '"armed": false, "new_high": "primary", "round_hundred": 1700, "ytd": null, "change_12m": null, '
    '"relative_change": null, "episode": null, "checks": [], "episode_checks": [], "reason": null, "past": {}}, '
    '"sources": []}'
)


def _first_schema(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.migrate.__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
    connection.execute(text("INSERT INTO verdict VALUES ('2020-11-13', '2020-11-13', 0, '1', :body)"), {"body": BODY})
    connection.execute(
        text(
            "INSERT INTO transition (session, kind, subject, occurred_on) "
            "VALUES ('2020-11-13', 'breakout.attempt', 'breakout:2020-11-13', '2020-11-13')"
        )
    )


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[Database]:
    """A database as the first method left it, migrated."""
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/old.db") as database:
        async with database.transaction() as connection:
            await connection.run_sync(_first_schema)
        await migrate(database)
        yield database


async def test_its_verdicts_can_be_read(old: Database) -> None:
    async with old.transaction() as connection:
        body = await ledger.newest_body(connection)
    assert body is not None
    assert read_verdict(body).breakout.close == 1744.04


async def test_what_the_first_method_did_not_measure_is_unknown_in_them(old: Database) -> None:
    async with old.transaction() as connection:
        verdict = read_verdict(await ledger.newest_body(connection) or "")
    assert verdict.liquidity.regime is Regime.INSUFFICIENT
    assert verdict.crypto.window is Window.UNMEASURED
    assert verdict.conditions == ()


async def test_its_transitions_are_kept(old: Database) -> None:
    async with old.transaction() as connection:
        (change,) = await ledger.recent_changes(connection, 10)
    assert (change.kind, change.before, change.after) == ("breakout.attempt", "", "")
