"""The track record: what followed in the history, one event in full, the article's dates, and the live record."""

from __future__ import annotations

from datetime import date

from bot.commands.answering import Request, Services
from bot.messages.record import MAIN, MONTHS, command_of, event_on, live_cases, of_months, read_record, rule_named
from signals.record.model import RuleRecord, TrackRecord
from storage import market, track_record
from storage.chain import links
from storage.market import Market

_MOST_LIVE = 4
_MONTHS = {f"{months}m": months for months in MONTHS}
_USUAL = "3m"


async def record(services: Services, request: Request) -> None:
    """Answer ``/record``: of everything, one event, the article, other states or the live record and its rows."""
    asked = " ".join(request.words).lower()
    if asked == "rows":
        await _rows(services, request)
        return
    async with services.database.reading() as connection:
        body = await track_record.load(connection)
        market_row = await market.load_market(connection)
        live = len(await track_record.live_transitions(connection))
    buttons = services.messages.buttons
    back = buttons.back(f"record@{request.origin}" if request.origin else "record")
    if asked == "live" and market_row is not None:
        await request.show(await _live(services, market_row), back)
    elif body is None or market_row is None:
        await request.show(services.messages.text("no_record"), buttons.back(request.origin) if request.origin else ())
    elif (asked or _USUAL) in _MONTHS:
        found = read_record(body)
        main = next(rule for rule in found.rules if rule.key == MAIN)
        text = _of_rule(services, found, market_row, live, main, _MONTHS[asked or _USUAL])
        await request.show(text, buttons.under_record(request.origin))
    else:
        await request.show(_part(services, read_record(body), market_row, live, asked), back)


def _of_rule(
    services: Services, record: TrackRecord, market_row: Market, live: int, rule: RuleRecord, months: int
) -> str:
    rows = of_months(rule, months)
    return services.messages.text("record", r=record, market=market_row, rule=rule, rows=rows, live=live, main=MAIN)


def _part(services: Services, record: TrackRecord, market_row: Market, live: int, asked: str) -> str:
    text = services.messages.text
    if asked in ("thesis", "states", "events"):
        return text(f"record_{asked}", command_of=command_of, main=MAIN, r=record, market=market_row)
    rule = rule_named(record, asked)
    if rule is not None:
        return _of_rule(services, record, market_row, live, rule, _MONTHS[_USUAL])
    event = event_on(record, day) if (day := _day(asked)) else None
    if event is not None:
        return text("record_event", event=event, market=market_row)
    return text("wrong_record", example=record.events[-1].episode.attempt if record.events else "states")


async def _live(services: Services, market_row: Market) -> str:
    async with services.database.reading() as connection:
        rows = await track_record.live_transitions(connection)
        outcomes = await track_record.outcomes(connection)
        head = await links.newest(connection)
    shown = list(live_cases(rows[:_MOST_LIVE], outcomes))
    more = max(len(rows) - _MOST_LIVE, 0)
    return services.messages.text("record_live", market=market_row, cases=shown, more=more, head=head)


async def _rows(services: Services, request: Request) -> None:
    """Send the chain as a document: a hash, a tab and a row on each line, as ``docs/verify.md`` has it."""
    async with services.database.reading() as connection:
        chain = await links.links(connection)
    if not chain:
        await request.show(services.messages.text("no_rows"))
        return
    content = "".join(f"{link.hash}\t{link.written}\n" for link in chain).encode()
    await request.send_document(content, "live_record.tsv", services.messages.text("record_rows"))


def _day(asked: str) -> date | None:
    try:
        return date.fromisoformat(asked)
    except ValueError:
        return None
