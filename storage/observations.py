"""The archive: every figure with the time it was first seen; a revision is a new row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import String, bindparam, column, func, select, type_coerce, update, values
from sqlalchemy.types import NullType

from storage import AsyncConnection
from storage.database import insert_rows, upsert
from storage.schema import Instant, observation, restatement, source_check

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
FIELD_COLUMNS = [c for c in observation.c if c.name not in ("series", "observed_on", "first_seen_at", "last_seen_at")]
_OF_BRIEF = [c for c in FIELD_COLUMNS if c.name in ("value", "adj_close")]
_OF_OTHERS = [c for c in FIELD_COLUMNS if c not in set(_OF_BRIEF)]

Columns = Sequence[Sequence[Any]]
"""The vintages of one series by column: observed_on, first_seen_at, last_seen_at and the figures."""


async def archive(
    connection: AsyncConnection,
    series: str,
    rows: Sequence[tuple[Any, ...]],
    seen_at: datetime,
    *,
    restated: bool = False,
) -> int:
    """Add what is new of one series.

    Parameters
    ----------
    rows
        ``(observed_on, *figures)``, the figures in the order of ``FIELD_COLUMNS``.
    restated
        Every row is new, equal or not: the whole history was asked for again, and what was seen before is superseded.
        All of it has to come within one transaction.

    Returns
    -------
    int
        How many rows were added. A row equal to the newest one of its date is only marked as seen again.
    """
    if restated:
        marker = upsert(connection, restatement).values(series=series, seen_at=seen_at)
        await connection.execute(marker.on_conflict_do_nothing())
    newest = {} if restated or not rows else await _newest(connection, series, min(row[0] for row in rows))
    added = [row for row in rows if newest.get(row[0]) != row[1:]]
    again = [{"b_observed_on": row[0]} for row in rows if newest.get(row[0]) == row[1:]]
    if added:
        await insert_rows(connection, observation, [(series, row[0], seen_at, seen_at, *row[1:]) for row in added])
    if again:
        await connection.execute(_seen_again(series, seen_at), again)
    return len(added)


def _seen_again(series: str, seen_at: datetime) -> Any:
    table, other = observation, observation.alias()
    on_day = table.c.observed_on == bindparam("b_observed_on")
    last = select(func.max(other.c.first_seen_at)).where(
        other.c.series == series, other.c.observed_on == bindparam("b_observed_on")
    )
    return (
        update(table)
        .where(table.c.series == series, on_day, table.c.first_seen_at == last.scalar_subquery())
        .values(last_seen_at=seen_at)
    )


async def _newest(connection: AsyncConnection, series: str, since: date) -> dict[date, tuple[Any, ...]]:
    query = (
        select(observation.c.observed_on, *FIELD_COLUMNS)
        .where(observation.c.series == series, observation.c.observed_on >= since)
        .order_by(observation.c.first_seen_at)
    )
    return {row[0]: tuple(row[1:]) for row in await connection.execute(query)}


async def spans(connection: AsyncConnection, series: Collection[str]) -> dict[str, tuple[date, date]]:
    """Return the oldest and the newest archived date of each of these series, those without any left out."""
    asked = values(column("series", String)).data([(key,) for key in series]).cte("asked")
    # A look-up in the index for each, instead of a walk through hundreds of thousands of rows.
    oldest, newest = (
        select(end(observation.c.observed_on)).where(observation.c.series == asked.c.series).scalar_subquery()
        for end in (func.min, func.max)
    )
    rows = await connection.execute(select(asked.c.series, oldest.label("oldest"), newest.label("newest")))
    return {row.series: (row.oldest, row.newest) for row in rows if row.newest is not None}


async def answered_at(connection: AsyncConnection, series: Collection[str], since: date) -> dict[str, datetime]:
    """Return when a request last returned something dated ``since`` or later of each of these series."""
    query = select(observation.c.series, func.max(observation.c.last_seen_at).label("at"))
    query = query.where(observation.c.series.in_(series), observation.c.observed_on >= since)
    return {row.series: row.at for row in await connection.execute(query.group_by(observation.c.series))}


async def load_vintages(
    connection: AsyncConnection,
    known_at: datetime,
    series: Iterable[str],
    since: date | None = None,
    brief: Collection[str] = (),
) -> dict[str, Columns]:
    """Return every vintage of these series first seen by ``known_at``, and dated ``since`` or later if given.

    What a restatement known by then supersedes is left out. Of those that are ``brief``, as ``archived`` says, only the
    columns are read that such a series has: it takes a third less time.

    There are hundreds of thousands: dates, and instants in UTC, are left as the driver reads them, text on SQLite.
    ``last_seen_at`` is ``None`` where a vintage was not seen again.
    """
    table = observation.c
    dated = (table.observed_on, table.first_seen_at, func.nullif(table.last_seen_at, table.first_seen_at))
    query = select(*(type_coerce(column, NullType()) for column in dated))
    valid = (table.first_seen_at <= known_at, table.first_seen_at >= bindparam("restated", type_=Instant))
    query = query.where(table.series == bindparam("of"), *valid)
    restated = await restated_at(connection, known_at)
    if since is not None:
        query = query.where(table.observed_on >= since)
    found: dict[str, Columns] = {}
    brief_query, whole_query = query.add_columns(*_OF_BRIEF), query.add_columns(*FIELD_COLUMNS)
    for key in series:
        bound = {"of": key, "restated": restated.get(key, _EARLIEST)}
        cursor = (await connection.execute(brief_query if key in brief else whole_query, bound)).cursor
        # The driver's own rows: to make SQLAlchemy's of them takes a third as long again.
        if rows := cursor.fetchall():
            columns = list(zip(*rows, strict=True))
            if key in brief:
                read, nothing = dict(zip(_OF_BRIEF, columns[len(dated) :], strict=True)), (None,) * len(rows)
                columns[len(dated) :] = [read.get(field, nothing) for field in FIELD_COLUMNS]
            found[key] = columns
    return found


async def count(connection: AsyncConnection, series: Collection[str]) -> int:
    """Return how many vintages are archived of these series that no restatement supersedes."""
    found = (await connection.execute(select(func.count()).where(observation.c.series.in_(series)))).scalar_one()
    return found - sum((await _superseded(connection, series)).values())


@dataclass(frozen=True, slots=True)
class Archived:
    """How many vintages of a series no restatement supersedes; a brief one has only values and adjusted closes."""

    vintages: int
    is_brief: bool


async def archived(connection: AsyncConnection, series: Collection[str]) -> dict[str, Archived]:
    """Return what is archived of each of these series, those without anything left out."""
    vintages, others = func.count().label("vintages"), func.count(func.coalesce(*_OF_OTHERS)).label("others")
    query = select(observation.c.series, vintages, others).where(observation.c.series.in_(series))
    rows = (await connection.execute(query.group_by(observation.c.series))).all()
    superseded = await _superseded(connection, series)
    return {row.series: Archived(row.vintages - superseded.get(row.series, 0), row.others == 0) for row in rows}


async def _superseded(connection: AsyncConnection, series: Collection[str]) -> dict[str, int]:
    # Few series have ever been restated; to look into every row of all the others takes twice as long.
    restated = {key: at for key, at in (await restated_at(connection)).items() if key in series}
    return {
        key: (await connection.execute(_EARLIER, {"of": key, "at": at})).scalar_one() for key, at in restated.items()
    }


_EARLIER = select(func.count()).where(
    observation.c.series == bindparam("of"), observation.c.first_seen_at < bindparam("at", type_=Instant)
)


async def restated_at(connection: AsyncConnection, known_at: datetime | None = None) -> dict[str, datetime]:
    """Return when the whole history of a series was last archived anew, of those of which it was by ``known_at``."""
    query = select(restatement.c.series, func.max(restatement.c.seen_at).label("at")).group_by(restatement.c.series)
    if known_at is not None:
        query = query.where(restatement.c.seen_at <= known_at)
    return {row.series: row.at for row in await connection.execute(query)}


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """What was wrong with the newest answer for a series, if anything; ``absent``: its source has no such series."""

    series: str
    reason: str
    absent: bool = False

    @property
    def is_unanswered(self) -> bool:
        """Whether its source has such a series, and did not give it."""
        return bool(self.reason) and not self.absent


async def note_checks(
    connection: AsyncConnection, checks: Sequence[SourceCheck], checked_at: datetime
) -> list[SourceCheck]:
    """Store what the newest requests for these series said. Returns those of which the one before said otherwise."""
    if not checks:
        return []
    said = [replace(check, reason=check.reason[:500]) for check in checks]
    before = {series: check.reason for series, check in (await load_checks(connection)).items()}
    statement = upsert(connection, source_check)
    changed = {name: statement.excluded[name] for name in ("checked_at", "reason", "absent")}
    statement = statement.on_conflict_do_update(index_elements=["series"], set_=changed)
    await connection.execute(statement, [asdict(check) | {"checked_at": checked_at} for check in said])
    return [check for check in said if before.get(check.series) != check.reason]


async def load_checks(connection: AsyncConnection) -> dict[str, SourceCheck]:
    """Return what the newest request for each series said."""
    columns = (source_check.c.series, source_check.c.reason, source_check.c.absent)
    return {row.series: SourceCheck(*row) for row in await connection.execute(select(*columns))}


async def checked_at(connection: AsyncConnection) -> dict[str, datetime]:
    """Return when each series was last asked for."""
    return {row.series: row.checked_at for row in await connection.execute(select(source_check))}
