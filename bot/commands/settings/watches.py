"""What a chat watches prices for: a record after a base, or a level, of any symbol."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.commands.answering import Request, Services
from signals.data.series import SERIES
from signals.data.symbols import as_series, names_like, read_symbol
from signals.nine_decimals import Sign, meets
from storage import AsyncConnection, chats, market
from storage.settings import chosen
from storage.watches import judged, listed
from storage.watches.judged import ABOVE, BELOW, RECORD, Condition, Quote, Standing

_ASKED = re.compile(r"(\S+?) ?(?:([<>]) ?(\S+))?")
_SIDES = {">": ABOVE, "<": BELOW}
_HIGHEST = 1e12
_MOST_SUGGESTED = 4


async def watch(services: Services, request: Request) -> str | None:
    """Answer ``/watch``: what this chat watches, or one thing more."""
    if not request.words:
        await _show(services, request)
        return None
    asked = _read(request.words)
    if isinstance(asked, _Wrong):
        return services.messages.text("wrong_watch", part=asked.part, value=asked.value[:_MOST_SHOWN])
    async with services.database.reading() as connection:
        limit = await listed.limit(connection, request.chat.id, asked)
        quote = await _known(connection, asked.symbol)
    if limit is not None:
        return _full(services, limit)
    if quote is None:
        # What it costs to ask is known by then, and nobody else waits for the answer.
        await request.admit()
        found = await services.symbols.find(asked.symbol, services.clock.now()) if as_series(asked.symbol) else None
        if as_series(asked.symbol) and (found is None or found.similar is None):
            return services.messages.text("no_look_up", symbol=asked.symbol)
        if found is None or found.quote.on is None:
            await _suggest(services, request, asked, found.similar or [] if found else [])
            return None
        quote = found.quote
    return await _add(services, request, asked, quote)


async def unwatch(services: Services, request: Request) -> str | None:
    """Answer ``/unwatch`` and its buttons: end what this chat watches of a symbol, or one of it."""
    if not request.words:
        await _show(services, request)
        return None
    asked = _read(request.words)
    if isinstance(asked, _Wrong):
        return services.messages.text("wrong_watch", part=asked.part, value=asked.value[:_MOST_SHOWN])
    whole = len(request.words) == 1 and "<" not in request.words[0] and ">" not in request.words[0]
    async with services.transaction(request.update) as connection:
        removed = await listed.remove(connection, request.chat.id, asked.symbol, None if whole else asked)
    if not removed and request.update.callback_query is None:
        return services.messages.text("not_watched", symbol=asked.symbol)
    await _show(services, request)
    return None


_MOST_SHOWN = 30


@dataclass(frozen=True, slots=True)
class _Wrong:
    """The part of what was typed that cannot be watched, and what stands there."""

    part: str
    value: str


def _read(words: tuple[str, ...]) -> Condition | _Wrong:
    """Return what was typed, or what is wrong with it."""
    # As the button says that ends one of several of a symbol.
    typed = " ".join(words[:-1] if words[1:] == (RECORD,) else words)
    found = _ASKED.fullmatch(typed)
    if found is None:
        return _Wrong("shape", typed)
    symbol = read_symbol(found[1])
    if symbol is None:
        return _Wrong("symbol", found[1])
    if found[2] is None:
        return Condition(symbol, RECORD)
    try:
        level = float(found[3].replace(",", ""))
    except ValueError:
        level = 0.0
    if not 0 < level < _HIGHEST:
        return _Wrong("level", found[3])
    return Condition(symbol, _SIDES[found[2]], level)


async def _known(connection: AsyncConnection, symbol: str) -> Quote | None:
    """Return the newest quote of a symbol that is watched already, or whose bars the evening collects anyway."""
    quote = await judged.quote_of(connection, symbol)
    if quote is not None or as_series(symbol) is None:
        return quote
    newest = await listed.newest_close(connection, symbol)
    return newest and Quote(symbol, *newest, in_table=symbol in SERIES)


async def _add(services: Services, request: Request, asked: Condition, quote: Quote) -> str | None:
    chat, now, on = request.chat, services.clock.now(), quote.on
    assert on is not None, "a quote that is known has a date"
    beyond = asked.side != RECORD and quote.close is not None and meets(quote.close, _sign(asked.side), asked.level)
    standing = Standing(asked, not beyond, on)
    async with services.transaction(request.update) as connection:
        await chats.mark_reachable(connection, chat.id, chat.type)
        limit = await listed.add(connection, chat.id, standing, quote, now)
        found, market_row = await chosen.load(connection, chat.id), await market.load_market(connection)
    if limit is not None:
        return _full(services, limit)
    context = {"asked": asked, "quote": quote, "armed": standing.armed, "chosen": found, "market": market_row}
    text = services.messages.text("watch_added", is_muted=found.is_muted(now), **context)
    await request.show(text, services.messages.buttons.under_watch_added())
    return None


def _sign(side: str) -> Sign:
    return Sign.BELOW if side == BELOW else Sign.ABOVE


def _full(services: Services, limit: str) -> str:
    limits = {"chat": listed.MOST_A_CHAT, "bot": listed.MOST_SYMBOLS}
    return services.messages.text("watches_full", limit=limit, most=limits[limit])


async def _suggest(services: Services, request: Request, asked: Condition, similar: list[str]) -> None:
    """Say that there is no such symbol, and offer names like it: of known series first, then of the source's."""
    async with services.database.reading() as connection:
        watched = await judged.symbols(connection)
    names = list(dict.fromkeys([*names_like(asked.symbol, watched), *similar]))[:_MOST_SUGGESTED]
    text = services.messages.text("watch_unknown", symbol=asked.symbol, has_names=bool(names))
    await request.show(text, services.messages.buttons.under_unknown_symbol(names, asked.side, asked.level))


async def _show(services: Services, request: Request) -> None:
    async with services.database.reading() as connection:
        rows = await listed.of_chat(connection, request.chat.id)
        found, market_row = await chosen.load(connection, request.chat.id), await market.load_market(connection)
    context = {"rows": rows, "most": listed.MOST_A_CHAT, "chosen": found, "market": market_row}
    text = services.messages.text("watches", is_muted=found.is_muted(services.clock.now()), **context)
    await request.show(text, services.messages.buttons.under_watches(rows, request.origin))
