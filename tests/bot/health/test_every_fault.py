"""Every fault shows in readiness and in the numbers, is told to the operators once, and clears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace
from sqlalchemy.exc import OperationalError
from tenacity import AsyncRetrying, RetryCallState

from bot.delivery import sender
from bot.delivery.sender import Sender
from bot.errors import AdminCheckError, RetryUpdateError
from bot.health import checks
from bot.health.faults import COURSES, Fault
from bot.market.evening import Evening
from bot.market.process import MarketProcessError
from bot.sandbox.server import Fault as Broken
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BotApiError
from bot.updates.polling import Poller
from bot.updates.webhook import Webhook
from signals.model import Freshness, SourceVerdict, Verdict
from storage import chats, inbox, market, observations
from storage.keeping.backup import Backup, BackupError
from storage.market import Agenda
from storage.observations import SourceCheck
from storage.operator import heartbeat
from tests.bot.health.watched import Watched, watched
from tests.bot.running import EVENING, attempt, quiet, store_verdict

SESSION = quiet().session
DUE = Agenda(SESSION + timedelta(days=3), EVENING + timedelta(days=3), SESSION, None)
OTHER = 6
FULL = OperationalError("INSERT", {}, Exception("database or disk is full"))
Step = Callable[[Watched, pytest.MonkeyPatch], Awaitable[None]]


@pytest.fixture
async def bot(sandbox: Sandbox, database_url: str, tmp_path: Path) -> AsyncIterator[Watched]:
    async with watched(sandbox, database_url, backup_dir=str(tmp_path / "kept")) as bot:
        yield bot


@dataclass(frozen=True)
class Case:
    """How a fault comes and goes, which check fails, and how the message of it begins."""

    check: str
    begins: Step
    ends: Step
    told: str
    over: str
    is_ready: bool = False
    after: float = 6.0


async def told_of(poller: Poller, error: Exception) -> None:
    state = RetryCallState(AsyncRetrying(), None, (), {})
    state.set_exception((type(error), error, None))
    await poller._tell(state)


def polling(fault: Broken | BotApiError, silence: float = 0.0) -> Step:
    async def begins(bot: Watched, _: pytest.MonkeyPatch) -> None:
        bot.time.now += silence
        bot.sandbox.faults.append(("getUpdates", fault))
        for _again in range(2):
            with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever Telegram's answer becomes
                await bot.app.poller._poll(0)
            await told_of(bot.app.poller, raised.value)
            bot.sandbox.faults.append(("getUpdates", fault))
        bot.sandbox.faults.clear()

    return begins


async def polls_well(bot: Watched, _: pytest.MonkeyPatch) -> None:
    await bot.app.poller._poll(0)


def verdict_of(series: str, found: Freshness) -> Verdict:
    source = SourceVerdict(series=series, verdict=found, newest=SESSION, reason="")
    return replace(quiet(), sources=(source,))


async def fills_the_disk(bot: Watched, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(checks, "LEAST_FREE", 2**60)


async def cleans_up(bot: Watched, patch: pytest.MonkeyPatch) -> None:
    patch.undo()


async def takes_nothing(bot: Watched, patch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object) -> None:
        raise FULL

    patch.setattr(heartbeat, "beat", refused)
    patch.setattr(inbox, "store", refused)
    with pytest.raises(RetryUpdateError):
        await bot.app.inbox.store([{"update_id": 1}])


async def gets_an_unreadable_update(bot: Watched, _: pytest.MonkeyPatch) -> None:
    await bot.app.inbox.store([{"update_id": number, "message": 7} for number in (1, 2)])
    await bot.app.inbox.handle_stored()


async def gets_no_update(bot: Watched, _: pytest.MonkeyPatch) -> None:
    secret = "a-secret-of-nobody-at-all"
    runner = await Webhook(bot.app.inbox, secret, bot.app.alarm).serve("127.0.0.1:0")
    url = "http://{}:{}/telegram".format(*runner.addresses[0][:2])
    async with aiohttp.ClientSession(headers={"X-Telegram-Bot-Api-Secret-Token": secret}) as client:
        for body in (b"[" * 200_000, b"\xff\xfe", b"{}"):
            async with client.post(url, data=body) as answer:
                assert answer.status == 400
    await runner.cleanup()


async def nothing(bot: Watched, _: pytest.MonkeyPatch) -> None:
    """Let time do it."""


async def subscribes_and_owes(bot: Watched) -> None:
    bot.sandbox.world.add_private_chat(OTHER, started=True)
    async with bot.app.database.transaction() as connection:
        await chats.subscribe(connection, OTHER, "private", EVENING)
    await store_verdict(bot.app, attempt(), "attempt")


async def is_refused(bot: Watched, _: pytest.MonkeyPatch) -> None:
    await subscribes_and_owes(bot)
    bot.sandbox.faults.append(("sendMessage", BotApiError(400, "Bad Request: nobody knows this one")))
    await bot.app.sender.drain()


async def stands_still(bot: Watched, _: pytest.MonkeyPatch) -> None:
    await subscribes_and_owes(bot)
    await bot.app.sender._enqueue_some()
    bot.time.now += 16 * 60


async def moves(bot: Watched, _: pytest.MonkeyPatch) -> None:
    await bot.app.sender.drain()


async def has_an_outage(bot: Watched, _: pytest.MonkeyPatch) -> None:
    bot.app.sender.pacer._outage.is_probing = True


async def has_none(bot: Watched, _: pytest.MonkeyPatch) -> None:
    bot.app.sender.pacer._outage.is_probing = False


def fails(step: str) -> Step:
    async def begins(bot: Watched, patch: pytest.MonkeyPatch) -> None:
        async def failing(*_: object) -> None:
            raise MarketProcessError("the market process ended with code -9")

        patch.setattr(Evening, step, failing)
        for name in {"run", "draw", "look_back", "watch"} - {step}:
            patch.setattr(Evening, name, _works)
        await bot.app.run_evening()
        await bot.app.run_evening()

    return begins


async def _works(*_: object) -> Agenda:
    return DUE


async def works(bot: Watched, patch: pytest.MonkeyPatch) -> None:
    for name in ("run", "draw", "look_back", "watch"):
        patch.setattr(Evening, name, _works)
    await bot.app.run_evening()


async def is_late(bot: Watched, _: pytest.MonkeyPatch) -> None:
    late = Agenda(SESSION, EVENING - timedelta(hours=17), None, "^RUT has no close yet.")
    await store_verdict(bot.app, quiet(), agenda=late)


def backs_up(result: Exception | Backup) -> Step:
    async def begins(bot: Watched, patch: pytest.MonkeyPatch) -> None:
        def back_up(*_: object) -> Backup:
            if isinstance(result, Exception):
                raise result
            return result

        patch.setattr("bot.app.back_up_in_turn", back_up)
        for _again in range(2):
            await works(bot, patch)

    return begins


async def backs_up_well(bot: Watched, patch: pytest.MonkeyPatch) -> None:
    await backs_up(WELL)(bot, patch)


async def cannot_deliver(bot: Watched, patch: pytest.MonkeyPatch) -> None:
    async def failing(*_: object) -> bool:
        raise KeyError("x")

    patch.setattr(sender, "_AFTER_FAILURE", 0.0)
    with patch.context() as broken:
        broken.setattr(Sender, "_send_some", failing)
        await delivers_until(bot, lambda: Fault.DELIVERY in bot.app.alarm.present())


async def delivers(bot: Watched, _: pytest.MonkeyPatch) -> None:
    await delivers_until(bot, lambda: Fault.DELIVERY not in bot.app.alarm.present())


async def delivers_until(bot: Watched, is_so: Callable[[], bool]) -> None:
    running = asyncio.create_task(bot.app.sender.run())
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def cannot_ask_who_is_an_admin(bot: Watched, _: pytest.MonkeyPatch) -> None:
    await bot.app.inbox._tell_operators(AdminCheckError("TimedOut"))


async def is_not_answered(bot: Watched, _: pytest.MonkeyPatch) -> None:
    await says(bot, "FRED answered with HTTP 503")
    await bot.look()
    bot.time.now += 4 * 3_600
    await bot.app.poller._poll(0)


async def is_answered(bot: Watched, _: pytest.MonkeyPatch) -> None:
    await says(bot, "")


async def says(bot: Watched, reason: str) -> None:
    checks = [SourceCheck("WALCL", reason), SourceCheck("ETF_FLOWS", "nobody publishes it", absent=True)]
    async with bot.app.database.transaction() as connection:
        await observations.note_checks(connection, checks, EVENING)


async def decides(bot: Watched, _: pytest.MonkeyPatch) -> None:
    async with bot.app.database.transaction() as connection:
        await market.set_agenda(connection, DUE)


async def waits(bot: Watched, patch: pytest.MonkeyPatch) -> None:
    async def waiting(*_: object) -> Agenda:
        return Agenda(SESSION, EVENING - timedelta(hours=5), None, "^RUT has no close yet.")

    for name in ("draw", "look_back", "watch"):
        patch.setattr(Evening, name, _works)
    patch.setattr(Evening, "run", waiting)
    await bot.app.run_evening()


WELL, REWRITTEN = Backup(Path("x"), "1", None, None), Backup(Path("x"), "1", None, "row 5 does not fit")
UNAUTHORIZED, CONFLICT = BotApiError(401, "Unauthorized"), BotApiError(409, "Conflict: terminated by other getUpdates")
HOOKED = BotApiError(409, "Conflict: can't use getUpdates method while webhook is active")
CASES = {
    Fault.DISK: Case("disk", fills_the_disk, cleans_up, "The disk is full: ", "The disk has room again"),
    Fault.DATABASE: Case("database", takes_nothing, cleans_up, "The database ", "The database takes what is written"),
    Fault.TOKEN: Case("token", polling(UNAUTHORIZED), polls_well, "Telegram does not accept", "Telegram accepts"),
    Fault.OTHER_POLLER: Case("other poller", polling(CONFLICT), polls_well, "Another process polls", "No other"),
    Fault.WEB_HOOK_LEFT: Case("web-hook left", polling(HOOKED), polls_well, "This bot has a web-hook", "The web-hook"),
    Fault.POLLING: Case(
        "polling", polling(Broken.BAD_GATEWAY, 301.0), polls_well, "Telegram has given no updates", "Telegram gives"
    ),
    Fault.OUTAGE: Case("sending", has_an_outage, has_none, "Of the last messages nobody can know", "Telegram says"),
    Fault.QUEUE: Case("queue", stands_still, moves, "The oldest delivery queued is of ", "The queue moves again"),
    Fault.REFUSED: Case("refused", is_refused, nothing, "Alert 1 was refused", "No message", True, 61.0),
    Fault.UPDATE: Case("update", gets_an_unreadable_update, nothing, "An update from", "Every update", True, 61.0),
    Fault.INPUT: Case("input", gets_no_update, nothing, "The web-hook got something", "The web-hook", True, 61.0),
    Fault.ANSWERS: Case("answers", is_not_answered, is_answered, "WALCL: FRED answered", "Every source", True),
    Fault.EVENING: Case("evening", fails("run"), works, "The evening's evaluation failed: ", "The evening's"),
    Fault.WAITING: Case("waiting", waits, works, f"Session {SESSION} still waits. ^RUT has", "No session waits"),
    Fault.VERDICT: Case("verdict", is_late, decides, f"Session {SESSION} is not decided: ", "Every session"),
    Fault.CHARTS: Case("charts", fails("draw"), works, "The charts could not be drawn: ", "The charts", True),
    Fault.TRACK_RECORD: Case("track record", fails("look_back"), works, "The track record could not", "The tra", True),
    Fault.DELIVERY: Case(
        "delivery", cannot_deliver, delivers, "The delivery failed and is tried again: ", "Deliveries"
    ),
    Fault.ADMINS: Case("admins", cannot_ask_who_is_an_admin, nothing, "Telegram does not say", "Tel", True, 61.0),
    Fault.BACKUP: Case("backup", backs_up(BackupError("x")), backs_up_well, "No backup could", "Backups", True),
    Fault.LIVE_RECORD: Case("live record", backs_up(REWRITTEN), backs_up_well, "Somebody changed", "The live", True),
    Fault.WATCHES: Case("watches", fails("watch"), works, "The watches could not be judged: ", "The watches", True),
}
ELSEWHERE = {Fault.CRASH, Fault.PING}


def test_no_fault_is_left_out() -> None:
    assert COURSES.keys() == set(Fault) == CASES.keys() | ELSEWHERE


@pytest.mark.parametrize("fault", CASES, ids=str)
async def test_it_shows_is_told_once_and_clears(bot: Watched, monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    case = CASES[fault]
    assert (await bot.ready())[0] == 200
    with monkeypatch.context() as patch:
        await case.begins(bot, patch)
        await bot.look()
        await bot.look()
        status, found = await bot.ready()
        assert (status, found[case.check]["ok"]) == (200 if case.is_ready else 503, False), found
        assert await bot.metric(f'cascade_check_ok{{check="{case.check}"}}') == 0
        assert [text[: len(case.told)] for text in bot.told()] == [case.told]
        await case.ends(bot, patch)
        await bot.look(case.after)
        await polls_well(bot, patch)
        await bot.look(case.after)
        await polls_well(bot, patch)
        status, found = await bot.ready()
        assert (status, {name: check for name, check in found.items() if not check["ok"]}) == (200, {})
        (over,) = bot.told()
        assert over.startswith(f"Over: {case.over}")
