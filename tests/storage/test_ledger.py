"""Verdicts, transitions and alerts are committed together or not at all, and never rewritten."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.exc import IntegrityError

from storage import ledger, market
from storage.database import Database
from storage.ledger import AlertRow, ChangeRow, VerdictRow
from storage.market import Agenda, OtherMarketError
from storage.schema import Instant, alert, compressed, transition, verdict

EVENING = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
FRIDAY, MONDAY = date(2020, 11, 13), date(2020, 11, 16)
ATTEMPT = ChangeRow("breakout.attempt", "breakout:2020-11-13", FRIDAY)
ALERT = AlertRow("key", "breakout.attempt", False, FRIDAY, EVENING, [("breakout:2020-11-13", "breakout.attempt")])


def decided(session: date, *changes: ChangeRow) -> VerdictRow:
    return VerdictRow(session, EVENING, "1", compressed(f'{{"session":"{session}"}}'.encode()), changes)


async def count(database: Database) -> tuple[int, ...]:
    async with database.transaction() as connection:
        tables = (verdict, transition, alert)
        return tuple([(await connection.execute(select(func.count()).select_from(t))).scalar_one() for t in tables])


class TestRecord:
    async def test_a_verdict_its_transitions_and_its_alerts_are_stored_together(self, database: Database) -> None:
        async with database.transaction() as connection:
            await ledger.record(connection, [decided(FRIDAY, ATTEMPT)], [ALERT], backfilled=False)
        assert await count(database) == (1, 1, 1)

    async def test_if_the_alert_cannot_be_stored_nothing_is(self, database: Database) -> None:
        async with database.transaction() as connection:
            await ledger.record(connection, [decided(FRIDAY, ATTEMPT)], [ALERT], backfilled=False)
        other = ChangeRow("breakout.confirmed", "breakout:2020-11-13", MONDAY)
        again = AlertRow("key", "breakout.confirmed", True, MONDAY, EVENING, [(other.subject, other.kind)])
        with pytest.raises(IntegrityError):
            async with database.transaction() as connection:
                await ledger.record(connection, [decided(MONDAY, other)], [again], backfilled=False)
        assert await count(database) == (1, 1, 1)

    async def test_a_verdict_is_never_rewritten(self, database: Database) -> None:
        async with database.transaction() as connection:
            await ledger.record(connection, [decided(FRIDAY)], [], backfilled=False)
        with pytest.raises(IntegrityError):
            async with database.transaction() as connection:
                await ledger.record(connection, [decided(FRIDAY)], [], backfilled=False)
        assert await count(database) == (1, 0, 0)

    async def test_a_transition_of_a_subject_happens_once(self, database: Database) -> None:
        with pytest.raises(IntegrityError):
            async with database.transaction() as connection:
                rows = [decided(FRIDAY, ATTEMPT), decided(MONDAY, ATTEMPT)]
                await ledger.record(connection, rows, [], backfilled=False)
        assert await count(database) == (0, 0, 0)

    async def test_backfilled_verdicts_are_marked(self, database: Database) -> None:
        async with database.transaction() as connection:
            await ledger.record(connection, [decided(FRIDAY)], [], backfilled=True)
            await ledger.record(connection, [decided(MONDAY)], [], backfilled=False)
            marks = (await connection.execute(select(verdict.c.backfilled).order_by(verdict.c.session))).scalars().all()
        assert marks == [True, False]

    async def test_nothing_to_record_is_no_error(self, database: Database) -> None:
        async with database.transaction() as connection:
            await ledger.record(connection, [], [], backfilled=True)
        assert await count(database) == (0, 0, 0)


class TestReading:
    async def test_the_newest_verdict_is_the_one_of_the_latest_session(self, database: Database) -> None:
        async with database.transaction() as connection:
            assert await ledger.newest_session(connection) is None
            assert await ledger.newest_body(connection) is None
            await ledger.record(connection, [decided(MONDAY), decided(FRIDAY)], [], backfilled=True)
            assert await ledger.newest_session(connection) == MONDAY
            assert await ledger.newest_body(connection) == '{"session":"2020-11-16"}'
            assert await ledger.body_of(connection, FRIDAY) == '{"session":"2020-11-13"}'

    async def test_an_alert_leads_to_its_transitions(self, database: Database) -> None:
        async with database.transaction() as connection:
            await ledger.record(connection, [decided(FRIDAY, ATTEMPT)], [ALERT], backfilled=False)
            stored = await ledger.load_alert(connection, 1)
            (change,) = await ledger.load_changes(connection, stored.transitions)
            assert await ledger.known_changes(connection) == {("breakout:2020-11-13", "breakout.attempt")}
        assert (change.kind, change.occurred_on, change.session) == ("breakout.attempt", FRIDAY, FRIDAY)
        assert stored.created_at == EVENING


class TestMarket:
    async def test_a_fresh_database_takes_the_market_it_is_given(self, database: Database) -> None:
        async with database.transaction() as connection:
            assert await market.load_market(connection) is None
            await market.claim_market(connection, "simulated")
            held = await market.load_market(connection)
        assert held is not None
        assert held.is_simulated
        assert held.agenda is None

    async def test_real_and_simulated_figures_never_mix(self, database: Database) -> None:
        async with database.transaction() as connection:
            await market.claim_market(connection, "live")
            await market.claim_market(connection, "live")
        with pytest.raises(OtherMarketError, match=r"holds the market 'live', not 'simulated'.*DATABASE_URL"):
            async with database.transaction() as connection:
                await market.claim_market(connection, "simulated")

    async def test_the_agenda_is_what_was_said_last(self, database: Database) -> None:
        agenda = Agenda(MONDAY, EVENING, FRIDAY, "^RUT: late")
        async with database.transaction() as connection:
            await market.claim_market(connection, "live")
            await market.set_agenda(connection, agenda)
            held = await market.load_market(connection)
        assert held is not None
        assert held.agenda == agenda

    async def test_a_reason_to_wait_of_any_length_is_kept_as_far_as_there_is_room(self, database: Database) -> None:
        async with database.transaction() as connection:
            await market.claim_market(connection, "live")
            await market.set_agenda(connection, Agenda(MONDAY, EVENING, FRIDAY, "late; " * 500))
            held = await market.load_market(connection)
        assert held is not None
        assert held.agenda is not None
        assert held.agenda.waiting == ("late; " * 500)[:1000]

    async def test_the_first_evening_stays_the_first(self, database: Database) -> None:
        async with database.transaction() as connection:
            await market.claim_market(connection, "live")
            await market.note_evening(connection, EVENING)
            await market.note_evening(connection, EVENING + timedelta(days=1))
            held = await market.load_market(connection)
        assert held is not None
        assert held.first_evening_at == EVENING

    async def test_the_backfill_begins_once(self, database: Database) -> None:
        async with database.transaction() as connection:
            await market.claim_market(connection, "live")
            await market.begin_backfill(connection, FRIDAY)
            await market.begin_backfill(connection, MONDAY)
            held = await market.load_market(connection)
        assert held is not None
        assert held.backfilled_through == FRIDAY


class TestClosures:
    async def test_one_that_was_found_is_new_once(self, database: Database) -> None:
        async with database.transaction() as connection:
            assert await market.find_closure(connection, MONDAY, EVENING)
            assert not await market.find_closure(connection, MONDAY, EVENING + timedelta(days=1))
            (row,) = await market.closures(connection)
        assert tuple(row) == (MONDAY, True, "rule", EVENING)

    async def test_what_an_operator_says_stands_against_the_rule_and_the_newest_word_counts(
        self, database: Database
    ) -> None:
        async with database.transaction() as connection:
            await market.find_closure(connection, MONDAY, EVENING)
            await market.say_closure(connection, MONDAY, EVENING, closed=False)
            assert not await market.find_closure(connection, MONDAY, EVENING)
            await market.say_closure(connection, FRIDAY, EVENING, closed=False)
            await market.say_closure(connection, FRIDAY, EVENING, closed=True)
            rows = await market.closures(connection)
        assert [(row.session, row.closed, row.noted_by) for row in rows] == [
            (FRIDAY, True, "operator"),
            (MONDAY, False, "operator"),
        ]


class TestInstant:
    def test_a_naive_time_is_a_mistake(self) -> None:
        with pytest.raises(ValueError, match="needs a time zone"):
            Instant().process_bind_param(EVENING.replace(tzinfo=None), SQLiteDialect())

    def test_another_zone_is_stored_as_utc(self) -> None:
        from zoneinfo import ZoneInfo

        new_york = EVENING.astimezone(ZoneInfo("America/New_York"))
        assert Instant().process_bind_param(new_york, SQLiteDialect()) == EVENING.replace(tzinfo=None)
