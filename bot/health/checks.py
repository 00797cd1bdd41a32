"""What is checked of a bot that runs: one sentence each, the same for the container, ``/readyz`` and the operators."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from bot.health.faults import Fault
from bot.heartbeat import MOST_SILENCE
from signals.as_json import decode_verdict
from signals.model import Freshness, SourceVerdict, Verdict
from signals.rules import GATE
from storage import AsyncConnection, ledger, observations
from storage.database import SQLITE, parse_url
from storage.market import Agenda
from storage.observations import SourceCheck
from storage.operator import counts, pause
from storage.operator.counts import Waiting
from storage.outbox.states import State

# An evening decides at eight the next morning at the latest, fourteen and a half hours after its session is due.
_LATEST = timedelta(hours=16)
LEAST_FREE = 200 * 2**20
"""Bytes that have to be free where the database is: less, and the next evening may not fit."""
MOST_STANDSTILL = timedelta(minutes=15)
"""For so long nothing of a queue may arrive: Telegram's longest usual 429 is over by then."""
# Seconds in which a source is asked again and again; what fails for longer is not over by itself.
_LONGEST_EVENING = 4 * 3_600.0
_BAD = (Freshness.STALE, Freshness.INVALID)
_NAMED = 6


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one thing.

    ``fault`` is what begins or ends with it, where the operators are told of it: once it has failed for ``patience``
    seconds. A ``minor`` one is shown, and the bot is ready all the same.
    """

    name: str
    is_well: bool
    sentence: str
    fault: Fault | None = None
    minor: bool = False
    patience: float = 0.0


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says of how the bot does."""

    agenda: Agenda | None
    verdict: Verdict | None
    waiting: Sequence[Waiting]
    paused_since: datetime | None
    unanswered: Sequence[SourceCheck]

    @property
    def is_queued(self) -> bool:
        """Whether anything is queued that may leave now."""
        return self.paused_since is None and any(row.state is State.QUEUED for row in self.waiting)


async def read(connection: AsyncConnection) -> Stored:
    """Read it."""
    body, row = await ledger.load_newest(connection)
    return Stored(
        agenda=row.agenda if row else None,
        verdict=decode_verdict(body) if body else None,
        waiting=await counts.waiting(connection),
        paused_since=await pause.since(connection),
        unanswered=[one for one in (await observations.load_checks(connection)).values() if one.is_unanswered],
    )


def of_beats(beats: Mapping[str, datetime], now: datetime) -> Check:
    """Judge when each process of a machine last did well, by its role."""
    silent = [f"{role} has heard nothing of Telegram, or could store nothing, for {_minutes(now - at)} minutes"
              for role, at in beats.items() if now - at > MOST_SILENCE]  # fmt: skip
    if not beats:
        return Check("processes", False, "no process of the bot has begun on this machine")
    return Check("processes", not silent, "; ".join(silent) or f"{', '.join(beats)} well")


def of_polls(silence: float | None) -> Check:
    """Judge for how many seconds no poll has succeeded; ``None`` where nothing polls."""
    if silence is None:
        return Check("polls", True, "updates come by web-hook, or to another process")
    return Check("polls", silence <= MOST_SILENCE.total_seconds(), f"the last good poll was {silence:.0f} s ago")


def of_writing(is_stored: bool) -> Check:
    """Judge whether the database took the last thing that was written into it to see."""
    said = "the database takes what is written" if is_stored else "the database takes nothing that is written"
    return Check("database", is_stored, said, Fault.DATABASE)


def of_sending(is_outage: bool) -> Check:
    """Judge whether it can be known what becomes of messages."""
    lost = "of the last messages nobody can know whether they arrived: Telegram has an outage"
    return Check("sending", not is_outage, lost if is_outage else "messages arrive or are refused", Fault.OUTAGE)


def of_verdict(agenda: Agenda | None, verdict: Verdict | None, now: datetime) -> Check:
    """Judge whether every session that is due is decided."""
    if agenda and now - agenda.next_decision_at > _LATEST:
        why = agenda.waiting or "the evening does not run"
        return Check("verdict", False, f"session {agenda.next_session} is not decided: {why}", Fault.VERDICT)
    decided = f"decided through {verdict.session}" if verdict else "no session decided yet"
    return Check("verdict", True, decided, Fault.VERDICT)


def of_data(verdict: Verdict | None) -> Check:
    """Judge the series without which no session is decided. Operators hear of them by an alert."""
    bad = [f"{one.series} is {one.verdict} in the newest verdict" for one in _bad(verdict) if _blocks(one)]
    return Check("data", not bad, "; ".join(bad) or f"{', '.join(GATE.blocking)} can be used")


def of_sources(verdict: Verdict | None) -> Check:
    """Judge whatever else operators hear of by an alert: what needs it is unknown, and the bot does its work."""
    bad = [f"{one.series} is {one.verdict}" for one in _bad(verdict) if not _blocks(one)]
    late = verdict.sources if verdict else ()
    bad += [f"{one.series} is late" for one in late if _blocks(one) and one.verdict is Freshness.LATE]
    return Check("sources", not bad, _some(bad, ", ") or "every series can be used", minor=True)


def of_answers(unanswered: Sequence[SourceCheck]) -> Check:
    """Judge what the newest requests for each series brought: long before anything is stale."""
    bad = [f"{one.series}: {one.reason}" for one in unanswered]
    return Check(
        "answers", not bad, _some(bad, "; ") or "every source answered when last asked",
        Fault.ANSWERS, minor=True, patience=_LONGEST_EVENING,
    )  # fmt: skip


def of_queue(stored: Stored, standstill: float, now: datetime) -> Check:
    """Judge the queue: ``standstill`` is for how many seconds nothing of it has arrived."""
    oldest = min((row.oldest for row in stored.waiting if row.state is State.QUEUED), default=None)
    if oldest is None:
        return Check("queue", True, "nothing is queued", Fault.QUEUE)
    age = f"the oldest delivery queued is of {_minutes(now - oldest)} minutes ago"
    if stored.paused_since is not None:
        return Check("queue", True, f"{age}; operators paused the delivery", Fault.QUEUE)
    stuck = standstill > MOST_STANDSTILL.total_seconds()
    moved = f"nothing has arrived for {standstill // 60:.0f} minutes" if stuck else "the queue moves"
    return Check("queue", not stuck, f"{age}; {moved}", Fault.QUEUE)


def of_disk(url: str) -> Check:
    """Judge the room on the disk of an SQLite file. PostgreSQL looks after its own."""
    parsed = parse_url(url)
    if parsed.drivername != SQLITE:
        return Check("disk", True, "the database server has its own", Fault.DISK)
    free = shutil.disk_usage(Path(str(parsed.database)).absolute().parent).free
    if free < LEAST_FREE:
        full = f"the disk is full: {free / 2**20:.0f} MB are free, and {LEAST_FREE / 2**20:.0f} should be"
        return Check("disk", False, full, Fault.DISK)
    return Check("disk", True, f"{free / 2**20:.0f} MB are free", Fault.DISK)


def good_evening(stored: Stored, now: datetime) -> date | None:
    """Return the newest session, if none is due after it and all series that block one were in time for it."""
    if stored.agenda is None or stored.verdict is None or now >= stored.agenda.next_decision_at:
        return None
    status = {one.series: one.verdict for one in stored.verdict.sources}
    is_fresh = all(status.get(key) is Freshness.OK for key in GATE.blocking)
    is_newest = stored.verdict.session == stored.agenda.last_closed
    return stored.verdict.session if is_fresh and is_newest else None


def _bad(verdict: Verdict | None) -> list[SourceVerdict]:
    return [found for found in verdict.sources if found.verdict in _BAD] if verdict else []


def _blocks(found: SourceVerdict) -> bool:
    return found.series in GATE.blocking


def _some(sentences: Sequence[str], between: str) -> str:
    more = f" and {len(sentences) - _NAMED} more" if len(sentences) > _NAMED else ""
    return between.join(sentences[:_NAMED]) + more


def _minutes(silence: timedelta) -> int:
    return int(silence.total_seconds() // 60)
