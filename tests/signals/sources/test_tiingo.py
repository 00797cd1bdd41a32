"""Tiingo: raw bars made split-adjusted, and a token that shows nowhere."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pandas as pd
import pytest

from signals.data.series import SERIES
from signals.sources.shape import Fetched
from signals.sources.tiingo import TiingoSource
from tests.signals.sources.server import FAILURES, NOW, Asked, Plan, Reply, serving, web, web_for

IWM = SERIES["IWM"]
TOKEN = "a1b2c3d4e5"


def bar(day: str, close: Any, **fields: Any) -> dict[str, Any]:
    """Return a daily bar in Tiingo's shape."""
    return {
        "date": f"{day}T00:00:00.000Z", "close": close, "high": 12.0, "low": 8.0, "open": 9.0, "volume": 1000,
        "adjClose": 1.0, "adjHigh": 1.0, "adjLow": 1.0, "adjOpen": 1.0, "adjVolume": 1,
        "divCash": 0.0, "splitFactor": 1.0,
    } | fields  # fmt: skip


def bars(*rows: dict[str, Any]) -> Reply:
    return Reply(json.dumps(list(rows)))


def ask(plan: Plan | Reply, since: date | None = None) -> Fetched:
    with serving(plan) as server:
        return TiingoSource(web(), TOKEN, server.url).fetch(IWM, since, NOW)


SPLIT = (
    bar("2025-11-24", 100.0, divCash=1.0),
    bar("2025-11-25", 50.0, splitFactor=2.0),
    bar("2025-11-26", 51.0, divCash=0.5),
)


def test_it_reads_unadjusted_closes_by_date() -> None:
    fetched = ask(bars(bar("2025-11-25", 10.0, divCash=0.3), bar("2025-11-26", 11.0)))
    assert fetched.reason == ""
    assert list(fetched.frame["value"]) == [10.0, 11.0]
    assert list(fetched.frame["dividend"]) == [0.3, 0.0]
    assert list(fetched.frame["split"]) == [0.0, 0.0]
    assert [str(day.date()) for day in pd.DatetimeIndex(fetched.frame.index)] == ["2025-11-25", "2025-11-26"]
    assert set(fetched.frame.columns) == {"value", "open", "high", "low", "volume", "dividend", "split"}


def test_the_token_travels_in_a_header() -> None:
    with serving(bars(bar("2025-11-26", 11.0))) as server:
        TiingoSource(web(), TOKEN, server.url).fetch(IWM, date(2025, 11, 25), NOW)
    asked: Asked = server.asked[0]
    assert asked.target == "/tiingo/daily/IWM/prices?startDate=2025-11-25&endDate=2025-12-01"
    assert asked.headers["Authorization"] == f"Token {TOKEN}"


def test_the_first_request_asks_for_everything() -> None:
    with serving(bars(bar("2025-11-26", 11.0))) as server:
        TiingoSource(web(), TOKEN, server.url).fetch(IWM, None, NOW)
    assert server.asked[0].query["startDate"] == "1990-01-01"


def test_bars_before_a_split_are_divided_by_it_and_their_volume_multiplied() -> None:
    frame = ask(bars(*SPLIT)).frame
    assert list(frame["value"]) == [50.0, 50.0, 51.0]
    assert list(frame["open"]) == [4.5, 9.0, 9.0]
    assert list(frame["high"]) == [6.0, 12.0, 12.0]
    assert list(frame["low"]) == [4.0, 8.0, 8.0]
    assert list(frame["volume"]) == [2000.0, 1000.0, 1000.0]
    assert list(frame["dividend"]) == [0.5, 0.0, 0.5]
    assert list(frame["split"]) == [0.0, 2.0, 0.0]


def test_several_splits_multiply() -> None:
    frame = ask(
        bars(
            bar("2025-11-21", 120.0), bar("2025-11-24", 60.0, splitFactor=2.0), bar("2025-11-25", 20.0, splitFactor=3.0)
        )
    ).frame
    assert list(frame["value"]) == [20.0, 20.0, 20.0]


def test_a_bar_without_a_price_is_kept_for_the_gate_to_name() -> None:
    frame = ask(bars(bar("2025-11-25", 10.0), bar("2025-11-26", None))).frame
    assert frame["value"].isna().tolist() == [False, True]


def test_no_bar_at_all_is_said() -> None:
    assert ask(bars()).reason == "Tiingo had no figures for IWM"


@pytest.mark.parametrize("key", ["^RUT", "^MOVE", "DX-Y.NYB", "BTC-USD", "ETH-USD", "WALCL"])
def test_what_is_no_etf_is_absent(key: str) -> None:
    fetched = TiingoSource(web(), TOKEN, "http://127.0.0.1:9").fetch(SERIES[key], None, NOW)
    assert fetched.absent
    assert fetched.reason == f"Tiingo does not carry {key}"


@pytest.mark.parametrize(("reply", "sentence"), FAILURES)
def test_every_failure_is_a_sentence_without_the_token(reply: Reply, sentence: str) -> None:
    with serving(reply) as server:
        source = TiingoSource(web_for(reply), TOKEN, server.url)
        fetched = source.fetch(IWM, None, NOW)
    assert fetched.reason.startswith(f"Tiingo gave nothing for IWM: {sentence}")
    assert TOKEN not in fetched.reason + repr(source)
    assert fetched.frame.empty
    assert not fetched.absent


@pytest.mark.parametrize("token", ["schlüssel", "two\nlines"])
def test_a_token_that_cannot_be_sent_is_a_sentence_without_it(token: str) -> None:
    with serving(bars()) as server:
        fetched = TiingoSource(web(), token, server.url).fetch(IWM, None, NOW)
    assert fetched.reason.startswith("Tiingo gave nothing for IWM: ")
    assert token not in fetched.reason


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            '{"detail": "Error: Ticker not found"}',
            "had no figures for IWM: one row of its answer is left out: it has another",
        ),
        ("7", "gave nothing for IWM: its answer has another shape than documented"),
        ("date,close", "gave nothing for IWM: 127.0.0.1 answered with something that is not JSON"),
    ],
)
def test_another_shape_is_a_sentence_and_nothing_of_it_is_used(body: str, sentence: str) -> None:
    fetched = ask(Reply(body))
    assert fetched.reason.startswith(f"Tiingo {sentence}")
    assert fetched.frame.empty


@pytest.mark.parametrize(
    ("odd", "what"),
    [
        ({"date": "2025-11-25T00:00:00.000Z", "close": 1}, "it lacks open"),
        (bar("25.11.2025", 1.0), "'25.11.2025' is no date"),
        (bar("2025-11-25", "ten"), "'ten' is no number"),
        (None, "it has another shape than documented"),
    ],
)
def test_an_odd_bar_costs_that_bar(odd: Any, what: str) -> None:
    fetched = ask(Reply(json.dumps([odd, bar("2025-11-26", 10.0)])))
    assert list(fetched.frame["value"]) == [10.0]
    assert fetched.reason == f"one row of its answer is left out: {what}"


def test_an_equal_bar_twice_is_one_and_its_split_counts_once() -> None:
    split = bar("2025-11-26", 50.0, splitFactor=2.0)
    fetched = ask(Reply(json.dumps([bar("2025-11-25", 100.0), split, split])))
    assert list(fetched.frame["value"]) == [50.0, 50.0]
