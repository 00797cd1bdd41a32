"""Whatever a publisher answers, and whatever that makes a source raise, costs one series one evening, in one sentence."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.data.series import FIELDS, SERIES, Series
from signals.sources.collect import collect
from signals.sources.folder import FolderSource
from signals.sources.fred import FredSource
from signals.sources.newyorkfed import NewYorkFedSource
from signals.sources.operator import EarlierSource, OperatorSource
from signals.sources.routed import RoutedSource
from signals.sources.shape import Fetched, Source
from signals.sources.tiingo import TiingoSource
from signals.sources.treasury import TreasurySource
from tests.signals.sources.server import NOW, Reply, Server, serving, web
from tests.signals.sources.test_newyorkfed import operation, rate
from tests.signals.sources.test_tiingo import bar
from tests.signals.sources.test_yahoo import DAYS, chart, yahoo
from tests.worlds import CALENDAR

KEYS = ("IWM", "SPY", "WALCL")
ERRORS: tuple[type[Exception], ...] = (
    *(KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError, MemoryError, OSError),
    *(UnicodeError, AssertionError, ZeroDivisionError, StopIteration, RuntimeError, TimeoutError, Exception),
)


@pytest.fixture(scope="module", autouse=True)
def _silent() -> Iterator[None]:
    """What is logged of it holds what was raised, and nobody passes half a letter on between pytest's workers."""
    logger = logging.getLogger("signals.sources.shape")
    logger.disabled = True
    yield
    logger.disabled = False


class UntellableError(Exception):
    """An exception that cannot even be written."""

    def __str__(self) -> str:
        raise RecursionError


class Raising:
    """Raises for one series, and answers for the others."""

    def __init__(self, error: BaseException, key: str = "SPY") -> None:
        self._error, self._key = error, key

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        if series.key == self._key:
            raise self._error
        return Fetched(pd.DataFrame({"value": [100.0]}, index=pd.DatetimeIndex(["2020-11-11"])))


def collected(source: Source) -> dict[str, tuple[int, str]]:
    """Return per series how many rows may be archived, and the sentence."""
    return {one.key: (len(one.frame), one.reason) for one in collect(source, {}, CALENDAR, NOW, keys=KEYS)}


@given(st.sampled_from(ERRORS), st.text(st.characters(exclude_categories=())))
def test_whatever_is_raised_costs_its_series_and_no_other(error: type[Exception], text: str) -> None:
    found = collected(Raising(error(text)))
    assert [rows for rows, _ in found.values()] == [1, 0, 1]
    assert found["SPY"][1] == f"the answer for SPY could not be read ({error.__name__})"


def test_so_does_what_cannot_even_be_written() -> None:
    assert collected(Raising(UntellableError()))["SPY"] == (0, "the answer for SPY could not be read (UntellableError)")


def test_where_the_first_source_raises_the_second_is_asked() -> None:
    routed = RoutedSource({"yahoo": Raising(RecursionError()), "tiingo": Raising(ValueError(), "no series")})
    rows, reason = collected(routed)["SPY"]
    assert rows == 1
    assert reason == "the answer for SPY could not be read (RecursionError); tiingo was used instead"


@given(st.dictionaries(st.sampled_from(FIELDS), st.one_of(st.text(), st.floats(), st.none(), st.integers())), st.text())
def test_a_frame_of_any_kind_costs_its_series_at_most(cells: dict[str, Any], reason: str) -> None:
    class Odd:
        def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
            return Fetched(pd.DataFrame(cells, index=["2020-11-11"]), reason)

    assert set(collected(Odd())) == set(KEYS)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(Reply("")) as server:
        yield server


def source_of(name: str, url: str) -> tuple[Source, Series]:
    asking = web()
    sources: dict[str, tuple[Source, str]] = {
        "fred's graphs": (FredSource(asking, url), "WALCL"),
        "fred's api": (FredSource(asking, url, url, "key"), "WALCL"),
        "rates": (NewYorkFedSource(asking, url), "SOFR"),
        "operations": (NewYorkFedSource(asking, url), "RRPONTSYD"),
        "balance": (TreasurySource(asking, url), "TGA_DTS_CLOSING"),
        "flows": (TreasurySource(asking, url), "DTS_NET_WITHDRAWALS"),
        "tiingo": (TiingoSource(asking, "token", url), "IWM"),
    }
    source, key = sources[name]
    return source, SERIES[key]


NAMES = ("fred's graphs", "fred's api", "rates", "operations", "balance", "flows", "tiingo")
SHAPES = {
    "fred's graphs": '"observation_date,WALCL"',
    "fred's api": '{"count": %s, "observations": [%s]}',
    "rates": '{"refRates": [%s, %s]}',
    "operations": '{"repo": {"operations": [%s, %s]}}',
    "balance": '{"meta": {"total-pages": 1, "total-count": %s}, "data": [%s]}',
    "flows": '{"meta": {"total-pages": %s, "total-count": 1}, "data": [%s]}',
    "tiingo": "[%s, %s]",
}
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.just("9999-12-31")
)
NAMED = st.sampled_from(
    [
        "date",
        "value",
        "effectiveDate",
        "percentRate",
        "operationDate",
        "totalAmtAccepted",
        "record_date",
        "close",
        "note",
    ]
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMED, inner, max_size=4))
HOSTILE = [
    b"\x00", b"\xff\xfe", b'"\\ud800"', b"Infinity", b"1e999", b"[" * 200_000, b"9" * 20_000, b'{"date": "\\ud800-01-01"}',
    b"a,b\n" + b"1" * 200_000, b"\x1b[2K,\xe2\x80\xae", b'{"a":' * 5_000,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
class TestThroughTheRealClient:
    def check(self, server: Server, name: str, body: bytes) -> None:
        server.plan = lambda _: Reply(body)
        source, series = source_of(name, server.url)
        (found,) = collect(source, {}, CALENDAR, NOW, keys=[series.key])
        assert found.reason.isprintable()
        assert not len(found.frame) or found.frame["value"].notna().all()

    @given(st.binary(max_size=200))
    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_bytes_are_a_sentence(self, server: Server, name: str, body: bytes) -> None:
        self.check(server, name, body)

    @given(JSON, JSON)
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_so_is_any_json_in_place_of_what_is_documented(self, server: Server, name: str, one: Any, two: Any) -> None:
        shape = SHAPES[name]
        filled = shape % (json.dumps(one), json.dumps(two)) if "%s" in shape else json.dumps([one, two])
        self.check(server, name, filled.encode())

    @pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
    def test_so_is_what_is_made_to_break_a_reader(self, server: Server, name: str, body: bytes) -> None:
        self.check(server, name, body)
        self.check(server, name, SHAPES[name].replace("%s", "\x00").encode().replace(b"\x00", body))


class TestYahoo:
    @pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
    def test_what_is_made_to_break_a_reader_is_a_sentence(self, body: bytes) -> None:
        fine = json.loads(chart(DAYS, [1.0, 2.0, 3.0]))
        fine["chart"]["result"][0]["indicators"]["quote"][0]["close"][1] = "HERE"
        with yahoo(lambda: Reply(answers.pop())) as (source, _):
            for answer in (body, json.dumps(fine).encode().replace(b'"HERE"', body)):
                answers = [answer] * 2
                (found,) = collect(source, {}, CALENDAR, NOW, keys=["IWM"])
                assert found.reason.startswith("Yahoo gave nothing for IWM: ")
                assert found.reason.isprintable()


ROWS: dict[str, list[Any]] = {
    "fred's graphs": [f"2025-09-{day},{day}" for day in (10, 17, 24)],
    "fred's api": [{"date": f"2025-09-{day}", "value": str(day)} for day in (10, 17, 24)],
    "rates": [rate(f"2025-11-{day}", day / 4) for day in (24, 25, 26)],
    "operations": [operation(f"2025-11-{day}", day * 1e9) for day in (24, 25, 26)],
    "balance": [
        {"record_date": f"2025-11-{day}", "account_type": "Treasury General Account (TGA) Closing Balance", "open_today_bal": str(day)}
        for day in (24, 25, 26)
    ],
    "tiingo": [bar(f"2025-11-{day}", float(day), high=99.0) for day in (24, 25, 26)],
}  # fmt: skip


def written(name: str, rows: list[Any]) -> str:
    """Return an answer of these rows, in the shape of its publisher."""
    whole = {
        "fred's graphs": lambda: "observation_date,WALCL\n" + "\n".join(map(str, rows)) + "\n\n",
        "fred's api": lambda: json.dumps({"count": len(rows), "observations": rows}),
        "rates": lambda: json.dumps({"refRates": rows}),
        "operations": lambda: json.dumps({"repo": {"operations": rows}}),
        "balance": lambda: json.dumps({"meta": {"total-pages": 1, "total-count": len(rows)}, "data": rows}),
        "tiingo": lambda: json.dumps(rows),
    }
    return whole[name]()


@pytest.mark.parametrize("name", ROWS)
class TestRows:
    def figures(self, server: Server, name: str, rows: list[Any]) -> tuple[dict[str, float], str]:
        server.plan = lambda _: Reply(written(name, rows))
        source, series = source_of(name, server.url)
        fetched = source.fetch(series, date(2025, 1, 1), NOW)
        (found,) = collect(source, {series.key: date(2025, 1, 1)}, CALENDAR, NOW, keys=[series.key])
        days = pd.DatetimeIndex(found.frame.index).strftime("%m-%d")
        return dict(zip(days, found.frame["value"], strict=True)), fetched.reason

    @given(st.integers(0, 2), st.integers(0, 3))
    @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_row_doubled_is_one_row(self, server: Server, name: str, which: int, where: int) -> None:
        rows = ROWS[name]
        doubled = [*rows[:where], rows[which], *rows[where:]]
        assert self.figures(server, name, doubled) == self.figures(server, name, rows)

    @given(st.integers(0, 2), st.sampled_from([None, "", 7, "a,b,c", [], {"date": 3}]))
    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_row_damaged_costs_that_row(self, server: Server, name: str, which: int, damage: Any) -> None:
        rows = ROWS[name]
        whole, _ = self.figures(server, name, rows)
        figures, reason = self.figures(server, name, [*rows[:which], damage, *rows[which + 1 :]])
        lost = list(whole)[which]
        assert figures == {day: figure for day, figure in whole.items() if day != lost}
        assert reason.startswith("one row of its answer is left out: ") or (name == "fred's graphs" and damage == "")


def test_what_an_operators_file_makes_a_source_raise_is_a_sentence_too(tmp_path: Any) -> None:
    for body in (b"\xff\xfe\x00", b"date\n", b"date,close\n" + b"1" * 300_000 + b",2\n", b'"', b"\x00,\x00\n"):
        (tmp_path / "SPY.csv").write_bytes(body)
        for source in (OperatorSource(tmp_path, Raising(ValueError())), EarlierSource({"SPY": tmp_path / "SPY.csv"}, FolderSource(tmp_path))):  # fmt: skip
            assert collected(source)["SPY"][0] == 0
