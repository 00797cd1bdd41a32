"""What begins and ends is told once, whatever restarts meanwhile, and what follows from something else not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import OperationalError

from bot.health.faults import COURSES, Fault
from bot.sandbox.server import Fault as Broken
from bot.sandbox.server import Sandbox
from signals.as_json import encode
from signals.model import Freshness, SourceVerdict
from storage import ledger, market
from storage.ledger import AlertRow, Audience, ChangeRow, VerdictRow
from storage.operator import faults
from storage.operator.faults import OpenFault
from storage.schema import compressed
from tests.bot.health.watched import ME, Watched, watched
from tests.bot.running import EVENING, quiet


@pytest.fixture
async def bot(sandbox: Sandbox, database_url: str) -> AsyncIterator[Watched]:
    async with watched(sandbox, database_url) as bot:
        yield bot


async def stored(bot: Watched) -> list[OpenFault]:
    async with bot.app.database.reading() as connection:
        return await faults.open_faults(connection)


async def runs_a_moment(bot: Watched) -> None:
    """Let the alarm take over the database and do what it does every minute, once."""
    task = asyncio.create_task(bot.app.alarm.run(bot.app.database))
    async with asyncio.timeout(10):
        while bot.app.alarm._database is None:
            await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_restart_tells_nothing_twice_and_tells_when_it_is_over(sandbox: Sandbox, database_url: str) -> None:
    async with watched(sandbox, database_url) as bot:
        await runs_a_moment(bot)
        await bot.app.alarm.begins(Fault.EVENING, "The evening failed")
        assert bot.told() == ["The evening failed"]
        assert [(one.name, one.sentence) for one in await stored(bot)] == [("evening", "The evening failed")]
    async with watched(sandbox, database_url) as bot:
        bot.told()
        await runs_a_moment(bot)
        assert bot.app.alarm.present() == {Fault.EVENING: "The evening failed"}
        await bot.app.alarm.begins(Fault.EVENING, "The evening failed again")
        assert bot.told() == []
        await bot.app.alarm.ends(Fault.EVENING)
        assert bot.told() == [f"Over: {COURSES[Fault.EVENING].over}"]
        assert await stored(bot) == []


async def test_a_fault_of_a_name_that_this_version_does_not_know_is_left_alone(bot: Watched) -> None:
    async with bot.app.database.transaction() as connection:
        await faults.begin(connection, OpenFault("of a newer version", "x", EVENING))
    await runs_a_moment(bot)
    assert bot.app.alarm.present() == {}


async def test_what_begins_while_telegram_is_away_is_told_after_it(
    bot: Watched, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await runs_a_moment(bot)
    sandbox.faults.append(("sendMessage", Broken.RESET_BEFORE))
    await bot.app.alarm.begins(Fault.EVENING, "The evening failed")
    assert bot.told() == []
    await runs_a_moment(bot)
    assert bot.told() == ["The evening failed"]


async def test_what_the_database_does_not_take_is_told_all_the_same(
    bot: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    await runs_a_moment(bot)
    with monkeypatch.context() as patch:
        patch.setattr(faults, "begin", full)
        patch.setattr(faults, "end", full)
        await bot.app.alarm.begins(Fault.EVENING, "The evening failed")
        await bot.app.alarm.ends(Fault.EVENING)
        assert bot.told() == ["The evening failed"]
    await bot.app.alarm.once()
    assert bot.told() == [f"Over: {COURSES[Fault.EVENING].over}"]


async def test_what_follows_from_another_is_told_only_if_it_outlasts_it(bot: Watched) -> None:
    alarm = bot.app.alarm
    await alarm.begins(Fault.DISK, "The disk is full")
    await alarm.begins(Fault.DATABASE, "The database fails")
    assert bot.told() == ["The disk is full"]
    await alarm.ends(Fault.DISK)
    await alarm.once()
    assert bot.told() == [f"Over: {COURSES[Fault.DISK].over}", "The database fails"]


async def test_what_followed_and_is_gone_with_its_cause_is_never_told(bot: Watched) -> None:
    alarm = bot.app.alarm
    await alarm.begins(Fault.DATABASE, "The database fails")
    await alarm.begins(Fault.QUEUE, "The queue stands still")
    await alarm.ends(Fault.DATABASE, Fault.QUEUE)
    await bot.look(6)
    assert bot.told() == ["The database fails", f"Over: {COURSES[Fault.DATABASE].over}"]


async def test_one_that_comes_and_goes_is_told_once(bot: Watched) -> None:
    for _ in range(5):
        await bot.app.alarm.begins(Fault.OTHER_POLLER, "Another process polls")
        bot.time.now += 60
        await bot.app.alarm.ends(Fault.OTHER_POLLER)
        await bot.app.alarm.once()
    assert bot.told() == ["Another process polls"]
    bot.time.now += 300
    await bot.app.alarm.once()
    assert len(bot.told()) == 1


async def judges(bot: Watched, series: str, day: date, before: Freshness, after: Freshness) -> None:
    """Let an evening find what it does of a series, and tell the operators."""
    kind = "data.problem" if after is Freshness.STALE else "data.cleared"
    subject = f"data:{series}:{day}"
    change = ChangeRow(kind, subject, day, before, after)
    alert = AlertRow(f"{kind}:{day}", kind, False, day, EVENING, [(subject, kind)], Audience.OPERATORS)
    verdict = replace(quiet(), session=day, sources=(SourceVerdict(series, after, day, ""),))
    row = VerdictRow(day, verdict.decided_at, verdict.method_version, compressed(encode(verdict)), [change])
    async with bot.app.database.transaction() as connection:
        await market.claim_market(connection, "live")
        await ledger.record(connection, [row], [alert], backfilled=False)
    await bot.app.sender.drain()
    await bot.look()


@pytest.mark.parametrize(("series", "check", "status"), [("^RUT", "data", 503), ("WALCL", "sources", 200)])
async def test_a_series_that_cannot_be_used_is_told_by_its_alerts_alone(
    bot: Watched, series: str, check: str, status: int
) -> None:
    day = quiet().session
    await judges(bot, series, day, Freshness.OK, Freshness.STALE)
    assert (await bot.ready())[0] == status
    assert await bot.failing() == {check}
    assert await bot.metric(f'cascade_series_ok{{series="{series}"}}') == 0
    (told,) = bot.told()
    assert series in told.splitlines()[0]
    await judges(bot, series, day + timedelta(days=3), Freshness.STALE, Freshness.OK)
    assert await bot.failing() == set()
    assert await bot.metric(f'cascade_series_ok{{series="{series}"}}') == 1
    assert len(bot.told()) == 1


async def test_a_crash_is_told_by_the_next_start_once_however_many_follow(sandbox: Sandbox, database_url: str) -> None:
    for number in range(3):
        async with watched(sandbox, database_url) as bot:
            bot.told()
            await runs_a_moment(bot)
            sentence = "The bot ended by a mistake of its own, KeyError, and was started again: see its log"
            assert sandbox.sent(ME) == ([sentence] if number else [])
            await bot.app.leave_word(ExceptionGroup("x", [KeyError("what nobody is to see")]))
    async with watched(sandbox, database_url) as bot:
        bot.told()
        await runs_a_moment(bot)
        assert (await bot.ready())[0] == 200
        await bot.look(61)
        assert bot.told() == [f"Over: {COURSES[Fault.CRASH].over}"]
