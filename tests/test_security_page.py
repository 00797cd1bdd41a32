"""docs/security.md: a threat a line, each with a test that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = [
    line.strip("|").split(" | ") for line in (ROOT / "docs/security.md").read_text().splitlines() if line[:2] == "| "
][1:]


def test_every_threat_has_a_test_and_each_test_is_there() -> None:
    assert len(ROWS) > 25
    for threat, prevented, named in ROWS:
        found = re.search(r"`([\w/]+\.py)(?:::(\w+))?`", named)
        assert found is not None, threat
        assert prevented.strip(), threat
        path, function = found.groups()
        assert f"def {function or 'test_'}" in (ROOT / path).read_text(), threat


RUNS_A_TEXT = (
    "eval",
    "exec",
    "compile",
    "__import__",
    "system",
    "popen",
    "from_string",
    "create_subprocess_shell",
    "getoutput",
)
LOADS_ANYTHING = ("pickle", "shelve", "marshal", "dill", "joblib", "yaml", "xmlrpc")


@pytest.mark.parametrize("folder", ["bot", "signals", "storage"])
def test_nothing_that_runs_a_text_is_used(folder: str) -> None:
    found = []
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                # What a module names, as in re.compile, is another thing than what the language does.
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                is_plain = isinstance(node.func, ast.Name) or name not in ("compile", "exec", "eval")
                shell = any(keyword.arg == "shell" for keyword in node.keywords)
                found += [f"{path.name}: {name}"] if (name in RUNS_A_TEXT and is_plain) or shell else []
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
                found += [f"{path.name}: {name}" for name in names if name.partition(".")[0] in LOADS_ANYTHING]
    assert found == []


def test_the_page_is_one_page() -> None:
    assert len(ROWS) < 60


def test_what_writes_the_lock_files_has_a_version() -> None:
    assert re.search(r"pip install -q uv==\d+\.\d+\.\d+\n", (ROOT / "Makefile").read_text())
