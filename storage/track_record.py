"""The backtest's newest record, and the live one: what followed each alert sent from here, append-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select

from storage import AsyncConnection
from storage.chain import links
from storage.chain.rows import Kind
from storage.schema import outcome, track_record, transition, verdict


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What followed a live transition over one horizon: closes, changes as fractions.

    ``corrects`` is the id of an earlier row that a corrected price has made wrong.
    """

    transition_id: int
    asset: str
    horizon: int
    entry_on: date
    entry_price: float
    exit_on: date
    exit_price: float
    change: float
    worst: float
    corrects: int | None = None


@dataclass(frozen=True, slots=True)
class OutcomeInForce:
    """The newest outcome row of a transition, asset and horizon: its id and the fractions it says."""

    id: int
    change: float
    worst: float


async def store(connection: AsyncConnection, through: date, method_version: str, body: bytes, at: datetime) -> None:
    """Store the backtest's record, compressed JSON, in place of the one before."""
    await connection.execute(track_record.delete())
    values = {"through": through, "method_version": method_version, "computed_at": at, "body": body}
    await connection.execute(insert(track_record).values(values))


async def load(connection: AsyncConnection) -> str | None:
    """Return the backtest's record as JSON, ``None`` before the first."""
    return (await connection.execute(select(track_record.c.body))).scalar_one_or_none()


async def is_due(connection: AsyncConnection, method_version: str) -> bool:
    """Return whether a session was decided since the record was computed, or the method changed."""
    newest = (await connection.execute(select(func.max(verdict.c.session)))).scalar_one()
    stored = select(track_record.c.through, track_record.c.method_version)
    return newest is not None and tuple((await connection.execute(stored)).one_or_none() or ()) != (
        newest,
        method_version,
    )


async def live_transitions(connection: AsyncConnection) -> Sequence[Any]:
    """Return every transition that was told when it happened, newest first, with when and how it was decided."""
    query = (
        select(transition, verdict.c.decided_at, verdict.c.method_version)
        .join(verdict, verdict.c.session == transition.c.session)
        .where(~verdict.c.backfilled, ~transition.c.kind.startswith("data."))
        .order_by(transition.c.session.desc(), transition.c.id.desc())
    )
    return (await connection.execute(query)).all()


async def outcomes(connection: AsyncConnection) -> Sequence[Any]:
    """Return every outcome row, oldest first; one that was corrected later stands before its correction."""
    return (await connection.execute(select(outcome).order_by(outcome.c.id))).all()


async def in_force(connection: AsyncConnection) -> dict[tuple[int, str, int], OutcomeInForce]:
    """Return by transition, asset and horizon the newest outcome row."""
    rows = await outcomes(connection)
    return {(row.transition_id, row.asset, row.horizon): OutcomeInForce(row.id, row.change, row.worst) for row in rows}


async def append(connection: AsyncConnection, rows: Sequence[OutcomeRow], at: datetime) -> None:
    """Append outcomes, to the chain as well; none is ever changed.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        When one is there already and the new row does not say which it corrects.
    """
    if rows:
        statement = insert(outcome).returning(outcome.c.id, sort_by_parameter_order=True)
        inserted = await connection.execute(statement, [asdict(row) | {"recorded_at": at} for row in rows])
        await links.append(connection, [(Kind.OUTCOME, number) for number in inserted.scalars()])
