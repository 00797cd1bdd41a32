"""What is said on an evening of a history, real or simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

from bot.market.alerts import alert_rows
from bot.messages.render import Messages, ShownChange
from bot.sandbox.entities import parse_html
from signals.data.sessions import decision_time, nyse_sessions
from signals.evaluate import History, evaluate
from signals.model import Transition, Verdict
from signals.record.model import TrackRecord
from signals.record.past import past_cases
from signals.record.track_record import track_record
from signals.rules import RECORD
from signals.sources.collect import collect_archive
from signals.sources.simulated import SimulatedSource
from signals.transitions import transitions
from storage.ledger import ChangeRow, VerdictRow
from storage.market import Market
from tests.bot.messages.reviewed import plain

LIVE, MESSAGES = Market("live", None, None), Messages()
NOW = datetime(2012, 1, 3, 12, tzinfo=UTC)
_DECIDED: dict[tuple[int, date], tuple[History, Verdict]] = {}


@cache
def simulated(seed: int, *, lost: str = "", since: str = "", until: str = "") -> History:
    """Return nine years of a simulated market; without what one series had between two days."""
    calendar = nyse_sessions(NOW)
    found, _ = collect_archive(SimulatedSource(seed), calendar, NOW)
    archive = dict(found)
    if lost:
        days = archive[lost].index
        archive[lost] = archive[lost][(days < since) | (days > until)]
    return evaluate(archive, calendar, date(2011, 12, 30))


@cache
def simulated_record(seed: int) -> TrackRecord:
    """Return what followed in it, with few draws."""
    return track_record(simulated(seed), sampling=replace(RECORD, draws=200, resamples=50))


def verdict_of(history: History, session: date) -> Verdict:
    """Return what was decided on an evening."""
    # Many tests ask for the same; a history that is kept with it shares its number with no other.
    key = id(history), session
    if key not in _DECIDED:
        _DECIDED[key] = history, history.verdict(session, decision_time(session))
    return _DECIDED[key][1]


def changes_of(history: History, session: date) -> list[Transition]:
    """Return what an evening's verdict showed that the one before it did not."""
    at = history.panel.position(session)
    before = verdict_of(history, history.panel.days[at - 1]) if at else None
    return transitions(before, verdict_of(history, session))


def said(verdict: Verdict, part: str, messages: Messages = MESSAGES) -> str:
    """Return a part of what is said of a verdict, as people read it: ``why_link 2`` is that of one link."""
    template, _, number = part.partition(" ")
    return plain(parse_html(messages.part(template, verdict, LIVE, note="", number=int(number or 0))).text)


def alerts_of(
    history: History,
    session: date,
    *,
    with_past: bool = False,
    record: TrackRecord | None = None,
    messages: Messages = MESSAGES,
) -> Iterator[tuple[str, str]]:
    """Yield each alert of an evening by its kind, as people read it.

    With the earlier cases of it, if asked for, and whether a record says that they are better than chance.
    """
    for kind, html in html_alerts_of(history, session, with_past=with_past, record=record, messages=messages):
        yield kind, plain(parse_html(html).text)


def html_alerts_of(
    history: History,
    session: date,
    *,
    with_past: bool = False,
    record: TrackRecord | None = None,
    messages: Messages = MESSAGES,
) -> Iterator[tuple[str, str]]:
    """Yield the same as it is sent to Telegram."""
    verdict, found = verdict_of(history, session), changes_of(history, session)
    past = past_cases(history, session, found) if with_past else [None] * len(found)
    shown = {
        (c.subject, c.kind): ShownChange(c.kind, c.subject, session, c.occurred_on, str(c.before), str(c.after), each)
        for c, each in zip(found, past, strict=True)
    }
    rows = [ChangeRow(c.kind, c.subject, c.occurred_on, c.before, c.after) for c in found]
    for alert in alert_rows([VerdictRow(session, verdict.decided_at, "3", b"", rows)], verdict.decided_at):
        yield alert.kind, messages.alert(verdict, [shown[key] for key in alert.changes], LIVE, record=record)


def digest_of(history: History, session: date, messages: Messages = MESSAGES) -> str:
    """Return the digest of an evening, since the session before it, as people read it."""
    verdict, at = verdict_of(history, session), history.panel.position(session)
    found = [
        ShownChange(c.kind, c.subject, session, c.occurred_on, str(c.before), str(c.after))
        for c in changes_of(history, session)
        if not c.kind.startswith("data.")
    ]
    after = history.panel.days[max(at - 1, 0)]
    return plain(parse_html(messages.digest(verdict, found, LIVE, after)).text)
