"""Recomputing the chain, to name the first row of the live record that does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import URL

from storage import AsyncConnection
from storage.chain import rows
from storage.chain.links import BEFORE_THE_FIRST, hashed, links
from storage.chain.rows import Kind
from storage.database import read_only, run_until_complete


class ChainError(ValueError):
    """The live record is not what its chain says; the message is one line that names the first row that differs."""


async def verify(connection: AsyncConnection) -> Sequence[Any]:
    """Recompute the chain from the rows of the live record, all in one transaction that sees one state.

    Returns every link, in order.

    Raises
    ------
    ChainError
        For the first row that was changed, deleted, inserted or put elsewhere.
    """
    stored: dict[tuple[str, str], str | None] = {}
    for kind in Kind:
        found = await rows.read(connection, kind, await rows.keys(connection, kind))
        stored |= {(kind, key): text for key, text in found.items()}
    chain, before = await links(connection), BEFORE_THE_FIRST
    for expected, link in enumerate(chain, start=1):
        if link.number != expected:
            raise ChainError(f"row {expected} of the chain is missing")
        _check(link, before, stored)
        before = link.hash
        del stored[link.kind, link.key]
    for left in stored:
        raise ChainError(f"{_named(*left)} was inserted: the chain does not have it")
    return chain


def misfit_of(url: URL) -> str | None:
    """Return what of a database's live record does not fit, ``None`` when all does; not in a running event loop."""

    async def check() -> str | None:
        async with read_only(url) as connection:
            try:
                await verify(connection)
            except ChainError as error:
                return str(error)
        return None

    return run_until_complete(check())


def _check(link: Any, before: str, stored: Mapping[tuple[str, str], str | None]) -> None:
    name = f"row {link.number} of the chain, {_named(link.kind, link.key)},"
    if hashed(before, link.written) != link.hash:
        raise ChainError(f"{name} does not follow from the one before: the chain itself was changed there")
    if (link.kind, link.key) not in stored:
        raise ChainError(f"{name} was deleted, or is not of the live record any more; it was {link.written}")
    now = stored[link.kind, link.key]
    if now != link.written:
        raise ChainError(f"{name} was changed: it was {link.written} and is {now or 'nothing that can be read'}")


def _named(kind: str, key: str) -> str:
    return f"the verdict of {key}" if kind == Kind.VERDICT else f"{kind} {key}"
