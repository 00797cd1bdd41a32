"""Status boards in the database: one a chat, due until it shows the newest session, claimed a request at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from storage import AsyncConnection, chats, ledger
from storage.database import Database
from storage.ledger import VerdictRow
from storage.outbox import boards
from storage.outbox.boards import RETIRED, ClaimedBoard, Step
from storage.schema import board, chain, compressed, verdict
from storage.settings import board as setting
from storage.settings import personal

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
LEASE = timedelta(minutes=5)
ME, GROUP, CHANNEL = 5, -1_000_000_000_005, -1_000_000_000_007
FRIDAY, MONDAY = date(2020, 11, 13), date(2020, 11, 16)


async def decide(database: Database, session: date) -> None:
    async with database.transaction() as connection:
        row = VerdictRow(session, NOW, "1", compressed(b"{}"))
        await ledger.record(connection, [row], [], backfilled=False)


async def turn_on(database: Database, *ids: int, message_id: int = 100) -> None:
    async with database.transaction() as connection:
        for chat_id in ids:
            await chats.mark_reachable(connection, chat_id, "private" if chat_id > 0 else "supergroup")
            await setting.turn_on(connection, chat_id, message_id, None)


async def claim(database: Database, limit: int = 10, *, asked_only: bool = False) -> list[ClaimedBoard]:
    async with database.transaction() as connection:
        return await boards.claim(connection, limit, LEASE, NOW, asked_only=asked_only)


async def carry_out(database: Database) -> list[tuple[int, Step]]:
    """Carry out whatever is due until nothing is, and return what that was."""
    carried_out = []
    while claims := await claim(database):
        for claimed in claims:
            carried_out.append((claimed.chat_id, claimed.step))
            async with database.transaction() as connection:
                if claimed.step is Step.EDIT:
                    await boards.mark_shown(connection, [claimed])
                else:
                    await boards.done(connection, claimed, claimed.message_id or 900)
    return carried_out


async def rows(database: Database) -> list[tuple[int, int | None, str, str]]:
    async with database.reading() as connection:
        found = await connection.execute(select(board.c.chat_id, board.c.message_id, board.c.step, board.c.state))
        return [(row.chat_id, row.message_id, row.step, row.state) for row in found]


class TestDue:
    async def test_a_new_one_is_written_pinned_and_then_waits_for_a_newer_session(self, database: Database) -> None:
        await decide(database, FRIDAY)
        await turn_on(database, ME)
        assert await carry_out(database) == [(ME, Step.WRITE), (ME, Step.PIN), (ME, Step.EDIT)]
        assert await claim(database) == []
        await decide(database, MONDAY)
        assert await carry_out(database) == [(ME, Step.EDIT)]

    async def test_of_sessions_decided_meanwhile_only_the_newest_is_shown(self, database: Database) -> None:
        await decide(database, FRIDAY)
        await turn_on(database, ME)
        await carry_out(database)
        for days in (3, 4, 5):
            await decide(database, FRIDAY + timedelta(days=days))
        (claimed,) = await claim(database)
        assert (claimed.session, claimed.decided_at) == (FRIDAY + timedelta(days=5), NOW)
        async with database.transaction() as connection:
            await boards.mark_shown(connection, [claimed])
        assert await claim(database) == []

    async def test_one_that_was_on_its_way_when_a_newer_session_came_is_due_again(self, database: Database) -> None:
        await decide(database, FRIDAY)
        await turn_on(database, ME)
        await carry_out(database)
        await decide(database, MONDAY)
        (claimed,) = await claim(database)
        await decide(database, MONDAY + timedelta(days=1))
        async with database.transaction() as connection:
            await boards.mark_shown(connection, [claimed])
        assert await carry_out(database) == [(ME, Step.EDIT)]

    async def test_what_somebody_waits_for_comes_first_then_groups_and_channels(self, database: Database) -> None:
        await decide(database, FRIDAY)
        await turn_on(database, ME, GROUP, CHANNEL)
        await carry_out(database)
        await decide(database, MONDAY)
        await turn_on(database, 6)
        assert [claimed.chat_id for claimed in await claim(database, asked_only=True)] == [6]
        assert [claimed.chat_id for claimed in await claim(database, 2)] == [GROUP, CHANNEL]
        assert [claimed.chat_id for claimed in await claim(database)] == [ME]

    async def test_before_the_first_verdict_it_can_be_written_too(self, database: Database) -> None:
        await turn_on(database, ME)
        assert await carry_out(database) == [(ME, Step.WRITE), (ME, Step.PIN), (ME, Step.EDIT)]
        assert await claim(database) == []
        await decide(database, FRIDAY)
        assert await carry_out(database) == [(ME, Step.EDIT)]

    async def test_nobody_claims_what_is_claimed(self, database: Database) -> None:
        await turn_on(database, ME, GROUP)
        assert len(await claim(database, 1)) == 1
        assert len(await claim(database)) == 1
        assert await claim(database) == []

    async def test_a_held_one_waits_for_its_time(self, database: Database) -> None:
        await turn_on(database, ME)
        (claimed,) = await claim(database)
        async with database.transaction() as connection:
            await boards.put_back(connection, claimed, "busy", NOW + timedelta(seconds=5))
            assert await boards.next_due(connection, NOW) == NOW + timedelta(seconds=5)
            assert await boards.release(connection, NOW, 10) == 0
        assert await claim(database) == []
        async with database.transaction() as connection:
            assert await boards.release(connection, NOW + timedelta(seconds=5), 10) == 1
            assert await boards.next_due(connection, NOW) == NOW
        assert len(await claim(database)) == 1

    async def test_one_held_while_the_clock_was_years_ahead_does_not_wait_for_years(self, database: Database) -> None:
        await turn_on(database, ME)
        (claimed,) = await claim(database)
        async with database.transaction() as connection:
            await boards.put_back(connection, claimed, "busy", NOW + timedelta(days=700))
            assert await boards.release(connection, NOW, 10) == 1


class TestOneAChat:
    async def test_another_message_takes_its_place_and_the_earlier_one_is_retired(self, database: Database) -> None:
        await turn_on(database, ME)
        await carry_out(database)
        await turn_on(database, ME, message_id=200)
        steps = await carry_out(database)
        assert sorted(step for _, step in steps) == sorted(["write", "pin", "edit", "unpin", "farewell"])
        assert await rows(database) == [(ME, 200, "edit", "queued")]

    async def test_the_same_message_once_more_changes_nothing(self, database: Database) -> None:
        await turn_on(database, ME)
        await carry_out(database)
        await turn_on(database, ME)
        assert await carry_out(database) == []

    async def test_turned_off_it_is_unpinned_says_so_and_is_forgotten(self, database: Database) -> None:
        await turn_on(database, ME)
        await carry_out(database)
        async with database.transaction() as connection:
            await setting.turn_off(connection, ME)
            assert await setting.find(connection, ME) is None
        assert await carry_out(database) == [(ME, Step.UNPIN), (ME, Step.FAREWELL)]
        assert await rows(database) == []

    @pytest.mark.parametrize("is_edit", [False, True])
    async def test_turned_off_while_a_request_is_on_its_way_it_is_retired_after_that(
        self, database: Database, is_edit: bool
    ) -> None:
        await decide(database, FRIDAY)
        await turn_on(database, ME)
        if is_edit:
            await carry_out(database)
            await decide(database, MONDAY)
        (claimed,) = await claim(database)
        async with database.transaction() as connection:
            await setting.turn_off(connection, ME)
        assert await claim(database) == []
        async with database.transaction() as connection:
            await (boards.mark_shown(connection, [claimed]) if is_edit else boards.done(connection, claimed, 100))
        assert await carry_out(database) == [(ME, Step.UNPIN), (ME, Step.FAREWELL)]

    async def test_a_result_that_comes_after_deleteme_is_stored_nowhere(self, database: Database) -> None:
        await turn_on(database, ME)
        (claimed,) = await claim(database)
        async with database.transaction() as connection:
            await personal.forget(connection, ME)
            await boards.done(connection, claimed, 100)
        assert await rows(database) == []


class TestMadeAgain:
    async def test_where_it_is_deleted_a_new_one_is_sent_and_the_old_number_forgotten(self, database: Database) -> None:
        await turn_on(database, ME)
        await carry_out(database)
        await decide(database, FRIDAY)
        (claimed,) = await claim(database)
        async with database.transaction() as connection:
            await boards.make_again(connection, claimed, "message to edit not found", None)
        steps = await carry_out(database)
        assert [step for _, step in steps if step not in RETIRED] == [Step.SEND, Step.PIN, Step.EDIT]
        assert await rows(database) == [(ME, 900, "edit", "queued")]

    async def test_where_it_was_turned_off_meanwhile_none_is(self, database: Database) -> None:
        await turn_on(database, ME)
        (claimed,) = await claim(database)
        async with database.transaction() as connection:
            await setting.turn_off(connection, ME)
            await boards.make_again(connection, claimed, "message to edit not found", None)
        assert await carry_out(database) == [(ME, Step.UNPIN), (ME, Step.FAREWELL)]

    async def test_a_new_one_that_was_on_its_way_in_a_dead_process_is_not_sent_twice(self, database: Database) -> None:
        claimed = await self._sending(database)
        async with database.transaction() as connection:
            assert await boards.recover(connection, everything=True) == 1
            found = await setting.find(connection, ME)
        assert found is not None
        assert found.is_lost
        assert await claim(database) == []
        # Whoever asks for one gets one.
        await turn_on(database, ME, message_id=300)
        assert (await carry_out(database))[0] == (ME, Step.WRITE)
        assert claimed.step is Step.SEND

    async def test_a_result_that_comes_late_finds_it_again(self, database: Database) -> None:
        claimed = await self._sending(database)
        async with database.transaction() as connection:
            await boards.recover(connection, everything=True)
            await boards.done(connection, claimed, 901)
        assert (ME, 901, "pin", "queued") in await rows(database)

    async def test_turned_off_while_the_new_one_is_on_its_way_that_is_retired_as_well(self, database: Database) -> None:
        claimed = await self._sending(database)
        async with database.transaction() as connection:
            await setting.turn_off(connection, ME)
            await boards.done(connection, claimed, 901)
        assert await carry_out(database) == [(ME, Step.UNPIN), (ME, Step.FAREWELL)]
        assert await rows(database) == []

    async def test_turned_off_while_it_is_on_its_way_in_a_process_that_dies_nothing_is_left(
        self, database: Database
    ) -> None:
        claimed = await self._sending(database)
        async with database.transaction() as connection:
            await setting.turn_off(connection, ME)
            await boards.recover(connection, everything=True)
            await boards.put_back(connection, claimed, "never left")
        assert await rows(database) == []

    async def _sending(self, database: Database) -> ClaimedBoard:
        """Return a board that is on its way to take the place of a deleted one, whose number is forgotten."""
        await turn_on(database, ME)
        (claimed,) = await claim(database)
        async with database.transaction() as connection:
            await boards.make_again(connection, claimed, "message to edit not found", None)
            await connection.execute(delete(board).where(board.c.step.in_(RETIRED)))
        (claimed,) = await claim(database)
        return claimed


class TestTheChat:
    async def test_while_it_cannot_be_reached_nothing_is_claimed(self, database: Database) -> None:
        await turn_on(database, ME)
        async with database.transaction() as connection:
            await chats.mark_gone(connection, ME, "blocked", NOW)
        assert await claim(database) == []
        async with database.transaction() as connection:
            await chats.mark_reachable(connection, ME, "private")
        assert [claimed.step for claimed in await claim(database)] == [Step.WRITE]

    async def test_with_a_new_id_it_gets_a_new_message_there(self, database: Database) -> None:
        await turn_on(database, -77)
        await carry_out(database)
        async with database.transaction() as connection:
            await chats.move(connection, -77, GROUP, NOW)
            await chats.move(connection, -77, GROUP, NOW)
        assert await rows(database) == [(GROUP, None, "send", "queued")]

    async def test_a_board_that_the_new_id_has_already_stays(self, database: Database) -> None:
        await turn_on(database, -77, GROUP)
        async with database.transaction() as connection:
            await chats.move(connection, -77, GROUP, NOW)
        assert await rows(database) == [(GROUP, 100, "write", "queued")]

    async def test_where_the_bot_became_an_admin_it_is_pinned_once_more(self, database: Database) -> None:
        await turn_on(database, GROUP)
        await carry_out(database)
        async with database.transaction() as connection:
            await setting.pin_again(connection, GROUP)
        assert await carry_out(database) == [(GROUP, Step.PIN), (GROUP, Step.EDIT)]


async def test_a_result_of_an_earlier_claim_changes_nothing(database: Database) -> None:
    await turn_on(database, ME)
    (claimed,) = await claim(database)
    earlier = replace(claimed, attempt=claimed.attempt - 1)
    async with database.transaction() as connection:
        await boards.done(connection, earlier, 100)
        await boards.put_back(connection, earlier, "no")
        await boards.make_again(connection, earlier, "no", None)
    assert await rows(database) == [(ME, 100, "write", "sending")]


async def test_an_edit_of_an_earlier_claim_leaves_the_later_one_on_its_way(database: Database) -> None:
    await decide(database, FRIDAY)
    await turn_on(database, ME)
    await carry_out(database)
    await decide(database, MONDAY)
    (claimed,) = await claim(database)
    async with database.transaction() as connection:
        await boards.mark_shown(connection, [replace(claimed, attempt=claimed.attempt - 1)])
    assert await rows(database) == [(ME, 100, "edit", "sending")]


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    async with Database(sqlite_url) as database:
        yield database


THINGS = ("here", "elsewhere", "off", "session", "claim", "done", "gone", "held", "lost", "kill", "release")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(things=st.lists(st.sampled_from(THINGS), max_size=25))
async def test_whatever_happens_a_chat_has_one_board_and_in_the_end_it_shows_the_newest_session(
    sqlite: Database, things: list[str]
) -> None:
    async with sqlite.transaction() as connection:
        for table in (board, chain, verdict):
            await connection.execute(delete(table))
    happening = Happening(sqlite)
    for thing in ("session", "here", *things):
        await happening.let(thing)
        # The database itself holds one current board a chat; what is not forgotten is retired.
        assert sum(step not in RETIRED for _, _, step, _ in await rows(sqlite)) <= 1
    for thing in ("kill", "release"):
        await happening.let(thing)
    await carry_out(sqlite)
    async with sqlite.reading() as connection:
        left = (await connection.execute(select(board))).all()
    assert all((row.step, row.shows) == (Step.EDIT, happening.session) for row in left if row.state != "unknown")


class Happening:
    """Lets things happen to the board of one chat, in any order."""

    def __init__(self, database: Database) -> None:
        self.database, self.session = database, FRIDAY
        self._wanted, self._sent = 1, 1_000
        self._on_their_way: list[ClaimedBoard] = []

    async def let(self, thing: str) -> None:
        if thing == "session":
            self.session += timedelta(days=1)
            await decide(self.database, self.session)
        async with self.database.transaction() as connection:
            if thing in ("here", "elsewhere", "off"):
                await self._ask(connection, thing)
            elif thing in ("done", "gone", "held", "lost") and self._on_their_way:
                await self._end(connection, self._on_their_way.pop(0), thing)
            elif thing == "claim":
                self._on_their_way += await boards.claim(connection, 2, LEASE, NOW)
            elif thing == "kill":
                self._on_their_way.clear()
                await boards.recover(connection, everything=True)
            elif thing == "release":
                await boards.release(connection, NOW + LEASE, 10)

    async def _ask(self, connection: AsyncConnection, what: str) -> None:
        self._wanted += what == "elsewhere"
        if what == "off":
            await setting.turn_off(connection, ME)
        else:
            await setting.turn_on(connection, ME, self._wanted, None)

    async def _end(self, connection: AsyncConnection, claimed: ClaimedBoard, how: str) -> None:
        self._sent += 1
        if how == "done" and claimed.step is Step.EDIT:
            await boards.mark_shown(connection, [claimed])
        elif how == "done":
            await boards.done(connection, claimed, claimed.message_id or self._sent)
        elif how == "gone" and claimed.step is not Step.SEND:
            await boards.make_again(connection, claimed, how, None)
        elif how == "lost" and claimed.step is Step.SEND:
            await boards.lose(connection, claimed, how)
        else:
            await boards.put_back(connection, claimed, how, NOW + LEASE)
