"""A copy after each evening that decided something, at least one a day, and only the newest are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from storage.database import parse_url
from storage.keeping.backup import BackupError
from storage.keeping.rotation import back_up_in_turn

EVENING = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)


@pytest.fixture
def url(sqlite_url: str) -> URL:
    return parse_url(sqlite_url)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_first_copy_makes_the_folder(url: URL, tmp_path: Path) -> None:
    made = back_up_in_turn(url, tmp_path / "a" / "b", EVENING, None, 3)
    assert made is not None
    assert names(tmp_path / "a" / "b") == ["cascade-20201113-223000.db"]


@pytest.mark.parametrize(
    ("later", "decided", "due"),
    [
        (timedelta(minutes=15), None, False),
        (timedelta(minutes=15), EVENING - timedelta(minutes=1), False),
        (timedelta(minutes=15), EVENING + timedelta(minutes=14), True),
        (timedelta(hours=23), None, False),
        (timedelta(days=1), None, True),
        # It was made while the clock was ahead.
        (timedelta(days=-2), None, True),
    ],
)
def test_another_one_is_due_after_a_decision_or_a_day(
    url: URL, tmp_path: Path, later: timedelta, decided: datetime | None, due: bool
) -> None:
    back_up_in_turn(url, tmp_path / "kept", EVENING, None, 3)
    assert (back_up_in_turn(url, tmp_path / "kept", EVENING + later, decided, 3) is not None) is due


@settings(max_examples=15, deadline=None)
@given(days=st.sets(st.integers(0, 30), max_size=8), kept=st.integers(1, 4))
def test_the_newest_are_kept_and_nothing_else_is_touched(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path, days: set[int], kept: int
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    others = ["cascade.db", "cascade.db.copy", "notes"]
    copies = [f"{EVENING + timedelta(days=day):cascade-%Y%m%d-%H%M%S.db}" for day in sorted(days)]
    for name in [*others, *copies, "cascade-20201101-223000.db.copy", "cascade-20201101-223000.db.copy-journal"]:
        (folder / name).touch()
    back_up_in_turn(parse_url(f"sqlite+aiosqlite:///{migrated}"), folder, EVENING + timedelta(days=40), None, kept)
    assert names(folder) == sorted(others + [*copies, "cascade-20201223-223000.db"][-kept:])


def test_a_copy_that_fails_costs_no_older_one(url: URL, tmp_path: Path) -> None:
    back_up_in_turn(url, tmp_path / "kept", EVENING, None, 1)
    (tmp_path / "cascade.db").write_bytes(b"no database any more" * 99)
    with pytest.raises(BackupError, match="not a database"):
        back_up_in_turn(url, tmp_path / "kept", EVENING + timedelta(days=1), None, 1)
    assert names(tmp_path / "kept") == ["cascade-20201113-223000.db"]
