"""The first hour of an operator: what docs/first-hour.md types is typed here, and the program says what the page says."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from bot.clock import SystemClock
from bot.heartbeat import Heartbeat
from signals.as_json import encode
from storage import ledger, market
from storage.database import Database, run_until_complete
from storage.ledger import VerdictRow
from storage.market import Agenda
from storage.schema import compressed
from tests.bot.running import quiet, ran

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "first-hour.md"
PROGRAM = "$ .venv/bin/python -m bot "
_BLOCK = re.compile(r"^<!-- run(?:: (.+?))? -->\n```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def without_numbers(text: str) -> str:
    """Return a text of which only the words count: dates and revisions are those of the day it was run."""
    return re.sub(r"\d+", "N", text.strip())


def test_every_block_marked_as_run_says_what_the_page_says(tmp_path: Path, migrated: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    shutil.copy(migrated, tmp_path / "data" / "cascade.db")
    url = f"sqlite+aiosqlite:///{tmp_path}/data/cascade.db"
    run_until_complete(decided(url))
    blocks = _BLOCK.findall(PAGE.read_text())
    assert len(blocks) >= 8
    for moment, block in blocks:
        line, _, expected = block.partition("\n")
        assert without_numbers(said(tmp_path, url, moment, line)) == without_numbers(expected), line


def said(folder: Path, url: str, moment: str, line: str) -> str:
    """Run a line of the page in a folder at a moment, and return what it prints."""
    assert line.startswith(PROGRAM)
    arguments = tuple(line.removeprefix(PROGRAM).split())
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TELEGRAM_BOT_TOKEN": "1:of-no-use"}
    if moment == "beside the bot":

        async def beside() -> str:
            async with Database(url):
                done = await asyncio.to_thread(ran, folder, arguments, environment)
            assert done.returncode == 75
            return done.stdout + done.stderr

        return run_until_complete(beside())
    if moment == "after the newer version":
        with closing(sqlite3.connect(folder / "data" / "cascade.db")) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
    done = ran(folder, arguments, environment)
    assert done.returncode == (78 if moment == "after the newer version" else 0), done.stderr
    return done.stdout + done.stderr


async def decided(url: str) -> None:
    """Store an evening as history, and that the bot does well now."""
    clock, verdict = SystemClock(), quiet()
    row = VerdictRow(verdict.session, verdict.decided_at, verdict.method_version, compressed(encode(verdict)), [])
    async with Database(url) as database:
        async with database.transaction() as connection:
            await market.claim_market(connection, "live")
            await ledger.record(connection, [row], [], backfilled=True)
            tomorrow = clock.now() + timedelta(days=1)
            await market.set_agenda(connection, Agenda(tomorrow.date(), tomorrow, verdict.session, None))
        await Heartbeat(database, clock, "main").once()
