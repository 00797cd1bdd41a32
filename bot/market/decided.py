"""What the market process works on after an evening: the archive through the newest session decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.market.archive import ArchiveReader
from signals.data.closures import without
from signals.data.sessions import nyse_sessions
from signals.data.vintages import Archive
from signals.evaluate import History, evaluate
from storage import AsyncConnection, ledger, market


@dataclass(frozen=True, slots=True)
class Decided:
    """The newest session decided, the archive, and days of the calendar on which the exchange was closed."""

    newest: date | None
    archive: Archive
    closed: Sequence[date]

    def evaluated(self, now: datetime) -> History | None:
        """Return the history through that session, ``None`` while there is none."""
        if self.newest is None or "^RUT" not in self.archive:
            return None
        return evaluate(self.archive, without(nyse_sessions(now), self.closed), self.newest)


async def read_decided(connection: AsyncConnection, url: str, now: datetime, archives: ArchiveReader) -> Decided:
    """Read it from the database at ``url``, to which ``connection`` leads."""
    return Decided(
        newest=await ledger.newest_session(connection),
        archive=await archives.read(connection, url, now),
        closed=[row.session for row in await market.closures(connection) if row.closed],
    )
