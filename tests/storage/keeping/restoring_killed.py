"""Kills a restore before each line of ``storage.keeping.backup`` in turn, and prints what the database then holds.

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
from contextlib import closing
from itertools import count
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


def restore_and_die(url: str, copy: Path, line: int) -> None:
    """Restore, and die before so many lines of it have run."""
    lines = count(1)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != backup.__file__:
            return None
        if event == "line" and next(lines) == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    backup.restore(parse_url(url), copy)
    os._exit(0)


def main(folder: Path, copy: Path) -> None:
    """Kill it at each line, until it lives to its end."""
    for line in count(1):
        scratch = folder.with_name("scratch")
        shutil.copytree(folder, scratch)
        child = os.fork()
        url = f"sqlite+aiosqlite:///{scratch}/cascade.db"
        if child == 0:
            restore_and_die(url, copy, line)
        _, status = os.waitpid(child, 0)
        found = held(scratch / "cascade.db")
        backup.restore(parse_url(url), copy)
        print(found, chats(scratch / "cascade.db"), sorted(path.name for path in scratch.iterdir()), sep="; ")
        shutil.rmtree(scratch)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0
            return


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
