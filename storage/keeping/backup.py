"""Copies of an SQLite database: made while the bot runs, checked, and put in its place."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy.engine import URL

from storage.chain.verify import misfit_of
from storage.database import SQLITE, hold
from storage.migrate import newest_revision, revisions
from storage.unavailable import explained

_BESIDE = ("-wal", "-shm", "-journal")
_OURS = {"alembic_version", "market", "verdict", "alert", "delivery", "chat"}
# Seconds to wait for another program that reads the database at the moment.
_PATIENCE = 1.0


class BackupError(ValueError):
    """A backup cannot be made or used; the message is one line that says why."""


class Backup(NamedTuple):
    """A copy that is a whole database of this program.

    ``newest_session`` is the last one decided, ``None`` before the first; ``misfit`` says what of the live record does
    not fit its chain, ``None`` when all does.
    """

    path: Path
    revision: str
    newest_session: str | None
    misfit: str | None


def back_up(url: URL, to: Path) -> Backup:
    """Copy the database to a new file, checked. The bot may be running: it does not wait, nor does this for it.

    A live record that does not fit its chain is copied, too.

    Raises
    ------
    BackupError
        When there is no whole database, no such folder, or such a file already.
    """
    source = _file_of(url)
    if not source.exists():
        raise BackupError(f"there is no database {source} to copy")
    if to.exists():
        raise BackupError(f"FILE is {to}, and there is such a file already: name a new one")
    if not to.absolute().parent.is_dir():
        raise BackupError(f"FILE is {to}, and there is no folder {to.absolute().parent}")
    with _checked_copy(source, "mode=ro", to, source) as copy:
        _replace(copy.path, to)
        return copy._replace(path=to)


def restore(url: URL, backup: Path) -> str | None:
    """Put a backup in the place of the database. Killed at any instant, this leaves the one or the other.

    A database that SQLite cannot read is kept beside the new one, under its name and ``.damaged``. Returns the last
    session decided in the backup, ``None`` before the first.

    Raises
    ------
    BackupError
        When the backup is not a whole database of this program, is the database itself, or holds a live record that
        somebody changed.
    storage.database.DatabaseInUseError
        When the bot is running on the database.
    storage.unavailable.DatabaseUnavailableError
        When the database cannot be replaced.
    """
    path = _file_of(url)
    if not backup.is_file():
        raise BackupError(f"FILE is {backup}, and there is no such file")
    if path.exists() and path.samefile(backup):
        raise BackupError(f"FILE is {backup}, which is the database itself")
    # Nobody writes into a backup that has nothing beside it; read as immutable, nothing is written beside it.
    mode = "mode=ro" if any(_beside(backup, suffix).exists() for suffix in _BESIDE) else "immutable=1"
    with hold(url), _checked_copy(backup, mode, path, path) as copy:
        if copy.revision not in revisions():
            raise BackupError(
                f"{backup} has the schema {copy.revision}, and this version of the program knows none after "
                f"{newest_revision()}: use the version that wrote it"
            )
        if copy.misfit is not None:
            raise BackupError(f"{backup} holds a live record that somebody changed: {copy.misfit}")
        with explained(url):
            _make_one_file(path)
            _replace(copy.path, path)
        return copy.newest_session


def _file_of(url: URL) -> Path:
    if url.drivername != SQLITE:
        raise BackupError("DATABASE_URL is a PostgreSQL server, whose own pg_dump and pg_restore copy a database")
    # SQLite keeps what lies beside a database beside the file that a link leads to.
    return Path(str(url.database)).resolve()


@contextmanager
def _checked_copy(source: Path, mode: str, to: Path, database: Path) -> Iterator[Backup]:
    """Copy ``source`` into a file beside ``to``, for those who may read the database; remove it where it is left."""
    copy = _beside(to, ".copy")
    try:
        try:
            _remove(copy)
            copy.touch(0o600)
            if database.exists():
                shutil.copymode(database, copy)
            with closing(_connect(source, mode)) as reading, closing(sqlite3.connect(copy)) as writing:
                # It is flushed as a whole before it gets its name.
                writing.execute("PRAGMA synchronous = OFF")
                # All of it at once: then what the bot commits meanwhile does not make it begin anew.
                reading.backup(writing)
                # One file, with nothing beside it that would have to be copied, too.
                writing.execute("PRAGMA journal_mode = DELETE")
            checked = _check(copy, source)
        except (sqlite3.Error, OSError) as error:
            raise BackupError(f"{source} cannot be copied to {copy} ({error})") from error
        yield checked
    finally:
        _remove(copy)


def _check(copy: Path, source: Path) -> Backup:
    with closing(_connect(copy, "immutable=1")) as connection:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise BackupError(f"{source} is damaged ({found.splitlines()[-1]})")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables >= _OURS:
            raise BackupError(f"{source} is not a database of Cascade")
        (revision,) = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()
        (newest_session,) = connection.execute("SELECT max(session) FROM verdict").fetchone()
    # What a later version has made of the record, only that one can check.
    misfit = misfit_of(URL.create(SQLITE, database=str(copy))) if str(revision) in revisions() else None
    return Backup(copy, str(revision), newest_session, misfit)


def _make_one_file(path: Path) -> None:
    """Take into the database what lies beside it: SQLite would take that for a part of whatever is in its place."""
    if not path.exists():
        _remove(path)
        return
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE)) as old:
            old.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
            raise
        _keep_damaged(path)


def _keep_damaged(path: Path) -> None:
    kept = _beside(path, ".damaged")
    # What a restore that was killed has kept already stays.
    if not (kept.exists() and kept.samefile(path)):
        _remove(kept)
        # A second name: without a database in its place, a bot started now would begin from nothing.
        kept.hardlink_to(path)
    for suffix in _BESIDE:
        if _beside(path, suffix).exists():
            _beside(path, suffix).rename(_beside(kept, suffix))


def _replace(copy: Path, path: Path) -> None:
    """Give a copy its name, so that it is whole under that name even after a loss of power."""
    _flush(copy)
    copy.replace(path)
    _flush(path.absolute().parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    for suffix in ("", *_BESIDE):
        _beside(path, suffix).unlink(missing_ok=True)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?{mode}", uri=True)
