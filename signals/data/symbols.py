"""Symbols that anybody may name: which texts are one, and how the prices of one that is in no table are published.

Imports nothing heavy, so that what was typed can be read where it arrives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from signals.data.series import SERIES, SESSION_BAR, UTC_DAY, Days, Move, Series

_SYMBOL = re.compile(r"\^?[A-Z0-9][A-Z0-9.=-]{0,14}")
# Stock classes (BRK-B, BAC-PL) have one letter or two behind the dash.
_COIN = re.compile(r"[A-Z0-9]+-[A-Z]{3,4}")
_STOCK_MOVE, _COIN_MOVE = Move(0.50), Move(0.80)


def read_symbol(typed: str) -> str | None:
    """Return the symbol that somebody typed, as Yahoo writes it; ``None`` where it cannot be one."""
    symbol = typed.upper()
    return symbol if typed.isascii() and _SYMBOL.fullmatch(symbol) else None


def as_series(symbol: str) -> Series | None:
    """Return how a symbol's prices are published; ``None`` where the table has something else by that name.

    One that is not in the table is taken to trade all days if it is a coin, else to close with New York at the latest.
    """
    known = SERIES.get(symbol)
    if known is not None:
        return known if known.is_price and known.source == "yahoo" else None
    if _COIN.fullmatch(symbol):
        return Series(symbol, symbol, "", UTC_DAY, Days.DAY, move=_COIN_MOVE)
    return Series(symbol, symbol, "", SESSION_BAR, Days.BUSINESS, move=_STOCK_MOVE)


def names_like(symbol: str, others: Iterable[str]) -> list[str]:
    """Return symbols of the table, and ``others``, whose names or titles are like one that nobody has."""
    prices = {key: series.title.upper().split() for key, series in SERIES.items() if as_series(key) is not None}
    titled = [key for key, words in prices.items() if symbol in words]
    return list(dict.fromkeys([*titled, *get_close_matches(symbol, [*prices, *others])]))
