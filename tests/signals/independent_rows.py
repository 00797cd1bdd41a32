"""The observations of each condition of ``independent_cascade``, in the order of their days, by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from tests.signals.breakout.independent_breakouts import Answer, walk
from tests.signals.independent_calendar import DAY
from tests.signals.independent_series import (
    Series,
    Share,
    Test,
    above_mean,
    days_and_values,
    exact,
    highs,
    means,
    median,
)


@dataclass
class Row:
    """One condition on one observation date. None is where a missing member decides."""

    day: date
    value: float | None
    enter: bool | None
    leave: bool | None
    on: bool | None = None
    known_from: date = date.min


# Weekly conditions.


def change_rows(series: Series, weeks: int, enter: Test, leave: Test) -> list[Row]:
    rows: list[Row] = []
    for day in sorted(series):
        before = series.get(day - timedelta(weeks=weeks))
        if before is not None:
            change = exact(series[day] - before)
            rows.append(Row(day, change, enter(change), leave(change)))
    return rows


def mortgage_rows(spreads: Series) -> list[Row]:
    """The change from the survey dated 13 weeks earlier: the nearest to that date, within 3 days."""
    rows: list[Row] = []
    for day in sorted(spreads):
        then = day - 91 * DAY
        near = [other for k in range(4) for other in (then + k * DAY, then - k * DAY) if other in spreads]
        if near:
            change = exact(spreads[day] - spreads[near[0]])
            rows.append(Row(day, change, change <= -0.10, change > 0.10))
    return rows


def nfci_rows(index: Series) -> list[Row]:
    rows: list[Row] = []
    for day in sorted(index):
        before = index.get(day - 91 * DAY)
        if before is not None:
            level, change = index[day], exact(index[day] - before)
            rows.append(Row(day, level, level < 0 and change <= 0.05, level > 0.10 or change > 0.15))
    return rows


# Bonds and the dollar.


def credit_rows(spread: Series) -> list[Row]:
    days, values = days_and_values(spread)
    rows: list[Row] = []
    for i, day in enumerate(days):
        middle = median(values, i, 252)
        if middle is not None:
            over, change = exact(values[i] - middle), exact(values[i] - values[i - 21])
            rows.append(Row(day, over, over <= 0.10 and change <= 0.20, over > 0.30 or change > 0.35))
    return rows


def funding_rows(spread: Series) -> list[Row]:
    days, values = days_and_values(spread)
    rows: list[Row] = []
    for i, day in enumerate(days):
        middle = median(values, i, 5)
        if middle is not None:
            middle = exact(middle)
            rows.append(Row(day, middle, middle <= 0.05, middle > 0.10))
    return rows


def move_rows(index: Series) -> list[Row]:
    days, values = days_and_values(index)
    rows: list[Row] = []
    for i, day in enumerate(days):
        middle, now = median(values, i, 252), values[i]
        if middle is not None:
            calm = now < 100 and now <= exact(1.10 * middle)
            rows.append(Row(day, now, calm, now > 120 or now > exact(1.35 * middle)))
    return rows


def dollar_rows(index: Series) -> list[Row]:
    days, values = days_and_values(index)
    rows: list[Row] = []
    above = 0
    for i, (day, middle) in enumerate(zip(days, means(values, 50), strict=True)):
        if middle is not None:
            above = above + 1 if values[i] > middle else 0
            rows.append(Row(day, values[i] / middle - 1, values[i] < middle, above >= 10))
    return rows


# Equities, small caps, crypto.


def trend_rows(prices: Series, exit_at: float, *, rising: bool) -> list[Row]:
    days, values = days_and_values(prices)
    rows: list[Row] = []
    middles = means(values, 200)
    for i, day in enumerate(days):
        middle = middles[i]
        earlier = middles[max(i - 20, 0)] if rising else 0.0
        if middle is not None and earlier is not None:
            enter = values[i] > middle and middle > earlier
            rows.append(Row(day, values[i] / middle - 1, enter, values[i] < exit_at * middle))
    return rows


def proximity_rows(prices: Series) -> list[Row]:
    days, values = days_and_values(prices)
    rows: list[Row] = []
    for i, high in enumerate(highs(values, 252)[251:], 251):
        rows.append(Row(days[i], values[i] / high, values[i] >= 0.95 * high, values[i] < 0.92 * high))
    return rows


def _any(answers: list[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


def breadth_rows(equal_weight: Series, sectors: dict[date, Share]) -> list[Row]:
    """Either of two statements; one that was never there yet is left out, one that is missing is tried both ways."""
    strong, days = above_mean(equal_weight, 50), days_and_values(equal_weight)[0]
    values = [equal_weight[day] for day in days]
    gaps = {
        day: value / middle - 1
        for day, value, middle in zip(days, values, means(values, 50), strict=True)
        if middle is not None
    }
    rows: list[Row] = []
    either: list[bool | None] = []
    begins = [min(found, default=date.max) for found in (strong, sectors)]
    for day in sorted({*strong, *sectors}):
        parts: list[bool | None] = []
        if day >= begins[0]:
            parts.append(strong.get(day))
        if day >= begins[1]:
            parts.append(sectors[day].tried(lambda x: x >= 0.60) if day in sectors else None)
        either.append(_any(parts))
        last = either[-10:]
        neither = False if len(last) < 10 or True in last else None if None in last else True
        rows.append(Row(day, gaps.get(day), either[-1], neither))
    return rows


def _standing(episodes: list[Answer], today: int) -> bool:
    """Whether the newest episode is confirmed by today and neither failed nor ended."""
    begun = [episode for episode in episodes if episode.attempt <= today]
    if not begun:
        return False
    happened = {name for name, at in begun[-1].events.items() if at <= today}
    return "confirmed" in happened and not happened & {"failed", "ended"}


def breakout_rows(index: Series) -> list[Row]:
    days, closes = days_and_values(index)
    episodes = walk(closes).episodes
    rows: list[Row] = []
    record = 0.0
    middles = means(closes, 200)
    for i, day in enumerate(days):
        record = max(record, closes[i])
        middle, earlier = middles[i], middles[max(i - 20, 0)]
        if middle is not None and earlier is not None:
            near = closes[i] >= 0.97 * record and middle > earlier
            lost = closes[i] < 0.98 * middle or closes[i] < 0.90 * record
            rows.append(Row(day, closes[i] / record - 1, _standing(episodes, i) or near, lost))
    return rows


def fresh_high_rows(strength: Series) -> list[Row]:
    """A 63-day high at one of the last ten observations; lost after ten in a row under the 50-day mean."""
    days, values = days_and_values(strength)
    rows: list[Row] = []
    high = highs(values, 63)
    below, since = 0, None
    for i, (day, middle) in enumerate(zip(days, means(values, 50), strict=True)):
        below = below + 1 if middle is not None and values[i] < middle else 0
        if i >= 62:
            is_high = values[i] == high[i]
            since = 0 if is_high else None if since is None else since + 1
            rows.append(Row(day, since, since is not None and since < 10, below >= 10))
    return rows


def beta_rows(strength: Series) -> list[Row]:
    days, values = days_and_values(strength)
    rows: list[Row] = []
    below = 0
    for i, (day, middle) in enumerate(zip(days, means(values, 50), strict=True)):
        below = below + 1 if middle is not None and values[i] < middle else 0
        if middle is not None and i >= 63:
            change = values[i] / values[i - 63] - 1
            rows.append(Row(day, change, change > 0 and values[i] > middle, below >= 10))
    return rows


def dominance_rows(strength: Series) -> list[Row]:
    days, values = days_and_values(strength)
    rows: list[Row] = []
    for i in range(63, len(days)):
        change = values[i] / values[i - 63] - 1
        rows.append(Row(days[i], change, change < -0.03, change > 0.03))
    return rows
