"""How numbers, dates and thresholds are written for people, by the rules of their language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from gettext import NullTranslations
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_location
from babel.numbers import format_decimal

from signals.conditions.condition import Limit, Number
from signals.model import Unit

_MOST_OF_A_REASON = 160
_MOST_DIGITS = 4
_WHOLE_BILLIONS = 10
SPACE = "\u00a0"
"""Between a number and its unit no line breaks."""


@dataclass(frozen=True)
class Figures:
    """Writes figures in one language. Percentages and shares are fractions; a minus sign is a true one."""

    locale: Locale = field(default_factory=lambda: Locale("en"))
    words: NullTranslations = field(default_factory=NullTranslations)

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return what templates call, by name."""
        named = (self.points, self.percent, self.decimal, self.day, self.span, self.instant, self.clock, self.clock_in,
                 self.city, self.quantity, self.thresholds, self.limit, self.clip)  # fmt: skip
        return {written.__name__: written for written in named}

    def points(self, value: float) -> str:
        """Write index points: ``1,740.75``."""
        return self.decimal(value)

    def percent(self, value: float, digits: int = 1, *, sign: bool = False) -> str:
        """Write a fraction as a percentage: ``−5.5 %``; a change that would round to nothing gets more digits."""
        while sign and value and digits < _MOST_DIGITS and not round(value * 100, digits):
            digits += 1
        return f"{self.decimal(value * 100, digits, sign=sign)}{SPACE}%"

    def decimal(self, value: float, digits: int = 2, *, sign: bool = False) -> str:
        """Write a plain number: ``−0.45``."""
        text = format_decimal(round(abs(value), digits), f"#,##0.{'0' * digits}".rstrip("."), locale=self.locale)
        positive = "+" if sign and value else ""
        return f"{'−' if round(value, digits) < 0 else positive}{text}"

    def day(self, value: date, *, weekday: bool = False, year: bool = True) -> str:
        """Write a date: ``17 Nov 2020``, or ``Tue 17 Nov 2020``, or ``17 Nov``."""
        form = f"{'EEE ' if weekday else ''}d MMM{' y' if year else ''}"
        return format_date(value, form, locale=self.locale)

    def month(self, value: date) -> str:
        """Write a month: ``Nov 2020``."""
        return format_date(value, "MMM y", locale=self.locale)

    def span(self, first: date, last: date) -> str:
        """Write the days from one to another: ``17 Dec – 16 Feb 2021``."""
        return f"{self.day(first, year=first.year != last.year)} – {self.day(last)}"

    def instant(self, value: datetime, timezone: str = "UTC") -> str:
        """Write an instant by the clocks of a time zone, and how these differ: ``17 Nov 2020 23:30 UTC+1``."""
        there = value.astimezone(ZoneInfo(timezone))
        offset = there.utcoffset() or timedelta()
        hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
        sign = "" if not offset else "−" if offset < timedelta() else "+"
        ahead = f"{sign}{hours if sign else ''}{f':{minutes:02}' if minutes else ''}"
        return f"{self.day(there)} {self.clock_in(value, timezone)}{SPACE}UTC{ahead}"

    def clock_in(self, value: datetime, timezone: str) -> str:
        """Write what the clocks of a time zone show at an instant: ``23:30``."""
        there = value.astimezone(ZoneInfo(timezone))
        return self.clock(there.hour * 60 + there.minute)

    def clock(self, minutes: int) -> str:
        """Write a time of the day, in minutes after midnight: ``07:30``."""
        return format_time(time(minutes // 60, minutes % 60), "HH:mm", locale=self.locale)

    def city(self, timezone: str) -> str:
        """Write the name of a time zone as people know it: ``New York``."""
        return "UTC" if timezone == "UTC" else get_timezone_location(timezone, locale=self.locale, return_city=True)

    def quantity(self, value: float | None, unit: Unit) -> str:
        """Write a measured number with its unit; ``None`` is written ``unknown``."""
        if value is None:
            return self.words.gettext("unknown")
        if unit is Unit.YES:
            return self.words.gettext("yes") if value else self.words.gettext("no")
        written: dict[Unit, Callable[[float], str]] = {
            Unit.BN: self._billions,
            Unit.POINTS: lambda value: f"{self.decimal(value, sign=True)}{SPACE}{self.words.gettext('points')}",
            Unit.PERCENT: lambda value: self.percent(value, sign=True),
            Unit.SHARE: self.percent,
            Unit.INDEX: self.decimal,
            Unit.TIMES: lambda value: f"{self.decimal(value, 1)}×",
            Unit.SESSIONS_AGO: self._sessions_ago,
            Unit.AGO: self._observations_ago,
        }
        return written.get(unit, self._count)(value)

    def _billions(self, value: float) -> str:
        digits = 0 if abs(value) >= _WHOLE_BILLIONS else 1
        return f"{self.decimal(value, digits, sign=True)}{SPACE}{self.words.gettext('bn')}"

    def _count(self, value: float) -> str:
        return self.decimal(value, 0 if value == int(value) else 1)

    def _sessions_ago(self, value: float) -> str:
        count = round(value)
        text = self.words.ngettext("%d session ago", "%d sessions ago", count)
        return text % count if count else self.words.gettext("now")

    def _observations_ago(self, value: float) -> str:
        count = round(value)
        text = self.words.ngettext("%d observation ago", "%d observations ago", count)
        return text % count if count else self.words.gettext("now")

    def limit(self, side: Limit, unit: Unit) -> str:
        """Write a threshold in the unit of its number, as short as it is exact: ``> +50 bn``."""
        if unit is Unit.YES:
            return self.words.gettext("yes")
        written: dict[Unit, Callable[[float], str]] = {
            Unit.BN: lambda figure: f"{self._exact(figure, sign=True)}{SPACE}{self.words.gettext('bn')}",
            Unit.POINTS: lambda figure: self.decimal(figure, sign=bool(figure)),
            Unit.PERCENT: lambda figure: f"{self._exact(figure * 100, sign=True)}{SPACE}%",
            Unit.SHARE: lambda figure: f"{self._exact(figure * 100)}{SPACE}%",
            Unit.TIMES: lambda figure: f"{self.decimal(figure)}×",
        }
        return f"{side.sign}{SPACE}{written.get(unit, self._exact)(side.figure)}"

    def _exact(self, figure: float, *, sign: bool = False) -> str:
        text = format_decimal(round(abs(figure), 9), "#,##0.#########", locale=self.locale)
        positive = "+" if sign and figure else ""
        return f"{'−' if figure < 0 else positive}{text}"

    def thresholds(self, number: Number) -> str:
        """Write where a number speaks for on and where for off: ``on > +50 bn, off < −50 bn``."""
        sides = []
        if number.enter:
            sides.append(self.words.gettext("on %s") % self.limit(number.enter, number.unit))
        if number.exit and number.exit_for > 1:
            off = self.words.gettext("off %(limit)s %(times)d times in a row")
            sides.append(off % {"limit": self.limit(number.exit, number.unit), "times": number.exit_for})
        elif number.exit:
            sides.append(self.words.gettext("off %s") % self.limit(number.exit, number.unit))
        return ", ".join(sides)

    def clip(self, reason: str) -> str:
        """Keep a sentence from outside to a length that a message can hold."""
        return reason if len(reason) <= _MOST_OF_A_REASON else f"{reason[: _MOST_OF_A_REASON - 1].rstrip()}…"


ENGLISH = Figures()
