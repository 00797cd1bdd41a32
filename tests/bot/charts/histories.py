"""Histories to draw: of everything, of very little, and of nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd

from bot.cli.history import load
from signals.data.series import FIELDS
from signals.evaluate import History, evaluate
from signals.sources.options import SourceOptions
from storage.market import SIMULATED
from tests.worlds import CALENDAR, REAL_HISTORY, evaluated, frame, lead, market

AT = datetime(2025, 7, 1, 12, tzinfo=UTC)
# Yahoo has no ether before 2017.
EARLIER_ETHER = SourceOptions(fallbacks=(("ETH-USD", str(REAL_HISTORY / "ETH-USD_coinbase.csv")),))


@cache
def full() -> History:
    """Return the real history where it is, else a simulated one: every series, decades of it."""
    if (REAL_HISTORY / "RUT.csv").exists():
        return load(f"folder:{REAL_HISTORY}", "", AT, EARLIER_ETHER).evaluate()
    return load(SIMULATED, "", AT).evaluate()


@cache
def sparse() -> History:
    """Return two years of stocks alone and some weeks of coins, with one breakout that has just been confirmed."""
    closes = [*lead(), 101.0, 102.0, 103.0, 104.0]
    return evaluated(market(closes, **{key: _coin(len(closes)) for key in ("ETH-USD", "BTC-USD")}))


@cache
def first_days() -> History:
    """Return three sessions of the index, on which nothing can be measured."""
    return evaluated({"^RUT": frame([100.0, 101.0, 99.0])})


@cache
def empty() -> History:
    """Return a history of no series at all."""
    return evaluate({}, CALENDAR, date(2020, 1, 31))


def _coin(sessions: int) -> pd.DataFrame:
    last = frame([1.0] * sessions).index[-1]
    days = pd.date_range(last - timedelta(days=40), last, freq="D").as_unit("us")
    table = pd.DataFrame(np.nan, index=days, columns=list(FIELDS))
    table["value"] = np.linspace(100, 120, len(days))
    return table


HISTORIES = {"full": full, "sparse": sparse, "first days": first_days, "empty": empty}
