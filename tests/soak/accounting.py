"""What becomes of every alert for every chat that it is for, told from the chats themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot.sandbox.server import Sandbox
from storage.database import Database
from storage.ledger import Audience
from storage.outbox.digests import DIGEST
from storage.outbox.states import State
from storage.schema import alert, chat, delivery, transition, verdict
from storage.settings.kinds import EVERYBODY
from storage.watches.judged import KIND as WATCH

_UNDER = "mute@"
_OPERATORS_OWN = "data."


@dataclass
class Accounts:
    """``ends`` counts deliveries by how they ended; the others hold a sentence for each that is not accounted for."""

    ends: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    _expected: dict[int, set[int]] = field(default_factory=dict)
    _copies: Counter[tuple[int, int]] = field(default_factory=Counter)
    _made_at: dict[int, datetime] = field(default_factory=dict)
    _newest: int = 0

    async def expect(self, database: Database, before: Iterable[Any], now: datetime) -> None:
        """Note which of the chats, as they were ``before`` the evening, each new alert is for."""
        rows = list(before)
        async with database.reading() as connection:
            new = (await connection.execute(select(alert).where(alert.c.id > self._newest))).all()
        for row in new:
            self._newest = max(self._newest, row.id)
            self._made_at[row.id] = now
            self.alerts[row.kind.partition(".")[0]] += 1
            is_for_some = row.kind == DIGEST or row.kind.startswith(f"{WATCH}.") or row.audience != Audience.SUBSCRIBERS
            self._expected[row.id] = set() if is_for_some else {one.id for one in rows if _is_for(one, row, now)}

    def hear(self, sandbox: Sandbox) -> None:
        """Count what has arrived, and let the chats forget it, but for their boards."""
        for chat_id, state in sandbox.world.chats.items():
            for message in list(state.messages.values()):
                for number in _numbers(message):
                    self._copies[chat_id, number] += 1
                if message["message_id"] not in state.pinned:
                    del state.messages[message["message_id"]]
        sandbox.calls.clear()

    async def settle(self, database: Database, until: datetime) -> None:
        """Account for the alerts that were made until then, and forget them."""
        for number in [number for number, at in self._made_at.items() if at <= until]:
            async with database.reading() as connection:
                rows = (await connection.execute(select(delivery).where(delivery.c.alert_id == number))).all()
            self._settle(number, rows)
            del self._made_at[number], self._expected[number]
        alive = self._made_at.keys()
        self._copies = Counter({key: count for key, count in self._copies.items() if key[1] in alive})

    def _settle(self, number: int, rows: Iterable[Any]) -> None:
        missing = set(self._expected[number])
        for row in rows:
            missing.discard(row.chat_id)
            copies, what = self._copies[row.chat_id, number], f"alert {number} for {row.chat_id}: {row.state}"
            self.ends[row.state] += 1
            may_be_two = row.urgent and row.unknowns > 0
            if copies > (2 if may_be_two else 1):
                self.doubled.append(f"{what}, {copies} copies")
            if row.state == State.HELD:
                what += f" until {row.not_before}"
            has_no_end = row.state in (State.QUEUED, State.HELD, State.SENDING)
            has_no_reason = row.state in (State.GONE, State.STOPPED) and not row.error
            if has_no_end or has_no_reason or (row.state == State.SENT and copies == 0):
                self.lost.append(f"{what}, {row.error}, {copies} copies")
        self.lost += [f"alert {number} for {chat_id}: never enqueued" for chat_id in sorted(missing)]

    async def look_for_untold(self, database: Database) -> None:
        """Find changes of the live record that no alert tells."""
        async with database.reading() as connection:
            told = {number for (some,) in await connection.execute(select(alert.c.transitions)) for number in some}
            query = select(transition).join(verdict, verdict.c.session == transition.c.session)
            rows = (await connection.execute(query.where(~verdict.c.backfilled))).all()
        self.untold = [f"{row.subject} {row.kind}" for row in rows if row.id not in told]


def _is_for(one: Any, row: Any, now: datetime) -> bool:
    is_there = one.subscribed_at is not None and one.gone_at is None
    is_awake = one.muted_until is None or one.muted_until <= now
    return is_there and is_awake and (row.kinds == EVERYBODY or (one.loud_kinds | one.silent_kinds) & row.kinds != 0)


async def all_chats(database: Database) -> list[Any]:
    """Return the rows of all chats."""
    async with database.reading() as connection:
        return list(await connection.execute(select(chat)))


def _numbers(message: dict[str, Any]) -> list[int]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    data = [button["callback_data"] for row in rows for button in row]
    found = (each.removeprefix(_UNDER) for each in data if each.startswith(_UNDER))
    return [int(each) for each in found if each.isdecimal()]
