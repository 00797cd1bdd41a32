"""Yahoo Finance through yfinance, one request a symbol, unadjusted closes with their dividends and splits.

``Ticker.history`` only: ``yf.download`` returns an empty frame for an outage, a rate limit and 'no data' alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import yfinance
from yfinance.data import YfData

from signals.data.series import Series
from signals.sources.figures import gave_nothing
from signals.sources.patience import NoAnswerError, Patience
from signals.sources.shape import NOTHING, Fetched
from signals.sources.yahoo_session import YahooSession

_COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "value",
    "Volume": "volume",
    "Dividends": "dividend",
    "Stock Splits": "split",
}


@dataclass(frozen=True, slots=True)
class YahooSource:
    """Asks Yahoo."""

    session: YahooSession = field(default_factory=YahooSession)
    patience: Patience = field(default_factory=Patience)

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return daily bars from ``since`` on; see ``shape.Source``."""
        try:
            bars, partial = self.patience.ask("Yahoo", lambda: self._attempt(series, since))
        except NoAnswerError as error:
            return gave_nothing("Yahoo", series, error)
        if bars.empty:
            return Fetched(NOTHING, f"Yahoo had no bars for {series.key}")
        return _parse(series, bars, partial)

    def similar(self, text: str) -> list[str] | None:
        """Return the symbols that Yahoo has for a text, the likeliest first; ``None`` where it does not answer."""
        yfinance.config.debug.hide_exceptions = False
        YfData.cache_get.cache_clear()
        aside = {"news_count": 0, "lists_count": 0, "recommended": 0, "include_cb": False}
        try:
            found = yfinance.Search(text, enable_fuzzy_query=True, session=self.session, **aside)
            return [str(quote["symbol"]) for quote in found.quotes]
        except Exception:  # as with charts: whatever it raises, there is no answer
            return None

    def _attempt(self, series: Series, since: date | None) -> tuple[pd.DataFrame, date | None]:
        yfinance.config.debug.hide_exceptions = False
        # It remembers answers, failures too, for as long as the process lives.
        YfData.cache_get.cache_clear()
        ticker = yfinance.Ticker(series.key, session=self.session)
        period: dict[str, Any] = {"period": "max"} if since is None else {"start": since.isoformat()}
        try:
            bars = ticker.history(**period, interval="1d", auto_adjust=False, actions=True, keepna=True)
            return bars, _partial_day(ticker.history_metadata)
        except NoAnswerError:
            raise
        except Exception as error:  # yfinance and its parser raise all sorts where a chart is not as they expect
            raise NoAnswerError(f"Yahoo's chart cannot be read ({type(error).__name__})") from error


def _parse(series: Series, bars: pd.DataFrame, partial: date | None) -> Fetched:
    missing = [name for name in _COLUMNS if name not in bars.columns]
    if missing:
        return Fetched(NOTHING, f"Yahoo's answer for {series.key} lacks the columns {', '.join(missing)}")
    frame = bars.rename(columns=_COLUMNS)[list(_COLUMNS.values())].astype(float)
    frame.index = pd.DatetimeIndex(bars.index).tz_localize(None).normalize().as_unit("us")
    if partial is not None and len(frame) and frame.index[-1].date() == partial:
        return Fetched(frame.iloc[:-1], f"Yahoo's bar of {partial} for {series.key} is not complete yet")
    return Fetched(frame)


def _partial_day(metadata: dict[str, Any]) -> date | None:
    """Return the day whose bar Yahoo itself says is still running, if any."""
    try:
        zone = ZoneInfo(metadata["exchangeTimezoneName"])
        last_trade = _epoch(metadata["regularMarketTime"])
        period = metadata["currentTradingPeriod"]["regular"]
        start, end = _epoch(period["start"]), _epoch(period["end"])
    except (KeyError, TypeError, ValueError):
        return None
    # Before the open the period may be today's and the last trade yesterday's. A symbol that closes a little before
    # the bell is complete all the same.
    if last_trade < start or last_trade >= end - 60:
        return None
    return datetime.fromtimestamp(last_trade, tz=zone).date()


def _epoch(instant: Any) -> float:
    """Return seconds since the epoch; yfinance turns some of them into timestamps, as it goes along."""
    return float(instant.timestamp() if isinstance(instant, datetime) else instant)
