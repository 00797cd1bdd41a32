"""The command line: its commands and their options. What a command does is in the file of its name."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.clock import SystemClock
from bot.lifetime import one_line_errors, run_until_stopped
from bot.logs import set_up_logging
from bot.settings import Settings, SettingsError, load_settings
from storage.database import Database, run_until_complete
from storage.market import SIMULATED
from storage.migrate import migrate

# For the C library of Linux; another one ignores them.
_SMALL_MEMORY = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "65536"}
cli = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Cascade, a Telegram bot."
)
_DATA = f"a folder of CSV files, or {SIMULATED} for a made-up market"
Data = Annotated[str | None, typer.Option("--data", help=f"Instead of the bot's own database: {_DATA}.")]
DataOrSimulated = Annotated[str, typer.Option("--data", help=f"Which market: {_DATA}.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def _settings(data: str | None = None, **unless_set: str) -> Settings:
    market = data if data in (None, SIMULATED) else f"folder:{data}"
    return load_settings(unless_set=unless_set, market_data=market)


@cli.command()
def run() -> None:
    """Run the bot."""
    settings = _settings()
    set_up_logging(*settings.secrets, form=settings.log_format)
    asyncio.run(_migrate(settings))
    _go_on_as_the_bot()


async def _migrate(settings: Settings) -> None:
    async with Database(settings.database_url) as database:
        await database.check()
        await migrate(database)


@cli.command()
def worker() -> None:
    """Run a further delivery worker beside the bot; needs PostgreSQL."""
    settings = _settings()
    if settings.database_url.startswith("sqlite"):
        raise SettingsError("DATABASE_URL is an SQLite file, which one process has for itself; workers need PostgreSQL")
    _go_on_as_the_bot("worker")


def _go_on_as_the_bot(*arguments: str) -> None:
    """Let the same process go on as a smaller program, for as long as the bot lives.

    Without docstrings and the columns of tracebacks, and with freed memory given back by the C library, it weighs a
    tenth less.
    """
    program = [sys.executable, "-OO", "-X", "no_debug_ranges", "-m", "bot.serve", *arguments]
    os.execve(sys.executable, program, _SMALL_MEMORY | os.environ)  # noqa: S606 - our own interpreter


@cli.command()
def requeue(alert: Annotated[int, typer.Argument(help="The alert's number, as the operators were told it.")]) -> None:
    """Send a stopped alert to everybody who did not get it. Stop the bot first, unless it runs on PostgreSQL."""
    from bot.cli.requeue import requeue as run_requeue

    typer.echo(asyncio.run(run_requeue(_settings(), alert)))


closure = typer.Typer(no_args_is_help=True, help="Days on which the exchange was closed, unknown to the calendar.")
cli.add_typer(closure, name="closure")
Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DATE", help="A session of the calendar.")]


@closure.command()
def add(day: Day) -> None:
    """Say that the exchange was closed. Stop the bot first, unless it runs on PostgreSQL."""
    _say_closure(day, closed=True)


@closure.command()
def remove(day: Day) -> None:
    """Say that the exchange was open after all. Stop the bot first, unless it runs on PostgreSQL."""
    _say_closure(day, closed=False)


def _say_closure(day: datetime, *, closed: bool) -> None:
    from bot.cli.closure import said_text

    typer.echo(said_text(_settings(), day.date(), SystemClock().now(), closed=closed))


@closure.command("list")
def list_closures() -> None:
    """List what was found or said. The bot may be running."""
    from bot.cli.closure import list_text

    typer.echo(list_text(_settings()))


@cli.command()
def backup(file: Annotated[Path, typer.Argument(help="A new file.")]) -> None:
    """Copy the SQLite database to a file and check the copy. The bot may be running."""
    from bot.cli.keeping.backup import backup_text

    typer.echo(backup_text(_settings(), file))


@cli.command()
def restore(file: Annotated[Path, typer.Argument(help="A backup, or any copy of a whole database.")]) -> None:
    """Check a backup and put it in the place of the SQLite database. Stop the bot first."""
    from bot.cli.keeping.restore import restored_text

    typer.echo(restored_text(_settings(), file))


@cli.command("move-to")
def move_to(url: Annotated[str, typer.Argument(help="The address of an empty PostgreSQL database.")]) -> None:
    """Copy everything from the SQLite file to PostgreSQL, and check that all of it is there. Stop the bot first."""
    from bot.cli.keeping.move import moved_text
    from storage.chain.verify import ChainError

    try:
        typer.echo(asyncio.run(moved_text(_settings(), url)))
    except ChainError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None


@cli.command()
def verify(
    head: Annotated[str | None, typer.Argument(help="A head that /record live showed, or its beginning.")] = None,
    rows: Annotated[bool, typer.Option("--rows", help="Print the rows: hash, tab and canonical form.")] = False,
) -> None:
    """Recompute the chain of the live record, and name the first row that does not fit. The bot may be running."""
    from bot.cli.keeping.verify import verified_text
    from storage.chain.verify import ChainError

    try:
        typer.echo(verified_text(_settings(), head, rows=rows))
    except ChainError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None


@cli.command()
def demo(port: Annotated[int, typer.Option(help="Port of the chat page; 0 picks a free one.")] = 8765) -> None:
    """Show everything on a local chat page: with a simulated market, or with that of MARKET_DATA.

    Files are lived through again on a database that is gone afterwards; what is downloaded is kept in demo.db.
    Nothing is sent to Telegram.
    """
    from bot.cli.demo.demonstration import demo as run_demo

    # Never the bot's own database: its chats are not on the sandbox, and would be taken for gone.
    settings = load_settings(unless_set={"market_data": SIMULATED}, database_url="sqlite+aiosqlite:///demo.db")
    set_up_logging(*settings.secrets)
    run_until_stopped(run_demo(port, settings, lambda url: typer.echo(f"Open {url} in a browser. Ctrl-C ends it.")))


@cli.command()
def evaluate(
    asof: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A past session.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Print the verdict of one session, by default the newest; nothing is stored or sent.

    With data it is evaluated from them. Without, it is what the bot decided that evening.
    """
    from bot.cli.evaluate import evaluation

    settings = _settings(data)
    session = asof.date() if asof else None
    typer.echo(evaluation(settings, session, SystemClock().now(), stored=data is None, as_json=as_json))


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
        typer.echo(json.dumps(made.json(), indent=2))
    elif html is None:
        typer.echo(made.text())


@cli.command()
def method(
    pages: Annotated[list[Path], typer.Argument(help="The pages whose generated parts are written anew.")],
    data: Annotated[str | None, typer.Option("--data", help=f"What is of a history, too: {_DATA}.")] = None,
) -> None:
    """Write what the docs have from the program: conditions, series, commands; with data what was found, too."""
    from bot.cli.method import write

    write(pages, _settings(data) if data else None, SystemClock().now())


@cli.command()
def replay(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First session.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session.")],
    data: DataOrSimulated = SIMULATED,
) -> None:
    """Live through past sessions and deliver their alerts to a sandbox, or to the server at TELEGRAM_API_URL.

    The database is DATABASE_URL, replay.db when that is not set. Nothing is ever sent to Telegram itself.
    """
    from bot.cli.replay import replay_text

    settings = _settings(data, database_url="sqlite+aiosqlite:///replay.db")
    set_up_logging(*settings.secrets, level=logging.WARNING)
    typer.echo(replay_text(settings, first.date(), last.date()))


@cli.command()
def doctor(as_json: AsJson = False) -> None:
    """Try the database, Telegram, every source and the clock, and say in a line each what is wrong and what to do."""
    from bot.cli.doctor import examine
    from bot.cli.doctor.finding import State

    findings = []
    for finding in examine.examine(_settings(), SystemClock().now()):
        findings.append(finding)
        if not as_json:
            typer.echo(finding.line)
    if as_json:
        typer.echo(examine.as_json(findings))
    if any(finding.state == State.FAIL for finding in findings):
        raise typer.Exit(1)


@cli.command()
def healthy() -> None:
    """Say in a line whether the bot on this machine does its work now; exits with 1 where it does not."""
    from bot.cli.doctor.healthy import health

    well, line = run_until_complete(health(_settings().database_url, SystemClock().now()))
    typer.echo(line)
    if not well:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line."""
    with one_line_errors(may_wait=sys.argv[1:2] in (["run"], ["worker"])):
        cli()
