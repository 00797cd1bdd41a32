"""The sources: one shape, a sentence for whatever is wrong, nothing invented."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
import yfinance
from curl_cffi import requests as curl

from signals.collect import Fetched, collect, collect_archive
from signals.series import SERIES
from signals.sessions import decision_time
from signals.sources.choose import choose_source
from signals.sources.folder import FolderSource
from signals.sources.simulated import START, SimulatedSource
from signals.sources.yahoo import YahooSource
from tests.worlds import CALENDAR

IWM = SERIES["IWM"]
NOW = datetime(2020, 11, 16, 23, tzinfo=UTC)


class TestFolder:
    def write(self, folder: Path, text: str, name: str = "IWM.csv") -> FolderSource:
        (folder / name).write_text(text)
        return FolderSource(folder)

    def test_it_reads_prices(self, tmp_path: Path) -> None:
        text = "date,open,high,low,close,adj_close,volume\n2020-11-12,1,3,1,2,1.9,100\n2020-11-13,2,4,2,3,2.9,200\n"
        fetched = self.write(tmp_path, text).fetch(IWM, None, NOW)
        assert fetched.reason == ""
        assert list(fetched.frame["value"]) == [2.0, 3.0]
        assert list(fetched.frame["adj_close"]) == [1.9, 2.9]

    def test_the_file_of_an_index_has_no_caret(self, tmp_path: Path) -> None:
        source = self.write(tmp_path, "date,close\n2020-11-13,3\n", "RUT.csv")
        assert list(source.fetch(SERIES["^RUT"], None, NOW).frame["value"]) == [3.0]

    @pytest.mark.parametrize("column", ["close", "value"])
    def test_a_close_may_be_called_value(self, tmp_path: Path, column: str) -> None:
        fetched = self.write(tmp_path, f"date,{column}\n2020-11-13,3\n").fetch(IWM, None, NOW)
        assert list(fetched.frame["value"]) == [3.0]

    def test_a_file_with_only_adjusted_closes_gives_no_close(self, tmp_path: Path) -> None:
        fetched = self.write(tmp_path, "date,adj_close\n2020-11-13,3\n").fetch(IWM, None, NOW)
        assert "value" not in fetched.frame

    def test_since_is_included(self, tmp_path: Path) -> None:
        source = self.write(tmp_path, "date,close\n2020-11-12,2\n2020-11-13,3\n")
        assert list(source.fetch(IWM, date(2020, 11, 13), NOW).frame["value"]) == [3.0]

    def test_a_missing_file_is_a_series_that_is_absent(self, tmp_path: Path) -> None:
        fetched = FolderSource(tmp_path).fetch(IWM, None, NOW)
        assert fetched.absent
        assert fetched.reason == "there is no file IWM.csv in the data folder"

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("day,close\n2020-11-13,3\n", "cannot be read"),
            ("", "cannot be read"),
            ("date,price\n2020-11-13,3\n", "has the columns price; expected close, adj_close or value"),
            ("date,close\n13.11.2020,3\n", "has a date that is not like 2020-11-13"),
        ],
    )
    def test_a_file_of_another_shape_is_named_and_gives_nothing(self, tmp_path: Path, text: str, sentence: str) -> None:
        fetched = self.write(tmp_path, text).fetch(IWM, None, NOW)
        assert sentence in fetched.reason
        assert len(fetched.frame) == 0
        assert not fetched.absent

    def test_a_figure_that_is_no_number_is_missing(self, tmp_path: Path) -> None:
        fetched = self.write(tmp_path, "date,close\n2020-11-12,.\n2020-11-13,3\n").fetch(IWM, None, NOW)
        assert np.isnan(fetched.frame["value"].iloc[0])


class TestSimulated:
    now = datetime(2010, 1, 8, 23, tzinfo=UTC)

    def test_the_same_seed_gives_the_same_market(self) -> None:
        one, other = (SimulatedSource(7).fetch(IWM, None, self.now).frame for _ in range(2))
        pd.testing.assert_frame_equal(one, other)

    def test_another_seed_gives_another(self) -> None:
        one = SimulatedSource(7).fetch(IWM, None, self.now).frame
        assert not one.equals(SimulatedSource(8).fetch(IWM, None, self.now).frame)

    def test_the_past_does_not_depend_on_how_far_it_is_computed(self) -> None:
        short = SimulatedSource().fetch(IWM, None, self.now).frame
        long = SimulatedSource().fetch(IWM, None, self.now.replace(year=2015)).frame
        pd.testing.assert_frame_equal(short, long.loc[: short.index[-1]], check_freq=False)

    def test_it_has_a_bar_for_every_session_and_nothing_that_cannot_be_true(self) -> None:
        archive, reasons = collect_archive(SimulatedSource(), CALENDAR, self.now)
        assert reasons == {}
        expected = CALENDAR[(CALENDAR >= START) & (pd.Timestamp("2010-01-08") >= CALENDAR)]
        assert all(list(table.index) == list(expected) for table in archive.values())
        assert set(archive) == set(SERIES)

    def test_the_etf_follows_its_index(self) -> None:
        archive, _ = collect_archive(SimulatedSource(), CALENDAR, self.now)
        moves = {key: archive[key]["value"].pct_change().dropna() for key in ("^RUT", "IWM")}
        assert (moves["^RUT"] - moves["IWM"]).abs().max() < 0.015

    def test_since_is_included(self) -> None:
        assert len(SimulatedSource().fetch(IWM, date(2010, 1, 7), self.now).frame) == 2


Answer = Callable[[str, dict[str, list[str]]], tuple[int, str]]


@contextmanager
def yahoo(answer: Answer) -> Iterator[tuple[YahooSource, list[str]]]:
    """Serve chart answers at a local address; yield the source and the paths it asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, body = 200, "crumb"
            if url.path.startswith("/v8/"):
                asked.append(self.path)
                status, body = answer(url.path, parse_qs(url.query))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    port = server.server_address[1]

    class Local(curl.Session[curl.Response]):
        def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
            parts = urlsplit(url)
            query = f"?{parts.query}" if parts.query else ""
            return super().request(method, f"http://127.0.0.1:{port}{parts.path or '/'}{query}", *args, **kwargs)

    # Time zones and cookies of an earlier server would be taken for this one's.
    yfinance.set_tz_cache_location(tempfile.mkdtemp(prefix="cascade-test-"))
    session = Local(impersonate="chrome")
    try:
        yield YahooSource(session=session, timeout=5), asked
    finally:
        session.close()
        server.shutdown()
        server.server_close()
        thread.join()


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


class TestYahoo:
    def ask(self, body: str, status: int = 200, since: date | None = None) -> Fetched:
        with yahoo(lambda *_: (status, body)) as (source, _):
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
        with yahoo(lambda *_: (200, chart(DAYS, [170.0, 171.0, 173.0]))) as (source, asked):
            source.fetch(IWM, None, NOW)
            assert "period1=-" in asked[-1]
            source.fetch(IWM, date(2020, 11, 12), NOW)
            assert f"period1={int(pd.Timestamp('2020-11-12', tz='America/New_York').timestamp())}" in asked[-1]

    def test_a_bar_that_is_still_running_is_left_out_with_a_sentence(self) -> None:
        half_past_two = opened("2020-11-13") + 5 * 3600
        fetched = self.ask(chart(DAYS, [170.0, 171.0, 173.0], last_trade=half_past_two))
        assert list(fetched.frame["value"]) == [170.0, 171.0]
        assert fetched.reason == "Yahoo's bar of 2020-11-13 for IWM is not complete yet"

    def test_a_bar_without_prices_is_kept_for_the_gate_to_name(self) -> None:
        fetched = self.ask(chart(DAYS, [170.0, 171.0, None]))
        assert np.isnan(fetched.frame["value"].iloc[-1])

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (429, "Too Many Requests"),
            (500, "internal error"),
            (404, '{"chart": {"result": null, "error": {"code": "Not Found", "description": "No data"}}}'),
            (200, "<html>consent</html>"),
            (200, ""),
            (200, '{"chart": {"result": [], "error": null}}'),
        ],
    )
    def test_every_bad_answer_is_a_sentence_and_no_figure(self, status: int, body: str) -> None:
        fetched = self.ask(body, status)
        assert len(fetched.frame) == 0
        assert "Yahoo" in fetched.reason
        assert "IWM" in fetched.reason
        assert "http" not in fetched.reason
        assert not fetched.absent

    def test_a_server_that_is_not_there_is_a_sentence_too(self) -> None:
        with yahoo(lambda *_: (200, "")) as (source, _):
            pass
        fetched = source.fetch(IWM, None, NOW)
        assert fetched.reason.startswith("Yahoo did not answer for IWM")

    def test_an_outage_is_not_remembered_after_it_ends(self) -> None:
        answers = {"now": (500, "down")}
        with yahoo(lambda *_: answers["now"]) as (source, _):
            assert len(source.fetch(IWM, date(2020, 11, 11), NOW).frame) == 0
            answers["now"] = (200, chart(DAYS, [170.0, 171.0, 173.0]))
            assert len(source.fetch(IWM, date(2020, 11, 11), NOW).frame) == 3

    def test_a_new_split_has_the_whole_history_fetched_again(self) -> None:
        split = {"splits": {str(opened(DAYS[2])): {"date": opened(DAYS[2]), "numerator": 2, "denominator": 1, "splitRatio": "2:1"}}}  # fmt: skip
        with yahoo(lambda *_: (200, chart(DAYS, [85.0, 85.5, 86.5], events=split))) as (source, asked):
            fetched = source.fetch(IWM, date(2020, 11, 12), NOW)
        assert fetched.restated
        assert "period1=-" in asked[-1]
        assert len(fetched.frame) == 3

    def test_so_has_one_that_was_flagged_an_evening_late(self) -> None:
        split = {"splits": {str(opened(DAYS[1])): {"date": opened(DAYS[1]), "numerator": 2, "denominator": 1, "splitRatio": "2:1"}}}  # fmt: skip
        fetched = self.ask(chart(DAYS, [85.0, 85.5, 86.5], events=split), since=date(2020, 11, 12))
        assert fetched.restated

    def test_one_before_the_newest_bar_archived_does_not(self) -> None:
        at = opened(DAYS[0])
        split = {"splits": {str(at): {"date": at, "numerator": 2, "denominator": 1, "splitRatio": "2:1"}}}
        assert not self.ask(chart(DAYS, [85.0, 85.5, 86.5], events=split), since=date(2020, 11, 12)).restated

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


class Counting:
    """A source that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, date | None] = {}

    def fetch(self, series: Any, since: date | None, now: datetime) -> Fetched:
        self.asked[series.key] = since
        return SimulatedSource().fetch(series, since, now)


class TestCollect:
    friday = date(2020, 11, 13)

    def test_it_asks_for_nothing_that_is_there_already(self) -> None:
        source = Counting()
        newest = dict.fromkeys(SERIES, self.friday)
        assert list(collect(source, newest, CALENDAR, decision_time(self.friday))) == []
        assert source.asked == {}

    def test_it_asks_from_the_newest_bar_on_and_for_all_of_what_was_never_had(self) -> None:
        source = Counting()
        newest = dict.fromkeys(SERIES, self.friday) | {"SPY": date(2020, 11, 12)}
        del newest["IWM"]
        collected = list(collect(source, newest, CALENDAR, decision_time(self.friday)))
        assert source.asked == {"SPY": date(2020, 11, 12), "IWM": None}
        assert [c.key for c in collected] == ["IWM", "SPY"]

    def test_what_a_session_waits_for_is_asked_for_again(self) -> None:
        source = Counting()
        newest = dict.fromkeys(SERIES, self.friday)
        now = decision_time(self.friday)
        assert [c.key for c in collect(source, newest, CALENDAR, now, ("^RUT", "IWM"))] == ["^RUT", "IWM"]
        assert source.asked == {"^RUT": self.friday, "IWM": self.friday}

    def test_on_a_weekend_fridays_bar_is_the_newest_there_can_be(self) -> None:
        source = Counting()
        sunday = datetime(2020, 11, 15, 20, tzinfo=UTC)
        assert list(collect(source, dict.fromkeys(SERIES, self.friday), CALENDAR, sunday)) == []


class TestChoosing:
    def test_the_setting_names_the_source(self, tmp_path: Path) -> None:
        assert isinstance(choose_source("live"), YahooSource)
        assert isinstance(choose_source("simulated"), SimulatedSource)
        assert choose_source(f"folder:{tmp_path}") == FolderSource(tmp_path)

    def test_another_text_is_an_error_that_names_it(self) -> None:
        with pytest.raises(ValueError, match=r"'bloomberg', expected live, simulated or folder:PATH"):
            choose_source("bloomberg")
