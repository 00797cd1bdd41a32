"""The whole track record for the command line: in the words of messages, as JSON, or as a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import msgspec

from bot.cli.history import database_exists, load, origin_of
from bot.cli.progress import progress_shown
from bot.cli.report.page import Charts, live_of, page
from bot.cli.words import record_text
from bot.settings import Settings
from signals.episode import Episode, High
from signals.evaluate import History
from signals.record.model import TrackRecord
from signals.record.track_record import track_record
from storage.market import Market


@dataclass(frozen=True, slots=True)
class Backtest:
    """An evaluated history with its record; ``origin`` is which market its figures are of."""

    history: History
    record: TrackRecord
    settings: Settings
    origin: str
    now: datetime

    @classmethod
    def of(cls, settings: Settings, market_data: str | None, now: datetime) -> Backtest:
        """Evaluate a source, or without one the database's archive, and compute its record; a bar shows how far it is.

        Raises
        ------
        signals.errors.NoHistoryError
            When there is no ^RUT in it.
        """
        with progress_shown() as report:
            history = load(market_data, settings.database_url, now, settings.source_options, report).evaluate()
            record = track_record(history, partial(report, "following what came after"))
        origin = market_data.partition(":")[0] if market_data else origin_of(settings.database_url)
        return cls(history, record, settings, origin or "none", now)

    def json(self) -> dict[str, Any]:
        """Return everything for machines."""
        return {"market": self.origin} | _breakouts(self.history) | {"record": msgspec.to_builtins(self.record)}

    def html(self) -> str:
        """Return a page with everything on it, the live record of the configured database included."""
        url = self.settings.database_url
        live = live_of(url, exists=database_exists(url))
        return page(self.record, Charts.of(self.history, self.record), live, self.origin, self.now)

    def text(self) -> str:
        """Return the record in the words of messages."""
        return record_text(self.record, Market(self.origin, None, None))


def _breakouts(history: History) -> dict[str, Any]:
    """Return every episode and every minor or continuation high, dates ISO."""
    return {
        "episodes": [_episode(episode) for episode in history.episodes],
        "highs": [_high(high) for high in history.highs],
    }


def _episode(episode: Episode) -> dict[str, Any]:
    return {
        "attempt": episode.attempt.isoformat(),
        "close": episode.close,
        "level": episode.level,
        "base_sessions": episode.base_sessions,
        "class": episode.base_class,
        "confirmed": _iso(episode.confirmed),
        "outcome": episode.outcome,
        "outcome_date": _iso(episode.outcome_date),
        "recovered": _iso(episode.recovered),
        "warning": _iso(episode.warning),
        "ended": _iso(episode.ended),
        "level_verified": episode.level_verified,
    }


def _high(high: High) -> dict[str, Any]:
    return {
        "date": high.date.isoformat(),
        "close": high.close,
        "level": high.level,
        "base_sessions": high.base_sessions,
        "class": high.base_class,
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
