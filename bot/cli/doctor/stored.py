"""The database: whether it opens, what it says of itself, and who else may read it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bot.cli.doctor.finding import Finding, fail, note, ok
from bot.health.checks import LEAST_FREE
from bot.settings import Settings
from storage.database import SQLITE, Database, DatabaseInUseError, parse_url
from storage.keeping.inspection import Inspection, inspect, readable_by_others
from storage.migrate import migrate
from storage.unavailable import DatabaseUnavailableError


async def examine_database(settings: Settings) -> list[Finding]:
    """Open the database, bring it up to date unless the bot has it, and read every page of it."""
    url = settings.database_url
    try:
        used = await _is_used(url)
        found = await inspect(url)
    except DatabaseUnavailableError as error:
        return [fail("database", str(error))]
    how = "in use by a running Cascade process" if used else "opens"
    about = f"{found.server}, schema {found.revision}, {found.size / 2**20:.0f} MB, every page can be read"
    findings = [ok("database", f"{how}; {about}")]
    if parse_url(url).drivername == SQLITE:
        findings += [*_of_a_file(url, found)]
    if settings.backup_dir is not None:
        findings.append(_writable("backups", Path(settings.backup_dir), "BACKUP_DIR"))
    return findings


async def _is_used(url: str) -> bool:
    try:
        async with Database(url) as database:
            await database.check()
            await migrate(database)
    except DatabaseInUseError:
        return True
    return False


def _of_a_file(url: str, found: Inspection) -> list[Finding]:
    path = Path(str(parse_url(url).database)).absolute()
    findings = []
    if found.journal != "wal":
        findings.append(note("journal", f"is {found.journal}, not WAL", "start the bot once: it sets it"))
    if found.can_lose_commits:
        what = f"{found.server} can lose what a second writing connection commits; the bot has one"
        findings.append(note("sqlite", what, "let no other program write to the file"))
    free = shutil.disk_usage(path.parent).free
    remedy = "free some of it, or move the database"
    text = f"{free / 2**30:.1f} GB are free"
    findings.append(ok("disk", text) if free >= LEAST_FREE else fail("disk", text, remedy))
    if others := readable_by_others(url):
        names = " ".join(map(str, others))
        findings.append(fail("permissions", "other users of this machine may read the database", f"chmod 600 {names}"))
    else:
        findings.append(_writable("permissions", path.parent, "the folder of DATABASE_URL"))
    return findings


def _writable(name: str, folder: Path, which: str) -> Finding:
    if folder.is_dir() and os.access(folder, os.W_OK):
        return ok(name, f"{folder} may be written")
    return fail(name, f"{folder} cannot be written", f"make {which}, and let the user who runs this write there")
