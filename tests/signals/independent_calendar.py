"""Business days and release days for ``independent_series``, walked day by day."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

from pandas.tseries.holiday import GoodFriday, USFederalHolidayCalendar

DAY = timedelta(days=1)
FRIDAY = 4
BEFORE_FIXED_HOLIDAYS = {(12, 31), (6, 18), (7, 3), (11, 10), (12, 24)}


@cache
def _holidays() -> frozenset[date]:
    days = USFederalHolidayCalendar().holidays("1960-01-01", "2035-12-31")
    found = {date.fromisoformat(str(day)[:10]) for day in days}
    # The library moves a holiday on a Saturday to the Friday before; the Fed is open on that Friday.
    moved = {day for day in found if day.weekday() == FRIDAY and (day.month, day.day) in BEFORE_FIXED_HOLIDAYS}
    return frozenset(found - moved)


@cache
def _good_fridays() -> frozenset[date]:
    return frozenset(date.fromisoformat(str(day)[:10]) for day in GoodFriday.dates("1960-01-01", "2035-12-31"))


def is_holiday(day: date) -> bool:
    """Whether the day is a US federal holiday."""
    return day in _holidays()


def is_business(day: date) -> bool:
    """Whether the day is a weekday and not a federal holiday."""
    return day.weekday() < 5 and not is_holiday(day)


def business_on_or_after(day: date) -> date:
    """Walk forward to a business day, the day itself counting."""
    while not is_business(day):
        day += DAY
    return day


def next_business(day: date) -> date:
    """Return the first business day after the day."""
    return business_on_or_after(day + DAY)


def previous_business(day: date) -> date:
    """Return the last business day before the day."""
    day -= DAY
    while not is_business(day):
        day -= DAY
    return day


# Release clocks: on which date's 17:30 in New York a figure about `day` first counts.


def same_day(day: date) -> date:
    """Prices of the session, the spread, the repo operation."""
    return day


def next_utc_day(day: date) -> date:
    """A crypto bar is complete at 00:00 UTC of the next day."""
    return day + DAY


def fed_release(day: date) -> date:
    """Give the Thursday after a Wednesday, the Friday when that Thursday is a holiday."""
    thursday = day + DAY
    return thursday + DAY if is_holiday(thursday) else thursday


def nfci_release(day: date) -> date:
    """Give the Wednesday after a Friday."""
    return day + 5 * DAY
