"""The market process: fetches and evaluates, reads the database, writes only to its standard output."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby, islice
from typing import Any, TypeVar

import pandas as pd

from bot.logs import set_up_logging
from bot.market.protocol import (
    REPLY,
    REQUEST,
    BackfillBegins,
    Change,
    Checked,
    Collect,
    Decided,
    DemoStart,
    Done,
    Evaluate,
    Failed,
    FindDemoStart,
    LookBack,
    NextDue,
    Observations,
    Reply,
    Request,
    Verdicts,
)
from signals.as_json import decode_verdict, encode
from signals.data.series import SERIES
from signals.data.sessions import closed_sessions, decision_time, last_call, nyse_sessions
from signals.data.vintages import Archive, as_vintages, settle
from signals.episode import Outcome
from signals.evaluate import History, evaluate
from signals.model import Freshness, Transition, Verdict
from signals.record.model import Past
from signals.rules import GATE, METHOD_VERSION
from signals.sources.choose import choose_source
from signals.sources.collect import collect, collect_archive
from signals.transitions import transitions
from storage import ledger, market, observations
from storage.database import read_only

_PIECE = 2_000
_DEMO_LEAD = 4
_T = TypeVar("_T")


def pieces(items: Iterable[_T], size: int = _PIECE) -> Iterator[list[_T]]:
    """Cut an iterable into lists of at most ``size``."""
    iterator = iter(items)
    while piece := list(islice(iterator, size)):
        yield piece


def answer(request: Request) -> Iterator[Reply]:
    """Carry out one request."""
    match request:
        case Collect():
            yield from _collect(request)
        case Evaluate():
            yield from _evaluate(request)
        case LookBack():
            # Statistics weigh more than all the rest: only who asks for them waits for their import.
            from bot.market.looking_back import look_back

            yield from look_back(request.database_url, request.now)
        case FindDemoStart():
            yield _find_demo_start(request)


def _collect(request: Collect) -> Iterator[Reply]:
    source = choose_source(request.market_data, request.options)
    newest, again = asyncio.run(_archived(request.database_url))
    sessions = nyse_sessions(request.now)
    for collected in collect(source, newest, sessions, request.now, again):
        rows = as_vintages({collected.key: collected.frame}, pd.Timestamp(request.now))
        for piece in pieces((row[1], *row[4:]) for row in rows):
            yield Observations(collected.key, collected.restated, piece)
        yield Checked(collected.key, collected.reason, collected.absent)


async def _archived(url: str) -> tuple[dict[str, date], tuple[str, ...]]:
    """Return the newest date of every series, and what to ask for again because a session waits for it."""
    async with read_only(url) as connection:
        market_row = await market.load_market(connection)
        waits = market_row is not None and market_row.agenda is not None and market_row.agenda.waiting
        body = await ledger.newest_body(connection)
        # What could not be believed is asked for again: only a second request can confirm or replace it.
        sources = decode_verdict(body).sources if body else ()
        doubted = tuple(source.series for source in sources if source.verdict is Freshness.INVALID)
        return await observations.newest_dates(connection), (*doubted, *(GATE.blocking if waits else ()))


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the database knows when an evaluation begins."""

    backfilled_through: date | None
    decided_through: date | None
    before: Verdict | None
    checks: dict[str, observations.SourceCheck]


async def _load(url: str) -> _Stored:
    async with read_only(url) as connection:
        market_row = await market.load_market(connection)
        body = await ledger.newest_body(connection)
        return _Stored(
            backfilled_through=market_row.backfilled_through if market_row else None,
            decided_through=await ledger.newest_session(connection),
            before=decode_verdict(body) if body else None,
            checks=await observations.load_checks(connection),
        )


async def _load_archive(url: str, now: datetime) -> Archive:
    async with read_only(url) as connection:
        return settle(await observations.load_vintages(connection, now))


def _evaluate(request: Evaluate) -> Iterator[Reply]:
    stored = asyncio.run(_load(request.database_url))
    calendar = nyse_sessions(request.now)
    closed = closed_sessions(request.now)
    after, through = stored.decided_through, stored.backfilled_through
    if after is not None and after >= closed[-1]:
        yield _next_due(calendar, after, closed, None)
        return
    archive = asyncio.run(_load_archive(request.database_url, request.now))
    if "^RUT" not in archive:
        reason = stored.checks["^RUT"].reason if "^RUT" in stored.checks else "nothing collected yet"
        yield _next_due(calendar, after, closed, f"^RUT: {reason}")
        return
    reasons = {series: check.reason for series, check in stored.checks.items() if check.reason}
    history = evaluate(archive, calendar, closed[-1], reasons)
    first = archive["^RUT"].index[0].date()
    todo = [session for session in closed if session >= first and (after is None or session > after)]
    ready, waiting = _ready(history, todo, request.now)
    if through is None:
        missing = _first_download(stored, archive.keys(), closed[-1], request.now)
        if missing or not ready:
            yield _next_due(calendar, after, closed, missing or waiting)
            return
        through = ready[-1]
        yield BackfillBegins(through)
    yield from _decide(history, ready, through, request.now, stored.before)
    yield _next_due(calendar, ready[-1] if ready else after, closed, waiting)


def _ready(history: History, todo: list[date], now: datetime) -> tuple[list[date], str | None]:
    """Return the sessions that can be decided now, in order, and why the next one cannot."""
    for index, session in enumerate(todo):
        reason = history.gate.blocks(history.panel.position(session))
        if reason and now < last_call(session):
            return todo[:index], reason
    return todo, None


def _first_download(stored: _Stored, have: Iterable[str], last_closed: date, now: datetime) -> str | None:
    """Return why the history should not be written yet: a series may still arrive that would be missing for ever."""
    known = set(have) | {series for series, check in stored.checks.items() if check.absent}
    # Without the ones that hold a session up there is no point; the others are waited for until the last call.
    wanted = GATE.blocking if now >= last_call(last_closed) else SERIES
    missing = [key for key in wanted if key not in known]
    said = {key: stored.checks[key].reason if key in stored.checks else "not asked yet" for key in missing}
    return "; ".join(f"{key}: {reason}" for key, reason in said.items()) or None


def _decide(
    history: History, sessions: list[date], backfilled_through: date, now: datetime, before: Verdict | None
) -> Iterator[Verdicts]:
    decided = _verdicts(history, sessions, backfilled_through, now, before)
    for backfilled, rows in groupby(decided, key=lambda row: row.session <= backfilled_through):
        for piece in pieces(rows, 500):
            yield Verdicts(backfilled, piece)


def _verdicts(
    history: History, sessions: list[date], backfilled_through: date, now: datetime, before: Verdict | None
) -> Iterator[Decided]:
    for session in sessions:
        closed_at = decision_time(session)
        decided_at = closed_at if session <= backfilled_through else now
        verdict = history.verdict(session, decided_at)
        found = transitions(before, verdict)
        # What is history is never told, so nothing has to stand beside it.
        told = found and session > backfilled_through
        changes = _beside_the_past(history, session, found) if told else [_change(change, None) for change in found]
        body = encode(verdict).decode()
        yield Decided(session, closed_at, decided_at, METHOD_VERSION, body, changes)
        before = verdict


def _beside_the_past(history: History, session: date, found: list[Transition]) -> list[Change]:
    from signals.record.past import past_cases

    return [_change(*pair) for pair in zip(found, past_cases(history, session, found), strict=True)]


def _change(transition: Transition, past: Past | None) -> Change:
    evidence = None if past is None else encode(past).decode()
    states = (transition.before, transition.after)
    return Change(transition.kind, transition.subject, transition.occurred_on, *states, evidence)


def _next_due(calendar: Any, decided_through: date | None, closed: list[date], waiting: str | None) -> NextDue:
    after = decided_through or closed[-1]
    session = calendar[calendar > pd.Timestamp(after)][0].date()
    return NextDue(session, decision_time(session), closed[-1], waiting)


def _find_demo_start(request: FindDemoStart) -> DemoStart:
    """Begin a few sessions before a breakout that is confirmed and then fails, so that all of it is soon seen."""
    calendar = nyse_sessions(request.now)
    closed = closed_sessions(request.now)
    # Breakouts are made of these alone, and the demonstration should begin at once.
    archive, _ = collect_archive(choose_source(request.market_data), calendar, request.now, GATE.blocking)
    history = evaluate(archive, calendar, closed[-1])
    told = [e for e in history.episodes if e.level_verified and e.outcome is Outcome.FAILED]
    attempt = history.panel.position(told[0].attempt)
    return DemoStart(decision_time(history.panel.days[attempt - _DEMO_LEAD]))


def main() -> None:
    """Answer requests from standard input until it ends."""
    # Nothing a library prints may get between the replies.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    set_up_logging()
    for line in sys.stdin:
        try:
            for reply in answer(REQUEST.validate_json(line)):
                replies.write(REPLY.dump_json(reply) + b"\n")
            replies.write(REPLY.dump_json(Done()) + b"\n")
        except BrokenPipeError:
            return
        except Exception as error:
            logging.getLogger(__name__).exception("the market process failed")
            replies.write(REPLY.dump_json(Failed(f"{type(error).__name__}: {error}")) + b"\n")
        replies.flush()


if __name__ == "__main__":
    main()
