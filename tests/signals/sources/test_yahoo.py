"""Yahoo through yfinance's own parsing, against answers in Yahoo's shape from a local server."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
import yfinance

from signals.data.series import SERIES
from signals.sources.patience import Patience
from signals.sources.shape import Fetched
from signals.sources.yahoo import YahooSource
from signals.sources.yahoo_session import YahooSession
from tests.signals.sources.server import LOCAL, SILENT, Asked, Reply, serving

IWM, SPY = SERIES["IWM"], SERIES["SPY"]
NOW = datetime(2020, 11, 16, 23, tzinfo=UTC)


@contextmanager
def yahoo(
    answer: Callable[[], Reply] | Reply,
    patience: Patience | None = None,
    timeout: float = 5.0,
    crumb: Reply | None = None,
    other: Callable[[Asked], Reply] | None = None,
) -> Iterator[tuple[YahooSource, list[str]]]:
    """Serve chart answers at a local address; yield the source and the charts it asked for."""
    charts: list[str] = []

    def plan(asked: Asked) -> Reply:
        if asked.path.startswith("/v8/"):
            charts.append(asked.target)
            return answer if isinstance(answer, Reply) else answer()
        return other(asked) if other else crumb or Reply("crumb")

    with serving(plan) as server:

        class Local(YahooSession):
            hosts = LOCAL

            def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
                parts = urlsplit(url)
                query = f"?{parts.query}" if parts.query else ""
                return super().request(method, f"{server.url}{parts.path or '/'}{query}", *args, **kwargs)

        # Time zones and cookies of an earlier server would be taken for this one's.
        yfinance.set_tz_cache_location(tempfile.mkdtemp(prefix="cascade-test-"))
        session = Local(timeout)
        try:
            yield YahooSource(session=session, patience=patience or Patience(waits=())), charts
        finally:
            session.close()


def opened(day: str) -> int:
    return int(pd.Timestamp(f"{day} 09:30", tz="America/New_York").timestamp())


def chart(days: list[str], closes: list[float | None], **extra: Any) -> str:
    """Return a chart answer in Yahoo's shape."""
    quote = dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": [1000] * len(days)}
    end = opened(days[-1]) + 23400 if days else 0
    meta = {
        "currency": "USD",
        "exchangeTimezoneName": "America/New_York",
        "instrumentType": "ETF",
        "validRanges": ["1d", "max"],
        "regularMarketTime": extra.pop("last_trade", end),
        "currentTradingPeriod": {"regular": {"start": opened(days[-1]), "end": end, "timezone": "EST", "gmtoffset": -18000}},
    }  # fmt: skip
    result = {"meta": meta, "timestamp": [opened(day) for day in days], "indicators": {"quote": [quote]}, **extra}
    result["indicators"]["adjclose"] = [{"adjclose": closes}]
    return json.dumps({"chart": {"result": [result], "error": None}})


DAYS = ["2020-11-11", "2020-11-12", "2020-11-13"]
FINE = Reply(chart(DAYS, [170.0, 171.0, 173.0]))
DOWN = Reply("down", 500)
NO_SUCH_SYMBOL = Reply('{"chart": {"result": null, "error": {"code": "Not Found", "description": "No data"}}}', 404)


def test_nothing_that_yahoo_answers_leads_elsewhere() -> None:
    with serving(FINE) as other:
        redirect = Reply("", 302, {"Location": f"{other.url}/v8/finance/chart/IWM"})
        with yahoo(redirect, crumb=redirect) as (source, _):
            assert "Yahoo refused the request (HTTP 302)" in source.fetch(IWM, None, NOW).reason
        assert other.asked == []


class TestYahoo:
    def ask(self, body: str, status: int = 200, since: date | None = None) -> Fetched:
        with yahoo(Reply(body, status)) as (source, _):
            return source.fetch(IWM, since, NOW)

    def test_it_reads_unadjusted_closes_by_exchange_date(self) -> None:
        fetched = self.ask(chart(DAYS, [170.0, 171.0, 173.0]))
        assert fetched.reason == ""
        assert list(fetched.frame["value"]) == [170.0, 171.0, 173.0]
        assert [str(day.date()) for day in fetched.frame.index] == DAYS
        assert pd.DatetimeIndex(fetched.frame.index).tz is None

    def test_dividends_come_with_their_date(self) -> None:
        events = {"dividends": {str(opened(DAYS[1])): {"amount": 0.5, "date": opened(DAYS[1])}}}
        fetched = self.ask(chart(DAYS, [170.0, 171.0, 173.0], events=events))
        assert list(fetched.frame["dividend"]) == [0.0, 0.5, 0.0]

    def test_the_first_request_asks_for_everything_and_later_ones_only_from_the_newest_bar_on(self) -> None:
        with yahoo(FINE) as (source, asked):
            source.fetch(IWM, None, NOW)
            assert "period1=-" in asked[-1]
            source.fetch(IWM, date(2020, 11, 12), NOW)
            assert f"period1={int(pd.Timestamp('2020-11-12', tz='America/New_York').timestamp())}" in asked[-1]

    def test_a_bar_that_is_still_running_is_left_out_with_a_sentence(self) -> None:
        half_past_two = opened("2020-11-13") + 5 * 3600
        fetched = self.ask(chart(DAYS, [170.0, 171.0, 173.0], last_trade=half_past_two))
        assert list(fetched.frame["value"]) == [170.0, 171.0]
        assert fetched.reason == "Yahoo's bar of 2020-11-13 for IWM is not complete yet"

    def test_the_running_day_of_a_coin_is_that_of_its_own_time_zone(self) -> None:
        # In New York it is still the evening of the 12th.
        start = int(pd.Timestamp("2020-11-13", tz="UTC").timestamp())
        body = json.loads(chart(DAYS, [15700.0, 16276.0, 16300.0], last_trade=start + 3600))
        result = body["chart"]["result"][0]
        result["timestamp"] = [int(pd.Timestamp(day, tz="UTC").timestamp()) for day in DAYS]
        result["meta"] |= {"exchangeTimezoneName": "UTC", "instrumentType": "CRYPTOCURRENCY"}
        result["meta"]["currentTradingPeriod"]["regular"] |= {"start": start, "end": start + 86340, "timezone": "UTC"}
        with yahoo(Reply(json.dumps(body))) as (source, _):
            fetched = source.fetch(SERIES["BTC-USD"], None, NOW)
        assert [str(day.date()) for day in fetched.frame.index] == DAYS[:2]
        assert fetched.reason == "Yahoo's bar of 2020-11-13 for BTC-USD is not complete yet"

    @pytest.mark.parametrize("field", ["regularMarketTime", "currentTradingPeriod"])
    def test_where_yahoo_does_not_say_what_is_running_every_bar_is_kept(self, field: str) -> None:
        body = json.loads(chart(DAYS, [170.0, 171.0, 173.0], last_trade=opened("2020-11-13") + 3600))
        del body["chart"]["result"][0]["meta"][field]
        assert len(self.ask(json.dumps(body)).frame) == 3

    def test_a_bar_without_prices_is_kept_for_the_gate_to_name(self) -> None:
        fetched = self.ask(chart(DAYS, [170.0, 171.0, None]))
        assert np.isnan(fetched.frame["value"].iloc[-1])

    @pytest.mark.parametrize(
        ("reply", "sentence"),
        [
            (Reply("Too Many Requests", 429), "Yahoo asks for fewer requests (HTTP 429)"),
            (Reply("internal error", 500), "Yahoo is out of order (HTTP 500)"),
            (NO_SUCH_SYMBOL, "Yahoo refused the request (HTTP 404)"),
            (Reply(NO_SUCH_SYMBOL.body), "Yahoo has no chart of it"),
            (Reply("<html>consent</html>"), "Yahoo answered with something that is not JSON"),
            (Reply(""), "Yahoo answered with something that is not JSON"),
            (Reply("x" * 4000, cut=True), "Yahoo could not be reached, or broke off ("),
            (Reply("x" * 4000, reset=True), "Yahoo could not be reached, or broke off ("),
            (SILENT, "Yahoo did not answer within 0.3 seconds"),
            (Reply("x" * 40, dripping=True), "Yahoo did not answer within 0.3 seconds"),
            (Reply('{"chart": {"result": [], "error": null}}'), "Yahoo has no chart of it"),
            (Reply('{"chart": {"result": [{"meta": {}}], "error": null}}'), "Yahoo's chart cannot be read ("),
        ],
    )
    def test_every_bad_answer_is_a_sentence_and_no_figure(self, reply: Reply, sentence: str) -> None:
        with yahoo(reply, timeout=0.3 if reply.silent or reply.dripping else 5.0) as (source, _):
            fetched = source.fetch(IWM, None, NOW)
        assert fetched.reason.startswith(f"Yahoo gave nothing for IWM: {sentence}")
        assert len(fetched.frame) == 0
        assert "http" not in fetched.reason
        assert not fetched.absent

    def test_without_a_crumb_it_answers_all_the_same(self) -> None:
        with yahoo(FINE, crumb=Reply("Too Many Requests", 429)) as (source, _):
            fetched = source.fetch(IWM, None, NOW)
        assert fetched.reason == ""
        assert len(fetched.frame) == 3

    def test_a_server_that_is_not_there_is_a_sentence_too(self) -> None:
        with yahoo(Reply("")) as (source, _):
            pass
        fetched = source.fetch(IWM, None, NOW)
        assert fetched.reason.startswith("Yahoo gave nothing for IWM: Yahoo could not be reached")

    def test_an_outage_is_not_remembered_after_it_ends(self) -> None:
        answers = {"now": DOWN}
        with yahoo(lambda: answers["now"]) as (source, _):
            assert len(source.fetch(IWM, date(2020, 11, 11), NOW).frame) == 0
            answers["now"] = FINE
            assert len(source.fetch(IWM, date(2020, 11, 11), NOW).frame) == 3

    def test_before_the_open_yesterdays_bar_is_complete(self) -> None:
        # Today's period is announced already, the last trade is yesterday's.
        body = json.loads(chart(DAYS, [170.0, 171.0, 173.0]))
        period = body["chart"]["result"][0]["meta"]["currentTradingPeriod"]["regular"]
        period["start"], period["end"] = opened("2020-11-16"), opened("2020-11-16") + 23400
        fetched = self.ask(json.dumps(body))
        assert len(fetched.frame) == 3
        assert fetched.reason == ""

    def test_a_recorded_answer_reads_the_same_figures(self, real_history: Path) -> None:
        recorded = json.loads((real_history / "raw" / "yahoo_v8_chart-AAPL-2020-08-31-to-2020-11-07.json").read_text())
        body = recorded["response"]["bodyJson"]
        fetched = self.ask(json.dumps(body))
        quote = body["chart"]["result"][0]["indicators"]["quote"][0]
        assert fetched.reason == ""
        assert len(fetched.frame) == 49
        assert list(fetched.frame["value"]) == pytest.approx(quote["close"])
        assert fetched.frame["dividend"].sum() > 0
        assert set(fetched.frame["split"]) == {0.0, 4.0}


class TestAskingAgain:
    def fetch_two(self, answer: Callable[[], Reply] | Reply) -> tuple[list[Fetched], list[float]]:
        """Ask one source for two series; return the answers and the waits."""
        slept: list[float] = []
        with yahoo(answer, Patience(sleep=slept.append)) as (source, _):
            return [source.fetch(series, date(2020, 11, 11), NOW) for series in (IWM, SPY)], slept

    def test_a_passing_failure_is_asked_again(self) -> None:
        replies = [Reply("Too Many Requests", 429)]
        fetched, slept = self.fetch_two(lambda: replies.pop() if replies else FINE)
        assert [len(answer.frame) for answer in fetched] == [3, 3]
        assert slept == [5.0]

    def test_an_outage_costs_the_waits_once(self) -> None:
        fetched, slept = self.fetch_two(DOWN)
        assert [answer.reason for answer in fetched] == [
            "Yahoo gave nothing for IWM: Yahoo is out of order (HTTP 500)",
            "Yahoo gave nothing for SPY: Yahoo is out of order (HTTP 500)",
        ]
        assert slept == [5.0, 15.0, 45.0]

    def test_a_symbol_that_is_not_there_is_not_asked_again(self) -> None:
        _, slept = self.fetch_two(NO_SUCH_SYMBOL)
        assert slept == []
