"""The table of series: what each one is, when it is public, and how far it may plausibly move.

Imports nothing heavy, so that messages can name what they show.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

FIELDS = ("value", "open", "high", "low", "adj_close", "volume", "dividend", "split")
"""Columns of an observation. ``value`` is the figure itself: for a price, the close as traded (split-adjusted)."""


@dataclass(frozen=True, slots=True)
class ReleaseClock:
    """When an observation becomes public: ``days`` after its date, at ``at`` New York time."""

    at: time
    days: int = 0


# The close of 16:00 and an hour for the closing auction's figures to settle.
SESSION_BAR = ReleaseClock(at=time(17, 0))


@dataclass(frozen=True, slots=True)
class Series:
    """One row of the table. ``largest_move`` is the largest plausible one-session change, as a fraction."""

    key: str
    title: str
    unit: str
    clock: ReleaseClock = SESSION_BAR
    largest_move: float = 0.20

    @property
    def file_stem(self) -> str:
        """Name of its CSV in a data folder: the symbol without ``^``."""
        return self.key.removeprefix("^")


SECTORS = {
    "XLB": "Materials",
    "XLC": "Communication services",
    "XLE": "Energy",
    "XLF": "Financials",
    "XLI": "Industrials",
    "XLK": "Technology",
    "XLP": "Consumer staples",
    "XLRE": "Real estate",
    "XLU": "Utilities",
    "XLV": "Health care",
    "XLY": "Consumer discretionary",
}

SERIES = {
    series.key: series
    for series in (
        Series("^RUT", "Russell 2000", "index points"),
        Series("IWM", "Russell 2000 ETF", "USD"),
        Series("SPY", "S&P 500 ETF", "USD"),
        Series("RSP", "S&P 500 equal weight ETF", "USD"),
        Series("IWC", "Micro-cap ETF", "USD"),
        Series("IJR", "S&P SmallCap 600 ETF", "USD"),
        *(Series(key, f"{name} sector ETF", "USD") for key, name in SECTORS.items()),
    )
}
