"""The evenings of a market that are worth a jump, found in its whole history before any of it is lived through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime

from bot.market.protocol import FindScenes, Scenes
from signals.data.sessions import closed_sessions, decision_time, nyse_sessions
from signals.episode import Outcome
from signals.evaluate import History, evaluate
from signals.model import Transition
from signals.sources.choose import choose_source
from signals.sources.collect import collect_archive
from signals.sources.simulated import is_down
from signals.transitions import transitions

_SINCE = date(2020, 1, 1)
# A made-up market goes on after today, to the end of the decade.
_THROUGH = datetime(2029, 12, 31, 23, tzinfo=UTC)
_SESSIONS_BEFORE_ATTEMPT = 4
_QUIET, _OUTAGE = 21, 6


def find_scenes(request: FindScenes) -> Scenes:
    """Begin a few sessions before the first breakout of this decade, and name what each later evening shows."""
    is_simulated = request.market_data == "simulated"
    now = _THROUGH if is_simulated else request.now
    calendar = nyse_sessions(now)
    source = choose_source(request.market_data, request.options)
    archive, _ = collect_archive(source, calendar, now)
    history = evaluate(archive, calendar, closed_sessions(calendar, now)[-1])
    first = _first_session(history)
    sessions = history.panel.days[first:]
    evenings = defaultdict[str, list[date]](list)
    quiet = 0
    for session, changes in _changes(history, first):
        quiet = 0 if changes else quiet + 1
        for name in sorted(_names(history, changes)):
            evenings[name].append(session)
        if quiet and quiet % _QUIET == 0:
            evenings["quiet"].append(session)
    if is_simulated:
        down = [is_down(session) for session in sessions]
        ends = [at for at in range(_OUTAGE, len(down)) if all(down[at - _OUTAGE + 1 : at + 1])]
        evenings["outage"] = [sessions[at] for at in ends if not down[at - _OUTAGE]]
    return Scenes(decision_time(sessions[0]), sessions, dict(evenings), _QUIET, _OUTAGE)


def _first_session(history: History) -> int:
    days = history.panel.days
    attempts = [one.attempt for one in history.episodes if one.level_verified and one.attempt >= _SINCE]
    first = attempts[0] if attempts else days[-1]
    return max(history.panel.position(first) - _SESSIONS_BEFORE_ATTEMPT, 0)


def _changes(history: History, first: int) -> Iterator[tuple[date, list[Transition]]]:
    """Yield the sessions after the first one, with what each changed."""
    days = history.panel.days
    before = history.verdict(days[first], decision_time(days[first]))
    for session in days[first + 1 :]:
        verdict = history.verdict(session, decision_time(session))
        yield session, transitions(before, verdict)
        before = verdict


def _names(history: History, changes: list[Transition]) -> set[str]:
    """Return what an evening shows: the kinds of its changes, and what will have become of a breakout."""
    kinds = {change.kind for change in changes}
    told = {kind for kind in kinds if not kind.startswith("data.")}
    holds = {str(e.attempt) for e in history.episodes if e.outcome is Outcome.ESTABLISHED}
    confirmed = {c.subject.partition(":")[2] for c in changes if c.kind == "breakout.confirmed"}
    return kinds | ({"any"} if told else set()) | ({"holds"} if confirmed & holds else set())
