"""Which charts there are. Imports nothing heavy: the process that answers Telegram reads it too."""

from __future__ import annotations

from enum import StrEnum
from itertools import product

from msgspec import Struct


class Kind(StrEnum):
    """What a chart shows."""

    BREAKOUT = "breakout"
    LIQUIDITY = "liquidity"
    CASCADE = "cascade"
    CRYPTO = "crypto"
    RECORD = "record"


class Period(StrEnum):
    """How far back it goes from the newest session."""

    YEAR = "1y"
    FIVE_YEARS = "5y"
    ALL = "all"


class Theme(StrEnum):
    """Which background it is for."""

    LIGHT = "light"
    DARK = "dark"


class Chart(Struct, frozen=True):
    """One picture."""

    kind: Kind
    period: Period
    theme: Theme

    @property
    def name(self) -> str:
        """The name it is stored by: ``breakout-5y-light``."""
        return f"{self.kind}-{self.period}-{self.theme}"


def periods(kind: Kind) -> tuple[Period, ...]:
    """Return the periods a kind is drawn for; what counts from an event on, or any date, knows only one."""
    return (Period.ALL,) if kind in (Kind.CRYPTO, Kind.RECORD) else tuple(Period)


CHARTS = tuple(Chart(kind, period, theme) for kind in Kind for period, theme in product(periods(kind), Theme))
"""Every chart that is drawn in an evening."""
