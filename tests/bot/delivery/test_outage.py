"""A run of the same trouble is told from the trouble of single chats."""

from __future__ import annotations

import pytest

from bot.delivery.failures import Failure, FailureKind, Result
from bot.delivery.pacing import Limits, Pacer
from tests.bot.running import Time

REFUSED, UNKNOWN, GONE = (Failure(m, "why") for m in (FailureKind.REFUSED, FailureKind.UNKNOWN, FailureKind.GONE))
NOT_SENT, UNPARSED = (Failure(m, "why") for m in (FailureKind.NOT_SENT, FailureKind.BAD_MARKUP))
SENT = 7


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def pacer(time: Time) -> Pacer:
    return Pacer(Limits(), time)


def judged(pacer: Pacer, *outcomes: Result) -> list[FailureKind | None]:
    found = [pacer.observe(outcome, 5) for outcome in outcomes]
    return [outcome.kind if isinstance(outcome, Failure) else None for outcome in found]


def test_twenty_refusals_are_the_chats_own_and_the_next_ones_are_not(pacer: Pacer) -> None:
    meanings = judged(pacer, *[REFUSED] * 22)
    assert meanings == [FailureKind.REFUSED] * 20 + [FailureKind.MASS_REFUSAL] * 2


@pytest.mark.parametrize("between", [SENT, GONE], ids=["sent", "gone"])
def test_any_that_is_taken_begins_the_count_anew(pacer: Pacer, between: Result) -> None:
    judged(pacer, *[REFUSED] * 20, between)
    assert judged(pacer, REFUSED) == [FailureKind.REFUSED]


@pytest.mark.parametrize("between", [UNKNOWN, NOT_SENT, UNPARSED], ids=["unknown", "not sent", "unparsed"])
def test_what_says_nothing_of_refusals_does_not(pacer: Pacer, between: Result) -> None:
    judged(pacer, *[REFUSED] * 20, between)
    assert judged(pacer, REFUSED) == [FailureKind.MASS_REFUSAL]


def test_ten_unknowns_in_a_row_pause_and_each_probe_after_it_for_twice_as_long(pacer: Pacer, time: Time) -> None:
    judged(pacer, *[UNKNOWN] * 9)
    assert pacer.wait() == 0.0
    pauses = []
    for _ in range(9):
        judged(pacer, UNKNOWN)
        pauses.append(pacer.wait())
        time.now += pauses[-1]
    assert pauses == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]


def test_unknowns_that_were_on_their_way_with_the_tenth_pause_no_longer(pacer: Pacer) -> None:
    judged(pacer, *[UNKNOWN] * 64)
    assert pacer.wait() == 5.0


def test_after_a_pause_one_at_a_time_is_tried_until_telegram_answers(pacer: Pacer, time: Time) -> None:
    judged(pacer, *[UNKNOWN] * 10)
    time.now += 6
    assert pacer.is_probing
    assert pacer.wait() == 0.0
    judged(pacer, SENT)
    assert not pacer.is_probing


def test_answers_to_commands_are_tried_all_the_while(pacer: Pacer) -> None:
    judged(pacer, *[UNKNOWN] * 10)
    assert pacer.reply_wait() == 0.0


@pytest.mark.parametrize("between", [SENT, GONE, REFUSED, UNPARSED], ids=["sent", "gone", "refused", "unparsed"])
def test_any_answer_of_telegram_s_ends_an_outage(pacer: Pacer, between: Result) -> None:
    judged(pacer, *[UNKNOWN] * 10, between)
    assert pacer.wait() == 0.0
    judged(pacer, *[UNKNOWN] * 9)
    assert pacer.wait() == 0.0
    judged(pacer, UNKNOWN)
    assert pacer.wait() == 5.0


def test_a_request_that_did_not_leave_does_not_end_one(pacer: Pacer, time: Time) -> None:
    judged(pacer, *[UNKNOWN] * 9, NOT_SENT)
    time.now += 6
    judged(pacer, UNKNOWN)
    assert pacer.wait() == 5.0
