"""A flood of commands in virtual time, against the sandbox's own limits: answers never cost alerts, nor one chat another.

Each chat has what it writes answered one after the other, as the inbox does; the broadcast is that of the sender.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from telegram.error import RetryAfter

from bot.delivery.asking import Askers
from bot.delivery.failures import Failure, FailureKind
from bot.delivery.pacing import Limits, Pacer
from bot.delivery.replies import ReplyRateLimiter, TooFastError, UnansweredError
from bot.sandbox.limits import Limiter
from bot.sandbox.telegram import BotApiError
from tests.bot.virtual_time import run

SLOW_DOWN = "slow down"
RATE = 30


class Telegram:
    """Takes messages for as long as the limits permit; a broadcast and any number of chats that ask."""

    def __init__(self) -> None:
        self.clock = asyncio.get_running_loop().time
        # A lone answer may be one too many for a second.
        self.limiter = Limiter(per_second=RATE + 1, monotonic=self.clock)
        self.pacer = Pacer(Limits(RATE), self.clock)
        self.replies = ReplyRateLimiter(self.pacer, Askers(1, self.clock))
        self.updates = itertools.count()
        self.broadcast_at: list[float] = []
        self.answers: dict[int, list[str]] = defaultdict(list)
        self.latencies: dict[int, list[float]] = defaultdict(list)
        self.refused: list[int] = []

    async def broadcast(self, chats: range) -> None:
        for chat_id in chats:
            while True:
                while self.pacer.permitted() == 0 or self.pacer.wait() > 0:
                    await asyncio.sleep(max(self.pacer.wait(), 0.001))
                self.pacer.record_broadcast(chat_id)
                try:
                    self.limiter.take(chat_id)
                    break
                except BotApiError as error:
                    throttled = Failure(FailureKind.THROTTLED, str(error), retry_after=self._met(error, chat_id))
                    self.pacer.observe(throttled, chat_id)
            self.broadcast_at.append(self.clock())

    def _met(self, error: BotApiError, chat_id: int) -> float:
        self.refused.append(chat_id)
        assert error.parameters is not None
        return float(error.parameters["retry_after"])

    async def ask(self, chat_id: int, text: str) -> None:
        """Let the bot answer; it takes a twentieth of a second to carry a command out."""

        async def take(_: str, data: dict[str, Any]) -> None:
            try:
                self.limiter.take(chat_id)
            except BotApiError as error:
                raise RetryAfter(int(self._met(error, chat_id))) from None
            self.answers[chat_id].append(data["text"])

        begun = self.clock()
        await asyncio.sleep(0.05)
        try:
            try:
                await self.replies.admit(chat_id, next(self.updates), text)
            except TooFastError:
                text = SLOW_DOWN
            data = {"chat_id": chat_id, "text": text}
            await self.replies.process_request(take, ("", data), {}, "sendMessage", data, True)
        except UnansweredError:
            return
        self.latencies[chat_id].append(self.clock() - begun)

    async def chat(self, chat_id: int, times: list[float]) -> None:
        """Let somebody write at these times; what they write waits for its turn in the chat."""
        for number, at in enumerate(times):
            await asyncio.sleep(max(at - self.clock(), 0.0))
            begun, before = at, len(self.answers[chat_id])
            await self.ask(chat_id, f"answer {number}")
            if len(self.answers[chat_id]) > before and self.answers[chat_id][-1] != SLOW_DOWN:
                self.latencies[chat_id][-1] = self.clock() - begun


def every(seconds: float, until: float, begin: float = 0.0) -> list[float]:
    return [begin + number * seconds for number in range(int((until - begin) / seconds))]


def in_time(scenario: Callable[[Telegram], Awaitable[None]]) -> Telegram:
    """Play a scenario and return how it went."""
    kept: list[Telegram] = []

    async def play() -> None:
        kept.append(Telegram())
        await scenario(kept[0])

    run(play())
    return kept[0]


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


SUBSCRIBERS = range(10_000, 12_000)
STEADY, FAST, FLOODER, SELDOM = range(1, 101), range(101, 111), 111, range(200, 260)


@pytest.fixture(scope="module")
def flood() -> Telegram:
    """100 chats at one command a second, ten at two, one that sends 200 at once, and sixty who ask once in a while."""

    async def scenario(telegram: Telegram) -> None:
        async with asyncio.TaskGroup() as tasks:
            broadcast = tasks.create_task(telegram.broadcast(SUBSCRIBERS))
            people = [
                *(telegram.chat(chat, every(1.0, 60, chat / 100)) for chat in STEADY),
                *(telegram.chat(chat, every(0.5, 60, chat / 100)) for chat in FAST),
                telegram.chat(FLOODER, [5.0] * 200),
                *(telegram.chat(chat, every(17.0, 60, chat % 17 + 2.4)) for chat in SELDOM),
            ]
            for person in people:
                tasks.create_task(person)
            await broadcast

    return in_time(scenario)


class TestFlood:
    def test_the_broadcast_keeps_at_least_half_of_the_rate_in_every_ten_seconds(self, flood: Telegram) -> None:
        for begin in range(0, 50, 10):
            assert sum(begin <= at < begin + 10 for at in flood.broadcast_at) >= 10 * RATE / 2

    def test_who_asks_once_in_a_while_is_answered_within_a_second(self, flood: Telegram) -> None:
        waited = [seconds for chat in SELDOM for seconds in flood.latencies[chat]]
        asked = sum(len(every(17.0, 60, chat % 17 + 2.4)) for chat in SELDOM)
        assert len(waited) == asked
        assert p95(waited) < 1

    def test_nobody_meets_a_429(self, flood: Telegram) -> None:
        assert flood.refused == []

    @pytest.mark.parametrize("chat", [*FAST, FLOODER])
    def test_who_asks_too_fast_hears_once_to_slow_down_and_then_nothing(self, flood: Telegram, chat: int) -> None:
        *answers, last = flood.answers[chat]
        assert last == SLOW_DOWN
        assert SLOW_DOWN not in answers
        assert len(answers) <= 8

    def test_what_answers_leave_is_not_wasted(self, flood: Telegram) -> None:
        seconds = flood.broadcast_at[-1] - flood.broadcast_at[0]
        answers = sum(len(said) for said in flood.answers.values())
        assert (len(flood.broadcast_at) + answers) / seconds >= 0.9 * RATE


class TestQuietTimes:
    def test_without_a_broadcast_answers_have_the_whole_rate(self) -> None:
        async def scenario(telegram: Telegram) -> None:
            async with asyncio.TaskGroup() as tasks:
                for chat in range(1, 101):
                    tasks.create_task(telegram.chat(chat, [0.0]))

        telegram = in_time(scenario)
        assert all(len(telegram.answers[chat]) == 1 for chat in range(1, 101))
        assert max(waited for (waited,) in telegram.latencies.values()) < 4

    def test_a_crowd_that_an_alert_brings_is_answered_within_five_seconds(self) -> None:
        async def scenario(telegram: Telegram) -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(telegram.broadcast(range(1000, 1300)))
                for chat in range(1, 51):
                    tasks.create_task(telegram.chat(chat, [1.0]))

        telegram = in_time(scenario)
        assert all(len(telegram.answers[chat]) == 1 for chat in range(1, 51))

    def test_who_asks_as_fast_as_one_may_has_every_answer(self) -> None:
        telegram = in_time(lambda telegram: telegram.chat(5, every(1.0, 30)))
        assert telegram.answers[5] == [f"answer {number}" for number in range(30)]
        assert telegram.refused == []

    def test_who_stops_is_answered_again(self) -> None:
        async def scenario(telegram: Telegram) -> None:
            await telegram.chat(5, [*[0.0] * 10, 4.0])

        assert in_time(scenario).answers[5] == ["answer 0", "answer 1", "answer 2", SLOW_DOWN, "answer 10"]

    def test_the_same_within_a_second_is_one_answer(self) -> None:
        async def scenario(telegram: Telegram) -> None:
            for _ in range(3):
                await telegram.ask(5, "status")
            await asyncio.sleep(1)
            await telegram.ask(5, "status")

        assert in_time(scenario).answers[5] == ["status", "status"]


class TestTooManyRequests:
    @pytest.fixture
    def throttled(self) -> Failure:
        return Failure(FailureKind.THROTTLED, "Too Many Requests", retry_after=3)

    def test_one_that_a_chat_brought_upon_itself_halts_that_chat(self, throttled: Failure) -> None:
        async def scenario(telegram: Telegram) -> None:
            for _ in range(2):
                await telegram.ask(5, "answer")
                await asyncio.sleep(1)
            result = telegram.pacer.observe(throttled, 5)
            assert isinstance(result, Failure)
            assert result.kind is FailureKind.CHAT_BUSY
            assert telegram.pacer.chat_wait(5) == telegram.pacer.halted_for(5) == pytest.approx(3)
            assert telegram.pacer.reply_wait() == telegram.pacer.chat_wait(6) == telegram.pacer.halted_for(6) == 0
            assert telegram.pacer.wait() < 0.1
            assert telegram.pacer.throttled_for() == 0

        in_time(scenario)

    def test_one_of_a_chat_that_had_no_more_than_one_message_halts_everybody(self, throttled: Failure) -> None:
        async def scenario(telegram: Telegram) -> None:
            await telegram.ask(5, "answer")
            telegram.pacer.observe(throttled, 5)
            assert telegram.pacer.reply_wait() == telegram.pacer.wait() == telegram.pacer.throttled_for() == 3

        in_time(scenario)

    def test_a_longer_one_than_a_chat_gets_halts_everybody(self) -> None:
        async def scenario(telegram: Telegram) -> None:
            for number in range(3):
                await telegram.ask(5, f"answer {number}")
            telegram.pacer.observe(Failure(FailureKind.THROTTLED, "", retry_after=60), 5)
            assert telegram.pacer.reply_wait() == 60

        in_time(scenario)

    def test_what_several_chats_meet_at_once_halts_everybody(self, throttled: Failure) -> None:
        async def scenario(telegram: Telegram) -> None:
            for chat in (5, 6, 7):
                for number in range(2):
                    await telegram.ask(chat, f"answer {number}")
            for chat in (5, 6, 7):
                assert telegram.pacer.throttled_for() == 0
                telegram.pacer.observe(throttled, chat)
            assert telegram.pacer.throttled_for() == 3

        in_time(scenario)

    def test_that_of_a_busy_group_halts_the_group_for_as_long_as_it_says(self) -> None:
        async def scenario(telegram: Telegram) -> None:
            for number in range(12):
                await telegram.ask(-5, f"answer {number}")
                await asyncio.sleep(2)
            telegram.pacer.observe(Failure(FailureKind.THROTTLED, "", retry_after=40), -5)
            assert telegram.pacer.chat_wait(-5) == 40
            assert telegram.pacer.throttled_for() == 0

        in_time(scenario)
