"""How numbers, dates and thresholds are written for people, by the rules of their language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from gettext import NullTranslations
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta, get_timezone_location
from babel.numbers import format_decimal

from bot.messages import reasons
from bot.messages.typography import Typeset, as_written
from signals.conditions.condition import Limit, Number
from signals.model import Unit
from signals.nine_decimals import Sign, meets

_MOST_OF_A_REASON = 160
_ISO_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_MOST_DIGITS = 9
_WHOLE_BILLIONS = 10
SPACE = "\u00a0"
"""Between a number and its unit no line breaks."""


@dataclass(frozen=True)
class Figures:
    """Writes figures in one language. Percentages and shares are fractions; a minus sign is a true one."""

    locale: Locale = field(default_factory=lambda: Locale("en"))
    words: NullTranslations = field(default_factory=NullTranslations)
    typeset: Typeset = as_written

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return what templates call, by name."""
        named = (self.points, self.percent, self.decimal, self.day, self.span, self.instant, self.clock, self.clock_in,
                 self.city, self.price, self.age, self.quantity, self.enters, self.leaves, self.thresholds, self.exact,
                 self.told, self.clip)  # fmt: skip
        return {written.__name__: written for written in named}

    def points(self, value: float) -> str:
        """Write index points: ``1,740.75``."""
        return self.decimal(value)

    def price(self, value: float, beside: Iterable[float] = ()) -> str:
        """Write a price of anything, ``118,034.23`` or ``0.08345``; ``beside``: see ``decimal``."""
        digits = 2 if value >= 100 else 4 if value >= 1 else 8
        while digits < _MOST_DIGITS and any(_side(round(value, digits), f) != _side(value, f) for f in beside):
            digits += 1
        return format_decimal(round(value, digits), f"#,##0.{'#' * digits}", locale=self.locale)

    def percent(self, value: float, digits: int = 1, *, sign: bool = False, beside: Iterable[float] = ()) -> str:
        """Write a fraction as a percentage, ``−5.5 %``; see ``decimal``."""
        beside = [100 * figure for figure in beside]
        return f"{self.decimal(value * 100, digits, sign=sign, beside=beside)}{SPACE}%"

    def decimal(self, value: float, digits: int = 2, *, sign: bool = False, beside: Iterable[float] = ()) -> str:
        """Write a plain number, ``−0.45``: with more digits where these would round it onto a figure ``beside`` it.

        Beside a threshold, that is; and a change, written with its sign, never rounds to nothing.
        """
        value, figures = round(value, _MOST_DIGITS), [*beside, 0.0] if sign else [*beside]
        while digits < _MOST_DIGITS and any(_side(round(value, digits), f) != _side(value, f) for f in figures):
            digits += 1
        text = format_decimal(round(abs(value), digits), f"#,##0.{'0' * digits}".rstrip("."), locale=self.locale)
        positive = "+" if sign and value else ""
        return f"{'−' if round(value, digits) < 0 else positive}{text}"

    def day(self, value: date, *, weekday: bool = False, year: bool = True) -> str:
        """Write a date: ``17 Nov 2020``, or ``Tue 17 Nov 2020``, or ``17 Nov``."""
        form = f"{'EEE ' if weekday else ''}d MMM{' y' if year else ''}"
        written = format_date(value, form, locale=self.locale)
        # The first of a month is an ordinal there, and only that.
        return re.sub(r"\b1 ", "1er ", written, count=1) if value.day == 1 and self.locale.language == "fr" else written

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
        day, clock = self.day(there), self.clock_in(value, timezone)
        if self.locale.language == "fr":
            return f"{day} à {clock}{SPACE}(UTC{ahead})"
        return f"{day} {clock}{SPACE}UTC{ahead}"

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

    def age(self, value: timedelta | float) -> str:
        """Write how long something lasts, roughly, of a length or of seconds: ``5 min``."""
        length = value if isinstance(value, timedelta) else timedelta(seconds=value)
        return format_timedelta(length, format="short", locale=self.locale).replace(" ", SPACE)

    def quantity(self, value: float | None, unit: Unit, beside: Iterable[float] = ()) -> str:
        """Write a measured number with its unit; ``None`` is written ``unknown``. ``beside``: see ``decimal``."""
        if value is None:
            return self.words.pgettext("figure", "unknown")
        if unit is Unit.YES:
            return self.words.gettext("yes") if value else self.words.gettext("no")
        written: dict[Unit, Callable[[float], str]] = {
            Unit.BN: lambda value: self._billions(value, beside),
            Unit.POINTS: lambda value: (
                f"{self.decimal(value, sign=True, beside=beside)}{SPACE}{self._points_in_words(value)}"
            ),
            Unit.PERCENT: lambda value: self.percent(value, sign=True, beside=beside),
            Unit.SHARE: lambda value: self.percent(value, beside=beside),
            Unit.INDEX: lambda value: self.decimal(value, beside=beside),
            Unit.TIMES: lambda value: f"{self.decimal(value, 1, beside=beside)}×",
            Unit.SESSIONS_AGO: self._sessions_ago,
            Unit.AGO: self._sessions_ago,
        }
        return written.get(unit, self._count)(value)

    def _billions(self, value: float, beside: Iterable[float]) -> str:
        digits = 0 if abs(value) >= _WHOLE_BILLIONS else 1
        return self._in_billions(self.decimal(value, digits, sign=True, beside=beside))

    def _in_billions(self, figure: str) -> str:
        # Not within an f-string: translators' tools look into none.
        unit = self.words.gettext("bn")
        return f"{figure}{SPACE}{unit}"

    def _points_in_words(self, value: float) -> str:
        # In French, one and a half is singular.
        return self.words.ngettext("points", "points", int(abs(value)))

    def _count(self, value: float) -> str:
        return self.decimal(value, 0 if value == int(value) else 1)

    def _sessions_ago(self, value: float) -> str:
        count = round(value)
        text = self.words.ngettext("%d session ago", "%d sessions ago", count)
        return text % count if count else self.words.gettext("today")

    def enters(self, number: Number) -> str:
        """Write where a number speaks for on, in its unit and as short as it is exact: ``on > +50 bn``."""
        return self.words.gettext("on %s") % self._limit(number.enter, number.unit) if number.enter else ""

    def leaves(self, number: Number) -> str:
        """Write where a number speaks for off: ``off < −50 bn``."""
        if number.exit is None:
            return ""
        limit = self._limit(number.exit, number.unit)
        if number.exit_for > 1:
            return self.words.gettext("off %(limit)s %(times)d times in a row") % {
                "limit": limit,
                "times": number.exit_for,
            }
        return self.words.gettext("off %s") % limit

    def thresholds(self, number: Number) -> str:
        """Write both, ``on > +50 bn, off < −50 bn``, or the one there is."""
        return ", ".join(side for side in (self.enters(number), self.leaves(number)) if side)

    def _limit(self, side: Limit, unit: Unit) -> str:
        if unit is Unit.YES:
            return self.words.gettext("yes")
        written: dict[Unit, Callable[[float], str]] = {
            Unit.BN: lambda figure: self._in_billions(self.exact(figure, sign=True)),
            Unit.POINTS: lambda figure: self.decimal(figure, sign=bool(figure)),
            Unit.PERCENT: lambda figure: f"{self.exact(figure * 100, sign=True)}{SPACE}%",
            Unit.SHARE: lambda figure: f"{self.exact(figure * 100)}{SPACE}%",
            Unit.TIMES: lambda figure: f"{self.decimal(figure)}×",
        }
        return f"{side.sign}{SPACE}{written.get(unit, self.exact)(side.figure)}"

    def exact(self, figure: float, *, sign: bool = False) -> str:
        """Write a figure that somebody chose, with as many digits as it has."""
        text = format_decimal(round(abs(figure), 9), "#,##0.#########", locale=self.locale)
        positive = "+" if sign and figure else ""
        return f"{'−' if figure < 0 else positive}{text}"

    def told(self, reason: str) -> str:
        """Write a reason that is stored in English in this language, as far as it is ours."""
        return reasons.told(reason, self.words)

    def clip(self, reason: str) -> str:
        """Write the dates in a sentence from outside as everywhere, and keep it to a length that a message can hold."""
        reason = _ISO_DATE.sub(self._date_in_a_sentence, self.told(reason))
        return reason if len(reason) <= _MOST_OF_A_REASON else f"{reason[: _MOST_OF_A_REASON - 1].rstrip()}…"

    def _date_in_a_sentence(self, found: re.Match[str]) -> str:
        try:
            return self.day(date.fromisoformat(found[0]))
        except ValueError:
            return found[0]


def _side(value: float, figure: float) -> int:
    """Return on which side of a figure a value is: 1 above, -1 below, 0 on it."""
    return int(meets(value, Sign.ABOVE, figure)) - int(meets(value, Sign.BELOW, figure))


ENGLISH = Figures()
