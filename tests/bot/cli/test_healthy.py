"""What a container's health check is told: all is well, or what is not, in one line."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from bot.app import App
from bot.cli.doctor.healthy import health
from bot.cli.main import cli
from bot.clock import SystemClock
from bot.health import checks
from bot.heartbeat import Heartbeat
from signals.as_json import encode
from signals.data.sessions import decision_time
from signals.model import Freshness, SourceVerdict, Verdict
from storage import ledger, market
from storage.database import Database
from storage.ledger import VerdictRow
from storage.market import Agenda
from storage.operator import heartbeat
from storage.schema import compressed
from tests.bot.conftest import Record
from tests.bot.running import EVENING, quiet
from tests.test_container import IMAGE

SESSION = quiet().session
DUE = Agenda(SESSION + timedelta(days=3), EVENING + timedelta(days=3), SESSION, None)


def beat_of(app: App, role: str = "main", silence: float = 0.0) -> Heartbeat:
    return Heartbeat(app.database, app.clock, role, lambda: silence)


async def said(app: App, after: timedelta = timedelta(0), machine: str | None = None) -> tuple[bool, str]:
    return await health(app.settings.database_url, app.clock.now() + after, machine)


def with_source(found: Freshness) -> Verdict:
    source = SourceVerdict(series="^RUT", verdict=found, newest=SESSION, reason="")
    return replace(quiet(), sources=(source,))


async def test_a_bot_that_hears_telegram_and_has_decided_is_well(app: App, record: Record) -> None:
    await record(quiet(), agenda=DUE)
    await beat_of(app).once()
    assert await said(app, timedelta(minutes=2)) == (True, f"main well; decided through {SESSION}")


async def test_before_its_first_evening_it_is_well_too(app: App) -> None:
    await beat_of(app, "worker").once()
    assert await said(app) == (True, "worker well; no session decided yet")


async def test_a_bot_that_has_not_begun_is_not_well(app: App) -> None:
    assert await said(app) == (False, "no process of the bot has begun on this machine")


async def test_another_machines_processes_say_nothing_of_this_one(app: App) -> None:
    await beat_of(app).once()
    assert (await said(app, machine="another"))[0] is False


@pytest.mark.parametrize("silence", [0.0, 240.0])
async def test_a_bot_that_stopped_or_hears_nothing_of_telegram_is_not_well(app: App, silence: float) -> None:
    await beat_of(app, silence=silence).once()
    well, line = await said(app, timedelta(seconds=240 - silence))
    assert (well, line) == (False, "main has heard nothing of Telegram, or could store nothing, for 4 minutes")


async def test_an_evening_that_is_sixteen_hours_late_is_told_with_what_it_waits_for(app: App, record: Record) -> None:
    late = Agenda(SESSION, EVENING - timedelta(hours=17), None, "^RUT has no close yet.")
    await record(quiet(), agenda=late)
    await beat_of(app).once()
    assert await said(app) == (False, f"session {SESSION} is not decided: ^RUT has no close yet.")


@pytest.mark.parametrize(("found", "well"), [("ok", True), ("late", True), ("stale", False), ("invalid", False)])
async def test_data_that_cannot_be_used_are_told(app: App, record: Record, found: str, well: bool) -> None:
    await record(with_source(Freshness(found)), agenda=DUE)
    await beat_of(app).once()
    said_, line = await said(app)
    assert said_ is well
    assert well or line == f"^RUT is {found} in the newest verdict"


async def test_a_full_disk_is_told_before_it_is_met(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    await beat_of(app).once()
    monkeypatch.setattr(checks, "LEAST_FREE", 2**60)
    well, line = await said(app)
    assert not well
    assert line.startswith("the disk is full: ")


async def test_a_database_that_cannot_be_read_is_told() -> None:
    well, line = await health("sqlite+aiosqlite:////nowhere/cascade.db", decision_time(SESSION))
    assert not well
    assert "/nowhere/cascade.db" in line


async def test_everything_that_is_wrong_is_in_the_line(app: App, record: Record) -> None:
    await record(with_source(Freshness.STALE), agenda=DUE)
    assert (await said(app))[1].count("; ") == 1


async def test_a_beat_that_the_database_does_not_take_ends_nothing(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refused = [OperationalError("INSERT", {}, Exception("disk is full"))]

    async def beat(*_: object) -> None:
        if refused:
            raise refused.pop()

    monkeypatch.setattr(heartbeat, "beat", beat)
    assert [await beat_of(app).once() for _ in range(2)] == [False, True]
    assert "the heartbeat cannot be stored: OperationalError" in caplog.text


class TestTheContainersOwnCheck:
    """The command that the image's HEALTHCHECK names, as the image gives it."""

    def answer(self, url: str, silence: float, verdict: Verdict, agenda: Agenda) -> int:
        async def begin() -> None:
            async with Database(url) as database:
                await Heartbeat(database, SystemClock(), "main", lambda: silence).once()
                async with database.transaction() as connection:
                    row = VerdictRow(verdict.session, verdict.decided_at, "3", compressed(encode(verdict)), [])
                    await market.claim_market(connection, "live")
                    await ledger.record(connection, [row], [], backfilled=True)
                    await market.set_agenda(connection, agenda)

        asyncio.run(begin())
        (check,) = re.findall(r"HEALTHCHECK (.*) CMD (\[.*\])", IMAGE)
        # One answer that says no is enough, and the next comes within a minute.
        assert "--interval=60s" in check[0]
        assert "--retries=1" in check[0]
        assert json.loads(check[1])[:3] == ["python", "-m", "bot"]
        environment = {"DATABASE_URL": url, "TELEGRAM_BOT_TOKEN": "1:x"}
        return CliRunner().invoke(cli, json.loads(check[1])[3:], env=environment).exit_code

    def test_it_is_well_and_turns_unhealthy_for_each_of_the_three(
        self, migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        due = Agenda(SESSION, SystemClock().now() + timedelta(hours=1), SESSION, None)
        fresh, stale = with_source(Freshness.OK), with_source(Freshness.STALE)
        answers = {}
        for what, silence, verdict, least in (
            ("well", 0.0, fresh, 0), ("polling stopped", 181.0, fresh, 0), ("data are stale", 0.0, stale, 0),
            ("the disk is full", 0.0, fresh, 2**60),
        ):  # fmt: skip
            monkeypatch.setattr(checks, "LEAST_FREE", least)
            shutil.copy(migrated, tmp_path / f"{what}.db")
            answers[what] = self.answer(f"sqlite+aiosqlite:///{tmp_path}/{what}.db", silence, verdict, due)
        assert answers == {"well": 0, "polling stopped": 1, "data are stale": 1, "the disk is full": 1}
