"""The evening: collect what is missing, decide what is due, record it with what is owed for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.market.alerts import owed
from bot.market.process import MarketProcess
from bot.market.protocol import (
    BackfillBegins,
    Change,
    Checked,
    Collect,
    Decided,
    Evaluate,
    LookBack,
    Matured,
    NextDue,
    Observations,
    Recorded,
    Verdicts,
)
from signals.rules import METHOD_VERSION
from signals.sources.options import SourceOptions
from storage import ledger, market, observations, track_record
from storage.database import Database

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Evening:
    """Runs the three steps. A late, doubled or interrupted run ends in the same state as a good one."""

    database: Database
    process: MarketProcess
    market_data: str
    running: asyncio.Lock
    options: SourceOptions = field(default_factory=SourceOptions)

    @property
    def origin(self) -> str:
        """Which market a database filled by this evening holds."""
        return self.market_data.partition(":")[0]

    async def run(self, now: datetime) -> market.Agenda:
        """Collect and decide everything due at ``now``. Returns what is due next.

        Raises
        ------
        storage.market.OtherMarketError
            When the database holds another market's data.
        bot.market.process.MarketProcessError
            When the child failed; what was stored until then is kept and the next run goes on from there.
        """
        async with self.running:
            async with self.database.transaction() as connection:
                await market.claim_market(connection, self.origin)
            await self._collect(now)
            return await self._decide(now)

    async def _collect(self, now: datetime) -> None:
        url = self.database.url.render_as_string(hide_password=False)
        waiting: list[Observations | Checked] = []
        async for reply in self.process.ask(Collect(url, self.market_data, now, self.options)):
            if isinstance(reply, Observations | Checked):
                waiting.append(reply)
            # Few commits on an ordinary evening, and never a large one on the first.
            if sum(len(said.rows) for said in waiting if isinstance(said, Observations)) >= _ROWS_AT_ONCE:
                await self._archive(waiting, now)
                waiting = []
        await self._archive(waiting, now)

    async def look_back(self, now: datetime) -> None:
        """Compute the track record anew and append what has matured of the live one, where a session came since.

        Raises
        ------
        bot.market.process.MarketProcessError
            When the child failed; the record stays what it was and the next look back tries again.
        """
        async with self.running:
            async with self.database.reading() as connection:
                due = await track_record.is_due(connection, METHOD_VERSION)
            if not due:
                return
            url = self.database.url.render_as_string(hide_password=False)
            replies = [reply async for reply in self.process.ask(LookBack(url, now))]
            async with self.database.transaction() as connection:
                for reply in replies:
                    if isinstance(reply, Recorded):
                        await track_record.store(connection, reply.through, reply.method_version, reply.body, now)
                    elif isinstance(reply, Matured):
                        await track_record.append(connection, reply.rows, now)

    async def _archive(self, replies: Sequence[Observations | Checked], now: datetime) -> None:
        async with self.database.transaction() as connection:
            for reply in replies:
                if isinstance(reply, Observations):
                    await observations.archive(connection, reply.series, reply.rows, now, restated=reply.restated)
                    continue
                check = observations.SourceCheck(reply.series, reply.reason, reply.absent)
                await observations.note_check(connection, check, now)
                if reply.reason:
                    # What a source never carries is no news; what failed tonight is.
                    logger.log(logging.INFO if reply.absent else logging.WARNING, "%s: %s", reply.series, reply.reason)

    async def _decide(self, now: datetime) -> market.Agenda:
        url = self.database.url.render_as_string(hide_password=False)
        live: list[Decided] = []
        agenda: market.Agenda | None = None
        async for reply in self.process.ask(Evaluate(url, now)):
            match reply:
                case BackfillBegins(through):
                    async with self.database.transaction() as connection:
                        await market.begin_backfill(connection, through)
                case Verdicts(True, rows):
                    async with self.database.transaction() as connection:
                        await ledger.record(connection, [_row(row, row.changes) for row in rows], [], backfilled=True)
                case Verdicts(False, rows):
                    live += rows
                case NextDue():
                    agenda = market.Agenda(reply.next_session, reply.next_decision_at, reply.last_closed, reply.waiting)
        if agenda is None:
            raise RuntimeError("the market process did not say what is due next")
        await self._record(live, agenda, now)
        return agenda

    async def _record(self, live: Sequence[Decided], agenda: market.Agenda, now: datetime) -> None:
        """Store the sessions decided tonight, what changed, and what is owed for it, in one transaction."""
        async with self.database.transaction() as connection:
            told = await ledger.known_changes(connection)
            news = [_without(row, told) for row in live]
            rows = [_row(row, row.changes) for row in news]
            await ledger.record(connection, rows, owed(news, now), backfilled=False)
            await market.set_agenda(connection, agenda)
        for row in news:
            logger.info("session %s decided, %d changes", row.session, len(row.changes))


def _without(row: Decided, told: set[tuple[str, str]]) -> Decided:
    """Leave out what an earlier session already showed: revised data may show it again."""
    changes = [change for change in row.changes if (change.subject, change.kind) not in told]
    told |= {(change.subject, change.kind) for change in changes}
    return Decided(row.session, row.closed_at, row.decided_at, row.method_version, row.body, changes)


def _row(row: Decided, changes: Sequence[Change]) -> ledger.VerdictRow:
    stored = [ledger.ChangeRow(c.kind, c.subject, c.occurred_on, c.before, c.after, c.evidence) for c in changes]
    return ledger.VerdictRow(row.session, row.decided_at, row.method_version, row.body, stored)
