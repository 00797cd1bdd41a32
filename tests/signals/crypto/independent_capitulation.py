"""Capitulation and exhaustion of § 7 written a second time, by walks over UTC days, sharing no code with the project.

An answer is True, False or None, which is a missing figure that decides.
"""

from __future__ import annotations

import csv
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from itertools import accumulate, pairwise
from math import fsum, log, sqrt
from pathlib import Path
from typing import Any, cast

from tests.signals.independent_calendar import DAY, next_utc_day
from tests.signals.independent_cascade import Published, doubtful_sessions
from tests.signals.independent_series import ALTCOINS, THIN, Series, altcoin_basket, exact, read

SUNDAY = 6
COINS = ("BTC-USD", "ETH-USD", "altcoin basket")
BASKET = tuple(f"{name}-USD" for name in ALTCOINS)
STATES = ("capitulated", "exhausted", "precondition")

Numbers = dict[date, float]
Answer = bool | None


def every_day(values: Series) -> list[date]:
    """All UTC days from the first to the last."""
    if not values:
        return []
    first, last = min(values), max(values)
    return [first + k * DAY for k in range((last - first).days + 1)]


def on_every_day(prices: Series) -> list[tuple[date, float | None]]:
    """A price for every UTC day; a day without one repeats the last for up to three."""
    last, gap = None, 0
    found: list[tuple[date, float | None]] = []
    for day in every_day(prices):
        gap = 0 if day in prices else gap + 1
        last = prices.get(day, last) if gap <= 3 else None
        found.append((day, last))
    return found


def volumes(folder: Path, name: str) -> Series:
    """The dollar volume of every UTC day."""
    path = folder / f"{name}.csv"
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as lines:
        rows = csv.reader(lines)
        names = next(rows)
        day, volume = names.index("date"), names.index("volume")
        return {date.fromisoformat(row[day]): float(row[volume]) for row in rows}


def quiet(traded: Series) -> Numbers:
    """30-day mean of a dollar volume over its 365-day mean; 3 of the 30 and 30 of the 365 days may be missing."""
    days = every_day(traded)
    sums = [0.0, *accumulate(traded.get(day, 0.0) for day in days)]
    counts = [0, *accumulate(int(day in traded) for day in days)]
    found: Numbers = {}
    for end, day in enumerate(days, 1):
        means = []
        for count, least in ((30, 27), (365, 335)):
            begin = max(end - count, 0)
            known = counts[end] - counts[begin]
            means.append((sums[end] - sums[begin]) / known if known >= least else None)
        if day in traded and means[0] is not None and means[1]:
            found[day] = means[0] / means[1]
    return found


def basket_quiet(folder: Path) -> Numbers:
    """The mean of the members' own, on days when 8 have one."""
    members = [quiet(volumes(folder, name)) for name in BASKET]
    found: Numbers = {}
    for day in sorted({day for member in members for day in member}):
        told = [member[day] for member in members if day in member]
        if len(told) >= THIN:
            found[day] = fsum(told) / len(told)
    return found


def weekly_strength(line: list[tuple[date, float | None]]) -> Numbers:
    """Wilder's index of 14 weeks on each Sunday: each average keeps 13 of 14 parts of the one before it."""
    sundays = [(day, price) for day, price in line if day.weekday() == SUNDAY and price is not None]
    found: Numbers = {}
    ups = downs = 0.0
    for count, ((_, before), (day, now)) in enumerate(pairwise(sundays), 1):
        up, down = max(now - before, 0.0), max(before - now, 0.0)
        ups, downs = (up, down) if count == 1 else ((13 * ups + up) / 14, (13 * downs + down) / 14)
        if count >= 14:
            found[day] = 100 * ups / (ups + downs)
    return found


def lowest(values: dict[int, float], days: int, count: int) -> dict[int, tuple[float, int]]:
    """The lowest of the last so many days, and the position it stood at; the first of equal ones."""
    found: dict[int, tuple[float, int]] = {}
    for i in range(days):
        if found.get(i - 1, (0.0, -count))[1] > i - count:
            found[i] = min(found[i - 1], (values.get(i, found[i - 1][0]), i))
        else:
            near = [(values[at], at) for at in range(max(i - count + 1, 0), i + 1) if at in values]
            if near:
                found[i] = min(near)
    return found


def deepest(line: list[float | None], i: int, known: tuple[float, int] | None) -> tuple[float, int] | None:
    """The deepest fall within 365 days and the position of its peak; `known` is that of the window a day earlier."""
    begin = i - 364
    row = _full(line, i, 365)
    if not row:
        return None
    if known is not None and known[1] >= begin:
        high = max(row)
        return min(known, (row[-1] / high - 1, begin + row.index(high)), key=lambda fall: fall[0])
    worst, high, peak = (0.0, begin), row[0], begin
    for at, price in enumerate(row, begin):
        if price >= high:
            high, peak = price, at
        if price / high - 1 < worst[0]:
            worst = (price / high - 1, peak)
    return worst


@dataclass
class Coin:
    """One asset: the numbers and the answers on every UTC day."""

    key: str
    observed: Series
    quiet: Numbers

    @cached_property
    def line(self) -> list[tuple[date, float | None]]:
        return on_every_day(self.observed)

    @cached_property
    def numbers(self) -> dict[date, dict[str, Any]]:
        """What is measured on each day; a number that is not there is not known."""
        prices = [price for _, price in self.line]
        logs = [None if price is None else log(price) for price in prices]
        steps = [None, *(None if a is None or b is None else b - a for a, b in pairwise(logs))]
        mayers: dict[int, float] = {}
        calm: list[float | None] = []
        strengths, strength = weekly_strength(self.line), None
        rsi: dict[int, float] = {}
        found: dict[date, dict[str, Any]] = {}
        fall, new_low = None, None
        for i, (day, price) in enumerate(self.line):
            told: dict[str, Any] = {}
            fall = deepest(prices, i, fall)
            told["drawdown"] = None if fall is None else fall[0]
            year = _full(prices, i, 365)
            told["current_drawdown"] = price / max(year) - 1 if year and price is not None else None
            twice = _full(prices, i, 200)
            if twice and price is not None:
                mayers[i] = price / (fsum(twice) / 200)
            strength = strengths.get(day, strength)
            if strength is not None:
                rsi[i] = strength
            month = _full(steps, i, 30)
            calm.append(_deviation(month) if month else None)
            two_years = _full(calm, i, 730)
            if two_years:
                told["volatility_rank"] = _place(two_years) / 730
            told["volume_ratio"] = self.quiet.get(day)
            before = _full(prices, i - 1, 59)
            if before and price is not None:
                new_low = i if price < min(before) else new_low
                told["days_since_low"] = 10**9 if new_low is None else i - new_low
            found[day] = told
        self._add_lows(found, {"mayer": mayers, "rsi": rsi})
        return found

    def _add_lows(self, found: dict[date, dict[str, Any]], measured: dict[str, dict[int, float]]) -> None:
        for name, values in measured.items():
            lows = lowest(values, len(self.line), 182)
            for i, (day, _) in enumerate(self.line):
                found[day][name] = values.get(i)
                if i in lows:
                    found[day] |= {f"{name}_low": lows[i][0], f"{name}_low_on": self.line[lows[i][1]][0]}

    @cached_property
    def answers(self) -> dict[str, dict[date, Answer]]:
        """The three answers on each day on which they could be given by then."""
        deep, still = (-0.50, -0.25) if self.key == "BTC-USD" else (-0.60, -0.40)
        rules: dict[str, tuple[tuple[str, Callable[[float], bool]], ...]] = {
            "capitulated": (
                ("drawdown", lambda x: x <= deep),
                ("mayer_low", lambda x: x < 0.70),
                ("rsi_low", lambda x: x < 35),
            ),
            "exhausted": (
                ("volatility_rank", lambda x: x <= 0.30),
                ("volume_ratio", lambda x: x <= 0.70),
                ("days_since_low", lambda x: x >= 30),
            ),
            "down": (("current_drawdown", lambda x: x <= still),),
        }
        needed = {"capitulated": 1, "exhausted": 2, "down": 1, "precondition": 3}
        told: dict[str, dict[date, Answer]] = {name: {} for name in needed}
        had: dict[str, set[str]] = {name: set() for name in needed}
        for day, numbers in self.numbers.items():
            given: dict[str, Answer] = {}
            for name, statements in rules.items():
                passed = {
                    key: None if numbers.get(key) is None else test(exact(numbers[key])) for key, test in statements
                }
                given[name] = _enough(passed, had[name], needed[name])
            given["precondition"] = _enough(dict(given), had["precondition"], 3)
            for name, answer in given.items():
                # On the evening of a day without a bar nobody knew that it would be bridged.
                if len(had[name]) >= needed[name] and day in self.observed:
                    told[name][day] = answer
        return told


def _enough(passed: dict[str, Answer], had: set[str], needed: int) -> Answer:
    """Whether so many pass, those missing for now tried both ways, those never there left out."""
    had |= {key for key, answer in passed.items() if answer is not None}
    on, missing = list(passed.values()).count(True), sum(passed[key] is None for key in had)
    if len(had) < needed:
        return None
    return True if on >= needed else False if on + missing < needed else None


def _full(row: list[float | None], i: int, count: int) -> list[float]:
    """The last so many values, none where one of them is missing."""
    part = row[i - count + 1 : i + 1] if i >= count - 1 else [None]
    return [] if None in part else cast("list[float]", part)


def _deviation(row: list[float]) -> float:
    middle = fsum(row) / len(row)
    return sqrt(sum((value - middle) ** 2 for value in row) / (len(row) - 1))


def _place(row: list[float]) -> float:
    """The rank of the last among all, from 1; equal values share the mean of theirs."""
    line = sorted(row)
    return (bisect_left(line, row[-1]) + bisect_right(line, row[-1]) + 1) / 2


@cache
def coins(folder: Path) -> dict[str, Coin]:
    """Bitcoin, ether and the basket."""
    made = {key: Coin(key, read(folder, key), quiet(volumes(folder, key))) for key in COINS[:2]}
    return made | {COINS[2]: Coin(COINS[2], altcoin_basket(folder), basket_quiet(folder))}


def _any(answers: list[Answer]) -> Answer:
    return True if True in answers else None if None in answers else False


@cache
def capitulation(folder: Path) -> dict[date, dict[str, dict[str, str]]]:
    """Each of the three, of any asset, on every session: after 21 UTC days, as shown and as published."""
    sessions = sorted(read(folder, "RUT"))
    each = [coin.answers for coin in coins(folder).values()]
    days = sorted({day for coin in coins(folder).values() for day in coin.observed})
    doubtful = {
        session for name in ("BTC-USD", "ETH-USD", *BASKET) for session in doubtful_sessions(folder, name, next_utc_day)
    }
    found: dict[date, dict[str, dict[str, str]]] = {session: {} for session in sessions}
    for name in STATES:
        begun = [min(answers[name], default=date.max) for answers in each]
        raw: dict[date, str] = {}
        for day in days:
            told = [answers[name].get(day) for answers, first in zip(each, begun, strict=True) if first <= day]
            answer = _any(told) if told else None
            raw[day] = "unknown" if answer is None else "on" if answer else "off"
        for session, shown in _published(raw, _seen(raw, days, sessions, doubtful)).items():
            found[session][name] = shown
    return found


def _seen(
    raw: dict[date, str], days: list[date], sessions: list[date], doubtful: set[date]
) -> dict[date, tuple[date | None, str]]:
    """The newest UTC day of each session, and what it says."""
    seen: dict[date, tuple[date | None, str]] = {}
    for at, session in enumerate(sessions):
        known = bisect_left(days, session)
        newest = days[known - 1] if known else None
        if session in doubtful:
            # The day before is looked at in its place, and decides nothing.
            seen[session] = (days[known - 2], "unknown")
        elif newest is None or at + 1 - bisect_left(sessions, newest + 2 * DAY) > 3:
            seen[session] = (newest, "unknown")
        else:
            seen[session] = (newest, raw[newest])
    return seen


def _lapses(seen: dict[date, tuple[date | None, str]]) -> tuple[set[date], set[date]]:
    """The sessions on which nothing is held any more, and the UTC days on which counting begins anew."""
    lapsed: set[date] = set()
    anew: set[date] = set()
    unknown_for, had = 0, False
    for session, (newest, state) in seen.items():
        had = had or state != "unknown"
        unknown_for = unknown_for + 1 if state == "unknown" else 0
        if had and unknown_for > 10:
            lapsed.add(session)
            if unknown_for == 11 and newest is not None:
                anew.add(newest)
    return lapsed, anew


def _published(raw: dict[date, str], seen: dict[date, tuple[date | None, str]]) -> dict[date, dict[str, str]]:
    lapsed, anew = _lapses(seen)
    published = Published(21, "off", holds=len(raw))
    by_day: dict[date, str] = {}
    for day, state in raw.items():
        published.see("unknown" if day in anew else state)
        if day in anew:
            published.lapse()
        by_day[day] = published.state
    found: dict[date, dict[str, str]] = {}
    for session, (newest, state) in seen.items():
        held = "unknown" if newest is None or session in lapsed else by_day[newest]
        found[session] = {"state": "unknown" if state == "unknown" else held, "published": held}
    return found
