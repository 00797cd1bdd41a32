"""From a claimed delivery to its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.alerts import CATCH_UP
from bot.messages.record import live_like
from bot.messages.render import Messages, Told, read_verdict
from storage import ledger, market, track_record
from storage.outbox import Claimed


@dataclass(frozen=True, slots=True)
class Composer:
    """Writes an alert from what was recorded when it was decided."""

    messages: Messages

    async def compose(self, connection: AsyncConnection, claimed: Claimed) -> str:
        """Return the alert's text; a repeat of an uncertain first copy says so."""
        alert = await ledger.load_alert(connection, claimed.alert_id)
        held = await market.load_market(connection)
        assert held is not None, "an alert exists only where a market does"
        told = [Told.of(row) for row in await ledger.load_changes(connection, alert.transitions)]
        return self.messages.alert(
            read_verdict(await ledger.body_of(connection, alert.session)),
            told,
            held,
            live=await self._live(connection, told),
            alert_id=claimed.alert_id,
            summary=alert.kind == CATCH_UP,
            again=claimed.unknowns > 0,
        )

    async def _live(self, connection: AsyncConnection, told: Sequence[Told]) -> int:
        """Return of how many earlier live alerts the outcome is known, of those the past cases shown are like."""
        past = next((one.past for one in reversed(told) if one.past), None)
        rows = await track_record.live_transitions(connection) if past else ()
        return live_like(past, rows, await track_record.outcomes(connection) if past else ())
