"""The text of an alert, from what was recorded when it was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from bot.messages.record import read_record
from bot.messages.render import Messages, ShownChange, read_verdict
from signals.model import Verdict
from storage import AsyncConnection, ledger, market, track_record
from storage.market import Market
from storage.operator import posts
from storage.outbox.digests import DIGEST
from storage.watches.judged import KIND as WATCH


async def alert_text(
    connection: AsyncConnection,
    messages: Messages,
    alert: Any,
    *,
    again: bool = False,
    topic_gone: bool = False,
    skipped: Sequence[int] = (),
) -> str:
    """Return what an alert says; ``skipped`` are the numbers of the older alerts that it replaces unsent."""
    if alert.session is None:
        post = await posts.of_alert(connection, alert.id)
        return await post_text(connection, messages, post.texts, post.corrects, again=again, topic_gone=topic_gone)
    if alert.kind == DIGEST:
        return await _digest_text(connection, messages, alert, again=again, topic_gone=topic_gone)
    if alert.kind.startswith(f"{WATCH}."):
        market_row = await market.load_market(connection)
        what = alert.kind.partition(".")[2]
        return messages.watch(what, alert.facts, market_row, again=again, topic_gone=topic_gone)
    verdict, changes, market_row = await _recorded(connection, alert)
    older = [number for alert_id in skipped for number in (await ledger.load_alert(connection, alert_id)).transitions]
    body = await track_record.load(connection) if any(change.past for change in changes) else None
    return messages.alert(
        verdict,
        changes,
        market_row,
        record=read_record(body) if body else None,
        summary=alert.kind == ledger.CATCH_UP,
        again=again,
        topic_gone=topic_gone,
        skipped=[ShownChange.of(row) for row in await ledger.load_changes(connection, older)],
    )


async def post_text(
    connection: AsyncConnection,
    messages: Messages,
    texts: Mapping[str, str],
    corrects: int | None,
    *,
    again: bool = False,
    topic_gone: bool = False,
) -> str:
    """Return what an operator wrote, by language, as it is read: to all, or about the alert that it ``corrects``."""
    original = None if corrects is None else await ledger.load_alert(connection, corrects)
    changes = await ledger.load_changes(connection, original.transitions) if original else []
    return messages.text(
        "post",
        # Who has another language than it was written in gets it as it was written.
        text=texts.get(messages.language) or next(iter(texts.values())),
        market=await market.load_market(connection),
        corrects=original,
        told=ShownChange.of(changes[0]) if changes else None,
        again=again,
        topic_gone=topic_gone,
    )


async def details_text(connection: AsyncConnection, messages: Messages, alert: Any, timezone: str) -> str:
    """Return what stands behind an alert, with the times of a time zone."""
    return messages.details(*await _recorded(connection, alert), alert.id, timezone)


async def _digest_text(
    connection: AsyncConnection, messages: Messages, alert: Any, *, again: bool, topic_gone: bool
) -> str:
    """Return a digest: of what was decided after a session, through that of the alert."""
    verdict, _, market_row = await _recorded(connection, alert)
    after = date.fromisoformat(alert.facts["after"])
    rows = await ledger.changes_between(connection, after, alert.session)
    changes = [ShownChange.of(row) for row in rows]
    undecided = date.fromisoformat(late) if (late := alert.facts.get("undecided")) else None
    return messages.digest(verdict, changes, market_row, after, undecided=undecided, again=again, topic_gone=topic_gone)


async def _recorded(connection: AsyncConnection, alert: Any) -> tuple[Verdict, list[ShownChange], Market]:
    market_row = await market.load_market(connection)
    assert market_row is not None, "an alert exists only where a market does"
    verdict = read_verdict(await ledger.body_of(connection, alert.session))
    changes = [ShownChange.of(row) for row in await ledger.load_changes(connection, alert.transitions)]
    return verdict, changes, market_row
