"""The market process's second task: what followed in the past, in the whole history and after the live alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from bot.market.archive import ArchiveReader
from bot.market.decided import Decided, read_decided
from bot.market.progress import Report
from bot.market.protocol import LookBack, NewOutcomes, NewTrackRecord
from signals.as_json import encode
from signals.record import live
from signals.record.track_record import track_record
from signals.rules import METHOD_VERSION
from storage import track_record as stored
from storage.database import read_only, run_until_complete
from storage.schema import compressed
from storage.track_record import OutcomeInForce, OutcomeRow

# A split refetches a history in single precision: what has not changed in the sixth digit has not been corrected.
_EXACT = 1e-6


def look_back(request: LookBack, archives: ArchiveReader, report: Report) -> Iterator[NewTrackRecord | NewOutcomes]:
    """Yield what has matured of the live record, then the backtest's, through the newest session decided."""
    decided, alerts, in_force = run_until_complete(_load(request.database_url, request.now, archives))
    history = decided.evaluated(request.now)
    if history is None:
        # Nothing to look back on: what is stored stays.
        return
    rows = (_row(one, in_force) for one in live.matured(history, alerts))
    yield NewOutcomes([row for row in rows if row is not None])
    record = track_record(history, partial(report, "following what came after"))
    yield NewTrackRecord(record.through, METHOD_VERSION, compressed(encode(record)))


async def _load(
    url: str, now: datetime, archives: ArchiveReader
) -> tuple[Decided, Sequence[live.LiveTransition], dict[tuple[int, str, int], OutcomeInForce]]:
    async with read_only(url) as connection:
        rows = await stored.live_transitions(connection)
        alerts = [live.LiveTransition(row.id, row.session, row.decided_at) for row in rows]
        return await read_decided(connection, url, now, archives), alerts, await stored.in_force(connection)


def _row(found: live.MaturedCase, in_force: dict[tuple[int, str, int], OutcomeInForce]) -> OutcomeRow | None:
    """Return the row to append, ``None`` when the same is there already."""
    entry, outcome = found.entry, found.outcome
    before = in_force.get((found.transition, found.asset, found.horizon))
    if before and max(abs(before.change - outcome.change), abs(before.worst - outcome.worst)) < _EXACT:
        return None
    return OutcomeRow(
        transition_id=found.transition,
        asset=found.asset,
        horizon=found.horizon,
        entry_on=entry.on,
        entry_price=entry.price,
        exit_on=outcome.exit.on,
        exit_price=outcome.exit.price,
        change=outcome.change,
        worst=outcome.worst,
        corrects=before.id if before else None,
    )
