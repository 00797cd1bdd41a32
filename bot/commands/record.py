"""The track record: what followed in the history, one event in full, the article's dates, and the live record."""

from __future__ import annotations

from datetime import date

from bot.commands.answering import Request, Services
from bot.messages.record import MAIN, command_of, event_on, live_cases, p_values, read_record, rule_named
from signals.record.model import TrackRecord
from storage import market, track_record
from storage.market import Market

_MOST_LIVE = 5


async def record(services: Services, request: Request) -> None:
    """Answer ``/record``: of everything, one event, the article, other states or the live record."""
    asked = " ".join(request.words).lower()
    async with services.database.reading() as connection:
        body = await track_record.load(connection)
        market_row = await market.load_market(connection)
    if asked == "live" and market_row is not None:
        await request.reply(await _live(services, market_row))
    elif body is None or market_row is None:
        await request.reply(services.messages.text("no_record"))
    else:
        await request.reply(_of(services, read_record(body), market_row, asked))


def _of(services: Services, record: TrackRecord, market_row: Market, asked: str) -> str:
    text, about = services.messages.text, {"r": record, "market": market_row}
    if asked in ("thesis", "states"):
        return text(f"record_{asked}", command_of=command_of, main=MAIN, **about)
    rule = rule_named(record, asked or command_of(MAIN))
    if rule is not None:
        return text("record", rule=rule, shown=p_values(rule), **about)
    event = event_on(record, day) if (day := _day(asked)) else None
    if event is not None:
        return text("record_event", event=event, **about)
    names = [command_of(rule.key) for rule in record.rules]
    return text("wrong_record", rules=names, events=[event.episode.attempt for event in record.events])


async def _live(services: Services, market_row: Market) -> str:
    async with services.database.reading() as connection:
        rows = await track_record.live_transitions(connection)
        outcomes = await track_record.outcomes(connection)
    shown = list(live_cases(rows[:_MOST_LIVE], outcomes))
    more = max(len(rows) - _MOST_LIVE, 0)
    return services.messages.text("record_live", market=market_row, cases=shown, more=more)


def _day(asked: str) -> date | None:
    try:
        return date.fromisoformat(asked)
    except ValueError:
        return None
