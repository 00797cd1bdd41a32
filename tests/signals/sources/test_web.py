"""Asking over HTTP: how often, how long, and what is said of a failure."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from signals.sources.fred import FredSource
from signals.sources.newyorkfed import NewYorkFedSource
from signals.sources.patience import NoAnswerError, Patience
from signals.sources.session import HOSTS
from signals.sources.tiingo import TiingoSource
from signals.sources.treasury import TreasurySource
from signals.sources.web import Web
from tests.signals.sources.server import FAILURES, LOCAL, Reply, serving, web, web_for

DOWN = Reply("down", 503)
FINE = Reply("fine")


def patient(slept: list[float]) -> Web:
    return Web(patience=Patience(sleep=slept.append), sleep=slept.append, hosts=LOCAL)


def test_it_returns_the_text() -> None:
    with serving(FINE) as server:
        assert web().text(f"{server.url}/a", {"id": "WALCL"}) == "fine"
    assert server.asked[0].target == "/a?id=WALCL"


def test_it_says_who_asks() -> None:
    with serving(FINE) as server:
        web().text(server.url)
    assert server.asked[0].headers["User-Agent"] == "Cascade Telegram bot (market data for one installation)"


@pytest.mark.parametrize(("reply", "sentence"), FAILURES)
def test_every_failure_is_a_sentence_without_the_address(reply: Reply, sentence: str) -> None:
    with serving(reply) as server, pytest.raises(NoAnswerError) as caught:
        web_for(reply).text(f"{server.url}/path", {"api_key": "hidden"})
    assert str(caught.value).startswith(sentence)
    assert "hidden" not in str(caught.value)
    assert "/path" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with serving(FINE) as server:
        pass
    with pytest.raises(NoAnswerError, match=r"^127.0.0.1 could not be reached, or broke off \(ConnectionError\)$"):
        web().text(server.url)


def test_a_key_that_cannot_be_sent_is_a_sentence_without_it() -> None:
    with serving(FINE) as server, pytest.raises(NoAnswerError) as caught:
        web().text(server.url, headers={"Authorization": "Token żółw"})
    assert str(caught.value) == "the key for 127.0.0.1 has a character that cannot be sent"


@pytest.mark.parametrize("body", ["date,value", '{"data": [', "]"])
def test_what_is_not_json_is_a_sentence(body: str) -> None:
    with serving(Reply(body)) as server, pytest.raises(NoAnswerError, match="something that is not JSON"):
        web().json(server.url)


class TestWhoIsAsked:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_no_redirect_is_followed(self, status: int) -> None:
        with serving(FINE) as other, serving(Reply("", status, {"Location": other.url})) as server:
            refused = pytest.raises(NoAnswerError, match=f"refused the request .HTTP {status}")
            with refused:
                web().text(server.url)
            assert other.asked == []

    @pytest.mark.parametrize(
        "address",
        ["https://evil.example/a", "https://fred.stlouisfed.org.evil.example", "https://me@evil.example", "file:///etc/passwd",
         "http://fred.stlouisfed.org/without-tls", "https://169.254.169.254/latest/meta-data", "http://127.0.0.1:1/here"],
    )  # fmt: skip
    def test_nobody_else_is_asked(self, address: str) -> None:
        with pytest.raises(NoAnswerError, match="is none of those who are asked"):
            Web(patience=Patience(waits=())).text(address)

    def test_every_source_asks_somebody_of_the_list(self) -> None:
        fred, asking = FredSource(web()), (NewYorkFedSource(web()), TreasurySource(web()), TiingoSource(web(), "token"))
        asked = [fred.base_url, fred.api_url, *(source.base_url for source in asking)]
        assert {urlsplit(address).hostname for address in asked} <= HOSTS


class TestAskingAgain:
    @pytest.mark.parametrize("failing", [DOWN, Reply("slow down", 429), Reply("x" * 100, cut=True)])
    def test_a_passing_failure_is_asked_again_with_growing_waits(self, failing: Reply) -> None:
        slept: list[float] = []
        with serving([failing, failing, failing, FINE]) as server:
            assert patient(slept).text(server.url) == "fine"
        assert slept == [5.0, 15.0, 45.0]

    def test_after_four_attempts_it_gives_up(self) -> None:
        slept: list[float] = []
        with serving(DOWN) as server, pytest.raises(NoAnswerError, match=r"out of order \(HTTP 503\)"):
            patient(slept).text(server.url)
        assert len(server.asked) == 4

    @pytest.mark.parametrize("reply", [Reply("no", 404), Reply("no", 400), Reply("<html>"), Reply("")])
    def test_an_answer_that_will_not_change_is_not_asked_again(self, reply: Reply) -> None:
        with serving(reply) as server, pytest.raises(NoAnswerError):
            patient([]).text(server.url)
        assert len(server.asked) == 1

    @pytest.mark.parametrize(
        ("header", "waited"), [("7", 7.0), ("60", 60.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 5.0), ("-3", 5.0)]
    )
    def test_it_waits_as_long_as_a_server_asks_up_to_a_minute(self, header: str, waited: float) -> None:
        slept: list[float] = []
        with serving([Reply("slow down", 429, {"Retry-After": header}), FINE]) as server:
            patient(slept).text(server.url)
        assert slept == [waited]

    def test_a_host_that_used_up_all_attempts_is_asked_once_a_request_from_then_on(self) -> None:
        slept: list[float] = []
        asking = patient(slept)
        with serving(DOWN) as server:
            for _ in range(3):
                with pytest.raises(NoAnswerError):
                    asking.text(server.url)
        assert len(server.asked) == 4 + 1 + 1
        assert slept == [5.0, 15.0, 45.0]

    def test_another_host_still_has_all_its_attempts(self) -> None:
        asking = patient([])
        with serving(DOWN) as server:
            for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
                with pytest.raises(NoAnswerError):
                    asking.text(url)
        assert len(server.asked) == 8


class TestPause:
    def asked_at(self, instants: list[float]) -> list[float]:
        """Ask one host at each instant of a clock; return the pauses made."""
        slept: list[float] = []
        clock = iter([instant for instant in instants for _ in range(2)])
        asking = Web(patience=Patience(waits=()), pause=1.0, sleep=slept.append, clock=lambda: next(clock), hosts=LOCAL)
        with serving(FINE) as server:
            for _ in instants:
                asking.text(server.url)
        return slept

    def test_two_requests_to_a_host_are_a_pause_apart(self) -> None:
        assert self.asked_at([100.0, 100.25]) == [0.75]

    def test_there_is_no_pause_after_a_long_time(self) -> None:
        assert self.asked_at([100.0, 101.0, 200.0]) == []
