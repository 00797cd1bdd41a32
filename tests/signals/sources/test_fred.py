"""FRED: the CSV behind its graphs, and its API where there is a key."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from signals.data.series import SERIES, Series
from signals.sources.fred import FredSource
from signals.sources.shape import Fetched
from tests.signals.sources.server import FAILURES, NOW, Asked, Plan, Reply, by_day, serving, web, web_for

WALCL = SERIES["WALCL"]
KEY = "0123456789abcdef0123456789abcdef"


def called(name: str) -> Series:
    """Return a series that FRED calls by this name."""
    return replace(WALCL, key=name)


def ask(plan: Plan | Reply | list[Reply], since: date | None = None, series: Series = WALCL) -> Fetched:
    with serving(plan) as server:
        return FredSource(web(), server.url, server.url).fetch(series, since, NOW)


class TestGraph:
    text = "observation_date,WALCL\n2025-09-10,6605909\n2025-09-17,6608597\n2025-09-24,6608395\n"

    def test_it_reads_figures_by_date(self) -> None:
        fetched = ask(Reply(self.text))
        assert fetched.reason == ""
        assert by_day(fetched) == {"2025-09-10": 6605909.0, "2025-09-17": 6608597.0, "2025-09-24": 6608395.0}
        assert pd.DatetimeIndex(fetched.frame.index).tz is None

    def test_the_first_request_asks_for_everything(self) -> None:
        with serving(Reply(self.text)) as server:
            FredSource(web(), server.url).fetch(WALCL, None, NOW)
        assert server.asked[0].target == "/graph/fredgraph.csv?id=WALCL"

    def test_a_later_one_only_from_the_newest_figure_on(self) -> None:
        with serving(Reply(self.text)) as server:
            fetched = FredSource(web(), server.url).fetch(WALCL, date(2025, 9, 17), NOW)
        assert server.asked[0].target == "/graph/fredgraph.csv?id=WALCL&cosd=2025-09-17"
        assert list(by_day(fetched)) == ["2025-09-17", "2025-09-24"]

    def test_a_figure_dated_after_now_is_left_out(self) -> None:
        fetched = ask(Reply("observation_date,IORB\n2025-12-01,3.9\n2025-12-02,3.9\n"), series=called("IORB"))
        assert list(by_day(fetched)) == ["2025-12-01"]

    def test_the_older_header_is_read_too(self) -> None:
        assert by_day(ask(Reply("DATE,WALCL\n2025-09-10,1.5\n"))) == {"2025-09-10": 1.5}

    @pytest.mark.parametrize("blank", ["", ".", " "])
    def test_a_missing_figure_is_left_out(self, blank: str) -> None:
        fetched = ask(Reply(f"observation_date,WALCL\n2025-09-10,{blank}\n2025-09-17,2\n"))
        assert by_day(fetched) == {"2025-09-17": 2.0}
        assert fetched.reason == ""

    def test_no_figure_at_all_is_said(self) -> None:
        fetched = ask(Reply("observation_date,WALCL\n2025-09-10,.\n"))
        assert fetched.reason == "FRED had no figures for WALCL"
        assert fetched.frame.empty

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (
                "observation_date,WTREGEN\n2025-09-10,1\n",
                "has the columns observation_date,WTREGEN; expected a date and WALCL",
            ),
            ("observation_date\n2025-09-10\n", "it has the columns observation_date; expected"),
            (
                "observation_date,WALCL,WALCL2\n2025-09-10,1,2\n",
                "it has the columns observation_date,WALCL,WALCL2; expected",
            ),
            ("Service temporarily limited", "it has the columns Service temporarily limited"),
        ],
    )
    def test_another_shape_is_a_sentence_and_nothing_of_it_is_used(self, text: str, sentence: str) -> None:
        fetched = ask(Reply(text))
        assert fetched.reason.startswith("FRED gave nothing for WALCL: its answer cannot be read: ")
        assert sentence in fetched.reason
        assert fetched.frame.empty
        assert not fetched.absent

    @pytest.mark.parametrize(
        ("line", "what"),
        [
            ("2025-09-17", "it is '2025-09-17'"),
            ("2025-09-17,2,3", "it is '2025-09-17,2,3'"),
            ("2025-09-17,nan", "'nan' is no number"),
            ("2025-09-17,a lot", "'a lot' is no number"),
            ("17.09.2025,1", "'17.09.2025' is no date"),
            (f"2025-09-17,{'1' * 200_000}", "is no number"),
            ("2025-09-10,2", "2025-09-10 comes twice with different figures"),
        ],
    )
    def test_an_odd_line_costs_that_line(self, line: str, what: str) -> None:
        fetched = ask(Reply(f"observation_date,WALCL\n2025-09-10,1\n{line}\n2025-09-24,3\n"))
        assert by_day(fetched) == {"2025-09-10": 1.0, "2025-09-24": 3.0} if "twice" not in what else {"2025-09-24": 3.0}
        assert fetched.reason.startswith("one row of its answer is left out: ")
        assert what in fetched.reason

    def test_an_equal_line_twice_is_one_and_a_blank_one_nothing(self) -> None:
        fetched = ask(Reply("observation_date,WALCL\n2025-09-10,1\n2025-09-10,1\n2025-09-17,2\n\n"))
        assert by_day(fetched) == {"2025-09-10": 1.0, "2025-09-17": 2.0}
        assert fetched.reason == ""

    @pytest.mark.parametrize(("reply", "sentence"), FAILURES)
    def test_every_failure_is_a_sentence_and_no_figure(self, reply: Reply, sentence: str) -> None:
        with serving(reply) as server:
            fetched = FredSource(web_for(reply), server.url).fetch(WALCL, None, NOW)
        assert fetched.reason.startswith(f"FRED gave nothing for WALCL: {sentence}")
        assert fetched.frame.empty

    @pytest.mark.parametrize(
        ("file", "name", "rows"),
        [
            ("fredgraph_WALCL_2002-2025.csv", "WALCL", 1189),
            ("fredgraph_oldformat_WTREGEN_2013-2024.csv", "WTREGEN", 578),
            ("fredgraph_oldformat_CBBTCUSD_2014-2020.csv", "CBBTCUSD", 2187),
        ],
    )
    def test_a_recorded_answer_reads_the_same_figures(
        self, real_history: Path, file: str, name: str, rows: int
    ) -> None:
        text = (real_history / "raw" / file).read_text()
        fetched = ask(Reply(text), series=called(name))
        recorded = dict(line.split(",") for line in text.splitlines()[1:])
        assert by_day(fetched) == {day: float(figure) for day, figure in recorded.items() if figure not in ("", ".")}
        assert len(fetched.frame) == rows
        assert fetched.reason == ""

    def test_a_recorded_answer_for_another_series_is_not_used(self, real_history: Path) -> None:
        text = (real_history / "raw" / "fredgraph_oldformat_WTREGEN_2013-2024.csv").read_text()
        assert ask(Reply(text)).frame.empty


def observations(figures: dict[str, str], count: int | None = None, offset: int = 0) -> Reply:
    """Return an answer of the API in its documented shape."""
    today = {"realtime_start": "2025-12-01", "realtime_end": "2025-12-01"}
    rows = [today | {"date": day, "value": figure} for day, figure in figures.items()]
    total = len(rows) if count is None else count
    return Reply(json.dumps(today | {"count": total, "offset": offset, "limit": 100000, "observations": rows}))


TODAY = {"2025-09-10": "6605.909", "2025-09-17": "6608.597", "2025-09-24": "6608.395"}
TOO_MANY = Reply('{"error_code":400,"error_message":"This exceeds the maximum number of vintage dates allowed"}', 400)


def with_key(today: Reply, first: Reply) -> Plan:
    """Answer with one or the other, by whether first publications were asked for."""
    return lambda asked: first if "output_type" in asked.query else today


class TestApi:
    def ask(self, plan: Plan | Reply | list[Reply], since: date | None = date(2025, 9, 1)) -> Fetched:
        with serving(plan) as server:
            fetched = FredSource(web(), server.url, server.url, KEY).fetch(WALCL, since, NOW)
        self.asked: list[Asked] = server.asked
        return fetched

    def test_an_evening_asks_for_plain_observations(self) -> None:
        assert by_day(self.ask(observations(TODAY))) == {day: float(figure) for day, figure in TODAY.items()}
        assert self.asked[0].path == "/fred/series/observations"
        assert self.asked[0].query == {
            "series_id": "WALCL", "file_type": "json", "limit": "100000", "offset": "0",
            "observation_start": "2025-09-01", "api_key": KEY,
        }  # fmt: skip

    def test_a_missing_figure_is_left_out(self) -> None:
        assert list(by_day(self.ask(observations(TODAY | {"2025-10-01": "."})))) == list(TODAY)

    def test_a_long_answer_is_read_page_by_page(self) -> None:
        pages = [observations({"2025-09-10": "1", "2025-09-17": "2"}, 3), observations({"2025-09-24": "3"}, 3, 2)]
        assert list(by_day(self.ask(pages)).values()) == [1.0, 2.0, 3.0]
        assert [asked.query["offset"] for asked in self.asked] == ["0", "2"]

    def test_an_answer_with_fewer_rows_than_it_says_is_not_used(self) -> None:
        fetched = self.ask([observations({"2025-09-10": "1"}, 3), observations({}, 3, 1)])
        assert fetched.reason == "FRED gave nothing for WALCL: only 1 of 3 rows came"
        assert fetched.frame.empty

    def test_a_first_download_is_as_first_published(self) -> None:
        fetched = self.ask(with_key(observations(TODAY), observations(TODAY | {"2025-09-17": "6600"})), None)
        assert by_day(fetched)["2025-09-17"] == 6600.0
        assert fetched.reason == ""
        assert self.asked[1].query.items() >= {
            ("output_type", "4"), ("realtime_start", "1776-07-04"), ("realtime_end", "9999-12-31"),
        }  # fmt: skip

    def test_where_first_publications_are_refused_the_figures_of_today_are_used(self) -> None:
        fetched = self.ask(with_key(observations(TODAY), TOO_MANY), None)
        assert by_day(fetched) == {day: float(figure) for day, figure in TODAY.items()}
        assert fetched.reason == ""

    def test_where_they_fail_otherwise_it_is_said(self) -> None:
        fetched = self.ask(with_key(observations(TODAY), Reply("down", 502)), None)
        assert len(fetched.frame) == 3
        assert fetched.reason == (
            "WALCL is as revised today, not as first published: 127.0.0.1 is out of order (HTTP 502)"
        )

    def test_a_figure_first_published_in_another_unit_is_the_one_of_today(self) -> None:
        first = {"2025-09-10": "6.7", "2025-09-17": "6600"}
        fetched = self.ask(with_key(observations(TODAY), observations(first)), None)
        assert by_day(fetched) == {"2025-09-10": 6605.909, "2025-09-17": 6600.0, "2025-09-24": 6608.395}
        assert fetched.reason == (
            "WALCL was published in another unit until 2025-09-10; up to then figures are as revised today"
        )

    def test_a_figure_withdrawn_since_is_not_brought_back(self) -> None:
        fetched = self.ask(with_key(observations(TODAY), observations(TODAY | {"2025-08-01": "1"})), None)
        assert list(by_day(fetched)) == list(TODAY)

    @pytest.mark.parametrize(("reply", "sentence"), FAILURES)
    @pytest.mark.parametrize("since", [None, date(2025, 9, 1)])
    def test_no_failure_shows_the_key(self, reply: Reply, sentence: str, since: date | None) -> None:
        with serving(reply) as server:
            source = FredSource(web_for(reply), server.url, server.url, KEY)
            fetched = source.fetch(WALCL, since, NOW)
        assert fetched.reason.startswith(f"FRED gave nothing for WALCL: {sentence}")
        assert KEY not in fetched.reason + repr(source)
        assert fetched.frame.empty

    def test_a_refused_key_is_a_sentence_without_it(self) -> None:
        fetched = self.ask(Reply(f'{{"error_code":400,"error_message":"api_key {KEY} is not registered"}}', 400), None)
        assert fetched.reason == "FRED gave nothing for WALCL: 127.0.0.1 refused the request (HTTP 400)"

    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            ('{"count": 1}', "its answer lacks observations"),
            ('{"observations": []}', "its answer lacks count"),
            ('{"count": Infinity, "observations": []}', "127.0.0.1 answered with something that is not JSON"),
            ('{"count": 1e999, "observations": []}', ""),
            ("[" * 200_000, "127.0.0.1 answered with something that is not JSON"),
            ("[]", "its answer has another shape than documented"),
            ("plain text", "127.0.0.1 answered with something that is not JSON"),
        ],
    )
    def test_another_shape_is_a_sentence_and_nothing_of_it_is_used(self, body: str, sentence: str) -> None:
        fetched = self.ask(Reply(body))
        assert fetched.reason.startswith(f"FRED gave nothing for WALCL: {sentence}")
        assert fetched.frame.empty
