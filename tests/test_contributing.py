"""What CONTRIBUTING.md works through does what it says: applied to a copy of the tree, each check passes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worked_examples import Example, examples, write

ROOT = Path(__file__).parents[1]
EXAMPLES = examples((ROOT / "CONTRIBUTING.md").read_text())
# With what was compiled of it, so that nothing has to be compiled again.
COPIED = ("bot", "signals", "storage", "tests", "pyproject.toml")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the tree."""
    for name in COPIED:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, tmp_path / name, ignore=shutil.ignore_patterns("*.db", "faults", "releases"))
        else:
            shutil.copy2(path, tmp_path)
    return tmp_path


def test_every_one_of_the_five_is_worked_through() -> None:
    assert [example.title for example in EXAMPLES] == [
        "A condition", "A command", "A language", "A source", "A chart",
    ]  # fmt: skip
    assert all(example.changes for example in EXAMPLES)


def test_followed_to_the_letter_each_passes_its_check(tree: Path) -> None:
    for example in EXAMPLES:
        for path, hunk in example.changes:
            write(tree, path, hunk)
    files = [file for example in EXAMPLES for file in example.files]
    chosen = " or ".join(f"({example.chosen})" for example in EXAMPLES)
    # One process for all: most of what it costs is starting.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-rA", *files, "-k", chosen],
        cwd=tree, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-9000:]
    assert [example.title for example in EXAMPLES if not _passed(example, done.stdout)] == []


def _passed(example: Example, report: str) -> bool:
    return any(f"PASSED {file}" in report for file in example.files)


class TestWriting:
    def test_lines_that_say_where_have_to_be_there_once(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("one\ntwo\none\n")
        with pytest.raises(ValueError, match=r"a\.py has these lines 2 times, expected once"):
            write(tmp_path, "a.py", " one\n+more\n")

    def test_a_part_of_a_line_is_no_line(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("    one\n")
        with pytest.raises(ValueError, match="expected once"):
            write(tmp_path, "a.py", " one\n+more\n")

    def test_a_line_goes_and_another_comes(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("one\ntwo\n")
        write(tmp_path, "a.py", "-one\n+three\n two\n")
        assert (tmp_path / "a.py").read_text() == "three\ntwo\n"
