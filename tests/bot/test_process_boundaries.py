"""Which process knows what: the one that answers Telegram never imports the heavy libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("pandas", "numpy", "yfinance", "matplotlib", "PIL", "exchange_calendars", "asyncpg")
LIGHT = (
    "bot.serve", "bot.app", "bot.cli.main", "bot.market.evening", "bot.delivery.sender", "bot.messages.render",
    "bot.commands.chart",
)  # fmt: skip
ROOT = Path(__file__).parents[2]


Imported = dict[str, set[str]]
PROGRAM = f"""
import sys
def stage(name): print(name, *sys.modules)

import bot.serve
stage("serving")

import {", ".join(LIGHT)}
stage("light")

import asyncio, tempfile
from bot.app import build
from bot.clock import SystemClock
from bot.settings import Settings
def database(): return f"sqlite+aiosqlite:///{{tempfile.mkdtemp()}}/cascade.db"
async def idle():
    settings = Settings(telegram_bot_token="1:x", database_url=database(), telegram_api_url="http://127.0.0.1:9")
    async with build(settings, SystemClock()) as app:
        await app.sender.recover()
        await app.sender.drain()
asyncio.run(idle())
stage("built")

from bot.sandbox.server import Sandbox, serve
from signals.as_json import encode
from storage import charts, ledger, market
from storage.ledger import VerdictRow
from storage.schema import compressed
from tests.bot.messages.whole import whole
PICTURE = b"\\x89PNG\\r\\n\\x1a\\n" + bytes(8) + (40).to_bytes(4, "big") * 2
async def send_a_chart():
    async with serve(Sandbox()) as sandbox:
        settings = Settings(telegram_bot_token=sandbox.token, database_url=database(), telegram_api_url=sandbox.url)
        async with build(settings, SystemClock()) as app:
            verdict = whole()
            async with app.database.transaction() as connection:
                row = VerdictRow(verdict.session, verdict.decided_at, "3", compressed(encode(verdict)), [])
                await market.claim_market(connection, "live")
                await ledger.record(connection, [row], [], backfilled=True)
                await charts.store(connection, "breakout-5y-light", verdict.session, PICTURE, verdict.decided_at)
            await app.connect()
            sandbox.world.add_private_chat(5)
            sandbox.world.write(5, "/chart")
            await app.poller.once()
            assert [message for message in sandbox.world.chats[5].messages.values() if "photo" in message]
asyncio.run(send_a_chart())
stage("charted")

import bot.market.child
stage("child")
"""


@pytest.fixture(scope="module")
def imported() -> Imported:
    """The modules of a fresh interpreter after each stage of a program; each stage has those of the one before, too."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=ROOT)
    stages = [line.split() for line in ran.stdout.splitlines()]
    return {name: set(modules) for name, *modules in stages}


def test_the_process_that_answers_telegram_imports_nothing_heavy(imported: Imported) -> None:
    assert imported["light"] & set(HEAVY) == set()


def test_the_whole_program_built_and_serving_imports_nothing_heavy(imported: Imported) -> None:
    assert imported["built"] & set(HEAVY) == set()


def test_a_chart_is_sent_without_the_library_that_drew_it(imported: Imported) -> None:
    assert imported["charted"] & set(HEAVY) == set()


@pytest.mark.parametrize(
    ("module", "needed_by"),
    [
        ("aiohttp.web", "a web-hook"),
        ("bot.updates.webhook", "a web-hook"),
        ("sqlalchemy.dialects.postgresql", "PostgreSQL"),
    ],
)
def test_what_only_some_installations_need_is_not_imported_by_all(
    imported: Imported, module: str, needed_by: str
) -> None:
    assert module not in imported["serving"], needed_by


def test_the_bot_imports_nothing_that_only_a_command_line_or_a_migration_needs_nor_an_orm(imported: Imported) -> None:
    assert imported["serving"] & {"sqlalchemy.orm", "typer", "rich", "alembic", "mako", "pydantic"} == set()


def test_the_heavy_libraries_are_those_of_the_market_process(imported: Imported) -> None:
    child = imported["child"]
    assert {"pandas", "exchange_calendars"} <= child
    assert {"scipy.stats", "matplotlib"} & child == set(), "only who asks for them waits for their import"


@pytest.mark.parametrize(
    ("folder", "never"),
    [
        ("signals", ("bot", "storage", "telegram", "sqlalchemy", "aiosqlite")),
        ("storage", ("bot", "signals", "telegram", "pandas", "numpy")),
    ],
)
def test_a_room_imports_only_what_it_may(folder: str, never: tuple[str, ...]) -> None:
    lines = [
        (path, line)
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if line.startswith(("import ", "from ", "    import ", "    from ", "        from "))
    ]
    offending = [(path.name, line) for path, line in lines if line.split()[1].partition(".")[0] in never]
    assert offending == []


def test_only_the_clock_and_the_command_line_read_the_time_of_day() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for folder in ("bot", "signals", "storage")
        for path in (ROOT / folder).rglob("*.py")
        if "datetime.now(" in path.read_text() or "date.today(" in path.read_text()
    }
    assert readers == {"bot/clock.py"}


def test_no_file_is_longer_than_450_lines_and_the_median_is_under_120() -> None:
    lengths = {
        path: len(path.read_text().splitlines())
        for folder in ("bot", "signals", "storage", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert [str(path) for path, length in lengths.items() if length > 450] == []
    ours = sorted(length for path, length in lengths.items() if ROOT / "tests" not in path.parents)
    assert ours[len(ours) // 2] < 120


def test_no_lock_file_names_a_download_address() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "--hash=sha256:" in text
