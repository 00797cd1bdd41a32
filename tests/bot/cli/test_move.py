"""``move-to``: what it says of a move, and of one that cannot be."""

from __future__ import annotations

import asyncio

import pytest
from typer.testing import CliRunner

from bot.cli.main import cli
from bot.lifetime import one_line_errors
from storage.database import Database
from tests.postgresql import Server
from tests.storage.chain.evenings import live_evenings


@pytest.fixture(autouse=True)
def _live(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with two live evenings, which the command line is pointed to."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    async def make() -> None:
        async with Database(database_url) as database:
            await live_evenings(database)

    asyncio.run(make())


def refused(capsys: pytest.CaptureFixture[str], url: str) -> str:
    with pytest.raises(SystemExit), one_line_errors():
        cli(["move-to", url], standalone_mode=False)
    return capsys.readouterr().err


def test_it_says_what_is_there_and_what_to_do(postgresql_url: str) -> None:
    done = CliRunner().invoke(cli, ["move-to", f"{postgresql_url}&password=sesame"])
    assert done.exit_code == 0
    assert "sesame" not in done.output
    assert "the 8 of the live record fit their chain. Give DATABASE_URL this address and start the bot" in done.output


def test_one_that_is_not_empty_is_one_line(postgresql_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    CliRunner().invoke(cli, ["move-to", postgresql_url])
    assert refused(capsys, postgresql_url).startswith("URL names a database that has rows in the table ")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://root@host/x", "URL has the driver 'mysql'"),
        ("postgres", "URL cannot be read as a database URL"),
        ("sqlite+aiosqlite:///other.db", "URL is 'sqlite+aiosqlite:///other.db', which is no PostgreSQL database"),
    ],
)
def test_another_address_is_one_line(url: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, url)
    assert said.startswith(sentence)
    assert len(said.splitlines()) == 1


def test_beside_a_running_bot_it_is_refused(
    database_url: str, postgresql: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = Database(database_url)
    asyncio.run(bot.__aenter__())
    assert "is in use by another Cascade process; stop that one first" in refused(capsys, postgresql.url("cascade"))
    asyncio.run(bot.__aexit__())
