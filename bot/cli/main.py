"""The command line: the operator's way in, and the tests'."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bot.clock import SystemClock
from bot.lifetime import one_line_errors, run_until_stopped
from bot.logs import redact, set_up_logging
from bot.settings import Settings, SettingsError, load_settings
from signals.as_json import encode
from storage.database import Database
from storage.migrate import migrate

cli = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Cascade, a Telegram bot."
)
Data = Annotated[Path | None, typer.Option("--data", help="A folder of CSV files instead of the market data set.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def _settings(data: Path | None = None, database: str | None = None) -> Settings:
    market = None if data is None else f"folder:{data}"
    return load_settings(market_data=market, database_url=database)


@cli.command()
def run() -> None:
    """Run the bot."""
    settings = _settings()
    set_up_logging(*settings.secrets)
    asyncio.run(_migrate(settings))
    # The same process goes on as a lighter program, for as long as the bot lives.
    os.execv(sys.executable, [sys.executable, "-m", "bot.serve"])  # noqa: S606 - our own interpreter


@cli.command()
def worker() -> None:
    """Run a further delivery worker beside the bot; needs PostgreSQL."""
    settings = _settings()
    if settings.database_url.startswith("sqlite"):
        raise SettingsError("DATABASE_URL is an SQLite file, which one process has for itself; workers need PostgreSQL")
    os.execv(sys.executable, [sys.executable, "-m", "bot.serve", "worker"])  # noqa: S606 - our own interpreter


@cli.command()
def requeue(alert: Annotated[int, typer.Argument(help="The alert's number, as the operators were told it.")]) -> None:
    """Owe a stopped alert again to everybody who did not get it. Stop the bot first, unless it runs on PostgreSQL."""
    _print(asyncio.run(_requeue(_settings(), alert)))


async def _requeue(settings: Settings, alert_id: int) -> str:
    from storage.outbox import queue

    async with Database(settings.database_url) as database:
        await migrate(database)
        async with database.transaction() as connection:
            count = await queue.requeue(connection, alert_id, SystemClock().now())
    if count is None:
        raise SettingsError(f"ALERT is {alert_id}, and there is no alert with that number")
    return f"{count} deliveries of alert {alert_id} are queued again; the running or the next bot sends them"


async def _migrate(settings: Settings) -> None:
    async with Database(settings.database_url) as database:
        await migrate(database)


@cli.command()
def demo(port: Annotated[int, typer.Option(help="Port of the chat page; 0 picks a free one.")] = 8765) -> None:
    """Show everything on a local chat page, with a simulated market."""
    from bot.cli.demo import demo as run_demo

    set_up_logging()
    run_until_stopped(run_demo(port, lambda url: print(f"Open {url} in a browser. Ctrl-C ends it.", flush=True)))  # noqa: T201


@cli.command()
def evaluate(
    asof: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A past session.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Print the verdict of one session, by default the newest; nothing is stored or sent.

    With a folder it is evaluated from its files. Without one it is what the bot decided that evening.
    """
    from bot.cli.history import load, stored_verdict
    from bot.cli.tables import verdict_lines
    from signals.data.sessions import decision_time

    settings = _settings(data)
    session = asof.date() if asof else None
    if data is None:
        verdict = stored_verdict(settings.database_url, session)
    else:
        now = decision_time(session) if session else SystemClock().now()
        history = load(settings.market_data, settings.database_url, now, settings.source_options).evaluate(session)
        newest = history.panel.days[-1]
        verdict = history.verdict(newest, decision_time(newest))
    _print(msgspec.json.format(encode(verdict), indent=2).decode() if as_json else "\n".join(verdict_lines(verdict)))


@cli.command()
def backtest(
    data: Data = None,
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write one page with charts to this file.")] = None,
) -> None:
    """Print every breakout in the history, what followed, and how far chance alone would go."""
    from bot.cli.backtest import Backtest

    if html is not None and not html.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {html.absolute().parent}", param_hint="--html")
    settings = _settings(data)
    made = Backtest.of(settings, settings.market_data if data else None, SystemClock().now())
    if html is not None:
        html.write_text(made.html(), encoding="utf-8")
        typer.echo(f"written to {html}", err=True)
    if as_json:
        _print(json.dumps(made.json(), indent=2))
    elif html is None:
        made.print()


@cli.command()
def method(
    page: Annotated[Path, typer.Argument(help="The page whose generated tables are written anew.")],
    data: Annotated[Path, typer.Option("--data", help="A folder of CSV files.")],
) -> None:
    """Write the tables of the method's page: conditions, how often each was on, series, past alerts."""
    from bot.cli.history import load
    from bot.cli.method import fill, tables

    settings = _settings(data)
    now = SystemClock().now()
    history = load(settings.market_data, settings.database_url, now, settings.source_options).evaluate()
    page.write_text(fill(page.read_text(), tables(history)))


@cli.command()
def replay(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First session.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session.")],
    data: Annotated[Path, typer.Option("--data", help="A folder of CSV files.")],
) -> None:
    """Live through past sessions and deliver their alerts to a sandbox, or to the server at TELEGRAM_API_URL.

    The database is DATABASE_URL, replay.db when that is not set. Nothing is ever sent to Telegram itself.
    """
    from bot.cli.history import rings
    from bot.cli.replay import replay as run_replay

    settings = _settings(data)
    if "database_url" not in settings.model_fields_set:
        settings = _settings(data, "sqlite+aiosqlite:///replay.db")
    set_up_logging(*settings.secrets)
    replayed = asyncio.run(run_replay(settings, rings(first.date(), last.date())))
    for message in replayed.messages:
        _print(message + "\n")
    _print("deliveries: " + (", ".join(f"{n} {state}" for state, n in replayed.deliveries.items()) or "none"))


@cli.command()
def doctor() -> None:
    """Try the token, the database, every source and the clock, and say what is wrong."""
    from bot.cli.doctor import examine

    settings = _settings()
    healthy = True
    for finding in examine(settings):
        healthy &= finding.ok
        _print(redact(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.text}", *settings.secrets))
    if not healthy:
        raise typer.Exit(1)


def _print(text: str) -> None:
    typer.echo(text)


def main() -> None:
    """Run the command line."""
    with one_line_errors():
        cli()
