"""How fast messages may leave, on a clock of the test's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.pacing import Limits, Pacer

START = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def send_all(pacer: Pacer, count: int, late: list[float]) -> list[datetime]:
    """Return when messages leave whose sender always waits as long as it is told, and rings a little late."""
    now, left = START, []
    for index in range(count):
        while (pause := pacer.wait(now)) > timedelta(0):
            now += pause + timedelta(seconds=late[index % len(late)])
        left.append(now)
    return left


class TestRate:
    def test_the_first_second_has_no_burst(self) -> None:
        left = send_all(Pacer(), 90, [0.0])
        assert len([at for at in left if at < START + SECOND]) in (30, 31)  # 1/30 s is rounded to microseconds

    def test_the_permitted_rate_is_used(self) -> None:
        left = send_all(Pacer(), 301, [0.0])
        assert left[-1] - left[0] == pytest.approx(10 * SECOND, abs=timedelta(milliseconds=1))

    def test_a_timer_that_rings_a_little_late_costs_nothing(self) -> None:
        left = send_all(Pacer(), 301, [0.002])
        assert left[-1] - left[0] < 10.1 * SECOND

    @given(st.lists(st.floats(0, 0.2), min_size=1, max_size=40))
    def test_no_second_ever_has_more_than_31(self, late: list[float]) -> None:
        left = send_all(Pacer(), 120, late)
        assert all(len([at for at in left if start <= at < start + SECOND]) <= 31 for start in left)

    def test_time_in_which_nothing_was_sent_is_not_saved_up(self) -> None:
        pacer = Pacer()
        assert pacer.wait(START) == timedelta(0)
        later = START + timedelta(hours=1)
        left = [
            later + timedelta(milliseconds=ms)
            for ms in range(200)
            if not pacer.wait(later + timedelta(milliseconds=ms))
        ]
        assert len(left) <= 7

    def test_a_paid_rate_is_a_setting(self) -> None:
        left = send_all(Pacer(Limits(per_second=1000)), 501, [0.0])
        assert left[-1] - left[0] < SECOND


class TestHalt:
    def test_nothing_leaves_before_the_deadline(self) -> None:
        pacer = Pacer()
        pacer.halt(START + 7 * SECOND)
        assert pacer.wait(START) == 7 * SECOND
        assert pacer.wait(START + 7 * SECOND) == timedelta(0)

    def test_a_shorter_one_does_not_shorten_it(self) -> None:
        pacer = Pacer()
        pacer.halt(START + 7 * SECOND)
        pacer.halt(START + SECOND)
        assert pacer.wait(START) == 7 * SECOND


class TestChats:
    def test_a_chat_gets_one_message_a_second(self) -> None:
        pacer = Pacer()
        assert pacer.chat_free_at(5, START) == START
        assert pacer.chat_free_at(5, START) == START + SECOND
        assert pacer.chat_free_at(5, START + SECOND) == START + SECOND

    def test_another_chat_is_free(self) -> None:
        pacer = Pacer()
        pacer.chat_free_at(5, START)
        assert pacer.chat_free_at(6, START) == START

    def test_a_group_gets_twenty_a_minute(self) -> None:
        pacer = Pacer()
        for index in range(20):
            at = START + index * SECOND
            assert pacer.chat_free_at(-5, at) <= at
        assert pacer.chat_free_at(-5, START + 20 * SECOND) == START + timedelta(minutes=1)

    def test_asking_for_a_chat_that_is_not_free_takes_nothing(self) -> None:
        pacer = Pacer()
        pacer.chat_free_at(5, START)
        for _ in range(5):
            assert pacer.chat_free_at(5, START) == START + SECOND

    def test_it_does_not_remember_every_chat_for_ever(self) -> None:
        pacer = Pacer()
        for chat_id in range(1, 30_000):
            pacer.chat_free_at(chat_id, START + timedelta(minutes=chat_id))
        assert len(pacer._sent) <= 10_001
