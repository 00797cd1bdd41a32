"""Helps for tests that run the program."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.app import App
from bot.market.alerts import URGENT
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from signals.as_json import encode
from signals.model import Verdict
from storage import ledger
from storage import market as markets
from storage.ledger import AlertRow, ChangeRow, VerdictRow
from storage.market import Agenda
from storage.schema import compressed
from tests.worlds import lead, market, verdict

EVENING = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)


def settings_for(sandbox: Sandbox, database_url: str, **changes: Any) -> Settings:
    """Return settings that point to a sandbox."""
    # What is asked in a test is asked faster than people do; where it is the point, a test has a pace of its own.
    own = {"telegram_bot_token": sandbox.token, "telegram_api_url": sandbox.url, "database_url": database_url}
    pace = {"messages_per_second": 100, "chat_messages_per_second": 1000, "group_messages_per_minute": 1000}
    values: dict[str, Any] = own | pace
    return Settings(**values | changes)


def environment_for(sandbox: Sandbox, database_url: str, **more: str) -> dict[str, str]:
    """Return the environment of a process of the program that uses a sandbox."""
    own = {"TELEGRAM_BOT_TOKEN": sandbox.token, "TELEGRAM_API_URL": sandbox.url, "DATABASE_URL": database_url}
    return os.environ | own | more


def command(*arguments: str) -> list[str]:
    """Return a command line of the program."""
    return [sys.executable, "-m", "bot", *arguments]


_FORKED = multiprocessing.get_context("forkserver")
_IMPORTED = ("bot.cli.main", "bot.cli.backtest", "bot.cli.evaluate", "bot.cli.replay", "tests.bot.market.in_process")
_FORKED.set_forkserver_preload([__name__, "bot.serve", *_IMPORTED, "bot.market.deciding", "bot.market.looking_back"])


def forked(function: Callable[..., None], *arguments: object) -> BaseProcess:
    """Start a function in a process of its own, forked from one that has imported the program already."""
    process = _FORKED.Process(target=function, args=arguments)
    process.start()
    return process


def become(folder: Path, arguments: Sequence[str], environment: Mapping[str, str], stdout: Path, stderr: Path) -> None:
    """Make this process one that was started in a folder, as the program, with these arguments and environment."""
    for descriptor, stream in enumerate((stdout, stderr), start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ |= environment
    sys.argv = ["bot", *arguments]


def ran(folder: Path, arguments: tuple[str, ...], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, in a process of its own; ``run`` is at once the bot that it turns into."""
    with TemporaryDirectory() as kept:
        streams = [Path(kept) / name for name in ("stdout", "stderr")]
        process = forked(_run, folder, arguments, dict(environment), *streams)
        process.join(120)
        assert process.exitcode is not None, f"{arguments} did not end"
        written = [stream.read_text() for stream in streams]
    return subprocess.CompletedProcess(arguments, process.exitcode, *written)


def _run(*like: Any) -> None:
    become(*like)
    if sys.argv[1:] == ["run"]:
        from bot.serve import main
    else:
        from bot.cli.main import main
    main()


@cache
def quiet() -> Verdict:
    """Return a verdict of an evening on which nothing is open."""
    return verdict(market(lead()))


@cache
def attempt() -> Verdict:
    """Return a verdict of an evening with an attempt."""
    return verdict(market([*lead(), 101.0]))


@cache
def confirmed() -> Verdict:
    """Return a verdict of an evening with a confirmation."""
    return verdict(market([*lead(), 101.0, 102.0, 103.0]))


async def store_verdict(
    app: App, verdict: Verdict, *phases: str, origin: str = "live", agenda: Agenda | None = None
) -> None:
    """Store a verdict as the evening would, with an alert for each phase named."""
    episode = verdict.breakout.episode
    subject = f"breakout:{episode.attempt}" if episode else ""
    changes = [ChangeRow(f"breakout.{phase}", subject, verdict.session) for phase in phases]
    alerts = [
        AlertRow(f"{subject}:{c.kind}", c.kind, c.kind in URGENT, verdict.session, EVENING, [(subject, c.kind)])
        for c in changes
    ]
    body = compressed(encode(verdict))
    row = VerdictRow(verdict.session, verdict.decided_at, verdict.method_version, body, changes)
    async with app.database.transaction() as connection:
        await markets.claim_market(connection, origin)
        await ledger.record(connection, [row], alerts, backfilled=False)
        if agenda:
            await markets.set_agenda(connection, agenda)


class Time:
    """A monotonic clock moved by hand, in seconds."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now
