"""The record's newest computation, and the live one that only ever grows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from storage import ledger, track_record
from storage.database import Database
from storage.ledger import ChangeRow, VerdictRow
from storage.schema import compressed
from storage.track_record import OutcomeRow

EVENING = datetime(2020, 11, 17, 22, 30, tzinfo=UTC)
SESSION = date(2020, 11, 17)
LATER = EVENING + timedelta(days=40)


def change(kind: str = "breakout.confirmed", subject: str = "breakout:2020-11-13", **more: Any) -> ChangeRow:
    return ChangeRow(kind, subject, SESSION, **more)


async def decide(database: Database, session: date, *changes: ChangeRow, backfilled: bool = False) -> None:
    row = VerdictRow(session, EVENING, "3", compressed(b"{}"), changes)
    async with database.transaction() as connection:
        await ledger.record(connection, [row], [], backfilled=backfilled)


def outcome(transition: int, change: float = 0.1, *, asset: str = "ETH-USD", corrects: int | None = None) -> OutcomeRow:
    return OutcomeRow(transition, asset, 30, SESSION, 480.0, date(2020, 12, 17), 528.0, change, -0.02, corrects)


async def append(database: Database, *rows: OutcomeRow) -> None:
    async with database.transaction() as connection:
        await track_record.append(connection, rows, LATER)


class TestTheBacktestsRecord:
    async def test_an_empty_database_has_no_record(self, database: Database) -> None:
        async with database.transaction() as connection:
            assert await track_record.load(connection) is None
            assert not await track_record.is_due(connection, "3")

    async def test_the_newest_takes_the_place_of_the_one_before(self, database: Database) -> None:
        async with database.transaction() as connection:
            await track_record.store(connection, date(2020, 11, 16), "3", compressed(b'{"first": 1}'), EVENING)
            await track_record.store(connection, SESSION, "3", compressed(b'{"second": 2}'), EVENING)
            assert await track_record.load(connection) == '{"second": 2}'

    async def test_a_record_is_due_when_a_session_was_decided_since(self, database: Database) -> None:
        await decide(database, SESSION)
        async with database.transaction() as connection:
            assert await track_record.is_due(connection, "3")
            await track_record.store(connection, SESSION, "3", compressed(b"{}"), EVENING)
            assert not await track_record.is_due(connection, "3")
        await decide(database, date(2020, 11, 18))
        async with database.transaction() as connection:
            assert await track_record.is_due(connection, "3")

    async def test_a_record_is_due_under_another_method(self, database: Database) -> None:
        await decide(database, SESSION)
        async with database.transaction() as connection:
            await track_record.store(connection, SESSION, "2", compressed(b"{}"), EVENING)
            assert await track_record.is_due(connection, "3")


class TestLiveTransitions:
    async def test_history_and_the_state_of_the_data_are_not_among_them(self, database: Database) -> None:
        await decide(database, date(2020, 11, 13), change("breakout.attempt"), backfilled=True)
        problem = change("data.problem", "data:IWM:2020-11-17")
        await decide(database, SESSION, change(), problem)
        async with database.transaction() as connection:
            (row,) = await track_record.live_transitions(connection)
        assert (row.kind, row.decided_at, row.method_version) == ("breakout.confirmed", EVENING, "3")

    async def test_the_evidence_of_a_transition_is_kept_with_it(self, database: Database) -> None:
        await decide(database, SESSION, change(evidence=compressed(b'{"rule": "breakout.confirmed"}')))
        async with database.transaction() as connection:
            (row,) = await track_record.live_transitions(connection)
        assert row.evidence == '{"rule": "breakout.confirmed"}'


class TestOutcomes:
    async def test_outcomes_are_appended(self, database: Database) -> None:
        await decide(database, SESSION, change())
        await append(database, outcome(1), outcome(1, asset="BTC-USD"))
        async with database.transaction() as connection:
            rows = await track_record.outcomes(connection)
        assert [(row.asset, row.change, row.recorded_at) for row in rows] == [
            ("ETH-USD", 0.1, LATER),
            ("BTC-USD", 0.1, LATER),
        ]

    async def test_the_same_one_twice_is_refused(self, database: Database) -> None:
        await decide(database, SESSION, change())
        await append(database, outcome(1))
        with pytest.raises(IntegrityError):
            await append(database, outcome(1, change=0.2))

    async def test_a_correction_is_a_row_that_points_to_the_old_one(self, database: Database) -> None:
        await decide(database, SESSION, change())
        await append(database, outcome(1))
        await append(database, outcome(1, change=0.2, corrects=1))
        async with database.transaction() as connection:
            rows = await track_record.outcomes(connection)
            held = await track_record.in_force(connection)
        assert [(row.change, row.corrects) for row in rows] == [(0.1, None), (0.2, 1)]
        assert held[1, "ETH-USD", 30].change == 0.2

    async def test_a_row_is_corrected_once_and_its_correction_again(self, database: Database) -> None:
        await decide(database, SESSION, change())
        await append(database, outcome(1))
        await append(database, outcome(1, change=0.2, corrects=1))
        with pytest.raises(IntegrityError):
            await append(database, outcome(1, change=0.3, corrects=1))
        await append(database, outcome(1, change=0.3, corrects=2))

    async def test_an_outcome_needs_its_transition(self, database: Database) -> None:
        with pytest.raises(IntegrityError):
            await append(database, outcome(77))
