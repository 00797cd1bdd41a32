"""Appending to the chain: a link for each row of the live record, in the transaction that writes the row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import insert, select

from storage import AsyncConnection
from storage.chain import rows
from storage.chain.rows import Kind
from storage.database import lock
from storage.schema import chain

BEFORE_THE_FIRST = "0" * 64


class Head(NamedTuple):
    """The newest link: how many rows the chain has, and the hash over all of them."""

    number: int
    hash: str


async def append(connection: AsyncConnection, written: Sequence[tuple[Kind, Any]]) -> None:
    """Append rows that were just inserted, by their kinds and keys, in this order.

    They are hashed as the database gives them back. A row that is in the chain already is refused by the database.
    """
    if not written:
        return
    # Another process, too, may append on PostgreSQL.
    await lock(connection, "chain")
    head = await newest(connection) or Head(0, BEFORE_THE_FIRST)
    keys = [(kind, str(key)) for kind, key in written]
    texts = {kind: await rows.read(connection, kind, [key for of, key in keys if of == kind]) for kind in Kind}
    links, before = [], head.hash
    for number, (kind, key) in enumerate(keys, start=head.number + 1):
        text = texts[kind][key]
        assert text is not None, "it was written a moment ago"
        before = hashed(before, text)
        links.append({"number": number, "kind": kind, "key": key, "written": text, "hash": before})
    await connection.execute(insert(chain), links)


async def newest(connection: AsyncConnection) -> Head | None:
    """Return the head of the chain, ``None`` before its first row."""
    query = select(chain.c.number, chain.c.hash).order_by(chain.c.number.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Head(row.number, row.hash)


async def links(connection: AsyncConnection) -> Sequence[Any]:
    """Return every link in the order of their numbers: the row as it was written, and its hash."""
    return (await connection.execute(select(chain).order_by(chain.c.number))).all()


def hashed(before: str, row: str) -> str:
    """Return the hash of a row in canonical form that follows a hash."""
    return hashlib.sha256(f"{before}\n{row}".encode()).hexdigest()
