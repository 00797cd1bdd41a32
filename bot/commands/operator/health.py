"""How the bot does: the data, the evening, the queue, what went wrong; and how much of everything there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.commands.answering import Request, Services
from bot.messages.render import read_verdict
from signals.data.series import SERIES
from signals.model import Freshness, SourceVerdict, Verdict
from storage import ledger, observations
from storage.operator import counts, pause
from storage.settings import chosen

_NO_FAULT = (Freshness.OK, Freshness.NEVER_HAD)


@dataclass(slots=True)
class SourceHealth:
    """The series of one publisher: how many are in order, which are not, the newest figure, and when it was asked."""

    name: str
    ok: int = 0
    of: int = 0
    newest: date | None = None
    asked: datetime | None = None
    wrong: list[SourceVerdict] = field(default_factory=list)

    def add(self, found: SourceVerdict, asked: datetime | None) -> None:
        """Count one series; one that never had a figure is none that fails."""
        self.of += found.verdict is not Freshness.NEVER_HAD
        self.ok += found.verdict is Freshness.OK
        self.newest = max(filter(None, (self.newest, found.newest)), default=None)
        self.asked = max(filter(None, (self.asked, asked)), default=None)
        if found.verdict not in _NO_FAULT:
            self.wrong.append(found)


async def health(services: Services, request: Request) -> None:
    """Answer ``/health``."""
    operation, now = services.operation, services.clock.now()
    async with services.database.reading() as connection:
        body, market_row = await ledger.load_newest(connection)
        asked = await observations.checked_at(connection)
        context: dict[str, Any] = {
            "waiting": await counts.waiting(connection),
            "paused_since": await pause.since(connection),
            "timezone": (await chosen.load(connection, request.chat.id)).timezone,
        }
    failing = [check.name for check in await operation.look() if not check.is_well]
    verdict = read_verdict(body) if body else None
    told, silence = operation.told(), operation.silence and operation.silence()
    context |= {
        "v": verdict,
        "agenda": market_row and market_row.agenda,
        "now": now,
        "told": told,
        "silence": silence,
        "failing": failing,
    }
    sources = of_sources(verdict, asked) if verdict else []
    await request.reply(services.messages.text("health", sources=sources, **context))


def of_sources(verdict: Verdict, asked: Mapping[str, datetime]) -> list[SourceHealth]:
    """Return each publisher with its series as the newest verdict judged them; ``asked`` says when, by series."""
    found: dict[str, SourceHealth] = {}
    # A verdict of an older version may name what is in the table no more.
    for one in (one for one in verdict.sources if one.series in SERIES):
        name = SERIES[one.series].source
        found.setdefault(name, SourceHealth(name)).add(one, asked.get(one.series))
    return [source for source in found.values() if source.of]


async def stats(services: Services, request: Request) -> None:
    """Answer ``/stats``: chats by kind, and what was done since midnight there."""
    async with services.database.reading() as connection:
        zone = ZoneInfo((await chosen.load(connection, request.chat.id)).timezone)
        midnight = services.clock.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        chats = await counts.chats_by_type(connection)
        delivered = await counts.finished_since(connection, midnight)
        handled = await counts.handled_since(connection, midnight)
    totals = defaultdict(int, delivered)
    shown = {"chats": chats, "delivered": totals, "handled": handled, "timezone": zone.key, "midnight": midnight}
    await request.reply(services.messages.text("stats", **shown))
