"""Who asks too fast and who asks seldom, by a clock that is passed in."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.asking import Ask, Askers
from tests.bot.running import Time

GAPS = st.lists(st.floats(0, 5), min_size=1, max_size=60)


class Chat:
    """One chat that asks something else each time."""

    def __init__(self, per_second: int = 1) -> None:
        self.time = Time()
        self.askers = Askers(per_second, self.time)
        self._numbers = itertools.count()

    def ask(self, after: float, text: str | None = None) -> Ask:
        self.time.now += after
        number = next(self._numbers)
        ask = self.askers.ask(5, number, text or str(number))
        if ask is Ask.SLOW_DOWN:
            self.askers.note_told(5)
        return ask


@pytest.fixture
def chat() -> Chat:
    return Chat()


def test_three_are_answered_at_once_and_the_fourth_hears_to_slow_down(chat: Chat) -> None:
    assert [chat.ask(0) for _ in range(6)] == [*[Ask.GIVEN] * 3, Ask.SLOW_DOWN, *[Ask.IGNORED] * 2]


def test_who_slows_down_is_answered_and_hears_it_again_only_after_a_pause(chat: Chat) -> None:
    for _ in range(5):
        chat.ask(0)
    assert [chat.ask(1), chat.ask(1), chat.ask(0.1), chat.ask(0.1), chat.ask(0.1)][:2] == [Ask.GIVEN] * 2
    assert chat.ask(0.1) is Ask.IGNORED
    chat.ask(4)
    assert [chat.ask(0) for _ in range(4)][-2:] == [Ask.SLOW_DOWN, Ask.IGNORED]


def test_who_was_not_reached_hears_it_with_the_next(chat: Chat) -> None:
    asks = [chat.askers.ask(5, number, str(number)) for number in range(5)]
    assert asks[3:] == [Ask.SLOW_DOWN] * 2


def test_the_same_within_a_second_is_repeated_and_counts(chat: Chat) -> None:
    assert [chat.ask(0, "/status") for _ in range(4)] == [Ask.GIVEN, Ask.REPEATED, Ask.REPEATED, Ask.SLOW_DOWN]


def test_an_update_that_is_tried_again_counts_once(chat: Chat) -> None:
    assert [chat.askers.ask(5, 7, "/status") for _ in range(9)] == [Ask.GIVEN] * 9


@given(GAPS)
def test_never_more_answers_than_a_burst_and_one_a_second(gaps: list[float]) -> None:
    chat = Chat()
    given_at = [chat.time.now for gap in gaps if chat.ask(gap) is Ask.GIVEN]
    for first, second in itertools.combinations(range(len(given_at)), 2):
        assert second - first + 1 <= 3 + given_at[second] - given_at[first] + 0.11


@given(st.integers(1, 100), st.floats(1, 20))
def test_who_never_asks_faster_than_one_may_has_every_answer(times: int, gap: float) -> None:
    chat = Chat()
    assert {chat.ask(gap) for _ in range(times)} == {Ask.GIVEN}


def test_who_asks_more_often_weighs_more_and_it_is_forgotten(chat: Chat) -> None:
    for _ in range(10):
        chat.ask(1)
    assert 6 < chat.askers.weight(5) < 10
    chat.time.now += 30
    assert chat.askers.weight(5) < 1


def test_the_pages_of_a_long_answer_leave_a_second_apart_after_the_third(chat: Chat) -> None:
    assert chat.ask(0) is Ask.GIVEN
    waits = [chat.askers.follow(5) for _ in range(4)]
    assert waits == [0, 0, pytest.approx(0.9), pytest.approx(1.9)]


def test_it_does_not_remember_every_chat_for_ever() -> None:
    time = Time()
    askers = Askers(1, time)
    for number in range(10_000):
        askers.ask(number, number, "/status")
        time.now += 0.1
    assert len(askers._askers) <= 101
