"""The chain recomputed as ``docs/verify.md`` tells everybody to, with nothing of this program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.keeping.verify import verified_text
from bot.settings import Settings
from storage.chain import links
from storage.database import Database, run_until_complete
from tests.storage.chain.evenings import ROWS, live_evenings

PAGE = (Path(__file__).parents[3] / "docs" / "verify.md").read_text()
BASH, PYTHON = (re.findall(f"```{language}\n(.*?)```", PAGE, re.DOTALL)[0] for language in ("bash", "python"))


@pytest.fixture
def head(database_url: str) -> str:
    """The head of a database with two live evenings."""

    async def make() -> str:
        async with Database(database_url) as database:
            await live_evenings(database)
            async with database.reading() as connection:
                head = await links.newest(connection)
        assert head is not None
        return head.hash

    return run_until_complete(make())


def test_from_the_rows_with_sha256sum_alone(database_url: str, head: str, tmp_path: Path) -> None:
    rows = tmp_path / "live_record.tsv"
    rows.write_text(verified_text(Settings(database_url=database_url), None, rows=True) + "\n")
    done = subprocess.run(["bash", "-c", BASH], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"all rows fit; the head is {head}\n"
    rows.write_text(rows.read_text().replace("stage.up", "stage.down"))
    done = subprocess.run(["bash", "-c", BASH], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith('does not fit: ["transition","3","2020-11-17","stage.down"')


@pytest.mark.usefixtures("head")
def test_from_the_database_without_this_program(tmp_path: Path, head: str) -> None:
    # Isolated: nothing of this repository can be imported.
    command = [sys.executable, "-I", "-c", PYTHON, str(tmp_path / "cascade.db")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"all {ROWS} rows fit; the head is {head}\n"
