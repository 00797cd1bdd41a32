"""The command line, run as a stranger would run it."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from bot.cli.main import cli
from bot.commands.table import OPERATOR_MENU
from storage import chats
from storage.database import Database
from storage.migrate import migrate
from storage.outbox import fan_out, queue
from tests.bot.market.test_evening import CLOSES, write
from tests.bot.running import EVENING, ran
from tests.storage.outbox.alerts import add_alert
from tests.worlds import STOCKS, day, lead

N = len(lead())
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write(folder, CLOSES)
    return folder


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs the program in an empty folder."""

    def in_folder(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return ran(tmp_path, arguments, os.environ | {"PYTHONPATH": str(ROOT)} | environment)

    return in_folder


class TestBacktest:
    def test_json_lists_episodes_and_highs_and_a_page_can_be_written_beside(
        self, run: Run, data: Path, tmp_path: Path
    ) -> None:
        done = run("backtest", "--data", str(data), "--json", "--html", "record.html")
        assert done.returncode == 0, done.stderr
        assert "written to record.html" in done.stderr
        assert "After a confirmed breakout" in (tmp_path / "record.html").read_text()
        found = json.loads(done.stdout)
        assert set(found) == {"market", "episodes", "highs", "record"}
        assert found["market"] == "folder"
        (episode,) = found["episodes"]
        assert {key: episode[key] for key in ("attempt", "close", "level", "base_sessions", "class")} == {
            "attempt": str(day(N)), "close": 101.0, "level": 100.0, "base_sessions": 130, "class": "intermediate",
        }  # fmt: skip
        assert episode["confirmed"] == str(day(N + 2))
        assert (episode["outcome"], episode["outcome_date"]) == ("failed", str(day(N + 4)))
        assert episode["recovered"] is None

    def test_a_page_that_cannot_be_written_is_one_line_before_any_work(self, run: Run, data: Path) -> None:
        done = run("backtest", "--data", str(data), "--html", "nowhere/record.html")
        assert done.returncode == 2
        assert "there is no folder" in done.stderr.replace("\n", " ")
        assert "Traceback" not in done.stderr

    def test_people_get_the_words_of_messages(self, run: Run, data: Path) -> None:
        done = run("backtest", "--data", str(data))
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("1 confirmed breakout since 2016: 0 held, 1 failed\n")
        assert f"Russell 2000 breakout of {written(day(N))}: failed" in done.stdout


def written(session: datetime.date) -> str:
    """Return a date as messages have it."""
    return f"{session.day} {session:%b %Y}"


class TestEvaluate:
    def test_asof_gives_the_whole_verdict_in_the_documented_shape(self, run: Run, data: Path) -> None:
        done = run("evaluate", "--data", str(data), "--asof", str(day(N)), "--json")
        assert done.returncode == 0, done.stderr
        verdict: dict[str, Any] = json.loads(done.stdout)
        assert verdict["session"] == str(day(N))
        assert {"session", "decided_at", "coverage", "breakout", "sources"} <= set(verdict)
        assert verdict["breakout"]["episode"]["attempt"] == str(day(N))
        # As of that evening nothing later is known.
        assert verdict["breakout"]["episode"]["confirmed"] is None
        verdicts = {source["series"]: source["verdict"] for source in verdict["sources"]}
        assert {verdicts[key] for key in STOCKS} == {"ok"}
        assert verdicts["WALCL"] == "never had"
        assert set(verdict) >= {"session", "decided_at", "coverage", "breakout", "conditions", "liquidity"}
        assert set(verdict["conditions"][0]) >= {
            "key",
            "link",
            "state",
            "value",
            "unit",
            "enter",
            "exit",
            "as_of",
            "since",
        }
        assert set(verdict["liquidity"]) >= {"score", "regime", "coverage", "net_liquidity_bn"}
        assert set(verdict["cascade"]) >= {"stage", "score", "links", "out_of_order"}
        assert set(verdict["crypto"]) >= {"window", "day", "capitulated", "exhausted", "precondition"}
        assert set(verdict["supercycle"]) >= {"holds", "properties"}
        assert set(verdict["sources"][0]) == {"series", "verdict", "newest", "reason"}

    def test_without_a_date_it_is_the_newest_session_of_the_data(self, run: Run, data: Path) -> None:
        done = run("evaluate", "--data", str(data))
        assert done.returncode == 0, done.stderr
        assert written(day(N + 4)) in done.stdout.splitlines()[1]

    @pytest.mark.parametrize(
        ("date", "sentence"),
        [
            ("2016-09-17", "2016-09-17 is not a NYSE session; the nearest are 2016-09-16 and 2016-09-19"),
            ("2014-12-31", "no ^RUT data"),
        ],
    )
    def test_a_date_without_a_verdict_is_one_line(self, run: Run, data: Path, date: str, sentence: str) -> None:
        done = run("evaluate", "--data", str(data), "--asof", date)
        assert done.returncode == 78
        assert done.stderr.startswith(sentence)
        assert len(done.stderr.splitlines()) == 1

    @pytest.mark.parametrize(
        ("date", "sentence"),
        [
            ("2016-09-17", "2016-09-17 is not a NYSE session"),
            ("2999-01-02", "2999-01-02 is not decided yet: its decision time is after "),
        ],
    )
    def test_a_day_off_or_to_come_is_refused_before_any_file_is_read(
        self, run: Run, tmp_path: Path, date: str, sentence: str
    ) -> None:
        done = run("evaluate", "--data", str(tmp_path), "--asof", date)
        assert done.returncode == 78
        # With a file read it would be the missing ^RUT that is complained of.
        assert done.stderr.startswith(sentence)

    def test_a_simulated_market_needs_no_folder_and_says_that_it_is_one(self, run: Run) -> None:
        done = run("evaluate", "--data", "simulated", "--asof", "2016-09-16")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("SIMULATED MARKET: every figure is made up\n")
        assert done.stdout.splitlines()[2].startswith("Fri 16 Sep 2016 · ")

    def test_without_data_and_without_a_database_people_are_told_what_to_do(self, run: Run) -> None:
        done = run("evaluate")
        assert done.returncode == 78
        assert "run the bot first, or give --data FOLDER" in done.stderr


class TestReplay:
    def test_the_alerts_of_past_sessions_need_nothing_but_data(self, run: Run, data: Path, tmp_path: Path) -> None:
        done = run("replay", "--data", str(data), "--from", str(day(N - 1)), "--to", str(day(N + 2)))
        assert done.returncode == 0, done.stderr
        assert "Russell 2000 at a record, the first in" in done.stdout
        assert "Russell 2000 breakout confirmed: 3 closes in a row above 100.00" in done.stdout
        assert done.stdout.index("at a record") < done.stdout.index("breakout confirmed")
        assert done.stdout.splitlines()[-1] == "deliveries: 2 sent"
        # The two alerts, and nothing else.
        assert done.stdout.startswith("Russell 2000 at a record")
        assert done.stderr == ""
        assert (tmp_path / "replay.db").exists()
        # Afterwards the command line reads any evening as it was decided, and none that it did not decide.
        database = "sqlite+aiosqlite:///replay.db"
        decided = run("evaluate", "--asof", str(day(N)), DATABASE_URL=database).stdout
        assert written(day(N)) in decided.splitlines()[1]
        unknown = run("evaluate", "--asof", str(day(N + 3)), DATABASE_URL=database)
        assert unknown.returncode == 78
        assert f"no verdict of {day(N + 3)}; the nearest before it is of {day(N + 2)}" in unknown.stderr

    def test_dates_without_a_session_are_one_line(self, run: Run, data: Path) -> None:
        done = run("replay", "--data", str(data), "--from", "2016-09-17", "--to", "2016-09-18")
        assert done.returncode == 78
        assert "there is no NYSE session from 2016-09-17 to 2016-09-18" in done.stderr

    def test_a_folder_that_is_not_there_is_one_line(self, run: Run) -> None:
        done = run("replay", "--data", "/nowhere", "--from", "2016-09-15", "--to", "2016-09-16")
        assert done.returncode == 78
        assert "names the folder '/nowhere', which does not exist" in done.stderr


class TestMethod:
    def test_the_tables_of_a_simulated_history_say_so(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "page.md").write_text((ROOT / "docs" / "method.md").read_text())
        done = run("method", "page.md", "--data", "simulated")
        assert done.returncode == 0, done.stderr
        page = (tmp_path / "page.md").read_text()
        for name, made_up in (("shares", 1), ("alerts", 1), ("record", 1), ("conditions", 0), ("series", 0)):
            table = page[page.index(f"<!-- {name} -->") : page.index(f"<!-- end of {name} -->")]
            assert table.count("Simulated market: every figure of this table is made up.") == made_up

    def test_without_a_history_what_is_of_one_stays(self, run: Run, tmp_path: Path) -> None:
        page = "<!-- conditions -->\n\nold\n\n<!-- end of conditions -->\n<!-- shares -->\n\nold\n\n<!-- end of shares -->\n"
        (tmp_path / "page.md").write_text(page)
        done = run("method", "page.md")
        assert done.returncode == 0, done.stderr
        written = (tmp_path / "page.md").read_text()
        assert "| liquidity | `net_liquidity` |" in written
        assert written.endswith("<!-- shares -->\n\nold\n\n<!-- end of shares -->\n")


class TestRun:
    @pytest.mark.parametrize(
        ("environment", "sentence"),
        [
            ({}, "TELEGRAM_BOT_TOKEN is missing; for example TELEGRAM_BOT_TOKEN="),
            ({"TELEGRAM_BOT_TOKEN": "nonsense"}, "TELEGRAM_BOT_TOKEN is not a bot token"),
            ({"TELEGRAM_BOT_TOKEN": "1:x", "DATABASE_URL": "mysql://x"}, "DATABASE_URL has the driver 'mysql'"),
            ({"TELEGRAM_BOT_TOKEN": "1:x", "OPERATOR_IDS": "me"}, "OPERATOR_IDS has 'me'"),
            ({"TELEGRAM_BOT_TOKEN": "1:x", "MARKET_DATA": "x"}, "MARKET_DATA is 'x'"),
        ],
    )
    def test_a_missing_or_malformed_setting_is_one_line_with_an_example(
        self, run: Run, environment: dict[str, str], sentence: str
    ) -> None:
        done = run("run", **environment)
        assert done.returncode == 78
        assert done.stderr.startswith(sentence)
        assert "for example" in done.stderr
        assert len(done.stderr.splitlines()) == 1

    def test_a_database_server_that_is_away_is_one_line_and_may_be_tried_again(self, run: Run) -> None:
        url = "postgresql+asyncpg://me:sesame@127.0.0.1:9/cascade"
        done = run("run", TELEGRAM_BOT_TOKEN="1:x", DATABASE_URL=url)
        assert done.returncode == 75
        assert done.stderr.startswith(f"DATABASE_URL: {url.replace('sesame', '***')} cannot be reached (")
        assert len(done.stderr.splitlines()) == 1

    @pytest.mark.parametrize("command", [("run",), ("evaluate",), ("backtest",), ("requeue", "1")])
    def test_a_damaged_database_is_one_line(self, run: Run, database_url: str, command: tuple[str, ...]) -> None:
        os.truncate(database_url.removeprefix("sqlite+aiosqlite:///"), 20_000)
        done = run(*command, TELEGRAM_BOT_TOKEN="1:x", DATABASE_URL=database_url)
        assert done.returncode == 78
        assert done.stderr.startswith(f"DATABASE_URL: {database_url} is damaged (")
        assert len(done.stderr.splitlines()) == 1


class TestBackup:
    async def test_a_backup_of_a_running_bot_can_be_restored_once_it_is_stopped(
        self, run: Run, database_url: str, tmp_path: Path
    ) -> None:
        async with Database(database_url):
            made = await asyncio.to_thread(run, "backup", "copy.db", DATABASE_URL=database_url)
            refused = await asyncio.to_thread(run, "restore", "copy.db", DATABASE_URL=database_url)
        assert (made.returncode, made.stdout.partition(";")[0]) == (0, "written to copy.db and checked")
        assert (refused.returncode, len(refused.stderr.splitlines())) == (75, 1)
        restored = run("restore", "copy.db", DATABASE_URL=database_url)
        assert restored.returncode == 0, restored.stderr
        assert restored.stdout.startswith("copy.db is the database now; ")

    @pytest.mark.parametrize("command", ["backup", "restore"])
    def test_what_cannot_be_copied_is_one_line(self, run: Run, command: str) -> None:
        done = run(command, "nothing.db", DATABASE_URL="sqlite+aiosqlite:///cascade.db")
        assert (done.returncode, len(done.stderr.splitlines())) == (78, 1)


class TestRequeue:
    def test_an_alert_that_does_not_exist_is_one_line(self, run: Run) -> None:
        done = run("requeue", "17", DATABASE_URL="sqlite+aiosqlite:///cascade.db")
        assert (done.returncode, done.stderr) == (78, "ALERT is 17, and there is no alert with that number\n")

    async def test_a_stopped_alert_is_queued_for_everybody_who_did_not_get_it(
        self, run: Run, database_url: str
    ) -> None:
        async with Database(database_url) as database:
            await migrate(database)
            await add_alert(database, EVENING)
            async with database.transaction() as connection:
                for chat_id in (5, 6):
                    await chats.subscribe(connection, chat_id, "private", EVENING)
                await fan_out.fan_out(connection, EVENING)
                await queue.stop_alert(connection, 1, "too long", EVENING)
        done = run("requeue", "1", DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("2 deliveries of alert 1 are queued again")


class TestClosure:
    def test_what_an_operator_says_is_listed_and_taken_back(self, run: Run) -> None:
        database = {"DATABASE_URL": "sqlite+aiosqlite:///cascade.db"}
        done = run("closure", "add", "2020-11-16", **database)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "2020-11-16 is no session; the running or the next bot decides accordingly\n"
        assert run("closure", "list", **database).stdout.startswith("2020-11-16  closed  by operator, ")
        assert run("closure", "remove", "2020-11-16", **database).returncode == 0
        assert run("closure", "list", **database).stdout.startswith("2020-11-16  open  by operator, ")

    def test_of_a_day_that_is_no_session_anyway_is_one_line(self, run: Run) -> None:
        done = run("closure", "add", "2020-11-15", DATABASE_URL="sqlite+aiosqlite:///cascade.db")
        said = "2020-11-15 is not a NYSE session; the nearest are 2020-11-13 and 2020-11-16\n"
        assert (done.returncode, done.stderr) == (78, said)

    def test_a_data_folder_tells_its_own(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "closed").mkdir()
        write(tmp_path / "closed", CLOSES)
        for file in (tmp_path / "closed").glob("*.csv"):
            kept = [line for line in file.read_text().splitlines(keepends=True) if not line.startswith(str(day(N + 1)))]
            file.write_text("".join(kept))
        done = run("evaluate", "--data", "closed", "--asof", str(day(N + 2)), "--json")
        assert done.returncode == 0, done.stderr
        episode = json.loads(done.stdout)["breakout"]["episode"]
        # The twentieth session from the attempt on, the closed day not counted.
        assert (episode["attempt"], episode["confirm_by"]) == (str(day(N)), str(day(N + 20)))


class TestDoctor:
    def test_everything_that_is_wrong_is_named_with_what_to_do(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "few"
        folder.mkdir()
        write(folder, CLOSES, "IWM")
        environment = {
            "TELEGRAM_BOT_TOKEN": "1:x",
            "TELEGRAM_API_URL": "http://127.0.0.1:9",
            "MARKET_DATA": f"folder:{folder}",
        }
        done = run("doctor", **environment)
        assert done.returncode == 1
        lines = done.stdout.splitlines()
        assert lines[0].startswith("ok    database: opens; SQLite 3.")
        unreached = "127.0.0.1 cannot be reached (ConnectError): check the network and TELEGRAM_API_URL"
        assert f"FAIL  telegram: {unreached}" in lines
        assert any(line.startswith("FAIL  ^RUT: there is no file RUT.csv in the data folder: ") for line in lines)
        assert any(f"folder:{folder}: 1 of " in line and "series, the newest figure of " in line for line in lines)

    def test_for_machines_it_prints_an_array_and_says_the_same_by_its_exit_status(
        self, run: Run, tmp_path: Path
    ) -> None:
        done = run("doctor", "--json", MARKET_DATA=f"folder:{tmp_path}")
        token = next(one for one in json.loads(done.stdout) if one["name"] == "token")
        assert token["state"] == "FAIL"
        assert token["text"].startswith("TELEGRAM_BOT_TOKEN is missing")
        assert done.returncode == 1


def test_without_a_command_it_lists_them_all(run: Run) -> None:
    listed = run().stdout + run("--help").stdout
    assert all(
        name in listed for name in ("run", "demo", "evaluate", "backtest", "method", "replay", "doctor", "healthy")
    )


class TestDocumentation:
    def test_every_bot_command_is_explained(self) -> None:
        page = (ROOT / "docs" / "commands.md").read_text()
        assert [name for name in OPERATOR_MENU if f"`/{name}" not in page] == []

    def test_every_command_of_the_command_line_is_explained(self) -> None:
        page = (ROOT / "docs" / "commands.md").read_text()
        names = [one.name or one.callback.__name__ for one in cli.registered_commands if one.callback]
        assert len(names) > 10
        assert [name for name in names if f"`python -m bot {name}" not in page] == []

    def test_every_setting_is_in_the_example(self) -> None:
        from bot.settings import Settings

        example = (ROOT / ".env.example").read_text()
        assert [one.name for one in fields(Settings) if one.name.upper() not in example] == []

    def test_every_target_of_the_makefile_named_in_the_docs_exists(self) -> None:
        import re

        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
            named = set(re.findall(r"`make ([a-z]+)`", document.read_text()))
            assert named <= targets, document
