"""The pace: smooth from the start, never more than 31 in any second, answers first, one deadline for everybody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.pacing import Limits, Pacer
from tests.bot.running import Time


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def pacer(time: Time) -> Pacer:
    return Pacer(Limits(), time)


def broadcast(pacer: Pacer, time: Time, count: int, late: list[float]) -> list[float]:
    """Let messages to different chats leave as soon as they may, each a little late; return when they did."""
    left = []
    for number in range(count):
        time.now += pacer.wait() + late[number % len(late)]
        if (again := pacer.wait()) > 0:
            time.now += again
        pacer.record_broadcast(number + 1)
        left.append(time.now)
    return left


def most_in_a_second(left: list[float]) -> int:
    return max(sum(start <= at < start + 1 for at in left) for start in left)


class TestRate:
    def test_the_first_second_has_no_burst(self, pacer: Pacer, time: Time) -> None:
        left = broadcast(pacer, time, 90, [0.0])
        assert sum(at < left[0] + 1 for at in left) == 30

    def test_nearly_all_of_the_permitted_rate_is_used(self, pacer: Pacer, time: Time) -> None:
        left = broadcast(pacer, time, 1801, [0.0])
        assert 1800 / (left[-1] - left[0]) >= 0.99 * 30

    def test_a_timer_that_rings_a_little_late_costs_nothing(self, pacer: Pacer, time: Time) -> None:
        left = broadcast(pacer, time, 1801, [0.002, 0.0, 0.005])
        assert 1800 / (left[-1] - left[0]) >= 0.99 * 30

    @given(st.lists(st.floats(0, 0.3), min_size=1, max_size=40))
    def test_no_second_ever_has_more_than_thirty(self, late: list[float]) -> None:
        time = Time()
        assert most_in_a_second(broadcast(Pacer(Limits(), time), time, 120, late)) <= 30

    def test_time_in_which_nothing_was_sent_is_not_saved_up(self, pacer: Pacer, time: Time) -> None:
        pacer.record_broadcast(1)
        time.now += 3600
        left = broadcast(pacer, time, 10, [0.0])
        assert sum(at < left[0] + 0.1 for at in left) <= 5

    def test_at_the_free_rate_one_is_claimed_at_a_time_and_at_a_paid_one_many(self, time: Time) -> None:
        assert Pacer(Limits(), time).permitted() == 1
        assert Pacer(Limits(per_second=1000), time).permitted() == 50

    def test_a_paid_rate_is_reached(self, time: Time) -> None:
        left = broadcast(Pacer(Limits(per_second=1000), time), time, 5001, [0.0])
        assert 5000 / (left[-1] - left[0]) >= 990

    def test_several_workers_share_it(self, time: Time) -> None:
        pacer = Pacer(Limits(), time)
        pacer.share(2)
        left = broadcast(pacer, time, 901, [0.0])
        assert 900 / (left[-1] - left[0]) == pytest.approx(15, rel=0.01)
        pacer.share(1)
        left = broadcast(pacer, time, 901, [0.0])
        assert 900 / (left[-1] - left[0]) == pytest.approx(30, rel=0.01)

    def test_it_is_claimed_a_little_before_it_may_leave(self, pacer: Pacer, time: Time) -> None:
        pacer.record_broadcast(1)
        assert pacer.permitted() == 0
        time.now += pacer.claim_wait()
        assert pacer.permitted() == 1
        assert 0 < pacer.wait() <= 0.011


class TestAnswers:
    def test_one_leaves_at_once_in_the_middle_of_a_broadcast_and_the_broadcast_gives_way(
        self, pacer: Pacer, time: Time
    ) -> None:
        broadcast(pacer, time, 60, [0.0])
        assert pacer.reply_wait() < 0.006
        time.now += pacer.reply_wait()
        pacer.record_reply(7)
        assert pacer.wait() > 1 / 30

    @given(st.lists(st.tuples(st.booleans(), st.floats(0, 0.1)), max_size=200))
    def test_both_lanes_together_never_exceed_thirty_one_in_a_second(self, wishes: list[tuple[bool, float]]) -> None:
        time = Time()
        pacer, left = Pacer(Limits(), time), []
        for number, (is_answer, pause) in enumerate(wishes):
            time.now += pause
            time.now += pacer.reply_wait() if is_answer else pacer.wait()
            (pacer.record_reply if is_answer else pacer.record_broadcast)(number + 1)
            left.append(time.now)
        assert not left or most_in_a_second(left) <= 31

    def test_a_group_has_twenty_a_minute_for_both_lanes_and_the_last_two_are_for_alerts(
        self, pacer: Pacer, time: Time
    ) -> None:
        for number in range(18):
            assert not pacer.is_full(-5)
            (pacer.record_broadcast if number % 2 else pacer.record_reply)(-5)
            time.now += 1
        assert pacer.is_full(-5)
        assert not pacer.is_full(-6)
        for _ in range(2):
            assert pacer.chat_wait(-5) == 0
            pacer.record_broadcast(-5)
            time.now += 1
        assert pacer.chat_wait(-5) == pytest.approx(40)
        time.now += 42
        assert not pacer.is_full(-5)


class TestPause:
    def test_nothing_leaves_before_the_deadline_in_either_lane(self, pacer: Pacer, time: Time) -> None:
        pacer.pause(7)
        assert pacer.wait() == pacer.reply_wait() == pytest.approx(7)
        assert pacer.permitted() == 0
        time.now += 7
        assert pacer.wait() == pacer.reply_wait() == 0

    def test_a_shorter_one_does_not_shorten_it(self, pacer: Pacer) -> None:
        pacer.pause(7)
        pacer.pause(1)
        assert pacer.wait() == pytest.approx(7)


class TestChats:
    def test_a_chat_gets_one_broadcast_a_second(self, pacer: Pacer, time: Time) -> None:
        assert pacer.chat_wait(5) == 0
        pacer.record_broadcast(5)
        assert pacer.chat_wait(5) == pytest.approx(1)
        time.now += 1
        assert pacer.chat_wait(5) == 0

    def test_several_that_wait_for_one_chat_have_turns_of_their_own(self, pacer: Pacer, time: Time) -> None:
        pacer.record_broadcast(5)
        for turn in (1, 2):
            assert pacer.chat_wait(5) == pytest.approx(turn)
            pacer.reserve(5, pacer.chat_wait(5))
        time.now += 1
        pacer.record_broadcast(5)
        assert pacer.chat_wait(5) == pytest.approx(2)

    def test_another_chat_is_free(self, pacer: Pacer) -> None:
        pacer.record_broadcast(5)
        assert pacer.chat_wait(6) == 0

    def test_it_does_not_remember_every_chat_for_ever(self, time: Time) -> None:
        pacer = Pacer(Limits(per_second=1000), time)
        for number in range(1, 20_000):
            pacer.record_broadcast(number if number % 2 else -number)
            time.now += 0.01
        assert len(pacer._chats) <= 101
        assert len(pacer._minutes) <= 3_001
