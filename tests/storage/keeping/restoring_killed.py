"""Kills a restore before each line of ``storage.keeping.backup`` that finds something changed in the folder, in turn, and
prints what the database then holds: a kill between two of them leaves what one at the first of them leaves.

Usage: ``python -m tests.storage.keeping.restoring_killed FOLDER BACKUP`` with a folder that holds a stopped ``cascade.db`` with
what lies beside it. Each printed line is the chats in the database after the kill, the same after another restore that was not
killed, and the files that are there then.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from itertools import count, pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from storage.database import parse_url
from storage.keeping import backup


def chats(path: Path) -> list[int]:
    """Return the chats in a database that is whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [number for (number,) in connection.execute("SELECT id FROM chat ORDER BY id")]


def held(path: Path) -> list[int] | str:
    """Return the chats in a database, or that it cannot be read."""
    try:
        return chats(path)
    except sqlite3.DatabaseError:
        return "damaged"


def restore_and(url: str, copy: Path, before_line: Callable[[], None]) -> None:
    """Restore in a child, and do something before each line of it."""

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != backup.__file__:
            return None
        if event == "line":
            before_line()
        return trace

    sys.settrace(trace)
    backup.restore(parse_url(url), copy)
    sys.settrace(None)
    before_line()


def changing(url: str, copy: Path, scratch: Path) -> list[int]:
    """Return before which lines something has changed in the folder, by their number; the last is the end."""
    seen: list[dict[str, bytes]] = []
    restore_and(url, copy, lambda: seen.append({path.name: path.read_bytes() for path in scratch.iterdir()}))
    return [0, *(number for number, (one, other) in enumerate(pairwise(seen), 1) if one != other)]


def die_before(number: int) -> Callable[[], None]:
    """Return what kills this process when it is called after so many calls."""
    calls = count()

    def die() -> None:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def main(folder: Path, copy: Path) -> None:
    """Kill it before each such line."""
    scratch = folder.with_name("scratch")
    url = f"sqlite+aiosqlite:///{scratch}/cascade.db"
    shutil.copytree(folder, scratch)
    numbers = changing(url, copy, scratch)
    for number in numbers:
        shutil.rmtree(scratch)
        shutil.copytree(folder, scratch)
        if (child := os.fork()) == 0:
            restore_and(url, copy, die_before(number))
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        found = held(scratch / "cascade.db")
        backup.restore(parse_url(url), copy)
        print(found, chats(scratch / "cascade.db"), sorted(path.name for path in scratch.iterdir()), sep="; ")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
