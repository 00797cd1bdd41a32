"""Which closed sessions can be decided now, and the rows to store of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from typing import TypeVar

import pandas as pd

from bot.market.archive import ArchiveReader
from bot.market.progress import Report
from bot.market.protocol import BackfillBegins, ClosuresFound, Evaluate, NextDue, Verdicts
from signals.as_json import decode_verdict, encode
from signals.data.closures import Bars, without
from signals.data.series import SERIES
from signals.data.sessions import closed_sessions, decision_time, last_call, nyse_sessions
from signals.data.vintages import Archive
from signals.evaluate import History, evaluate
from signals.model import Transition, Verdict
from signals.record.model import Past
from signals.rules import EVENING, GATE, METHOD_VERSION
from signals.transitions import transitions
from storage import ledger, market, observations
from storage.database import read_only, run_until_complete
from storage.ledger import ChangeRow, VerdictRow
from storage.schema import compressed

_ROWS_A_REPLY = 500
_RECENT = timedelta(days=30)
"""How old the newest figure may be that a source that answers has."""
_T = TypeVar("_T")


def pieces(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Yield the items in lists of at most ``size``."""
    iterator = iter(items)
    while piece := list(islice(iterator, size)):
        yield piece


@dataclass(frozen=True, slots=True)
class StoredState:
    """What the database knows when an evaluation begins.

    Attributes
    ----------
    before
        The newest verdict.
    checks
        What the newest request for each series said.
    answered
        When a request last returned something of the series that a session waits for.
    closures
        Days of the library's calendar, and whether the exchange was closed on them.
    """

    first_evening_at: datetime
    backfilled_through: date | None
    decided_through: date | None
    before: Verdict | None
    checks: dict[str, observations.SourceCheck]
    answered: dict[str, datetime]
    closures: dict[date, bool]

    def calendar(self, now: datetime) -> pd.DatetimeIndex:
        """Return every session as far as is known, past and future."""
        return without(nyse_sessions(now), [day for day, closed in self.closures.items() if closed])


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be decided now.

    Attributes
    ----------
    sessions
        Those to be decided, in order.
    closures
        Days that the calendar still has, and on which the exchange was closed.
    history
        The evaluated history they are read from; ``None`` when there is nothing to read.
    backfilled_through
        Sessions up to this one are history: nobody is told. ``None`` while the history cannot be written yet.
    waiting
        Why the next closed session cannot be decided yet; ``None`` when none is left.
    """

    sessions: Sequence[date] = ()
    closures: Sequence[date] = ()
    history: History | None = None
    backfilled_through: date | None = None
    waiting: str | None = None


def decide(
    request: Evaluate, archives: ArchiveReader, report: Report
) -> Iterator[ClosuresFound | BackfillBegins | Verdicts | NextDue]:
    """Yield the verdict of every session that can be decided at ``request.now``, and last what is due next."""
    stored, archive = run_until_complete(_load(request.database_url, request.now, archives))
    planned = Plan() if archive is None else plan(stored, archive, request.now)
    if planned.closures:
        yield ClosuresFound([*planned.closures])
    through = stored.decided_through
    history, history_ends = planned.history, planned.backfilled_through
    if history is not None and history_ends is not None:
        if stored.backfilled_through is None:
            yield BackfillBegins(history_ends)
        rows = _rows(history, planned.sessions, history_ends, request.now, stored.before)
        decided = 0
        for backfilled, group in groupby(rows, key=lambda row: row.session <= history_ends):
            for piece in pieces(group, _ROWS_A_REPLY):
                yield Verdicts(backfilled, piece)
                decided += len(piece)
                report("deciding sessions", decided, len(planned.sessions))
        through = planned.sessions[-1] if planned.sessions else through
    calendar = without(stored.calendar(request.now), planned.closures)
    last_closed = closed_sessions(calendar, request.now)[-1]
    following = calendar[calendar > pd.Timestamp(through or last_closed)][0].date()
    yield NextDue(market.Agenda(following, decision_time(following), last_closed, planned.waiting))


def plan(stored: StoredState, archive: Archive, now: datetime) -> Plan:
    """Return what can be decided at ``now``: it reads nothing but what it is given."""
    if "^RUT" not in archive:
        reason = stored.checks["^RUT"].reason if "^RUT" in stored.checks else "nothing collected yet"
        return Plan(waiting=f"^RUT: {reason}")
    calendar = stored.calendar(now)
    closures = [day for day in Bars(archive, calendar).closures if day not in stored.closures]
    calendar = without(calendar, closures)
    closed, after = closed_sessions(calendar, now), stored.decided_through
    reasons = {series: check.reason for series, check in stored.checks.items() if check.reason}
    history = evaluate(archive, calendar, closed[-1], reasons)
    first = archive["^RUT"].index[0].date()
    undecided = [session for session in closed if session >= first and (after is None or session > after)]
    ready, waiting = _ready(history, undecided, Bars(archive, calendar), stored, now)
    if stored.backfilled_through is not None:
        return Plan(ready, closures, history, stored.backfilled_through, waiting)
    missing = _missing_at_first(stored, archive.keys(), now)
    if missing or not ready:
        return Plan(closures=closures, waiting=missing or waiting)
    return Plan(ready, closures, history, ready[-1], waiting)


def _ready(
    history: History, undecided: list[date], bars: Bars, stored: StoredState, now: datetime
) -> tuple[list[date], str | None]:
    """Return the sessions that can be decided now, in order, and why the next one cannot."""
    for index, session in enumerate(undecided):
        reason = history.gate.blocks(history.panel.position(session))
        if reason and now < last_call(session):
            return undecided[:index], reason
        if reason and _is_doubtful(session, bars, stored, now):
            missing = f"{', '.join(GATE.blocking)}: no bar of {session}, though earlier ones are answered"
            return undecided[:index], f"{missing}; perhaps the exchange was closed: the next session will tell"
    return undecided, None


def _is_doubtful(session: date, bars: Bars, stored: StoredState, now: datetime) -> bool:
    """Return whether the exchange may have been closed, by what was answered since; an operator knows better."""
    answered = any(at >= decision_time(session) for at in stored.answered.values())
    return answered and session not in stored.closures and bars.is_doubtful(session, now)


def _missing_at_first(stored: StoredState, have: Iterable[str], now: datetime) -> str | None:
    """Return why the history should not be written yet: a series may still arrive that would be missing for ever."""
    # A series that begins later was answered with nothing, and nothing is wrong with that.
    answered = {series for series, check in stored.checks.items() if check.absent or not check.reason}
    known = set(have) | answered
    until = stored.first_evening_at + EVENING.first_wait
    # Without the series that block a session nothing can be written; the others are waited for so long.
    missing = [key for key in (SERIES if now < until else GATE.blocking) if key not in known]
    if not missing:
        return None
    first, *others = missing
    reason = stored.checks[first].reason if first in stored.checks else "not asked yet"
    more, without = (f", and {len(others)} more series", "them") if others else ("", "it")
    before = f" before {until:%Y-%m-%d %H:%M} UTC" if now < until else ""
    return f"{first}: {reason}{more}; without {without} no history is written{before}"


def _rows(
    history: History, sessions: Sequence[date], backfilled_through: date, now: datetime, before: Verdict | None
) -> Iterator[VerdictRow]:
    for session in sessions:
        is_history = session <= backfilled_through
        verdict = history.verdict(session, decision_time(session) if is_history else now)
        found = transitions(before, verdict)
        # History is told to nobody, so no alert of it needs the earlier cases.
        past = [None] * len(found) if is_history or not found else _past_cases(history, session, found)
        changes = [_change(*pair) for pair in zip(found, past, strict=True)]
        yield VerdictRow(session, verdict.decided_at, METHOD_VERSION, compressed(encode(verdict)), changes)
        before = verdict


def _past_cases(history: History, session: date, found: list[Transition]) -> list[Past | None]:
    # Statistics are imported on the few evenings that need them.
    from signals.record.past import past_cases

    return past_cases(history, session, found)


def _change(found: Transition, past: Past | None) -> ChangeRow:
    evidence = None if past is None else compressed(encode(past))
    return ChangeRow(found.kind, found.subject, found.occurred_on, found.before, found.after, evidence)


async def _load(url: str, now: datetime, archives: ArchiveReader) -> tuple[StoredState, Archive | None]:
    """Return what is stored, and the archive unless every closed session is decided."""
    async with read_only(url) as connection:
        body, market_row = await ledger.load_newest(connection)
        through = await ledger.newest_session(connection)
        stored = StoredState(
            first_evening_at=(market_row and market_row.first_evening_at) or now,
            backfilled_through=market_row.backfilled_through if market_row else None,
            decided_through=through,
            before=decode_verdict(body) if body else None,
            checks=await observations.load_checks(connection),
            answered=await observations.answered_at(connection, GATE.blocking, now.date() - _RECENT),
            closures={row.session: row.closed for row in await market.closures(connection)},
        )
        is_due = through is None or through < closed_sessions(stored.calendar(now), now)[-1]
        return stored, await archives.read(connection, url, now) if is_due else None
