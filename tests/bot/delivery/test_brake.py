"""A run of the same trouble is told from the trouble of single chats."""

from __future__ import annotations

import pytest

from bot.delivery.brake import Brake
from bot.delivery.failures import Failure, Meaning
from bot.delivery.pacing import Limits, Pacer
from tests.bot.running import Time

REFUSED, UNKNOWN, GONE = (Failure(m, "why") for m in (Meaning.REFUSED, Meaning.UNKNOWN, Meaning.GONE))
NOT_SENT, UNPARSED = (Failure(m, "why") for m in (Meaning.NOT_SENT, Meaning.UNPARSED))
SENT = 7


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def brake(time: Time) -> Brake:
    return Brake(Pacer(Limits(), time))


def judged(brake: Brake, *outcomes: int | Failure) -> list[Meaning | None]:
    found = [brake.judge(outcome) for outcome in outcomes]
    return [outcome.meaning if isinstance(outcome, Failure) else None for outcome in found]


def test_twenty_refusals_are_the_chats_own_and_the_next_ones_are_not(brake: Brake) -> None:
    meanings = judged(brake, *[REFUSED] * 22)
    assert meanings == [Meaning.REFUSED] * 20 + [Meaning.REFUSED_LIKE_OTHERS] * 2


@pytest.mark.parametrize("between", [SENT, GONE], ids=["sent", "gone"])
def test_any_that_is_taken_begins_the_count_anew(brake: Brake, between: int | Failure) -> None:
    judged(brake, *[REFUSED] * 20, between)
    assert judged(brake, REFUSED) == [Meaning.REFUSED]


@pytest.mark.parametrize("between", [UNKNOWN, NOT_SENT, UNPARSED], ids=["unknown", "not sent", "unparsed"])
def test_what_says_nothing_of_refusals_does_not(brake: Brake, between: int | Failure) -> None:
    judged(brake, *[REFUSED] * 20, between)
    assert judged(brake, REFUSED) == [Meaning.REFUSED_LIKE_OTHERS]


def test_ten_unknowns_in_a_row_pause_and_each_probe_after_it_for_twice_as_long(brake: Brake, time: Time) -> None:
    judged(brake, *[UNKNOWN] * 9)
    assert brake.pacer.wait() == 0.0
    pauses = []
    for _ in range(9):
        judged(brake, UNKNOWN)
        pauses.append(brake.pacer.wait())
        time.now += pauses[-1]
    assert pauses == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]


def test_those_that_were_on_their_way_with_the_tenth_pause_no_longer(brake: Brake) -> None:
    judged(brake, *[UNKNOWN] * 64)
    assert brake.pacer.wait() == 5.0


def test_after_a_pause_one_at_a_time_is_tried_until_telegram_answers(brake: Brake, time: Time) -> None:
    judged(brake, *[UNKNOWN] * 10)
    time.now += 6
    assert brake.pacer.is_probing
    assert brake.pacer.wait() == 0.0
    judged(brake, SENT)
    assert not brake.pacer.is_probing


def test_answers_to_commands_are_tried_all_the_while(brake: Brake) -> None:
    judged(brake, *[UNKNOWN] * 10)
    assert brake.pacer.answer_wait() == 0.0


@pytest.mark.parametrize("between", [SENT, GONE, REFUSED, UNPARSED], ids=["sent", "gone", "refused", "unparsed"])
def test_any_answer_of_telegram_s_ends_an_outage(brake: Brake, between: int | Failure) -> None:
    judged(brake, *[UNKNOWN] * 10, between)
    assert brake.pacer.wait() == 0.0
    judged(brake, *[UNKNOWN] * 9)
    assert brake.pacer.wait() == 0.0
    judged(brake, UNKNOWN)
    assert brake.pacer.wait() == 5.0


def test_a_request_that_did_not_leave_does_not(brake: Brake) -> None:
    judged(brake, *[UNKNOWN] * 9, NOT_SENT, UNKNOWN)
    assert brake.pacer.wait() == 5.0
