"""The files, the calendar and the derived series of ``independent_cascade``, by hand, sharing no code with the project.

A series is a plain dictionary from a day to a number. Every figure derived here is a loop over days that reads the
figures it needs from such dictionaries; nothing is aligned, shifted or filled by a library.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import accumulate, pairwise
from math import fsum
from pathlib import Path

from tests.signals.independent_calendar import (
    DAY,
    _good_fridays,
    business_on_or_after,
    is_business,
    is_holiday,
    previous_business,
)

Series = dict[date, float]
Test = Callable[[float], bool]

WEDNESDAY = 2
THIN = 8
RRP_DAILY_FROM = date(2013, 9, 23)
ALTCOINS = ("XRP", "BNB", "SOL", "ADA", "DOGE", "TRX", "AVAX", "LINK", "LTC", "BCH", "DOT", "XLM")
SECTORS = ("XLB", "XLC", "XLE", "XLF", "XLI", "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY")


@cache
def read(folder: Path, name: str) -> Series:
    """One file: the dividend-adjusted close, else the close, else the value. No file is an empty series."""
    path = folder / f"{name}.csv"
    found: Series = {}
    if not path.exists():
        return found
    with path.open(newline="", encoding="utf-8") as lines:
        rows = csv.reader(lines)
        names = next(rows)
        fields = [names.index(name) for name in ("adj_close", "close", "value") if name in names]
        for row in rows:
            text = next((row[at] for at in fields if row[at]), "")
            if text:
                found[date.fromisoformat(row[names.index("date")])] = float(text)
    return found


# Windows over a list, ending at position i and counting it.


def means(values: list[float], count: int) -> list[float | None]:
    """Mean of the last `count` values at each, None while there are fewer."""
    sums = [0.0, *accumulate(values)]
    full = [(end - begin) / count for begin, end in zip(sums, sums[count:], strict=False)]
    return [*[None] * (len(values) - len(full)), *full]


def highs(values: list[float], count: int) -> list[float]:
    """The highest of the last `count` values at each, of all while there are fewer."""
    falling: deque[int] = deque()
    found: list[float] = []
    for i, value in enumerate(values):
        while falling and values[falling[-1]] <= value:
            falling.pop()
        falling.append(i)
        if falling[0] <= i - count:
            falling.popleft()
        found.append(values[falling[0]])
    return found


def median(values: list[float], i: int, count: int) -> float | None:
    """Median of the last `count` values, None while there are fewer."""
    if i < count - 1:
        return None
    line = sorted(values[i - count + 1 : i + 1])
    half = count // 2
    return line[half] if count % 2 else (line[half - 1] + line[half]) / 2


def exact(number: float) -> float:
    """Undo what binary fractions do to differences of decimals: -0.09999999999999964 is the -0.10 of the rule."""
    return round(number, 9)


def days_and_values(series: Series) -> tuple[list[date], list[float]]:
    """The days in their order, and the values beside them."""
    days = sorted(series)
    return days, [series[day] for day in days]


def ratio(above: Series, under: Series) -> Series:
    """One series over another on the days that both have."""
    return {day: above[day] / under[day] for day in sorted(above) if day in under}


def in_billions(millions: Series) -> Series:
    """USD millions in USD billions."""
    return {day: value / 1000 for day, value in millions.items()}


def treasury_account(folder: Path) -> Series:
    """The account of each Wednesday in USD billions: the weekly level, else the daily statement's closing balance."""
    weekly, daily = read(folder, "WDTGAL"), read(folder, "TGA_DTS_CLOSING")
    found: Series = {}
    every = sorted([*weekly, *daily])
    if not every:
        return found
    day = every[0]
    while day <= every[-1]:
        if day.weekday() == WEDNESDAY:
            read_on = previous_business(day) if is_holiday(day) else day
            level = weekly.get(day, daily.get(read_on))
            if level is not None:
                found[day] = level / 1000
        day += DAY
    return found


def repo_on(daily: Series, day: date) -> float | None:
    """Reverse repo of a Wednesday in USD billions."""
    if day in daily:
        return daily[day]
    if day < RRP_DAILY_FROM:
        return 0.0
    return daily.get(previous_business(day))


def net_liquidity(folder: Path) -> Series:
    """Fed assets less the Treasury's account less reverse repo, in USD billions, on Wednesdays that have all three."""
    assets, account, repo = read(folder, "WALCL"), treasury_account(folder), read(folder, "RRPONTSYD")
    found: Series = {}
    for day in sorted(assets):
        lent = repo_on(repo, day)
        if day in account and lent is not None:
            found[day] = assets[day] / 1000 - account[day] - lent
    return found


def mortgage_spread(folder: Path) -> Series:
    """Survey rate less the 10-year yield of the survey date, of the business day before where bonds rest on it."""
    yields, sessions = read(folder, "DGS10"), read(folder, "RUT")
    listed = min(sessions, default=date.max)

    def rests(day: date) -> bool:
        closed = day >= listed and day not in sessions and day not in yields
        return not is_business(day) or day in _good_fridays() or closed

    found: Series = {}
    for day, rate in read(folder, "MORTGAGE30US").items():
        read_on = day
        if day not in yields and rests(day):
            read_on -= DAY
            while rests(read_on):
                read_on -= DAY
        if read_on in yields:
            found[day] = rate - yields[read_on]
    return found


def is_dropped(day: date) -> bool:
    """Whether funding looks away: the first and last business day of a month and the tax days."""
    first = business_on_or_after(day.replace(day=1))
    last = previous_business((day.replace(day=1) + 32 * DAY).replace(day=1))
    # The bond market rests on Good Friday, the Fed does not.
    last = previous_business(last) if last in _good_fridays() else last
    if day in (first, last):
        return True
    return day.month in (1, 4, 6, 9) and day == business_on_or_after(day.replace(day=15))


def funding_spread(folder: Path) -> Series:
    """SOFR over the rate on reserve balances, without the days of known strain."""
    paid = read(folder, "IORB")
    secured = read(folder, "SOFR")
    return {day: secured[day] - paid[day] for day in sorted(secured) if day in paid and not is_dropped(day)}


# How far one bar may move from the one before (§ 4); one that moved further is not believed on its own evening.
FURTHEST = {"BTC-USD": 0.50, "ETH-USD": 0.50, "MOVE": 0.60, **{f"{name}-USD": 0.80 for name in ALTCOINS}}
FURTHEST |= dict.fromkeys((*SECTORS, "SPY", "RSP", "IWM", "IWC", "IJR", "EEM", "HYG", "SPHB", "SPLV", "RUT"), 0.2)


def far_moved(folder: Path, name: str) -> set[date]:
    """Days whose bar moved further than is plausible from the bar before it."""
    prices = read(folder, name)
    return {day for before, day in pairwise(sorted(prices)) if abs(prices[day] / prices[before] - 1) > FURTHEST[name]}


@dataclass
class Share:
    """Members for which a statement holds, of the `measured` ones; `of` could be measured then or earlier."""

    holding: int
    measured: int
    of: int

    @property
    def value(self) -> float | None:
        return self.holding / self.measured if self.measured else None

    def tried(self, test: Test) -> bool | None:
        """Whether the share passes with the missing ones holding or not; None where that makes the difference."""
        answers = {test(exact((self.holding + more) / self.of)) for more in (0, self.of - self.measured)}
        return answers.pop() if len(answers) == 1 else None


def shares(days: list[date], members: list[dict[date, bool]]) -> dict[date, Share]:
    """Count the members day by day, once 8 of them were ever measured."""
    found: dict[date, Share] = {}
    begun = [min(member, default=date.max) for member in members]
    for day in days:
        told = [member[day] for member in members if day in member]
        of = sum(first <= day for first in begun)
        if of >= THIN:
            found[day] = Share(sum(told), len(told), of)
    return found


def above_mean(prices: Series, count: int) -> dict[date, bool]:
    """Whether a price is above the mean of its last `count`, on the days that have one."""
    days, values = days_and_values(prices)
    return {
        day: exact(value / middle - 1) > 0
        for day, value, middle in zip(days, values, means(values, count), strict=True)
        if middle is not None
    }


def _without(answers: dict[date, bool], days: set[date]) -> dict[date, bool]:
    return {day: answer for day, answer in answers.items() if day not in days}


def sector_share(folder: Path) -> dict[date, Share]:
    """Share of the listed sectors above their own 50-day means."""
    members = [_without(above_mean(read(folder, name), 50), far_moved(folder, name)) for name in SECTORS]
    return shares(sorted({day for member in members for day in member}), members)


def _within_three_days(prices: Series, day: date) -> float | None:
    """The price of a day, or the last one of the three days before it."""
    return next((prices[day - k * DAY] for k in range(4) if day - k * DAY in prices), None)


def altcoin_share(folder: Path) -> dict[date, Share]:
    """Share of the altcoins, ether with them, whose 90-day return is above bitcoin's."""
    bitcoin = read(folder, "BTC-USD")
    days = [day for day in sorted(bitcoin) if _within_three_days(bitcoin, day - 90 * DAY) is not None]
    members: list[dict[date, bool]] = []
    for name in ("ETH-USD", *(f"{coin}-USD" for coin in ALTCOINS)):
        coin, doubted = read(folder, name), far_moved(folder, name)
        ahead: dict[date, bool] = {}
        for day in days:
            before, to_beat = (_within_three_days(line, day - 90 * DAY) for line in (coin, bitcoin))
            if day in coin and before is not None and to_beat is not None and day not in doubted:
                ahead[day] = exact(coin[day] / before - bitcoin[day] / to_beat) > 0
        members.append(ahead)
    return shares(days, members)


@cache
def altcoin_basket(folder: Path) -> Series:
    """Equal weights at each last close of a month, held until the next; known on days with 8 priced members."""
    coins = [read(folder, f"{name}-USD") for name in ALTCOINS]
    every = sorted({day for coin in coins for day in coin})
    found: Series = {}
    units: dict[int, float] = {}
    last: dict[int, float] = {}
    for day in every:
        priced = [number for number, coin in enumerate(coins) if day in coin]
        last.update({number: coins[number][day] for number in priced})
        worth = fsum(units[number] * last[number] for number in units)
        if units and len(priced) >= THIN:
            found[day] = worth
        if (day + DAY).day == 1 and (units or len(priced) >= THIN):
            if not units:
                worth = found[day] = 1.0
            units = {number: worth / len(priced) / last[number] for number in priced}
    return found
