"""``verify``: what it says of a chain that fits, of one that does not, and of a head that somebody kept."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import delete, update
from typer.testing import CliRunner

from bot.cli.main import cli
from storage.chain import links
from storage.database import Database
from storage.schema import outcome, transition
from tests.storage.chain.evenings import live_evenings


@pytest.fixture
def hashes(either_url: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes of a database with three live evenings, which the command line is pointed to."""
    monkeypatch.setenv("DATABASE_URL", either_url)

    async def make() -> list[str]:
        async with Database(either_url) as database:
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


@pytest.mark.usefixtures("hashes")
def test_the_first_row_that_does_not_fit_is_named(either_url: str) -> None:
    async def tamper() -> None:
        async with Database(either_url) as database, database.transaction() as connection:
            await connection.execute(update(transition).where(transition.c.id == 3).values(after="4"))
            await connection.execute(delete(outcome).where(outcome.c.id == 2))

    asyncio.run(tamper())
    code, said = verify()
    assert code == 1
    assert said.startswith("row 4 of the chain, transition 3, was changed: it was [")
    assert len(said.splitlines()) == 1


def test_an_empty_record_is_no_error(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert verify() == (0, "the live record is empty: nothing was decided live yet\n")
    assert verify("0123456789abcdef")[0] == 1
