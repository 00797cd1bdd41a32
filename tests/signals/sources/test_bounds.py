"""No answer takes more memory, time, requests or words than data can need."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from datetime import date

import pytest

from signals.data.series import SERIES
from signals.sources.fred import FredSource
from signals.sources.patience import MOST_IN_ALL, MOST_IN_VAIN, NoAnswerError, PassingError, Patience
from signals.sources.session import MOST_BYTES, MOST_VALUES
from signals.sources.treasury import TreasurySource
from tests.signals.sources.hostile import MOST_MEMORY, bodies, peak_memory
from tests.signals.sources.server import NOW, Asked, Reply, serving, web
from tests.signals.sources.test_yahoo import DAYS, IWM, SPY, chart, yahoo
from tests.signals.sources.test_yahoo import NOW as YAHOOS_NOW

ZEROS = bytes(MOST_BYTES + 1)
BOMBS = {
    "plain": Reply(ZEROS),
    "gzip": Reply(gzip.compress(ZEROS), headers={"Content-Encoding": "gzip"}),
    "deflate": Reply(zlib.compress(ZEROS), headers={"Content-Encoding": "deflate"}),
    "gzip in gzip": Reply(gzip.compress(gzip.compress(ZEROS)), headers={"Content-Encoding": "gzip, gzip"}),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_an_answer_is_read_no_further_than_data_can_reach(kind: str) -> None:
    with serving(BOMBS[kind]) as server, pytest.raises(NoAnswerError, match=r"^the answer is longer than 16 MB$"):
        web().text(server.url)


@pytest.mark.parametrize("kind", BOMBS)
def test_an_answer_of_yahoos_is_read_no_further_than_data_can_reach(kind: str) -> None:
    with yahoo(BOMBS[kind]) as (source, _):
        fetched = source.fetch(IWM, None, YAHOOS_NOW)
    assert fetched.reason == "Yahoo gave nothing for IWM: the answer is longer than 16 MB"


def test_a_page_for_its_cookie_may_be_smaller_only() -> None:
    with yahoo(Reply(chart(DAYS, [1.0, 2.0, 3.0])), crumb=Reply(bytes(2**20 + 1))) as (source, _):
        fetched = source.fetch(IWM, None, YAHOOS_NOW)
    assert fetched.reason == "Yahoo gave nothing for IWM: the answer is longer than 1 MB"


@pytest.mark.parametrize(
    "full", ["[" + "[]," * MOST_VALUES + "[]]", "{" * (MOST_VALUES + 1), "1\n" * (MOST_VALUES + 1)]
)
def test_an_answer_of_more_values_than_data_can_have_is_not_taken_apart(full: str) -> None:
    with serving(Reply(full)) as server:
        for ask in (web().text, web().json):
            with pytest.raises(NoAnswerError, match=r"answered with more than 600,000 values"):
                ask(server.url)


class TestPages:
    def test_freds_are_as_many_as_its_longest_series_needs(self) -> None:
        body = '{"count": 1000000000, "observations": [{"date": "2025-09-10", "value": "1"}]}'
        with serving(Reply(body)) as server:
            fetched = FredSource(web(), server.url, server.url, "key").fetch(SERIES["WALCL"], date(2025, 9, 1), NOW)
        assert fetched.reason == "FRED gave nothing for WALCL: its answer has more than 5 pages"
        assert len(server.asked) == 5

    def test_the_treasurys_are_as_many_as_twenty_years_need(self) -> None:
        row = '{"record_date": "2025-09-10", "account_type": "-", "src_line_nbr": "1"}'
        body = f'{{"data": [{row}], "meta": {{"total-pages": 1000000000, "total-count": 1000000000}}}}'
        with serving(Reply(body)) as server:
            fetched = TreasurySource(web(), server.url).fetch(SERIES["TGA_DTS_CLOSING"], None, NOW)
        assert fetched.reason.endswith("its answer has more than 10000 rows a page, or 200 pages")
        assert len(server.asked) == 201

    def test_a_page_of_more_rows_than_were_asked_for_is_not_read(self) -> None:
        body = f'{{"data": [{",".join(["{}"] * 10_001)}], "meta": {{}}}}'
        with serving(Reply(body)) as server:
            fetched = TreasurySource(web(), server.url).fetch(SERIES["TGA_DTS_CLOSING"], None, NOW)
        assert fetched.reason.endswith("its answer has more than 10000 rows a page, or 200 pages")


class Waiting:
    """A host that takes so many seconds for an attempt, on a clock of its own."""

    def __init__(self, seconds: float, answer: Callable[[], str]) -> None:
        self.now, self.attempts = 0.0, 0
        self._seconds, self._answer = seconds, answer
        self.patience = Patience(sleep=self._pass, clock=lambda: self.now)

    def _pass(self, seconds: float) -> None:
        self.now += seconds

    def ask(self) -> str:
        return self.patience.ask("it", self._attempt)

    def _attempt(self) -> str:
        self.attempts += 1
        self.now += self._seconds
        return self._answer()

    def ask_for_all(self) -> list[str]:
        """Ask as often as there are series; return what was said of each."""
        said = []
        for _ in range(60):
            try:
                said.append(self.ask())
            except NoAnswerError as error:
                said.append(str(error))
        return said


def failing(error: NoAnswerError) -> Callable[[], str]:
    def fail() -> str:
        raise error

    return fail


class TestTime:
    @pytest.mark.parametrize("seconds", [0.1, 5.0, 20.0, 45.0])
    def test_who_hangs_costs_ninety_seconds_for_all_its_series_together(self, seconds: float) -> None:
        host = Waiting(seconds, failing(PassingError("it hangs")))
        said = host.ask_for_all()
        assert host.now <= MOST_IN_VAIN
        assert said[0] == "it hangs"
        assert seconds < 1 or said[-1] == "it hangs; not asked again this time"

    def test_who_answers_slowly_costs_ten_minutes(self) -> None:
        host = Waiting(19.0, lambda: "fine")
        said = host.ask_for_all()
        assert MOST_IN_ALL <= host.now < MOST_IN_ALL + 20
        assert said[-1] == "it took 600 seconds in all; not asked again this time"

    def test_who_answers_in_time_is_asked_for_everything(self) -> None:
        assert set(Waiting(1.0, lambda: "fine").ask_for_all()) == {"fine"}


class TestTooManyRequests:
    def test_who_asks_for_longer_than_a_minute_is_not_asked_again_at_all(self) -> None:
        host = Waiting(0.1, failing(PassingError("fewer", 429, 3600.0)))
        assert host.ask_for_all()[1:] == ["fewer; not asked again this time"] * 59
        assert host.attempts == 1

    @pytest.mark.parametrize("wait", [None, 7.0])
    def test_who_goes_on_asking_for_fewer_is_asked_for_no_other_series(self, wait: float | None) -> None:
        host = Waiting(0.1, failing(PassingError("fewer", 429, wait)))
        host.ask_for_all()
        assert host.attempts == 4

    def test_yahoos_is_obeyed_for_all_symbols(self) -> None:
        with yahoo(Reply("", 429, {"Retry-After": "600"})) as (source, charts):
            said = [source.fetch(series, None, YAHOOS_NOW).reason for series in (IWM, SPY)]
        assert len(charts) == 1
        assert said == [
            "Yahoo gave nothing for IWM: Yahoo asks for fewer requests (HTTP 429)",
            "Yahoo gave nothing for SPY: Yahoo asks for fewer requests (HTTP 429); not asked again this time",
        ]


def test_a_server_that_says_nothing_is_asked_for_one_series_only() -> None:
    def plan(asked: Asked) -> Reply:
        return Reply(silent=True)

    with serving(plan) as server:
        asking = web(0.2)
        asking.patience = Patience(sleep=lambda _: None, clock=iter(range(0, 10_000, 20)).__next__)
        for _ in range(5):
            with pytest.raises(NoAnswerError):
                asking.text(server.url)
    assert len(server.asked) == 3


def test_the_largest_answers_that_are_taken_fit_into_memory() -> None:
    answers = bodies()
    assert peak_memory("key", answers["rows"], answers["a full chart"]) < MOST_MEMORY
