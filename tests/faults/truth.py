"""What was owed, what the server's chats hold, and what the database says of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, true

from bot.sandbox.server import Sandbox
from signals.as_json import encode
from storage import chats, ledger, market
from storage.database import Database
from storage.ledger import AlertRow, ChangeRow, VerdictRow
from storage.outbox.states import UNFINISHED, State
from storage.schema import alert, compressed, delivery
from storage.settings.kinds import EVERYTHING
from tests.bot.messages.whole import whole

START = date(2020, 1, 1)
AT = datetime(2020, 11, 17, 22, 30, tzinfo=UTC)
_DETAILS = "details@"
_AGAIN = "Sent once more"


@dataclass
class Account:
    """How the deliveries of a campaign ended. Nothing may be lost, and nothing doubled that was not unknown once."""

    owed: int = 0
    sent: int = 0
    unknown: int = 0
    repeated: int = 0
    gone: int = 0
    stopped: int = 0
    lost: int = 0
    doubled: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{getattr(self, field.name)} {field.name}" for field in fields(self))


async def subscribe(database: Database, sandbox: Sandbox, ids: range) -> None:
    """Let people subscribe."""
    async with database.transaction() as connection:
        for chat_id in ids:
            await chats.subscribe(connection, chat_id, "private", AT)
    for chat_id in ids:
        sandbox.world.add_private_chat(chat_id, started=True)


async def owe(database: Database, *, urgent: bool, kinds: int = EVERYTHING, origin: str = "live") -> None:
    """Record an alert of an episode of its own."""
    async with database.transaction() as connection:
        await market.claim_market(connection, origin)
        number = (await connection.execute(select(func.count()).select_from(alert))).scalar_one()
        session = START + timedelta(days=number)
        change = ChangeRow("stage.up", f"stage:{session}", session, "1", "2")
        told = [(change.subject, change.kind)]
        owed = AlertRow(f"{session}", change.kind, urgent, session, AT, told, kinds=kinds)
        body = compressed(encode(whole()))
        await ledger.record(connection, [VerdictRow(session, AT, "2", body, [change])], [owed], backfilled=False)


async def account(database: Database, sandbox: Sandbox, recipients: int, only: int | None = None) -> Account:
    """Compare every delivery with the messages in its chat; ``recipients`` are owed each alert, or the ``only`` one."""
    copies, marked = _copies(sandbox)
    result = Account()
    async with database.transaction() as connection:
        of = delivery.c.alert_id == only if only else true()
        count = select(func.count()).select_from(alert).where(alert.c.id == only if only else true())
        alerts = (await connection.execute(count)).scalar_one()
        rows = (await connection.execute(select(delivery).where(of))).all()
    result.owed = alerts * recipients
    # Whoever has no row was forgotten.
    result.lost = result.owed - len(rows)
    for row in rows:
        key = (row.chat_id, row.alert_id)
        arrived = copies[key]
        result.sent += row.state == State.SENT
        result.unknown += row.state == State.UNKNOWN
        result.repeated += row.unknowns > 0 and row.urgent
        result.gone += row.state == State.GONE
        result.stopped += row.state == State.STOPPED
        result.lost += row.state in UNFINISHED or (row.state == State.SENT and arrived == 0)
        # A second copy is allowed for an urgent one whose first copy nobody can vouch for, and it says so.
        allowed = 2 if row.urgent and row.unknowns > 0 else 1
        result.doubled += arrived > allowed or (arrived == 2 and marked[key] != 1)
        result.doubled += row.state in (State.GONE, State.STOPPED) and arrived > min(row.unknowns, 1)
    return result


def _copies(sandbox: Sandbox) -> tuple[Counter[tuple[int, int]], Counter[tuple[int, int]]]:
    copies: Counter[tuple[int, int]] = Counter()
    marked: Counter[tuple[int, int]] = Counter()
    for chat_id in sandbox.world.chats:
        for message in sandbox.world.chats[chat_id].messages.values():
            for number in _numbers(message):
                copies[chat_id, number] += 1
                marked[chat_id, number] += _AGAIN in message["text"]
    return copies, marked


def _numbers(message: dict[str, Any]) -> list[int]:
    """Return the number of the alert whose buttons stand under a message, if it is an alert."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    data = [button["callback_data"] for row in rows for button in row]
    return [int(each.removeprefix(_DETAILS)) for each in data if each.startswith(_DETAILS)]
