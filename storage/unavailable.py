"""Why a database cannot be used: one sentence that says what is the matter and what to do about it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL

RESTORE = "restore a backup with: python -m bot restore FILE"

_UNWRITABLE = ("cannot be written", "let the user who runs this write the file and its folder")
_FULL = ("cannot be written", "the disk is full: free some of it")
_AWAY = ("cannot be reached", "start the server, or correct the address")
_SERVER_FULL = ("cannot be written", "the disk of its server is full: free some of it")
_LOCKED = ("is locked", "end the other program that has it open")
_REFUSED = ("does not let this user in", "correct the user and the password in DATABASE_URL")
_OTHER = ("cannot be used", "check DATABASE_URL, the file and its folder, or the server")
# What may be over a moment later without anybody changing a setting.
_PASSING = (_AWAY, _FULL, _SERVER_FULL, _LOCKED)
# What is the matter and what to do, by SQLite's code, by the system's, and by PostgreSQL's or the class of it.
_SENTENCES: dict[tuple[str, int | str | None], tuple[str, str]] = {
    ("sqlite", sqlite3.SQLITE_NOTADB): ("is no SQLite database", f"give DATABASE_URL another file, or {RESTORE}"),
    ("sqlite", sqlite3.SQLITE_CORRUPT): ("is damaged", RESTORE),
    ("sqlite", sqlite3.SQLITE_IOERR): ("cannot be read or written", "see whether the disk is full or failing"),
    ("sqlite", sqlite3.SQLITE_FULL): _FULL,
    ("sqlite", sqlite3.SQLITE_READONLY): _UNWRITABLE,
    ("sqlite", sqlite3.SQLITE_PERM): _UNWRITABLE,
    ("sqlite", sqlite3.SQLITE_CANTOPEN): _UNWRITABLE,
    ("sqlite", sqlite3.SQLITE_BUSY): _LOCKED,
    **{("system", code): _UNWRITABLE for code in (errno.EACCES, errno.EPERM, errno.EROFS)},
    **{("system", code): _FULL for code in (errno.ENOSPC, errno.EDQUOT)},
    ("system", errno.ELOOP): ("is not used", "its .lock is a symbolic link: remove that"),
    ("postgresql", "28"): _REFUSED,
    ("postgresql", "42501"): ("does not let this user make its tables", "grant CREATE on the database and its schema"),
    ("postgresql", "3D"): ("is not there", "create it, or correct its name in DATABASE_URL"),
    ("postgresql", "25006"): ("takes no changes", "give DATABASE_URL the primary server"),
    ("postgresql", "53100"): _SERVER_FULL,
    **{("postgresql", state): _AWAY for state in ("08", "53", "57")},
}


class DatabaseUnavailableError(RuntimeError):
    """The database cannot be used; the message says which, what is the matter and what to do."""


class DatabaseAwayError(DatabaseUnavailableError):
    """The database cannot be used for now: its server is away, its disk full, or it is locked."""


@contextmanager
def explained(url: URL, kinds: type[Exception] | tuple[type[Exception], ...] = Exception) -> Iterator[None]:
    """Turn whatever keeps a database from being used into one sentence without the password.

    ``kinds`` are the exceptions that can mean this, by default any: what a driver raises while it opens one has no
    common base.

    Raises
    ------
    DatabaseAwayError
        When starting again may help: a server cannot be reached now, a disk is full, the file is locked.
    DatabaseUnavailableError
        When anything else is the matter: somebody has to do something about it.
    """
    try:
        yield
    except DatabaseUnavailableError:
        raise
    except kinds as error:
        cause: BaseException = getattr(error, "orig", None) or error
        what, then = _sentence(url, cause)
        reason = (str(cause) or type(cause).__name__).splitlines()[0]
        kind = DatabaseAwayError if (what, then) in _PASSING else DatabaseUnavailableError
        raise unavailable(url, f"{what} ({reason})", then, kind) from error


def unavailable(
    url: URL, what: str, then: str, kind: type[DatabaseUnavailableError] = DatabaseUnavailableError
) -> DatabaseUnavailableError:
    """Return the error that says ``what`` is the matter with a database and what to do ``then``."""
    # The driver takes a password from the query, too.
    shown = url.set(query={}).render_as_string()
    return kind(f"DATABASE_URL: {shown} {what}: {then}")


def _sentence(url: URL, cause: BaseException) -> tuple[str, str]:
    if isinstance(cause, sqlite3.Error):
        # The lowest byte of an extended code is the code it extends.
        return _SENTENCES.get(("sqlite", getattr(cause, "sqlite_errorcode", 0) & 0xFF), _OTHER)
    if isinstance(cause, OSError):
        return _AWAY if url.get_backend_name() == "postgresql" else _SENTENCES.get(("system", cause.errno), _OTHER)
    state = str(getattr(cause, "sqlstate", None) or "")
    return _SENTENCES.get(("postgresql", state)) or _SENTENCES.get(("postgresql", state[:2]), _OTHER)
