"""Alerts for tests of what happens to them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from storage import ledger
from storage.database import Database
from storage.ledger import AlertRow, Audience, VerdictRow
from storage.outbox.states import State
from storage.schema import alert, compressed, delivery
from storage.settings.kinds import EVERYTHING


async def add_alert(
    database: Database,
    at: datetime,
    *,
    urgent: bool = False,
    audience: Audience = Audience.SUBSCRIBERS,
    kinds: int = EVERYTHING,
) -> int:
    """Record one more alert, on a session of its own, and return its id."""
    async with database.transaction() as connection:
        number = (await connection.execute(select(func.count()).select_from(alert))).scalar_one()
        session = date(2020, 1, 2) + timedelta(days=number)
        row = AlertRow(f"alert {number}", "breakout.attempt", urgent, session, at, audience=audience, kinds=kinds)
        await ledger.record(connection, [VerdictRow(session, at, "1", compressed(b"{}"))], [row], backfilled=False)
        return int(number) + 1


async def states(database: Database) -> dict[int, State]:
    """Return the state of each chat's delivery."""
    async with database.transaction() as connection:
        rows = await connection.execute(select(delivery.c.chat_id, delivery.c.state))
        return {row.chat_id: State(row.state) for row in rows}
