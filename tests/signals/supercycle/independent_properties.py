"""The four properties of § 8 written a second time, by walks over days, sharing no code with the project.

An answer is True, False or None, which is a missing figure that decides; a day that is not there was never measured.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import pairwise
from math import fsum, sqrt
from operator import mul
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from tests.signals.independent_calendar import DAY, next_utc_day, same_day
from tests.signals.independent_cascade import Clock, Published, doubtful_sessions, evaluate
from tests.signals.independent_series import (
    SECTORS,
    THIN,
    Series,
    Share,
    above_mean,
    days_and_values,
    exact,
    highs,
    means,
    ratio,
    read,
)

COMPOSITE = ("SPY", "IWM", "RSP", "EEM", "HYG", "BTC-USD", "ETH-USD")
PANEL = ("SPY", "IWM", "RSP", "IWC", "IJR", "EEM", "HYG", "SPHB", *SECTORS, "BTC-USD", "ETH-USD")

Answers = dict[date, bool | None]
T = TypeVar("T")


def clock_of(name: str) -> Clock:
    """A coin's bar of a UTC day counts from the next day on, a price of a session on its evening."""
    return next_utc_day if name.endswith("-USD") else same_day


def at_sessions(values: dict[date, T], sessions: list[date], clock: Clock) -> dict[date, T]:
    """What each session saw newest, unless the next has been missing for more than 3 sessions."""
    days = sorted(values)
    public = [clock(day) for day in days]
    found: dict[date, T] = {}
    for at, session in enumerate(sessions):
        known = bisect_right(public, session)
        if known and at + 1 - bisect_left(sessions, clock(days[known - 1] + DAY)) <= 3:
            found[session] = values[days[known - 1]]
    return found


def in_time(values: dict[date, T], sessions: list[date], name: str, folder: Path) -> dict[date, T]:
    """What each session saw of the very day it should see, and believed."""
    back, doubtful = clock_of(name)(date.min) - date.min, doubtful_sessions(folder, name, clock_of(name))
    return {day: values[day - back] for day in sessions if day - back in values and day not in doubtful}


# Structural support.


def legs(prices: Series) -> dict[date, tuple[int, float | None]]:
    """Age of the up-leg under way in sessions, 0 without one; and the median length of those that ended, once 5 did."""
    days, closes = days_and_values(prices)
    found: dict[date, tuple[int, float | None]] = {}
    lengths: list[int] = []
    trough: int | None = None
    falling, high, low = False, 0, 0
    for i, close in enumerate(closes):
        if falling:
            low = i if close <= closes[low] else low
            if exact(close / closes[low] - 1) >= 0.10:
                falling, trough, high = False, low, i
        else:
            high = i if close >= closes[high] else high
            if exact(1 - close / closes[high]) >= 0.10:
                if trough is not None:
                    lengths.append(high - trough)
                falling, trough, low = True, None, i
        age = 0 if trough is None else i - trough
        found[days[i]] = (age, median(lengths) if len(lengths) >= 5 else None)
    return found


def _support(folder: Path, sessions: list[date]) -> list[Answers]:
    longer = {day: age > middle for day, (age, middle) in legs(read(folder, "RUT")).items() if middle is not None}
    bonds: dict[date, bool] = {}
    money: dict[date, bool] = {}
    for session in sessions:
        seen = evaluate(folder, session)
        liquidity, state = seen["conditions"]["net_liquidity"], seen["cascade"]["links"]["1"]["state"]
        if state != "unknown":
            bonds[session] = state == "on"
        if liquidity["state"] != "unknown":
            money[session] = liquidity["value"] >= 0
    return [
        _with_gaps(at_sessions(longer, sessions, same_day), sessions),
        *(_with_gaps(x, sessions) for x in (bonds, money)),
    ]


def _with_gaps(values: dict[date, T], sessions: list[date]) -> dict[date, T | None]:
    """Put None where something that was measured earlier is missing."""
    first = min(values, default=date.max)
    return {session: values.get(session) for session in sessions if session >= first}


# Corrections absorbed.


def deepest(closes: list[float], length: int) -> list[float]:
    """The deepest fall from a highest close inside the window that ends at each, from the first full one on."""
    found: list[float] = []
    high_of = highs(closes, length)
    worst, peak = 0.0, -1
    for i in range(len(closes)):
        begin = max(i - length + 1, 0)
        if peak >= begin:
            ends, high = range(i, i + 1), high_of[i]
        else:
            # The peak of the deepest fall has left the window: look for another.
            ends, high, worst = range(begin, i + 1), closes[begin], 0.0
        for end in ends:
            high = max(high, closes[end])
            if closes[end] / high - 1 <= worst:
                worst, peak = closes[end] / high - 1, closes.index(high, begin)
        if i >= length - 1:
            found.append(exact(worst))
    return found


def milder(prices: Series, length: int, least: int) -> dict[date, tuple[float, float | None]]:
    """The deepest fall of a window, and the share of the earlier windows that fell further, once there are enough."""
    days, closes = days_and_values(prices)
    found: dict[date, tuple[float, float | None]] = {}
    earlier: list[float] = []
    for day, fall in zip(days[length - 1 :], deepest(closes, length), strict=True):
        found[day] = (fall, bisect_left(earlier, fall) / len(earlier) if len(earlier) >= least else None)
        insort(earlier, fall)
    return found


def _corrections(folder: Path, sessions: list[date]) -> list[Answers]:
    parts: list[Answers] = []
    for name, length, least in (("RUT", 252, 756), ("BTC-USD", 365, 730)):
        shares = milder(read(folder, name), length, least)
        passed = {day: exact(share) >= 0.50 for day, (_, share) in shares.items() if share is not None}
        parts.append(_with_gaps(at_sessions(passed, sessions, clock_of(name)), sessions))
    return parts


# Rotation, not exit.


def panel_shares(folder: Path, sessions: list[date]) -> dict[date, Share]:
    """The risk panel above its 200-day means, once 8 members were measured."""
    members = [in_time(above_mean(read(folder, name), 200), sessions, name, folder) for name in PANEL]
    found: dict[date, Share] = {}
    begun = [min(member, default=date.max) for member in members]
    for session in sessions:
        told = [member[session] for member in members if session in member]
        of = sum(first <= session for first in begun)
        if of >= THIN:
            found[session] = Share(sum(told), len(told), of)
    return found


def weighted(closes: list[float | None]) -> list[tuple[float, float] | None]:
    """Each return with its weight: one over the standard deviation of the 63 before it."""
    moves = [None if a is None or b is None else b / a - 1 for a, b in pairwise(closes)]
    found: list[tuple[float, float] | None] = [None]
    for at, move in enumerate(moves):
        row = [before for before in moves[max(at - 63, 0) : at] if before is not None] if move is not None else []
        if move is None or len(row) < 63:
            found.append(None)
            continue
        spread = sqrt((sum(map(mul, row, row)) - fsum(row) ** 2 / 63) / 62)
        found.append((1 / spread, move) if spread else None)
    return found


def composite(folder: Path, sessions: list[date]) -> dict[date, float]:
    """The composite over its high of 252 sessions: a mean of the returns of two members or more, by weight."""
    members = []
    for name in COMPOSITE:
        seen = at_sessions(read(folder, name), sessions, clock_of(name))
        members.append(weighted([seen.get(session) for session in sessions]))
    days: list[date] = []
    levels: list[float] = []
    for session, row in zip(sessions, zip(*members, strict=True), strict=True):
        parts = [part for part in row if part is not None]
        if len(parts) >= 2:
            move = fsum(weight * by for weight, by in parts) / fsum(weight for weight, _ in parts)
            levels.append((levels[-1] if levels else 1.0) * (1 + move))
            days.append(session)
    shares = [level / high for level, high in zip(levels, highs(levels, 252), strict=True)]
    return dict(zip(days[251:], shares[251:], strict=True))


def _complete(folder: Path, sessions: list[date]) -> set[date]:
    members = [in_time(read(folder, name), sessions, name, folder) for name in COMPOSITE]
    begun = [min(member, default=date.max) for member in members]
    return {
        session
        for session in sessions
        if all(session in member for member, first in zip(members, begun, strict=True) if first <= session)
    }


def rank(line: list[float], value: float) -> float:
    """The place of a value in a sorted line, from 1; equal values share the mean of theirs."""
    return (bisect_left(line, value) + bisect_right(line, value) + 1) / 2


def ranks(values: list[float]) -> list[float]:
    """The rank of each of the values."""
    line = sorted(values)
    return [rank(line, value) for value in values]


def correlation(one: list[float], other: list[float]) -> float:
    """The correlation of two rows of numbers."""
    middles = [fsum(row) / len(row) for row in (one, other)]
    apart = [[value - middle for value in row] for row, middle in zip((one, other), middles, strict=True)]
    both = fsum(a * b for a, b in zip(*apart, strict=True))
    return both / sqrt(fsum(a * a for a in apart[0]) * fsum(b * b for b in apart[1]))


def leadership(folder: Path, sessions: list[date]) -> dict[date, float | None]:
    """Rank correlation of 63-session returns now and 63 sessions ago; None where a sector that had both has not."""
    pairs: list[dict[date, tuple[float, float]]] = []
    for name in SECTORS:
        days, closes = days_and_values(read(folder, name))
        gains = {days[i]: closes[i] / closes[i - 63] - 1 for i in range(63, len(days))}
        known = in_time(gains, sessions, name, folder)
        pairs.append(
            {
                now: (known[now], gains[before])
                for before, now in zip(sessions, sessions[63:], strict=False)
                if now in known and before in gains
            }
        )
    begun = [min(pair, default=date.max) for pair in pairs]
    found: dict[date, float | None] = {}
    for session in sessions:
        rows = [pair[session] for pair in pairs if session in pair]
        of = sum(first <= session for first in begun)
        if of >= THIN:
            complete = len(rows) == of
            found[session] = correlation(*(ranks(list(row)) for row in zip(*rows, strict=True))) if complete else None
    return found


def _rotation(folder: Path, sessions: list[date]) -> list[Answers]:
    complete = _complete(folder, sessions)
    return [
        {day: share.tried(lambda x: x >= 0.60) for day, share in panel_shares(folder, sessions).items()},
        {day: exact(x) >= 0.95 if day in complete else None for day, x in composite(folder, sessions).items()},
        {day: None if x is None else exact(x) <= 0.3 for day, x in leadership(folder, sessions).items()},
    ]


# Extended runway.


def turned(strength: Series, years: int, within: int) -> dict[date, bool]:
    """A low of so many days made within so many, and the ratio above a rising 200-day mean."""
    days, values = days_and_values(strength)
    middles, lows = means(values, 200), [-value for value in highs([-value for value in values], years)]
    found: dict[date, bool] = {}
    low: int | None = None
    for i in range(len(days)):
        if i >= years - 1:
            low = i if values[i] <= lows[i] else low
            middle, earlier = middles[i], middles[i - 20]
            assert middle is not None
            assert earlier is not None
            up = exact(values[i] / middle - 1) > 0 and exact(middle / earlier - 1) > 0
            found[days[i]] = low is not None and i - low < within and up
    return found


def rank_in_year(strength: Series) -> Series:
    """The rank of each value among the last 252, as a share."""
    days, values = days_and_values(strength)
    return {days[i]: rank(sorted(values[i - 251 : i + 1]), values[i]) / 252 for i in range(251, len(days))}


def _runway(folder: Path, sessions: list[date]) -> list[Answers]:
    small = turned(ratio(read(folder, "IWM"), read(folder, "SPY")), 756, 504)
    ether = turned(ratio(read(folder, "ETH-USD"), read(folder, "BTC-USD")), 1096, 730)
    either = [
        _with_gaps(at_sessions(values, sessions, clock), sessions)
        for values, clock in ((small, same_day), (ether, next_utc_day))
    ]
    lows: Answers = {}
    for session in sessions:
        told = [answers[session] for answers in either if session in answers]
        if told:
            lows[session] = True if True in told else None if None in told else False
    beta = rank_in_year(ratio(read(folder, "SPHB"), read(folder, "SPLV")))
    high = {day: exact(place) >= 0.60 for day, place in beta.items()}
    return [lows, _with_gaps(at_sessions(high, sessions, same_day), sessions)]


# All four.


@dataclass
class Property:
    """One property as it stands: all of its parts hold."""

    parts: list[Answers]
    raw: str = "unknown"
    had: set[int] = field(default_factory=set)
    published: Published = field(default_factory=lambda: Published(10, "off"))

    def see(self, session: date) -> dict[str, str]:
        told = [part.get(session) for part in self.parts]
        self.had |= {i for i, answer in enumerate(told) if answer is not None}
        if len(self.had) < len(told):
            self.raw = "unknown"
        else:
            self.raw = "off" if False in told else "unknown" if None in told else "on"
        self.published.see(self.raw)
        shown = "unknown" if self.raw == "unknown" else self.published.state
        return {"raw": self.raw, "state": shown, "published": self.published.state}


MADE: dict[str, Callable[[Path, list[date]], list[Answers]]] = {
    "support": _support,
    "corrections": _corrections,
    "rotation": _rotation,
    "runway": _runway,
}


@cache
def properties(folder: Path) -> dict[date, dict[str, Any]]:
    """Every property on every session."""
    sessions = sorted(read(folder, "RUT"))
    found = {key: Property(make(folder, sessions)) for key, make in MADE.items()}
    return {session: {key: one.see(session) for key, one in found.items()} for session in sessions}
