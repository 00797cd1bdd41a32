"""A live record of three evenings after a history: an outcome, what a later price made of it, and a correction."""

from __future__ import annotations

from datetime import UTC, date, datetime

from storage import ledger, track_record
from storage.database import Database
from storage.ledger import AlertRow, ChangeRow, VerdictRow
from storage.operator import posts
from storage.operator.posts import Draft
from storage.schema import compressed
from storage.track_record import OutcomeRow

EVENING = datetime(2020, 11, 17, 22, 30, 0, 250_000, tzinfo=UTC)
HISTORY, FIRST, SECOND = date(2020, 11, 13), date(2020, 11, 16), date(2020, 11, 17)
ROWS = 8


def decided(session: date, *changes: ChangeRow) -> VerdictRow:
    return VerdictRow(session, EVENING, "3", compressed(f'{{"session":"{session}"}}'.encode()), changes)


def change(kind: str, session: date, before: str = "", after: str = "") -> ChangeRow:
    return ChangeRow(
        kind, "breakout:2020-11-13", session, before, after, compressed(b'{"rule":"x"}') if after else None
    )


def outcome(change: float, corrects: int | None = None) -> OutcomeRow:
    return OutcomeRow(2, "ETH-USD", 30, SECOND, 480.36, date(2020, 12, 17), 642.0, change, -1e-7, corrects)


async def live_evenings(database: Database) -> None:
    async with database.transaction() as connection:
        attempt = change("breakout.attempt", HISTORY)
        await ledger.record(connection, [decided(HISTORY, attempt)], [], backfilled=True)
        rows = [
            decided(FIRST, change("breakout.resumed", FIRST)),
            decided(SECOND, change("stage.up", SECOND, "1", "2")),
        ]
        told = AlertRow("key", "stage.up", False, SECOND, EVENING, [("breakout:2020-11-13", "stage.up")])
        await ledger.record(connection, rows, [told], backfilled=False)
    await look_back(database, outcome(0.1 + 0.2))
    await look_back(database, outcome(-0.0, corrects=1))
    await correct(database)
    await record_live(database, date(2020, 11, 18))


async def correct(database: Database) -> None:
    """Correct the alert; a broadcast and a draft are beside it."""
    texts = {"fr": "Le cours était faux.", "en": "The price was wrong."}
    async with database.transaction() as connection:
        for corrects in (1, None):
            number = await posts.draft(connection, Draft(texts, 11, 11, corrects), EVENING)
            assert await posts.owe(connection, number, 11, 11, EVENING) == number + 1
        await posts.draft(connection, Draft(texts, 11, 11, 1), EVENING)


async def look_back(database: Database, row: OutcomeRow) -> None:
    async with database.transaction() as connection:
        await track_record.append(connection, [row], datetime(2020, 12, 18, 22, 30, tzinfo=UTC))


async def record_live(database: Database, session: date) -> None:
    async with database.transaction() as connection:
        await ledger.record(connection, [decided(session)], [], backfilled=False)
