"""Recompute the chain of the live record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot.settings import Settings, SettingsError
from storage.chain.verify import ChainError, verify
from storage.database import read_only, run_until_complete

_FEWEST, _MOST = 16, 64


def verified_text(settings: Settings, head: str | None, *, rows: bool) -> str:
    """Recompute the chain and return a sentence about it, or all its rows: hash, tab and canonical form, a line each.

    ``head`` is a head that somebody kept, or its beginning.

    Raises
    ------
    storage.chain.verify.ChainError
        For the first row that does not fit, or when no row has that head.
    bot.settings.SettingsError
        When the head is none.
    """
    if head is not None and not re.fullmatch(f"[0-9a-f]{{{_FEWEST},{_MOST}}}", head):
        raise SettingsError(
            f"HEAD is {head!r}, expected {_FEWEST} to {_MOST} of the digits 0-9 and a-f; "
            "for example 9f86d081884c7d659a2f, as /record live shows it"
        )
    chain = run_until_complete(_chain(settings.database_url))
    if rows:
        return "\n".join(f"{link.hash}\t{link.written}" for link in chain)
    if not chain and head is None:
        return "the live record is empty: nothing was decided live yet"
    found = _found(chain, head) if head is not None else ""
    return f"all {len(chain)} rows of the live record fit; the head is {chain[-1].hash}{found}"


async def _chain(url: str) -> Sequence[Any]:
    async with read_only(url) as connection:
        return await verify(connection)


def _found(chain: Sequence[Any], head: str) -> str:
    for link in chain:
        if link.hash.startswith(head):
            return f"\n{head} is the head at row {link.number}, so nothing up to it was changed since: {link.written}"
    raise ChainError(f"no row has the head {head}: something up to it was rewritten since, or another bot showed it")
