"""The doctor against a server that answers."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bot.cli.doctor import examine as doctor
from bot.cli.doctor.examine import examine
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BotApiError
from tests.bot.market.test_evening import CLOSES, write
from tests.bot.running import settings_for


async def findings(sandbox: Sandbox, database_url: str, folder: Path) -> dict[str, tuple[bool, str]]:
    settings = settings_for(sandbox, database_url, market_data=f"folder:{folder}")
    found = await asyncio.to_thread(lambda: list(examine(settings)))
    return {finding.text.partition(":")[0]: (finding.ok, finding.text) for finding in found}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "market"
    folder.mkdir()
    write(folder, CLOSES)
    return folder


async def test_a_healthy_installation_has_no_fault(sandbox: Sandbox, database_url: str, folder: Path) -> None:
    found = await findings(sandbox, database_url, folder)
    assert all(ok for ok, _ in found.values())
    assert found["token"][1] == "token: accepted, the bot is @cascade_sandbox_bot"
    assert {"database", "token", "clock", "^RUT", "IWM", "XLY"} <= set(found)


async def test_that_inline_mode_is_off_is_said_with_what_turns_it_on(
    sandbox: Sandbox, database_url: str, folder: Path
) -> None:
    assert "inline mode" not in await findings(sandbox, database_url, folder)
    sandbox.world.supports_inline = False
    ok, text = (await findings(sandbox, database_url, folder))["inline mode"]
    assert ok
    assert text == "inline mode: off, so @cascade_sandbox_bot answers only in its chats; send BotFather /setinline"


async def test_a_refused_token_is_named_and_not_shown(sandbox: Sandbox, database_url: str, folder: Path) -> None:
    sandbox.faults.append(("getMe", BotApiError(401, "Unauthorized")))
    ok, text = (await findings(sandbox, database_url, folder))["token"]
    assert not ok
    assert text == "token: refused with 401; ask BotFather for the current one"


async def test_a_database_that_cannot_be_opened_is_named(sandbox: Sandbox, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    ok, text = (await findings(sandbox, f"sqlite+aiosqlite:///{tmp_path}/file/cascade.db", folder))["database"]
    assert not ok
    assert text.startswith("database: DATABASE_URL: ")
    assert "file/cascade.db cannot be used (" in text


async def test_a_damaged_database_is_named_with_what_to_do(sandbox: Sandbox, database_url: str, folder: Path) -> None:
    os.truncate(database_url.removeprefix("sqlite+aiosqlite:///"), 20_000)
    ok, text = (await findings(sandbox, database_url, folder))["database"]
    assert not ok
    assert text.startswith(f"database: DATABASE_URL: {database_url} is damaged (")
    assert text.endswith("restore a backup with: python -m bot restore FILE")


def test_a_clock_that_is_off_is_told_by_how_much() -> None:
    assert not doctor._clock("Fri, 13 Nov 2020 22:30:00 GMT").ok
    assert "let the machine set its time by NTP" in doctor._clock("Fri, 13 Nov 2020 22:30:00 GMT").text
    assert doctor._clock(None).ok


async def test_a_running_bot_is_no_fault(sandbox: Sandbox, database_url: str, folder: Path) -> None:
    from storage.database import Database

    async with Database(database_url):
        ok, text = (await findings(sandbox, database_url, folder))["database"]
    assert ok
    assert "in use by a running Cascade process" in text


async def test_a_columns_name_that_would_wipe_the_line_from_a_terminal_does_not(
    sandbox: Sandbox, database_url: str, folder: Path
) -> None:
    (folder / "XLY.csv").write_text("date,\x1b[2K\rok  XLY: all well \u202e,see https://example.com\n2020-11-13,1,2\n")
    settings = settings_for(sandbox, database_url, market_data=f"folder:{folder}")
    lines = await asyncio.to_thread(lambda: list(doctor.findings_text(settings)))
    ok, line = next((ok, line) for ok, line in lines if "XLY" in line)
    assert not ok
    assert line.startswith("FAIL  XLY: XLY.csv has the columns ")
    assert line.isprintable()
    assert "example.com" not in line
