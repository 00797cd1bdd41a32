"""What followed every breakout from a long base, a second time: from the CSV files alone, sharing no code with the project.

It is written from the words of the method: entry at the first close after 17:30 New York of the confirmation (the
next session's close; for crypto the close of that UTC day), exit so many sessions or days later.
``python -m tests.signals.record.independent_record FOLDER`` prints it.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from tests.signals.breakout.independent_breakouts import Answer, walk
from tests.signals.independent_series import altcoin_basket

Series = dict[date, float]
SESSIONS, DAYS = (21, 42, 63, 126), (30, 61, 91, 182)
UNVERIFIED = 252


def column(folder: Path, name: str, field: str) -> Series:
    with (folder / f"{name}.csv").open() as file:
        rows = csv.reader(file)
        names = next(rows)
        day, figure = names.index("date"), names.index(field)
        return {date.fromisoformat(row[day]): float(row[figure]) for row in rows if row[figure]}


@cache
def prices(folder: Path) -> dict[str, Series]:
    iwm, spy = (column(folder, name, "adj_close") for name in ("IWM", "SPY"))
    russell = column(folder, "RUT", "close")
    last = max(russell)
    coins = {
        "BTC-USD": column(folder, "BTC-USD", "close"),
        "ETH-USD": column(folder, "ETH-USD", "close"),
        "altcoin basket": altcoin_basket(folder),
    }
    return {
        "^RUT": russell,
        "IWM/SPY": {day: iwm[day] / spy[day] for day in iwm if day in spy},
        # On the evening of the last session that UTC day is not over yet.
        **{key: {day: x for day, x in coin.items() if day < last} for key, coin in coins.items()},
    }


def after(path: list[float | None]) -> dict[str, float] | None:
    """The change from the first to the last of these closes, and to the lowest of them."""
    first, last = path[0], path[-1]
    if first is None or last is None:
        return None
    return {"change": last / first - 1, "worst": min(x for x in path if x is not None) / first - 1}


def equity_path(series: Series, sessions: list[date], event: date, horizon: int) -> list[float | None] | None:
    at = sessions.index(event) + 1
    days = sessions[at : at + horizon + 1]
    return [series.get(day) for day in days] if len(days) == horizon + 1 else None


def crypto_path(series: Series, event: date, horizon: int) -> list[float | None]:
    return [series.get(event + timedelta(days=k)) for k in range(horizon + 1)]


@cache
def events(folder: Path) -> list[tuple[date, Answer, list[date]]]:
    closes = column(folder, "RUT", "close")
    sessions = sorted(closes)
    found = walk([closes[day] for day in sessions]).episodes
    return [(sessions[answer.attempt], answer, sessions) for answer in found]


@cache
def followed(folder: Path) -> dict[str, dict[str, dict[str, dict[str, float] | None]]]:
    """By attempt, asset and horizon, what followed the confirmation; only what is known."""
    assets, result = prices(folder), {}
    for attempt, answer, sessions in events(folder):
        if "confirmed" not in answer.events:
            continue
        event = sessions[answer.events["confirmed"]]
        found: dict[str, dict[str, dict[str, float] | None]] = {}
        for key, series in assets.items():
            horizons = SESSIONS if key in ("^RUT", "IWM/SPY") else DAYS
            paths = {h: equity_path(series, sessions, event, h) if horizons is SESSIONS else crypto_path(series, event, h)
                     for h in horizons}  # fmt: skip
            found[key] = {str(h): after(path) if path else None for h, path in paths.items()}
        result[str(attempt)] = found
    return result


def base_medians(folder: Path) -> dict[tuple[str, int], tuple[int, float]]:
    """How many dates have a whole horizon ahead, and the median of what followed them."""
    assets = prices(folder)
    sessions = sorted(assets["^RUT"])
    result = {}
    for key, series in assets.items():
        equity = key in ("^RUT", "IWM/SPY")
        first, last = min(series), max(series)
        days = sessions if equity else [first + timedelta(days=k) for k in range((last - first).days + 1)]
        for horizon in SESSIONS if equity else DAYS:
            pairs = [(series.get(a), series.get(b)) for a, b in zip(days, days[horizon:], strict=False)]
            changes = [b / a - 1 for a, b in pairs if a is not None and b is not None]
            result[key, horizon] = (len(changes), statistics.median(changes))
    return result


def counted(folder: Path) -> list[date]:
    """The attempts that count: confirmed, their level set later than in the first 252 sessions."""
    return [
        attempt
        for attempt, answer, _ in events(folder)
        if "confirmed" in answer.events and answer.attempt - answer.base >= UNVERIFIED
    ]


if __name__ == "__main__":
    print(json.dumps(followed(Path(sys.argv[1])), indent=2))
