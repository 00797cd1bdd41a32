"""Which charts there are, by the words they are asked for with."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from itertools import product

from msgspec import Struct, convert
from msgspec.structs import replace

_ENGLISH = "en"


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
    """One picture, with its words in a language."""

    kind: Kind
    period: Period
    theme: Theme
    language: str = _ENGLISH

    @property
    def name(self) -> str:
        """The name it is stored by: ``breakout-5y-light``, in French ``breakout-5y-light-fr``."""
        suffix = "" if self.language == _ENGLISH else f"-{self.language}"
        return f"{self.kind}-{self.period}-{self.theme}{suffix}"


def read_chart(words: Iterable[str]) -> Chart | None:
    """Return the chart that some words ask for, in any order; ``None`` when one of them is none of a chart's.

    What they do not say is the breakout, five years and a light screen. A kind that knows one period has that.
    """
    given: dict[str, StrEnum] = {"kind": Kind.BREAKOUT, "period": Period.FIVE_YEARS, "theme": Theme.LIGHT}
    for word in words:
        if word.lower() not in _WORDS:
            return None
        name, value = _WORDS[word.lower()]
        given[name] = value
    chart = convert(given, Chart)
    return chart if chart.period in periods(chart.kind) else replace(chart, period=periods(chart.kind)[0])


def chart_of(alert: str) -> Kind | None:
    """Return the chart that shows what a kind of alert is about; no chart shows that a series is late."""
    family = alert.partition(".")[0]
    return None if family == "data" else _CHART_OF.get(family, Kind.BREAKOUT)


_CHART_OF = {
    "liquidity": Kind.LIQUIDITY, "stage": Kind.CASCADE, "supercycle": Kind.CASCADE,
    "window": Kind.CRYPTO, "precondition": Kind.CRYPTO,
}  # fmt: skip
"""By the first word of an alert's kind; of any other the breakout."""


def carried_by(alert: str) -> str | None:
    """Return the name of the chart that an alert of a kind carries where a chat wants pictures."""
    kind = chart_of(alert)
    asked = read_chart([kind]) if kind else None
    return asked.name if asked else None


def periods(kind: Kind) -> tuple[Period, ...]:
    """Return the periods a kind is drawn for; what counts from an event on, or any date, knows only one."""
    return (Period.ALL,) if kind in (Kind.CRYPTO, Kind.RECORD) else tuple(Period)


CHARTS = tuple(Chart(kind, period, theme) for kind in Kind for period, theme in product(periods(kind), Theme))
"""Every chart, in English; an evening draws them in each language that somebody reads."""


def charts_in(language: str) -> list[Chart]:
    """Return every chart in a language."""
    return [replace(chart, language=language) for chart in CHARTS]


_WORDS: dict[str, tuple[str, StrEnum]] = {
    **{str(kind): ("kind", kind) for kind in Kind},
    **{str(period): ("period", period) for period in Period},
    **{str(theme): ("theme", theme) for theme in Theme},
}
