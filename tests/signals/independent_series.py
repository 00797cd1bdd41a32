"""The files, the calendar and the derived series of ``independent_cascade``, by hand, sharing no code with the project.

A series is a plain dictionary from a day to a number. Every figure derived here is a loop over days that reads the
figures it needs from such dictionaries; nothing is aligned, shifted or filled by a library. The second half turns the
series into the observations of the conditions.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum
from pathlib import Path

from tests.signals.breakout.independent_breakouts import Answer, walk
from tests.signals.independent_calendar import DAY, _good_fridays, business_on_or_after, is_holiday, previous_business

Series = dict[date, float]
Test = Callable[[float], bool]

WEDNESDAY = 2
THIN = 8
RRP_DAILY_FROM = date(2013, 9, 23)
ALTCOINS = ("XRP", "BNB", "SOL", "ADA", "DOGE", "TRX", "AVAX", "LINK", "LTC", "BCH", "DOT", "XLM")
SECTORS = ("XLB", "XLC", "XLE", "XLF", "XLI", "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY")


def read(folder: Path, name: str) -> Series:
    """One file: the dividend-adjusted close, else the close, else the value. No file is an empty series."""
    path = folder / f"{name}.csv"
    found: Series = {}
    if not path.exists():
        return found
    with path.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            text = row.get("adj_close") or row.get("close") or row.get("value") or ""
            if text:
                found[date.fromisoformat(row["date"])] = float(text)
    return found


# Windows over a list, ending at position i and counting it.


def mean(values: list[float], i: int, count: int) -> float | None:
    """Mean of the last `count` values, None while there are fewer."""
    return fsum(values[i - count + 1 : i + 1]) / count if i >= count - 1 else None


def median(values: list[float], i: int, count: int) -> float | None:
    """Median of the last `count` values, None while there are fewer."""
    if i < count - 1:
        return None
    line = sorted(values[i - count + 1 : i + 1])
    half = count // 2
    return line[half] if count % 2 else (line[half - 1] + line[half]) / 2


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
    """Survey rate less the 10-year yield of the survey date."""
    yields = read(folder, "DGS10")
    return {day: rate - yields[day] for day, rate in read(folder, "MORTGAGE30US").items() if day in yields}


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


def sector_share(folder: Path) -> Series:
    """Share of the listed sectors above their own 50-day means, on days when at least 8 have one."""
    verdicts: dict[date, list[bool]] = {}
    for symbol in SECTORS:
        prices = read(folder, symbol)
        days = sorted(prices)
        closes = [prices[day] for day in days]
        for i, day in enumerate(days):
            middle = mean(closes, i, 50)
            if middle is not None:
                verdicts.setdefault(day, []).append(closes[i] > middle)
    return {day: sum(above) / len(above) for day, above in sorted(verdicts.items()) if len(above) >= THIN}


def altcoin_share(folder: Path) -> Series:
    """Share of the altcoins, ether with them, whose 90-day return is above bitcoin's."""
    bitcoin = read(folder, "BTC-USD")
    coins = [read(folder, f"{name}-USD") for name in ("ETH", *ALTCOINS)]
    found: Series = {}
    for day in sorted(bitcoin):
        before = day - 90 * DAY
        if before not in bitcoin:
            continue
        to_beat = bitcoin[day] / bitcoin[before]
        ahead = [coin[day] / coin[before] > to_beat for coin in coins if day in coin and before in coin]
        if len(ahead) >= THIN:
            found[day] = sum(ahead) / len(ahead)
    return found


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


# The observations of each condition, in the order of their days.


@dataclass
class Row:
    """One condition on one observation date."""

    day: date
    value: float | None
    enter: bool
    leave: bool
    on: bool = False
    known_from: date = date.min


def _exact(number: float) -> float:
    """Undo what binary fractions do to differences of decimals: -0.09999999999999964 is the -0.10 of the rule."""
    return round(number, 9)


def _days_and_values(series: Series) -> tuple[list[date], list[float]]:
    days = sorted(series)
    return days, [series[day] for day in days]


# Weekly conditions.


def change_rows(series: Series, weeks: int, enter: Test, leave: Test) -> list[Row]:
    rows: list[Row] = []
    for day in sorted(series):
        before = series.get(day - timedelta(weeks=weeks))
        if before is not None:
            change = _exact(series[day] - before)
            rows.append(Row(day, change, enter(change), leave(change)))
    return rows


def mortgage_rows(spreads: Series) -> list[Row]:
    days, values = _days_and_values(spreads)
    rows: list[Row] = []
    for i in range(13, len(days)):
        change = _exact(values[i] - values[i - 13])
        rows.append(Row(days[i], change, change <= -0.10, change > 0.10))
    return rows


def nfci_rows(index: Series) -> list[Row]:
    rows: list[Row] = []
    for day in sorted(index):
        before = index.get(day - 91 * DAY)
        if before is not None:
            level, change = index[day], _exact(index[day] - before)
            rows.append(Row(day, level, level < 0 and change <= 0.05, level > 0.10 or change > 0.15))
    return rows


# Bonds and the dollar.


def credit_rows(spread: Series) -> list[Row]:
    days, values = _days_and_values(spread)
    rows: list[Row] = []
    for i, day in enumerate(days):
        middle = median(values, i, 252)
        if middle is not None:
            over, change = _exact(values[i] - middle), _exact(values[i] - values[i - 21])
            rows.append(Row(day, over, over <= 0.10 and change <= 0.20, over > 0.30 or change > 0.35))
    return rows


def funding_rows(spread: Series) -> list[Row]:
    days, values = _days_and_values(spread)
    rows: list[Row] = []
    for i, day in enumerate(days):
        middle = median(values, i, 5)
        if middle is not None:
            middle = _exact(middle)
            rows.append(Row(day, middle, middle <= 0.05, middle > 0.10))
    return rows


def move_rows(index: Series) -> list[Row]:
    days, values = _days_and_values(index)
    rows: list[Row] = []
    for i, day in enumerate(days):
        middle, now = median(values, i, 252), values[i]
        if middle is not None:
            calm = now < 100 and now <= _exact(1.10 * middle)
            rows.append(Row(day, now, calm, now > 120 or now > _exact(1.35 * middle)))
    return rows


def dollar_rows(index: Series) -> list[Row]:
    days, values = _days_and_values(index)
    rows: list[Row] = []
    above = 0
    for i, day in enumerate(days):
        middle = mean(values, i, 50)
        if middle is not None:
            above = above + 1 if values[i] > middle else 0
            rows.append(Row(day, values[i] / middle - 1, values[i] < middle, above >= 10))
    return rows


# Equities, small caps, crypto.


def trend_rows(prices: Series, exit_at: float, *, rising: bool) -> list[Row]:
    days, values = _days_and_values(prices)
    rows: list[Row] = []
    for i, day in enumerate(days):
        middle = mean(values, i, 200)
        earlier = mean(values, i - 20, 200) if rising else 0.0
        if middle is not None and earlier is not None:
            enter = values[i] > middle and middle > earlier
            rows.append(Row(day, values[i] / middle - 1, enter, values[i] < exit_at * middle))
    return rows


def proximity_rows(prices: Series) -> list[Row]:
    days, values = _days_and_values(prices)
    rows: list[Row] = []
    for i in range(251, len(days)):
        high = max(values[i - 251 : i + 1])
        rows.append(Row(days[i], values[i] / high, values[i] >= 0.95 * high, values[i] < 0.92 * high))
    return rows


def breadth_rows(equal_weight: Series, sectors: Series) -> list[Row]:
    days, values = _days_and_values(equal_weight)
    rows: list[Row] = []
    neither = 0
    for i, day in enumerate(days):
        middle = mean(values, i, 50)
        if middle is not None and day in sectors:
            either = values[i] > middle or sectors[day] >= 0.60
            neither = 0 if either else neither + 1
            rows.append(Row(day, values[i] / middle - 1, either, neither >= 10))
    return rows


def _standing(episodes: list[Answer], today: int) -> bool:
    """Whether the newest episode is confirmed by today and neither failed nor ended."""
    begun = [episode for episode in episodes if episode.attempt <= today]
    if not begun:
        return False
    happened = {name for name, at in begun[-1].events.items() if at <= today}
    return "confirmed" in happened and not happened & {"failed", "ended"}


def breakout_rows(index: Series) -> list[Row]:
    days, closes = _days_and_values(index)
    episodes = walk(closes).episodes
    rows: list[Row] = []
    record = 0.0
    for i, day in enumerate(days):
        record = max(record, closes[i])
        middle, earlier = mean(closes, i, 200), mean(closes, i - 20, 200)
        if middle is not None and earlier is not None:
            near = closes[i] >= 0.97 * record and middle > earlier
            lost = closes[i] < 0.98 * middle or closes[i] < 0.90 * record
            rows.append(Row(day, closes[i] / record - 1, _standing(episodes, i) or near, lost))
    return rows


def fresh_high_rows(strength: Series) -> list[Row]:
    """A 63-day high at one of the last ten observations; lost after ten in a row under the 50-day mean."""
    days, values = _days_and_values(strength)
    rows: list[Row] = []
    below, since = 0, None
    for i, day in enumerate(days):
        middle = mean(values, i, 50)
        below = below + 1 if middle is not None and values[i] < middle else 0
        if i >= 62:
            is_high = values[i] == max(values[i - 62 : i + 1])
            since = 0 if is_high else None if since is None else since + 1
            rows.append(Row(day, since, since is not None and since < 10, below >= 10))
    return rows


def beta_rows(strength: Series) -> list[Row]:
    days, values = _days_and_values(strength)
    rows: list[Row] = []
    below = 0
    for i, day in enumerate(days):
        middle = mean(values, i, 50)
        below = below + 1 if middle is not None and values[i] < middle else 0
        if middle is not None and i >= 63:
            change = values[i] / values[i - 63] - 1
            rows.append(Row(day, change, change > 0 and values[i] > middle, below >= 10))
    return rows


def dominance_rows(strength: Series) -> list[Row]:
    rows: list[Row] = []
    for day in sorted(strength):
        before = strength.get(day - 63 * DAY)
        if before is not None:
            change = strength[day] / before - 1
            rows.append(Row(day, change, change < -0.03, change > 0.03))
    return rows
