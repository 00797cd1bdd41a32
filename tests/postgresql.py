"""A PostgreSQL server of the tests' own, thrown away afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg

from storage.database import Database
from storage.migrate import migrate
from storage.schema import metadata

NAME = "cascade"
PASSWORD_USER = "locked"
"""The only user whom a server of the tests asks for a password."""
# Nothing here has to survive: a crash of this server ends the tests.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=60")

# ``TRUNCATE`` makes each table and index anew, six times as slow where there is next to nothing in them.
_EMPTY = f"""CREATE FUNCTION pg_temp.empty() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    SET LOCAL session_replication_role = replica;
    {"".join(f'DELETE FROM "{table.name}";' for table in metadata.sorted_tables)}
    PERFORM setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences WHERE last_value IS NOT NULL;
END $$"""


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL server's programs, None where there is no server."""
    postgres = shutil.which("postgres")
    found = [Path(postgres).resolve()] if postgres else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found and (found[-1].parent / "initdb").exists() else None


class Server:
    """A running server, reached through a socket in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loop = asyncio.new_event_loop()
        self._emptying: asyncpg.Connection | None = None

    def url(self, database: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql+asyncpg://postgres@/{database}?host={self.folder}"

    async def make(self, name: str) -> str:
        """Make a database with the newest schema and return its address."""
        await self._run("postgres", f"CREATE DATABASE {name}")
        async with Database(self.url(name)) as database:
            await migrate(database)
        return self.url(name)

    def emptied(self) -> str:
        """Return the address of the tests' database, emptied: quicker than a new one for each.

        By one connection, which plans its statements once; no other loop may be running.
        """
        self._loop.run_until_complete(self._empty())
        return self.url(NAME)

    async def _empty(self) -> None:
        if self._emptying is None:
            self._emptying = await self._connected(NAME)
            await self._emptying.execute(_EMPTY)
        await self._emptying.fetchval("SELECT pg_temp.empty()")

    def close(self) -> None:
        """Leave the server."""
        if self._emptying is not None:
            self._loop.run_until_complete(self._emptying.close())
        self._loop.close()

    async def _connected(self, database: str) -> asyncpg.Connection:
        return await asyncpg.connect(host=str(self.folder), user="postgres", database=database)

    async def _run(self, database: str, statement: str) -> None:
        connection = await self._connected(database)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def serving(programs: Path) -> Iterator[Server]:
    """Start a server; PostgreSQL refuses to run as root, who becomes the user ``postgres`` for it."""
    folder = Path(tempfile.mkdtemp(prefix="cascade-pg-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    try:
        make: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
        ]
        subprocess.run(make, check=True, capture_output=True, user=user, cwd=folder)
        access = data / "pg_hba.conf"
        access.write_text(f"local all {PASSWORD_USER} scram-sha-256\n{access.read_text()}")
        settings = [part for setting in _FAST for part in ("-c", setting)]
        command: list[str | Path] = [programs / "postgres", "-D", data, "-k", folder, *settings]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd=folder)
        try:
            asyncio.run(_ready(folder))
            with closing(Server(folder)) as running:
                yield running
        finally:
            # Fast: it does not wait for whoever is still connected.
            server.send_signal(signal.SIGINT)
            server.wait()
    finally:
        shutil.rmtree(folder)


async def _ready(folder: Path) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                connection = await asyncpg.connect(host=str(folder), user="postgres", database="postgres")
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.05)
            else:
                await connection.close()
                return
