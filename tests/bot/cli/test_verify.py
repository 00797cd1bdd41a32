"""``verify``: what it says of a chain that fits, of one that does not, and of a head that somebody kept."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.main import cli
from storage.chain import links
from storage.database import Database
from tests.storage.chain.evenings import live_evenings


@pytest.fixture
def hashes(database_url: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes of a database with two live evenings, which the command line is pointed to."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    async def make() -> list[str]:
        async with Database(database_url) as database:
            await live_evenings(database)
            async with database.reading() as connection:
                return [link.hash for link in await links.links(connection)]

    return asyncio.run(make())


def verify(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["verify", *arguments])
    return done.exit_code, done.output


def test_a_chain_that_fits_is_a_sentence_with_the_head(hashes: list[str]) -> None:
    assert verify() == (0, f"all 8 rows of the live record fit; the head is {hashes[-1]}\n")


def test_a_head_that_was_kept_says_up_to_which_row_nothing_was_changed(hashes: list[str]) -> None:
    code, said = verify(hashes[3][:20])
    assert code == 0
    assert f"{hashes[3][:20]} is the head at row 4, so nothing up to it was changed since" in said


def test_a_head_that_no_row_has_was_rewritten(hashes: list[str]) -> None:
    code, said = verify("0123456789abcdef")
    assert code == 1
    assert said.startswith("no row has the head 0123456789abcdef: something up to it was rewritten since")


def test_the_first_row_that_does_not_fit_is_named(hashes: list[str], tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "cascade.db")) as connection:
        connection.execute("UPDATE transition SET after = '4' WHERE id = 3")
        connection.execute("DELETE FROM outcome WHERE id = 2")
        connection.commit()
    code, said = verify()
    assert code == 1
    assert said.startswith("row 4 of the chain, transition 3, was changed: it was [")
    assert len(said.splitlines()) == 1


def test_an_empty_record_is_no_error(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert verify() == (0, "the live record is empty: nothing was decided live yet\n")
    assert verify("0123456789abcdef")[0] == 1
