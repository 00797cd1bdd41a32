"""docs/security.md: a threat a line, each with a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_the_page_is_one_page() -> None:
    assert len(ROWS) < 60


def test_what_writes_the_lock_files_has_a_version() -> None:
    assert re.search(r"pip install -q uv==\d+\.\d+\.\d+\n", (ROOT / "Makefile").read_text())
