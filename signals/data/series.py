"""The table of series: what each one is, when it is public, how far it may plausibly move, and who serves it.

Imports nothing heavy, so that messages can name what they show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time
from enum import StrEnum

from signals.data.universe import ALTCOINS

FIELDS = ("value", "open", "high", "low", "adj_close", "volume", "dividend", "split")
"""Columns of an observation. ``value`` is the figure itself: for a price, the close as traded (split-adjusted)."""


class Days(StrEnum):
    """On which days a series has observations."""

    SESSION = "NYSE session"
    DAY = "calendar day"
    BUSINESS = "business day"
    BOND = "business day of the bond market"
    WEDNESDAY = "Wednesday"
    THURSDAY = "week"
    FRIDAY = "Friday"

    @property
    def is_weekly(self) -> bool:
        """Whether there is one observation a week."""
        return self in (Days.WEDNESDAY, Days.THURSDAY, Days.FRIDAY)


@dataclass(frozen=True, slots=True)
class ReleaseClock:
    """When an observation becomes public: at ``at`` New York time, ``days`` calendar days after its date.

    ``business`` moves on to the next business day where that day is a federal holiday or a weekend (with ``days``
    of 0 the date itself counts). ``utc`` is the end of the UTC day, whatever the time in New York.
    """

    at: time = time(0)
    days: int = 0
    business: bool = False
    utc: bool = False

    def __str__(self) -> str:
        if self.utc:
            return "end of the UTC day"
        names = {0: "same day", 1: "next day", 5: "five days later"}
        day = "next business day" if self.business and self.days == 1 else names[self.days]
        return f"{day} {self.at:%H:%M}"


# The close of 16:00 and an hour for the closing auction's figures to settle.
SESSION_BAR = ReleaseClock(time(17, 0))
UTC_DAY = ReleaseClock(utc=True)
# Federal Reserve H.4.1: Wednesday's figures on Thursday, on Friday when Thursday is a federal holiday.
BALANCE_SHEET = ReleaseClock(time(16, 30), days=1, business=True)


@dataclass(frozen=True, slots=True)
class Move:
    """The largest plausible change from one observation to the next: a fraction, or ``absolute`` in the unit."""

    limit: float
    absolute: bool = False

    def text(self, unit: str) -> str:
        """Write it for people."""
        return f"{self.limit:g} {unit}" if self.absolute else f"{self.limit:.0%}"


STOCK_MOVE = Move(0.20)


@dataclass(frozen=True, slots=True)
class Series:
    """One row of the table.

    Attributes
    ----------
    unit
        As the rules use it. ``scale`` turns the source's own unit, ``source_unit``, into it.
    source, fallback
        Names of ``signals.sources``; the fallback is asked when the source has nothing.
    band
        Smallest and largest plausible figure, in ``unit``; outside it the series is invalid.
    move
        The largest plausible one-step move, in ``unit``; ``None``: any.
    is_price
        Has bars, and is never zero or negative.
    ended
        Its last day, where it is published no more.
    revised
        The publisher re-estimates the whole history: older figures of a first download look ahead.
    """

    key: str
    title: str
    unit: str
    clock: ReleaseClock = SESSION_BAR
    days: Days = Days.SESSION
    source: str = "yahoo"
    fallback: str | None = None
    source_unit: str | None = None
    scale: float = 1.0
    band: tuple[float, float] | None = None
    move: Move | None = STOCK_MOVE
    is_price: bool = True
    ended: date | None = None
    revised: bool = False

    @property
    def file_stem(self) -> str:
        """Name of its CSV in a data folder: the symbol without ``^``."""
        return self.key.removeprefix("^")


def _etf(key: str, title: str) -> Series:
    return Series(key, title, "USD", fallback="tiingo")


def _coin(key: str, title: str, limit: float = 0.80) -> Series:
    return Series(key, title, "USD", UTC_DAY, Days.DAY, move=Move(limit))


def _millions(key: str, title: str, band: tuple[float, float], limit: float) -> Series:
    """Return a weekly figure of the Fed's balance sheet, published in USD millions."""
    return Series(
        key, title, "USD bn", BALANCE_SHEET, Days.WEDNESDAY, "fred", source_unit="USD millions", scale=0.001,
        band=band, move=Move(limit, absolute=True), is_price=False,
    )  # fmt: skip


def _percent(key: str, title: str, clock: ReleaseClock, limit: float, days: Days = Days.BOND) -> Series:
    """Return a rate or spread from FRED, in per cent; ``limit`` in percentage points."""
    move = Move(limit, absolute=True)
    return Series(key, title, "%", clock, days, "fred", band=(-2.0, 25.0), move=move, is_price=False)


def _supplied(key: str, title: str, unit: str, days: Days = Days.SESSION) -> Series:
    """Return a series without a dependable free feed: an operator may supply it."""
    return Series(key, title, unit, days=days, source="operator", move=None, is_price=False)


NEXT_BUSINESS_MORNING = ReleaseClock(time(8, 0), days=1, business=True)

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
        _etf("IWM", "Russell 2000 ETF"),
        _etf("SPY", "S&P 500 ETF"),
        _etf("RSP", "S&P 500 equal weight ETF"),
        _etf("IWC", "Micro-cap ETF"),
        _etf("IJR", "S&P SmallCap 600 ETF"),
        *(_etf(key, f"{name} sector ETF") for key, name in SECTORS.items()),
        _etf("SPHB", "S&P 500 high beta ETF"),
        _etf("SPLV", "S&P 500 low volatility ETF"),
        _etf("EEM", "Emerging markets ETF"),
        _etf("HYG", "High-yield bond ETF"),
        _etf("KRE", "Regional banks ETF"),
        _etf("XBI", "Biotech ETF"),
        Series(
            # It follows the bond market, which rests on federal holidays.
            "^MOVE",
            "MOVE index of Treasury volatility",
            "index points",
            days=Days.BOND,
            band=(15.0, 600.0),
            move=Move(0.60),
        ),
        Series("DX-Y.NYB", "US dollar index", "index points", days=Days.BUSINESS, band=(40.0, 250.0), move=Move(0.10)),
        _coin("BTC-USD", "Bitcoin", 0.50),
        *(_coin(key, title, 0.50 if key == "ETH-USD" else 0.80) for key, title in ALTCOINS.items()),
        _millions("WALCL", "Fed total assets", (400.0, 12_000.0), 800.0),
        _millions("WDTGAL", "Treasury General Account, Wednesday", (1.0, 2_500.0), 500.0),
        _millions("WRESBAL", "Reserve balances, week average", (2.0, 6_000.0), 800.0),
        _millions("TREAST", "Treasuries held by the Fed", (400.0, 8_000.0), 800.0),
        _millions("WSHOMCB", "Mortgage bonds held by the Fed", (0.0, 4_000.0), 800.0),
        Series(
            "TGA_DTS_CLOSING",
            "Treasury General Account, daily",
            "USD bn",
            ReleaseClock(time(16, 0), days=1, business=True),
            Days.BUSINESS,
            "treasury",
            source_unit="USD millions",
            scale=0.001,
            band=(1.0, 2_500.0),
            move=Move(500.0, absolute=True),
            is_price=False,
        ),
        Series(
            "DTS_NET_WITHDRAWALS",
            "Treasury withdrawals less deposits, without debt",
            "USD bn",
            ReleaseClock(time(16, 0), days=1, business=True),
            Days.BUSINESS,
            "treasury",
            source_unit="USD millions",
            scale=0.001,
            band=(-500.0, 500.0),
            move=None,
            is_price=False,
        ),
        Series(
            "RRPONTSYD",
            "Overnight reverse repo",
            "USD bn",
            ReleaseClock(time(13, 15)),
            Days.BUSINESS,
            "fred",
            fallback="newyorkfed",
            band=(0.0, 3_000.0),
            move=Move(1_000.0, absolute=True),
            is_price=False,
        ),
        Series(
            "RRP_NYFED",
            "Overnight reverse repo, New York Fed",
            "USD bn",
            ReleaseClock(time(13, 15)),
            Days.BUSINESS,
            "newyorkfed",
            band=(0.0, 3_000.0),
            move=None,
            is_price=False,
        ),
        replace(_percent("SOFR", "SOFR", NEXT_BUSINESS_MORNING, 4.0), source="newyorkfed", fallback="fred"),
        _percent("IORB", "Interest on reserves", NEXT_BUSINESS_MORNING, 1.25, Days.DAY),
        replace(
            _percent("IOER", "Interest on excess reserves", NEXT_BUSINESS_MORNING, 1.25, Days.DAY),
            ended=date(2021, 7, 28),
        ),
        Series(
            "NFCI",
            "Chicago Fed financial conditions",
            "index",
            ReleaseClock(time(8, 30), days=5),
            Days.FRIDAY,
            "fred",
            band=(-5.0, 10.0),
            move=Move(0.4, absolute=True),
            is_price=False,
            revised=True,
        ),
        _percent("BAA10Y", "Baa spread over the 10-year Treasury", ReleaseClock(time(17, 0)), 1.0, Days.BUSINESS),
        _percent("BAMLH0A0HYM2", "High-yield spread", ReleaseClock(time(10, 0), days=1, business=True), 4.0),
        _percent("MORTGAGE30US", "30-year mortgage rate", ReleaseClock(time(12, 0)), 2.0, Days.THURSDAY),
        _percent("DGS10", "10-year Treasury yield", ReleaseClock(time(16, 15), days=1, business=True), 1.0),
        _supplied("MEMBER_BREADTH", "Index members above their 50-day mean", "%"),
        _supplied("ETF_FLOWS", "Net flows of spot crypto ETFs", "USD bn"),
        _supplied("LEVERAGE", "Leverage in crypto derivatives", "as supplied"),
    )
}

STANDS_IN = {"WDTGAL": "TGA_DTS_CLOSING"}
"""Where a series has no figure, the one that stands in for it: the same level, published elsewhere."""
