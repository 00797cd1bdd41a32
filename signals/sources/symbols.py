"""Whether a source has a symbol that somebody named, and which others have names like it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import pandas as pd

from signals.data.series import Series
from signals.data.symbols import read_symbol
from signals.sources.choose import choose_source
from signals.sources.collect import collect
from signals.sources.shape import Source

_LOOKED_AT = timedelta(days=30)
_MOST_SIMILAR = 4
_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class FoundSymbol:
    """What a source says of a symbol: its newest closed bar; or names like it, ``None`` where it does not answer."""

    on: date | None = None
    close: float | None = None
    similar: tuple[str, ...] | None = ()


def look_up(market_data: str, series: Series, sessions: pd.DatetimeIndex, now: datetime) -> FoundSymbol:
    """Ask the source that ``market_data`` names (see ``choose_source``) for a symbol, or else for names like it."""
    ask_for_names: Callable[[str], Sequence[str] | None] = partial(_files_like, market_data)
    if market_data == "live":
        source, ask_for_names = _live()
    else:
        source = choose_source(market_data)
    since, table = {series.key: (now - _LOOKED_AT).date()}, {series.key: series}
    (found,) = collect(source, since, sessions, now, again=(series.key,), keys=(series.key,), table=table)
    closes = found.frame["value"].dropna()
    if len(closes):
        return FoundSymbol(pd.Timestamp(closes.index[-1]).date(), float(closes.iloc[-1]))
    names = ask_for_names(series.key)
    # A source that names the symbol itself and has no bar of it is not in order.
    if names is None or series.key in names:
        return FoundSymbol(similar=None)
    return FoundSymbol(similar=tuple(name for name in names if read_symbol(name) == name)[:_MOST_SIMILAR])


def _files_like(market_data: str, symbol: str) -> list[str]:
    """Return the names of a data folder's files that are most like a symbol."""
    folder = market_data.partition(":")[2]
    return get_close_matches(symbol, [path.stem for path in Path(folder).glob("*.csv")], cutoff=0.5) if folder else []


def _live() -> tuple[Source, Callable[[str], Sequence[str] | None]]:
    # yfinance takes long to import.
    from signals.sources.patience import Patience
    from signals.sources.yahoo import YahooSource
    from signals.sources.yahoo_session import YahooSession

    # Somebody waits for the answer.
    yahoo = YahooSource(YahooSession(_SECONDS), Patience(waits=()))
    return yahoo, yahoo.similar
