"""The whole program, built and running on a sandbox."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.app import App, build
from bot.clock import SteppedClock
from bot.market.evening import Evening
from bot.market.process import MarketProcess, MarketProcessError
from bot.messages.chart_kinds import CHARTS
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from signals.data.sessions import decision_time
from signals.rules import GATE
from storage import charts, chats
from storage.database import Database
from storage.market import claim_market
from storage.outbox import notices
from storage.outbox.fan_out import DRAWN_WITHIN
from tests.bot.conftest import Running
from tests.bot.market.in_process import MarketInProcess
from tests.bot.market.test_evening import CLOSES, write
from tests.bot.running import command, environment_for, ran, settings_for
from tests.worlds import day, lead

N = len(lead())
ME = 5


async def until_sent(sandbox: Sandbox, words: str) -> str:
    """Wait for a message that starts with some words."""
    async with asyncio.timeout(60):
        while True:
            for text in sandbox.sent(ME):
                if text.startswith(words):
                    return text
            await sandbox.called.wait()


async def are_drawn(app: App, through: date, *names: str) -> None:
    """Let charts show a session before it comes, so that its evening draws only the others."""
    async with app.database.transaction() as connection:
        for name in names:
            await charts.store(connection, name, through, b"a picture", app.clock.now())


async def test_from_start_to_an_alert_in_one_process(
    sandbox: Sandbox, database_url: str, tmp_path: Path, running: Running
) -> None:
    write(tmp_path, CLOSES, *GATE.blocking)
    clock = SteppedClock(decision_time(day(N - 1)))
    settings = settings_for(sandbox, database_url, market_data=f"folder:{tmp_path}")
    sandbox.world.add_private_chat(ME)
    async with build(settings, clock, MarketInProcess(), MarketInProcess()) as app:
        await app.connect()
        async with running(app):
            await app.decide()
            sandbox.world.write(ME, "/subscribe")
            await until_sent(sandbox, "Subscribed.")
            sandbox.world.write(ME, "/alerts everything")
            await until_sent(sandbox, "Alerts of this chat: everything")
            sandbox.world.write(ME, "/settings pictures on")
            await until_sent(sandbox, "Settings of this chat")
            await are_drawn(app, day(N), *{chart.name for chart in CHARTS} - {"breakout-5y-light", "cascade-5y-light"})
            clock.move(decision_time(day(N)))
            await app.run_evening()
            clock.move(decision_time(day(N)) + DRAWN_WITHIN)
            app.sender.wake()
            alert = await until_sent(sandbox, "Russell 2000 at a record")
            sandbox.world.write(ME, "/status")
            status = await until_sent(sandbox, "Breakout attempt")
            sandbox.world.write(ME, "/chart cascade")
            await until_sent(sandbox, "Stage ")
    pictured = [message["caption"] for message in sandbox.world.chats[ME].messages.values() if "photo" in message]
    assert [text == alert for text in pictured] == [True, False]
    assert "Wrong if: a close below 97.00" in alert
    assert "Breakout attempt · stage" in status


async def test_a_failing_evening_is_told_to_the_operator_and_ends_nothing(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: object) -> None:
        raise MarketProcessError("the market process ended with code -9")

    monkeypatch.setattr(MarketProcess, "ask", lambda *_: _Failing())
    await app.run_evening()
    assert "The evening's evaluation failed: the market process ended with code -9" in caplog.text


async def test_charts_that_cannot_be_drawn_are_told_to_the_operator_and_cost_the_record_nothing(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked_back = asyncio.Event()

    async def fails(*_: object) -> None:
        raise MarketProcessError("cannot draw breakout-5y-light")

    async def look_back(*_: object) -> None:
        looked_back.set()

    monkeypatch.setattr(MarketProcess, "ask", lambda *_: _Failing())
    monkeypatch.setattr(Evening, "draw", fails)
    monkeypatch.setattr(Evening, "look_back", look_back)
    await app.run_evening()
    assert "The charts could not be drawn: cannot draw breakout-5y-light" in caplog.text
    assert looked_back.is_set()


class _Failing:
    def __aiter__(self) -> _Failing:
        return self

    async def __anext__(self) -> None:
        raise MarketProcessError("the market process ended with code -9")


async def test_another_markets_database_is_one_line_and_not_a_crash(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    write(tmp_path, CLOSES, *GATE.blocking)
    async with Database(database_url) as database, database.transaction() as connection:
        await claim_market(connection, "simulated")
    environment = environment_for(sandbox, database_url, MARKET_DATA=f"folder:{tmp_path}")
    refused = await asyncio.to_thread(ran, tmp_path, ("run",), environment)
    assert refused.returncode == 78
    assert refused.stderr.startswith("this database holds the market 'simulated', not 'folder'")
    assert len(refused.stderr.splitlines()) == 1


async def test_a_session_that_waits_for_hours_is_told_to_the_operator(
    sandbox: Sandbox, database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, CLOSES[: N + 1], *GATE.blocking)
    settings = settings_for(sandbox, database_url, market_data=f"folder:{tmp_path}")
    clock = SteppedClock(decision_time(day(N)))
    async with build(settings, clock, MarketInProcess()) as app:
        await app.decide()
        for hours, told in ((1, False), (5, True)):
            clock.move(decision_time(day(N + 1)) + timedelta(hours=hours))
            await app.decide()
            assert (f"Session {day(N + 1)} still waits. ^RUT, IWM, SPY: newest bar is {day(N)}" in caplog.text) == told


async def test_a_429_at_the_start_is_waited_out(sandbox: Sandbox, database_url: str) -> None:
    sandbox.faults.append(("getMe", BotApiError(429, "Too Many Requests: retry after 1", {"retry_after": 1})))
    async with build(settings_for(sandbox, database_url), SteppedClock(decision_time(day(N)))) as app:
        await app.connect()
    assert [method for method, _ in sandbox.calls].count("getMe") == 2


async def test_connecting_waits_for_the_network(sandbox: Sandbox, database_url: str) -> None:
    sandbox.faults += [("getMe", Fault.BAD_GATEWAY), ("getMe", Fault.RESET)]
    async with build(settings_for(sandbox, database_url), SteppedClock(decision_time(day(N)))) as app:
        await app.connect()
    assert [method for method, _ in sandbox.calls].count("getMe") >= 3


async def test_the_process_serves_and_stops_cleanly_on_sigterm(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    write(tmp_path, CLOSES, *GATE.blocking)
    environment = environment_for(sandbox, database_url, MARKET_DATA=f"folder:{tmp_path}")
    sandbox.world.add_private_chat(ME)
    process = await asyncio.create_subprocess_exec(*command("run"), env=environment, stderr=asyncio.subprocess.PIPE)
    sandbox.world.write(ME, "/help")
    await until_sent(sandbox, "Commands")
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in errors.decode()
    assert sandbox.token not in errors.decode()


async def test_what_is_stored_for_the_operators_is_told_when_the_bot_starts(
    sandbox: Sandbox, database_url: str
) -> None:
    sandbox.world.add_private_chat(ME, started=True)
    settings = settings_for(sandbox, database_url, operator_ids=(ME,), market_data="folder:nowhere")
    async with build(settings, SteppedClock(decision_time(day(N))), MarketInProcess()) as app:
        async with app.database.transaction() as connection:
            await notices.add(connection, "Deliveries were on their way", decision_time(day(N)))
        serving = asyncio.create_task(app.run())
        try:
            await until_sent(sandbox, "Deliveries were on their way")
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def test_after_downtime_the_bot_catches_up_at_start(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    write(tmp_path, CLOSES, *GATE.blocking)
    settings = settings_for(sandbox, database_url, market_data=f"folder:{tmp_path}")
    sandbox.world.add_private_chat(ME, started=True)
    async with build(settings, SteppedClock(decision_time(day(N - 1))), MarketInProcess()) as app:
        async with app.database.transaction() as connection:
            await chats.subscribe(connection, ME, "private", decision_time(day(0)))
        await app.decide()
    async with build(settings, SteppedClock(decision_time(day(N + 4))), MarketInProcess()) as app:
        await are_drawn(app, day(N + 4), *(chart.name for chart in CHARTS))
        serving = asyncio.create_task(app.run())
        try:
            await until_sent(sandbox, "What changed while the bot was not running")
            await until_sent(sandbox, "Russell 2000 breakout failed")
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
    # What the same close did to the crypto window is told with the failure.
    assert [text.split(" ")[0] for text in sandbox.sent(ME)] == ["What", "Russell"]


async def test_a_refused_token_at_the_start_ends_the_program(sandbox: Sandbox, database_url: str) -> None:
    from telegram.error import InvalidToken

    sandbox.faults.append(("getMe", BotApiError(401, "Unauthorized")))
    async with build(settings_for(sandbox, database_url), SteppedClock(decision_time(day(N)))) as app:
        with pytest.raises(InvalidToken):
            await app.connect()


def test_the_tests_do_not_run_with_somebodys_token() -> None:
    assert "TELEGRAM_BOT_TOKEN" not in os.environ
