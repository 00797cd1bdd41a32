"""The rows of the live record and their canonical form, as ``docs/verify.md`` describes it for everybody.

The form is for ever: heads of the chain were posted, and whoever kept one must find it again.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, LargeBinary, Select, String, Table, select, true, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ColumnElement

from storage import AsyncConnection
from storage.schema import Compressed, outcome, post, transition, verdict

_AT_ONCE = 500


class Kind(StrEnum):
    """What a row of the live record is."""

    VERDICT = "verdict"
    TRANSITION = "transition"
    OUTCOME = "outcome"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the rows of a kind stand: the columns of their canonical form, the key first, and which are live."""

    table: Table
    columns: Sequence[Column[Any]]
    is_live: ColumnElement[bool]

    @property
    def key(self) -> Column[Any]:
        return self.columns[0]

    def rows(self) -> Select[Any]:
        """Select the live rows, what is compressed as it is stored."""
        compressed = (c for c in self.columns if isinstance(c.type, Compressed))
        raw = {column.name: type_coerce(column, LargeBinary).label(column.name) for column in compressed}
        return select(*(raw.get(column.name, column) for column in self.columns)).where(self.is_live)


_LIVE_SESSIONS = select(verdict.c.session).where(~verdict.c.backfilled)
_v, _t, _o, _p = verdict.c, transition.c, outcome.c, post.c
# In the order in which an evening writes them.
SOURCES = {
    Kind.VERDICT: _Source(verdict, (_v.session, _v.decided_at, _v.method_version, _v.body), ~_v.backfilled),
    Kind.TRANSITION: _Source(
        transition,
        (_t.id, _t.session, _t.kind, _t.subject, _t.occurred_on, _t.before, _t.after, _t.evidence),
        _t.session.in_(_LIVE_SESSIONS),
    ),
    Kind.OUTCOME: _Source(
        outcome,
        (
            _o.id, _o.transition_id, _o.asset, _o.horizon, _o.entry_on, _o.entry_price, _o.exit_on, _o.exit_price,
            _o.change, _o.worst, _o.recorded_at, _o.corrects,
        ),
        true(),
    ),
    Kind.CORRECTION: _Source(
        post,
        (_p.id, _p.corrects, _p.alert_id, _p.made_at, _p.texts),
        # A broadcast corrects nothing, a draft is owed to nobody.
        _p.corrects.is_not(None) & _p.alert_id.is_not(None),
    ),
}  # fmt: skip


async def keys(connection: AsyncConnection, kind: Kind) -> list[str]:
    """Return the keys of the live rows of a kind, in order."""
    source = SOURCES[kind]
    # As it is stored: one that somebody put there may be no date at all.
    query = select(type_coerce(source.key, String)).where(source.is_live).order_by(source.key)
    return [str(key) for key in (await connection.execute(query)).scalars()]


async def read(connection: AsyncConnection, kind: Kind, wanted: Sequence[str]) -> dict[str, str | None]:
    """Return by their keys the live rows of a kind in canonical form, ``None`` for one that cannot be read."""
    found: dict[str, str | None] = {}
    for first in range(0, len(wanted), _AT_ONCE):
        some = wanted[first : first + _AT_ONCE]
        try:
            found |= await _read(connection, kind, some)
        except (ValueError, TypeError, zlib.error, DBAPIError):
            # Somebody put into a column what it cannot hold.
            found |= {key: await _read_alone(connection, kind, key) for key in some}
    return found


async def _read_alone(connection: AsyncConnection, kind: Kind, key: str) -> str | None:
    try:
        return (await _read(connection, kind, [key])).get(key)
    except (ValueError, TypeError, zlib.error, DBAPIError):
        return None


async def _read(connection: AsyncConnection, kind: Kind, wanted: Sequence[str]) -> dict[str, str]:
    source = SOURCES[kind]
    read_key = date.fromisoformat if source.key.type.python_type is date else int
    rows = await connection.execute(source.rows().where(source.key.in_([read_key(key) for key in wanted])))
    return {str(row[0]): canonical(kind, row) for row in rows}


def canonical(kind: Kind, values: Sequence[Any]) -> str:
    """Return a row as a JSON array of strings and nulls, in ASCII and without spaces."""
    return json.dumps([kind, *map(_text, values)], separators=(",", ":"))


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        case float():
            # Zero without a sign: SQLite keeps none.
            return f"{value + 0.0:.17g}"
        case bytes():
            return hashlib.sha256(zlib.decompress(value)).hexdigest()
        case dict():
            text = json.dumps(value, sort_keys=True, separators=(",", ":"))
            return hashlib.sha256(text.encode()).hexdigest()
        case _:
            # Dates are written as ISO has them.
            return str(value)
