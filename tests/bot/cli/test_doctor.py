"""The doctor against a server that answers, and against none: a line each, with what to do."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli.doctor import sources
from bot.cli.doctor.examine import as_json, calendar, examine
from bot.cli.doctor.finding import Finding, State, fail
from bot.cli.doctor.sources import examine_sources
from bot.cli.doctor.stored import examine_database
from bot.cli.doctor.telegram import examine_telegram
from bot.clock import SystemClock
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BotApiError
from signals.data.series import SERIES
from signals.sources.reach import ADDRESSES, unreached
from signals.sources.session import HOSTS
from storage.database import Database
from storage.keeping.inspection import can_lose_commits, inspect
from tests.bot.market.test_evening import CLOSES, write
from tests.bot.running import settings_for
from tests.signals.sources.server import LOCAL, Reply, serving

OPERATOR = 5
NOW = datetime(2020, 11, 14, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "market"
    folder.mkdir()
    write(folder, CLOSES)
    return folder


async def told(sandbox: Sandbox, url: str = "sqlite+aiosqlite:///x.db", **changes: Any) -> dict[str, Finding]:
    """Return what the doctor finds at Telegram, by its names."""
    settings = settings_for(sandbox, url, **changes)
    found = await asyncio.to_thread(lambda: list(examine_telegram(settings, SystemClock().now())))
    return {finding.name: finding for finding in found}


async def test_a_healthy_installation_has_no_fault(sandbox: Sandbox, database_url: str, folder: Path) -> None:
    os.chmod(database_url.removeprefix("sqlite+aiosqlite:///"), 0o600)
    sandbox.world.add_private_chat(OPERATOR, started=True)
    settings = settings_for(sandbox, database_url, market_data=f"folder:{folder}", operator_ids=(OPERATOR,))
    found = await asyncio.to_thread(lambda: list(examine(settings, SystemClock().now())))
    lines = [finding.line for finding in found]
    assert [line for line in lines if line.startswith("FAIL")] == []
    assert "ok    token: accepted, the bot is @cascade_sandbox_bot" in lines
    assert f"ok    operators: {OPERATOR} can be told" in lines
    names = ["database", "disk", "permissions", "token", "web-hook", "operators", "clock", "calendar", "languages"]
    assert [name for name in names if name not in {finding.name for finding in found}] == []
    assert json.loads(as_json(found))[0].keys() == {"name", "state", "text", "remedy"}


class TestTelegram:
    async def test_a_refused_token_is_named_and_not_shown(self, sandbox: Sandbox) -> None:
        sandbox.faults.append(("getMe", BotApiError(401, "Unauthorized")))
        assert (await told(sandbox))["token"].line == "FAIL  token: refused with 401: ask BotFather for the current one"

    async def test_a_missing_token_is_one_line(self, sandbox: Sandbox) -> None:
        found = await told(sandbox, telegram_bot_token=None)
        assert [finding.state for finding in found.values()] == [State.FAIL]
        assert "TELEGRAM_BOT_TOKEN is missing" in found["token"].text

    async def test_a_server_that_cannot_be_reached_is_one_line(self, sandbox: Sandbox) -> None:
        found = await told(sandbox, telegram_api_url="http://127.0.0.1:9")
        assert [finding.text for finding in found.values()] == ["127.0.0.1 cannot be reached (ConnectError)"]

    async def test_so_is_one_that_is_no_bot_api_server(self, sandbox: Sandbox) -> None:
        async with asyncio.timeout(20):
            with serving(Reply("hello")) as server:
                found = await told(sandbox, telegram_api_url=server.url)
        assert found["token"].line.startswith("FAIL  token: refused with 501")

    async def test_without_operators_it_says_how_to_find_an_id(self, sandbox: Sandbox) -> None:
        found = (await told(sandbox))["operators"]
        assert (found.state, "write /id to your bot" in found.remedy) == (State.FAIL, True)

    async def test_an_operator_who_never_pressed_start_is_named(self, sandbox: Sandbox) -> None:
        found = (await told(sandbox, operator_ids=(OPERATOR,)))["operators"]
        assert found.line.startswith(f"FAIL  operators: {OPERATOR} cannot be told: let them press Start")

    async def test_that_inline_mode_is_off_is_one_line_with_what_turns_it_on(self, sandbox: Sandbox) -> None:
        assert "botfather" not in await told(sandbox)
        sandbox.world.supports_inline = False
        line = (await told(sandbox))["botfather"].line
        assert (
            line == "note  botfather: nobody can share a state by typing the bot's name: send /setinline to BotFather"
        )

    async def test_a_web_hook_that_is_left_over_is_told(self, sandbox: Sandbox) -> None:
        await sandbox.pusher.set("http://127.0.0.1:9/telegram", "", [])
        found = (await told(sandbox))["web-hook"]
        assert (found.state, found.text) == (State.NOTE, "one is set, and the bot polls")

    async def test_the_clock_is_compared_with_the_servers(self, sandbox: Sandbox) -> None:
        assert (await told(sandbox))["clock"].state == State.OK
        settings = settings_for(sandbox, "sqlite+aiosqlite:///x.db")
        found = await asyncio.to_thread(lambda: [*examine_telegram(settings, NOW)])
        assert found[-1].state == State.FAIL
        assert found[-1].remedy == "let the machine set its time by NTP"


class TestDatabase:
    async def examined(self, sandbox: Sandbox, url: str, **changes: Any) -> dict[str, Finding]:
        return {finding.name: finding for finding in await examine_database(settings_for(sandbox, url, **changes))}

    async def test_one_that_cannot_be_opened_is_named(self, sandbox: Sandbox, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        found = await self.examined(sandbox, f"sqlite+aiosqlite:///{tmp_path}/file/cascade.db")
        assert found.keys() == {"database"}
        assert "file/cascade.db cannot be used (" in found["database"].text

    async def test_one_that_is_damaged_is_named_with_what_to_do(self, sandbox: Sandbox, database_url: str) -> None:
        os.truncate(database_url.removeprefix("sqlite+aiosqlite:///"), 20_000)
        found = (await self.examined(sandbox, database_url))["database"]
        assert found.state == State.FAIL
        assert found.text.endswith("restore a backup with: python -m bot restore FILE")

    async def test_beside_a_running_bot_it_reads_every_page_too(self, sandbox: Sandbox, database_url: str) -> None:
        async with Database(database_url):
            found = (await self.examined(sandbox, database_url))["database"]
        assert found.text.startswith("in use by a running Cascade process; SQLite 3.")
        assert found.text.endswith("every page can be read")

    async def test_a_file_that_others_may_read_is_told_with_the_command_that_mends_it(
        self, sandbox: Sandbox, database_url: str
    ) -> None:
        path = database_url.removeprefix("sqlite+aiosqlite:///")
        os.chmod(path, 0o644)
        found = (await self.examined(sandbox, database_url))["permissions"]
        assert found.state == State.FAIL
        assert found.remedy.startswith(f"chmod 600 {path}")

    async def test_a_folder_for_backups_that_is_not_there_is_told(self, sandbox: Sandbox, database_url: str) -> None:
        found = (await self.examined(sandbox, database_url, backup_dir="/nowhere"))["backups"]
        assert found.text == "/nowhere cannot be written"

    @pytest.mark.parametrize(
        ("version", "can"),
        [((3, 40, 1), True), ((3, 44, 6), False), ((3, 46, 1), True), ((3, 50, 7), False), ((3, 51, 2), True), ((3, 51, 3), False)],
    )  # fmt: skip
    def test_the_known_defect_of_sqlite_is_known_by_its_versions(self, version: tuple[int, ...], can: bool) -> None:
        assert can_lose_commits(version) is can

    async def test_a_postgresql_server_says_its_version(self, postgresql_url: str) -> None:
        async with Database(postgresql_url) as database:
            found = await inspect(database.url.render_as_string(hide_password=False))
        assert found.server.startswith("PostgreSQL ")
        assert (found.journal, found.size > 0) == ("", True)


class TestSources:
    @pytest.fixture
    def nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An internet in which nothing answers."""
        monkeypatch.setattr(sources, "unreached", lambda address, _: f"{address[8:]} could not be reached")

    @pytest.mark.usefixtures("nobody")
    async def test_without_a_network_there_is_a_line_a_publisher_and_no_more(self, sandbox: Sandbox) -> None:
        settings = settings_for(sandbox, "sqlite+aiosqlite:///x.db", tiingo_token="of-tiingo")
        found = await asyncio.to_thread(examine_sources, settings, NOW)
        failed = {finding.name: finding.text for finding in found if finding.state == State.FAIL}
        assert failed.keys() == ADDRESSES.keys()
        assert failed["tiingo"] == "api.tiingo.com could not be reached"
        count = sum(series.source == "yahoo" for series in SERIES.values())
        assert failed["yahoo"].endswith(f"; none of its {count} series was asked for")

    async def test_where_series_come_there_is_a_line_with_the_newest_and_its_age(
        self, sandbox: Sandbox, folder: Path
    ) -> None:
        settings = settings_for(sandbox, "sqlite+aiosqlite:///x.db", market_data=f"folder:{folder}")
        found = await asyncio.to_thread(examine_sources, settings, SystemClock().now())
        assert found[0].state == State.OK
        assert " series, the newest figure of " in found[0].text
        assert found[0].text.endswith(" days old")

    async def test_a_columns_name_that_would_wipe_the_line_from_a_terminal_does_not(
        self, sandbox: Sandbox, database_url: str, folder: Path
    ) -> None:
        (folder / "XLY.csv").write_text(
            "date,\x1b[2K\rok  XLY: all well \u202e,see https://x.example\n2020-11-13,1,2\n"
        )
        settings = settings_for(sandbox, database_url, market_data=f"folder:{folder}")
        found = await asyncio.to_thread(lambda: list(examine(settings, SystemClock().now())))
        line = next(finding.line for finding in found if finding.name == "XLY")
        assert line.startswith("FAIL  XLY: XLY.csv has the columns ")
        assert line.isprintable()
        assert "x.example" not in line

    def test_a_publisher_that_answers_anything_is_reached(self) -> None:
        with serving(Reply("no", 404)) as server:
            assert unreached(server.url, 5.0, LOCAL) == ""
        assert "could not be reached" in unreached(server.url, 5.0, LOCAL)

    def test_one_that_takes_the_call_and_says_nothing_is_given_up(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            assert "did not answer within 0.1 seconds" in unreached(f"http://127.0.0.1:{port}", 0.1, LOCAL)

    def test_every_publisher_is_one_of_those_who_may_be_asked(self) -> None:
        assert {address.removeprefix("https://") for address in ADDRESSES.values()} <= HOSTS
        assert {series.source for series in SERIES.values()} - {"operator"} <= ADDRESSES.keys()


def test_a_calendar_that_ends_soon_is_told() -> None:
    assert calendar(date(2021, 12, 31), NOW).state == State.OK
    assert calendar((NOW + timedelta(days=90)).date(), NOW).state == State.FAIL


def test_no_finding_holds_a_secret() -> None:
    assert fail("a", "it is sesame", "not sesame").cleaned(("sesame",)).line == "FAIL  a: it is <token>: not <token>"
