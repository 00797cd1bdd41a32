"""Tiingo, an optional second source of daily bars for the ETFs; needs a free token."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd

from signals.data.series import Series
from signals.sources.figures import Readings, answered, day, gave_nothing, not_carried, number, reading
from signals.sources.patience import NoAnswerError
from signals.sources.shape import Fetched
from signals.sources.web import Web

_FIRST = date(1990, 1, 1)
_COLUMNS = {
    "close": "value",
    "open": "open",
    "high": "high",
    "low": "low",
    "volume": "volume",
    "divCash": "dividend",
    "splitFactor": "split",
}


@dataclass(frozen=True, slots=True)
class TiingoSource:
    """Asks Tiingo; carries the series of the table that name it."""

    web: Web
    token: str = field(repr=False)
    base_url: str = "https://api.tiingo.com"

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return daily bars, split-adjusted and not dividend-adjusted, by New York date; see ``shape.Source``."""
        if "tiingo" not in (series.source, series.fallback):
            return not_carried("Tiingo", series)
        try:
            bars, reason = self._bars(series, since, now)
            return answered("Tiingo", series, bars, reason)
        except NoAnswerError as error:
            return gave_nothing("Tiingo", series, error)

    def _bars(self, series: Series, since: date | None, now: datetime) -> tuple[pd.DataFrame, str]:
        # In the header: an address ends up in logs.
        headers = {"Authorization": f"Token {self.token}"}
        query = {"startDate": (since or _FIRST).isoformat(), "endDate": now.date().isoformat()}
        rows = self.web.json(f"{self.base_url}/tiingo/daily/{series.key}/prices", query, headers)
        with reading():
            bars, reason = _parse(rows)
            return bars if since is None else bars[bars.index >= pd.Timestamp(since)], reason


def _parse(rows: list[dict[str, Any]]) -> tuple[pd.DataFrame, str]:
    read, bars = Readings(), dict[tuple[float | date | None, ...], None]()
    for row in rows:
        with read.row():
            # The date is the session, written as midnight UTC: read as it stands, never converted.
            bars[day(row["date"][:10]), *(number(row[theirs]) for theirs in _COLUMNS)] = None
    table = pd.DataFrame(list(bars), columns=["date", *_COLUMNS.values()])
    frame = table.set_index(pd.DatetimeIndex(table.pop("date")).as_unit("us")).astype(float).sort_index()
    return _split_adjusted(frame), read.reason


def _split_adjusted(frame: pd.DataFrame) -> pd.DataFrame:
    """Divide prices and dividends by the product of all later splits, multiply volumes by it; no split is 0."""
    factor = frame["split"].where(frame["split"] > 0, 1.0)
    later = (factor[::-1].cumprod()[::-1] / factor).to_numpy()
    prices = ["value", "open", "high", "low", "dividend"]
    adjusted = frame.assign(volume=frame["volume"] * later, split=factor.where(factor != 1.0, 0.0))
    adjusted[prices] = frame[prices].div(later, axis=0)
    return adjusted
