"""From claimed deliveries to their texts: each text is written once, however many chats get it."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.delivery.failures import Failure, FailureKind
from bot.market.alerts import CATCH_UP
from bot.messages.record import live_like
from bot.messages.render import Messages, ShownChange, read_verdict
from storage import ledger, market, track_record
from storage.outbox import supersession
from storage.outbox.states import Claimed

logger = logging.getLogger(__name__)

_TAG = re.compile(r"</?[a-z][^<>]*>")
_MOST_ALERTS = 8


@dataclass(frozen=True, slots=True)
class Text:
    """What one message says: Telegram's HTML, or plain text where Telegram could not parse that."""

    text: str
    is_plain: bool


@dataclass(slots=True)
class RenderedAlert:
    """One alert with the texts made of it, by (repeat, skipped alerts)."""

    row: Any
    replaces: bool
    texts: dict[tuple[bool, tuple[int, ...]], Text] = field(default_factory=dict)


class Composer:
    """Writes alerts from what was recorded when they were decided."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._alerts: dict[int, RenderedAlert] = {}

    def forget(self, alert_id: int) -> None:
        """Write this alert's texts anew: it is plain from now on."""
        self._alerts.pop(alert_id, None)

    async def compose(
        self, connection: AsyncConnection, claims: Sequence[Claimed]
    ) -> list[tuple[Claimed, Text | Failure]]:
        """Return the text of each delivery; a failure where an alert cannot be written."""
        replacing = [c for c in claims if (await self._opened(connection, c.alert_id)).replaces]
        skipped = await supersession.skipped(connection, replacing) if replacing else {}
        return [(c, await self._text(connection, c, skipped.get(c.id, ()))) for c in claims]

    async def _text(self, connection: AsyncConnection, claimed: Claimed, skipped: tuple[int, ...]) -> Text | Failure:
        written, key = await self._opened(connection, claimed.alert_id), (claimed.unknowns > 0, skipped)
        try:
            if key not in written.texts:
                written.texts[key] = await self._write(connection, written.row, *key)
            return written.texts[key]
        except SQLAlchemyError:
            raise
        except Exception as error:  # whatever it is, it is ours: one alert must not end the delivery of the others
            logger.exception("alert %d cannot be written", claimed.alert_id)
            return Failure(FailureKind.OUR_MISTAKE, f"it cannot be written ({type(error).__name__})")

    async def _opened(self, connection: AsyncConnection, alert_id: int) -> RenderedAlert:
        if alert_id not in self._alerts:
            while len(self._alerts) >= _MOST_ALERTS:
                del self._alerts[next(iter(self._alerts))]
            row = await ledger.load_alert(connection, alert_id)
            self._alerts[alert_id] = RenderedAlert(row, bool(await supersession.superseded_by(connection, alert_id)))
        return self._alerts[alert_id]

    async def _write(self, connection: AsyncConnection, alert: Any, again: bool, skipped: tuple[int, ...]) -> Text:
        market_row = await market.load_market(connection)
        assert market_row is not None, "an alert exists only where a market does"
        changes = [ShownChange.of(row) for row in await ledger.load_changes(connection, alert.transitions)]
        older = [
            number for alert_id in skipped for number in (await ledger.load_alert(connection, alert_id)).transitions
        ]
        text = self._messages.alert(
            read_verdict(await ledger.body_of(connection, alert.session)),
            changes,
            market_row,
            live=await _live(connection, changes),
            alert_id=alert.id,
            summary=alert.kind == CATCH_UP,
            again=again,
            skipped=[ShownChange.of(row) for row in await ledger.load_changes(connection, older)],
        )
        return Text(plain(text), is_plain=True) if alert.plain else Text(text, is_plain=False)


def plain(markup: str) -> str:
    """Return what a message in Telegram's HTML says, without its markup."""
    return html.unescape(_TAG.sub("", markup))


async def _live(connection: AsyncConnection, changes: Sequence[ShownChange]) -> int:
    """Return of how many earlier live alerts the outcome is known, of those the past cases shown are like."""
    past = next((one.past for one in reversed(changes) if one.past), None)
    rows = await track_record.live_transitions(connection) if past else ()
    return live_like(past, rows, await track_record.outcomes(connection) if past else ())
