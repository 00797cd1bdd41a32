"""The evening: collect what is missing, decide what is due, store it with its alerts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from bot.market.alerts import alert_rows
from bot.market.process import Market, MarketProcessError
from bot.market.protocol import (
    BackfillBegins,
    Checked,
    ClosuresFound,
    Collect,
    CollectWatched,
    Draw,
    Evaluate,
    JudgeWatches,
    LookBack,
    NewChart,
    NewOutcomes,
    NewTrackRecord,
    NextDue,
    Observations,
    Verdicts,
    WatchesJudged,
)
from bot.messages.chart_kinds import charts_in
from bot.messages.languages import DEFAULT, NAMES
from signals.rules import METHOD_VERSION
from signals.sources.options import SourceOptions
from storage import charts, ledger, market, observations, track_record
from storage.database import Database
from storage.ledger import VerdictRow
from storage.observations import SourceCheck
from storage.outbox import notices
from storage.settings import chosen
from storage.watches import judged

logger = logging.getLogger(__name__)

_ROWS_A_COMMIT = 2_000
_SECONDS_A_COMMIT = 1.0
_LONGEST_COLLECTING = 300.0


@dataclass(frozen=True, slots=True)
class Evening:
    """Runs the three steps. A late, repeated or interrupted run ends in the same state as a good one."""

    database: Database
    process: Market
    market_data: str
    running: asyncio.Lock
    options: SourceOptions = field(default_factory=SourceOptions)

    @property
    def origin(self) -> str:
        """Which market a database filled by this evening holds."""
        return self.market_data.partition(":")[0]

    @property
    def _url(self) -> str:
        return self.database.url.render_as_string(hide_password=False)

    async def run(self, now: datetime) -> market.Agenda:
        """Collect and decide everything due at ``now``. Returns what is due next.

        Raises
        ------
        storage.market.OtherMarketError
            When the database holds another market's data.
        bot.market.process.MarketProcessError
            When the child failed. What had come until then is stored; when it failed while collecting, whatever can be
            decided with that is decided all the same.
        """
        async with self.running:
            async with self.database.transaction() as connection:
                await market.claim_market(connection, self.origin)
                await market.note_evening(connection, now)
            failed: MarketProcessError | None = None
            try:
                await self._collect(Collect(self._url, self.market_data, now, self.options), now)
            except MarketProcessError as error:
                failed = error
            agenda = await self._decide(now)
            if failed is not None:
                raise failed
            return agenda

    async def draw(self, now: datetime) -> None:
        """Draw every chart anew that does not show the newest session yet.

        Raises
        ------
        bot.market.process.MarketProcessError
            When the child failed; a chart that did not come stays what it was and the next run tries again.
        """
        async with self.running:
            async with self.database.reading() as connection:
                spoken = NAMES.keys() & {DEFAULT, *await chosen.languages(connection)}
                names = [chart.name for language in sorted(spoken) for chart in charts_in(language)]
                due = await charts.due(connection, names)
            if not due:
                return
            async for reply in self.process.ask(Draw(self._url, now, due)):
                if isinstance(reply, NewChart):
                    async with self.database.transaction() as connection:
                        await charts.store(connection, reply.name, reply.through, reply.image, now)

    async def look_back(self, now: datetime) -> None:
        """Compute the track record anew and append what followed live alerts, if a session was decided since.

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
            replies = [reply async for reply in self.process.ask(LookBack(self._url, now))]
            async with self.database.transaction() as connection:
                for reply in replies:
                    match reply:
                        case NewTrackRecord(through, method_version, body):
                            await track_record.store(connection, through, method_version, body, now)
                        case NewOutcomes(rows):
                            await track_record.append(connection, rows, now)

    async def watch(self, now: datetime) -> None:
        """Collect bars of the symbols that chats watch, and store which watches fire, with what is owed for them.

        A source that hangs is given up after minutes: the next session must not wait for it.

        Raises
        ------
        bot.market.process.MarketProcessError
            When the child failed; what had come until then is judged all the same.
        """
        async with self.running:
            async with self.database.transaction() as connection:
                await judged.forget_unwatched(connection)
                session = await ledger.newest_session(connection)
                if session is None or not await judged.symbols(connection):
                    return
            try:
                async with asyncio.timeout(_LONGEST_COLLECTING):
                    await self._collect(CollectWatched(self._url, self.market_data, now, self.options), now)
            except TimeoutError:
                logger.warning("the watched symbols did not all come in time: the next run asks for the rest")
            finally:
                replies = [reply async for reply in self.process.ask(JudgeWatches(self._url, now))]
                async with self.database.transaction() as connection:
                    for reply in replies:
                        if isinstance(reply, WatchesJudged):
                            await judged.record(connection, session, reply.judgements, reply.quotes, now)

    async def _collect(self, request: Collect | CollectWatched, now: datetime) -> None:
        unstored: list[Observations | Checked] = []
        unfinished: list[Observations | Checked] = []
        began = time.monotonic()
        try:
            async for reply in self.process.ask(request):
                if isinstance(reply, Observations | Checked):
                    unfinished.append(reply)
                # A history that replaces what is archived is stored whole or not at all.
                if not (isinstance(reply, Observations) and reply.restated):
                    unstored += unfinished
                    unfinished = []
                # Few commits on an ordinary evening, never a large one on the first, and soon where one waits long.
                if _is_much(unstored) or time.monotonic() - began >= _SECONDS_A_COMMIT:
                    await self._archive(unstored, now)
                    unstored, began = [], time.monotonic()
        finally:
            await self._archive(unstored, now)

    async def _archive(self, replies: Sequence[Observations | Checked], now: datetime) -> None:
        checks: list[SourceCheck] = []
        async with self.database.transaction() as connection:
            for reply in replies:
                match reply:
                    case Observations(series, restated, rows):
                        await observations.archive(connection, series, rows, now, restated=restated)
                    case Checked(check):
                        checks.append(check)
            for check in await observations.note_checks(connection, checks, now):
                if check.reason:
                    # What a source never carries is no news; what failed tonight is.
                    level = logging.INFO if check.absent else logging.WARNING
                    logger.log(level, "%s: %s", check.series, check.reason)

    async def _decide(self, now: datetime) -> market.Agenda:
        live: list[VerdictRow] = []
        agenda: market.Agenda | None = None
        async for reply in self.process.ask(Evaluate(self._url, now)):
            match reply:
                case ClosuresFound(sessions):
                    await self._note_closures(sessions, now)
                case BackfillBegins(through):
                    async with self.database.transaction() as connection:
                        await market.begin_backfill(connection, through)
                case Verdicts(True, rows):
                    async with self.database.transaction() as connection:
                        await ledger.record(connection, rows, [], backfilled=True)
                case Verdicts(False, rows):
                    live += rows
                case NextDue():
                    agenda = reply.agenda
        if agenda is None:
            raise RuntimeError("the market process did not say what is due next")
        await self._record(live, agenda, now)
        return agenda

    async def _note_closures(self, sessions: Sequence[date], now: datetime) -> None:
        async with self.database.transaction() as connection:
            new = [day for day in sessions if await market.find_closure(connection, day, now)]
            if new:
                await notices.add(connection, _told_of_closures(new), now)

    async def _record(self, live: Sequence[VerdictRow], agenda: market.Agenda, now: datetime) -> None:
        """Store the sessions decided tonight, what changed and the alerts of it, in one transaction."""
        async with self.database.transaction() as connection:
            # Revised data may show a change again that an earlier session already showed.
            known = await ledger.known_changes(connection)
            news = []
            for row in live:
                changes = [change for change in row.changes if (change.subject, change.kind) not in known]
                known |= {(change.subject, change.kind) for change in changes}
                news.append(replace(row, changes=changes))
            alerts = alert_rows(news, now, await ledger.problems_of_history(connection))
            numbers = await ledger.record(connection, news, alerts, backfilled=False)
            await market.set_agenda(connection, agenda)
        for row in news:
            ids = {"session": str(row.session)}
            logger.info("session %s decided, %d changes", row.session, len(row.changes), extra=ids)
        for number, alert in zip(numbers, alerts, strict=True):
            # From here on this number is in each line about it.
            of: dict[str, str | int] = {"session": str(alert.session), "alert": number}
            logger.info("alert %d of session %s is owed: %s", number, alert.session, alert.kind, extra=of)


def _is_much(replies: Sequence[Observations | Checked]) -> bool:
    return sum(len(reply.rows) for reply in replies if isinstance(reply, Observations)) >= _ROWS_A_COMMIT


_NAMED = 10


def _told_of_closures(days: Sequence[date]) -> str:
    named = ", ".join(str(day) for day in days[:_NAMED])
    more = f" and {len(days) - _NAMED} more days" if len(days) > _NAMED else ""
    return (
        f"The exchange seems to have been closed on {named}{more}: there are later bars of the index, the ETFs and the "
        "sectors, and none of then. Nothing counts it as a session any more. "
        f"If it was one, with the bot stopped: .venv/bin/python -m bot closure remove {days[-1]}, "
        f"in Docker docker compose run --rm cascade closure remove {days[-1]}"
    )
