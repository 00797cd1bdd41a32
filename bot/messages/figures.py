"""How numbers, dates and thresholds are written for people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from signals.conditions.condition import Limit, Number
from signals.model import Unit

_MOST_OF_A_REASON = 160


def points(value: float) -> str:
    """Write index points: ``1,740.75``."""
    return f"{value:,.2f}"


def percent(value: float, digits: int = 1, *, sign: bool = False) -> str:
    """Write a fraction as a percentage with a true minus sign: ``−5.5 %``."""
    text = f"{value * 100:+,.{digits}f}" if sign else f"{value * 100:,.{digits}f}"
    return f"{_true_minus(text)}\u00a0%"


def decimal(value: float, digits: int = 2, *, sign: bool = False) -> str:
    """Write a plain number with a true minus sign: ``−0.45``."""
    return _true_minus(f"{value:+,.{digits}f}" if sign else f"{value:,.{digits}f}")


def day(value: date, *, weekday: bool = False) -> str:
    """Write a date: ``17 Nov 2020``, or ``Tue 17 Nov 2020``."""
    return f"{value:%a }{value.day} {value:%b %Y}" if weekday else f"{value.day} {value:%b %Y}"


def instant(value: datetime) -> str:
    """Write an instant in UTC: ``17 Nov 2020 22:30 UTC``."""
    value = value.astimezone(UTC)
    return f"{day(value)} {value:%H:%M} UTC"


def _billions(value: float) -> str:
    return f"{decimal(value, 0 if abs(value) >= 10 else 1, sign=True)} bn USD"


def _count(value: float) -> str:
    return decimal(value, 0 if value == int(value) else 1)


_QUANTITIES: dict[Unit, Callable[[float], str]] = {
    Unit.BN: _billions,
    Unit.POINTS: lambda value: f"{decimal(value, sign=True)} points",
    Unit.PERCENT: lambda value: percent(value, sign=True),
    Unit.SHARE: percent,
    Unit.INDEX: decimal,
    Unit.TIMES: lambda value: f"{decimal(value)}×",
    Unit.COUNT: _count,
    Unit.SESSIONS: _count,
    Unit.DAYS: _count,
    Unit.SESSIONS_AGO: lambda value: f"{value:.0f} sessions ago" if value else "now",
    Unit.AGO: lambda value: f"{value:.0f} observations ago" if value else "now",
    Unit.YES: lambda value: "yes" if value else "no",
}
# A threshold is written as short as it is exact.
_LIMITS: dict[Unit, Callable[[float], str]] = {
    Unit.BN: lambda figure: f"{_exact(figure, sign=True)} bn",
    Unit.POINTS: lambda figure: decimal(figure, sign=bool(figure)),
    Unit.PERCENT: lambda figure: f"{_exact(figure * 100, sign=True)}\u00a0%",
    Unit.SHARE: lambda figure: f"{_exact(figure * 100)}\u00a0%",
    Unit.TIMES: lambda figure: f"{decimal(figure)}×",
}


def quantity(value: float | None, unit: Unit) -> str:
    """Write a measured number with its unit; ``None`` is written ``unknown``."""
    return "unknown" if value is None else _QUANTITIES[unit](value)


def limit(side: Limit, unit: Unit) -> str:
    """Write a threshold in the unit of its number: ``> +50 bn``."""
    return "yes" if unit is Unit.YES else f"{side.sign} {_LIMITS.get(unit, _exact)(side.figure)}"


def _exact(figure: float, *, sign: bool = False) -> str:
    return _true_minus(f"{figure:+.10g}" if sign and figure else f"{figure:.10g}")


def thresholds(number: Number) -> str:
    """Write where a number speaks for on and where for off: ``on > +50 bn, off < −50 bn``."""
    sides = []
    if number.enter:
        sides.append(f"on {limit(number.enter, number.unit)}")
    if number.exit:
        often = f" {number.exit_for} times in a row" if number.exit_for > 1 else ""
        sides.append(f"off {limit(number.exit, number.unit)}{often}")
    return ", ".join(sides)


def clip(reason: str) -> str:
    """Keep a sentence from outside to a length that a message can hold."""
    return reason if len(reason) <= _MOST_OF_A_REASON else f"{reason[: _MOST_OF_A_REASON - 1].rstrip()}…"


def _true_minus(text: str) -> str:
    return text.replace("-", "−")
