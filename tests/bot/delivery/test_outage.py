"""A run of the same trouble is told from the trouble of single chats."""

from __future__ import annotations

import pytest

from bot.delivery.failures import Failure, FailureKind
from bot.delivery.outage import OutageDetector
from bot.delivery.pacing import Limits, Pacer
from tests.bot.running import Time

REFUSED, UNKNOWN, GONE = (Failure(m, "why") for m in (FailureKind.REFUSED, FailureKind.UNKNOWN, FailureKind.GONE))
NOT_SENT, UNPARSED = (Failure(m, "why") for m in (FailureKind.NOT_SENT, FailureKind.BAD_MARKUP))
SENT = 7


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def detector(time: Time) -> OutageDetector:
    return OutageDetector(Pacer(Limits(), time))


def judged(detector: OutageDetector, *outcomes: int | Failure) -> list[FailureKind | None]:
    found = [detector.observe(outcome) for outcome in outcomes]
    return [outcome.kind if isinstance(outcome, Failure) else None for outcome in found]


def test_twenty_refusals_are_the_chats_own_and_the_next_ones_are_not(detector: OutageDetector) -> None:
    meanings = judged(detector, *[REFUSED] * 22)
    assert meanings == [FailureKind.REFUSED] * 20 + [FailureKind.MASS_REFUSAL] * 2


@pytest.mark.parametrize("between", [SENT, GONE], ids=["sent", "gone"])
def test_any_that_is_taken_begins_the_count_anew(detector: OutageDetector, between: int | Failure) -> None:
    judged(detector, *[REFUSED] * 20, between)
    assert judged(detector, REFUSED) == [FailureKind.REFUSED]


@pytest.mark.parametrize("between", [UNKNOWN, NOT_SENT, UNPARSED], ids=["unknown", "not sent", "unparsed"])
def test_what_says_nothing_of_refusals_does_not(detector: OutageDetector, between: int | Failure) -> None:
    judged(detector, *[REFUSED] * 20, between)
    assert judged(detector, REFUSED) == [FailureKind.MASS_REFUSAL]


def test_ten_unknowns_in_a_row_pause_and_each_probe_after_it_for_twice_as_long(
    detector: OutageDetector, time: Time
) -> None:
    judged(detector, *[UNKNOWN] * 9)
    assert detector.pacer.wait() == 0.0
    pauses = []
    for _ in range(9):
        judged(detector, UNKNOWN)
        pauses.append(detector.pacer.wait())
        time.now += pauses[-1]
    assert pauses == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]


def test_those_that_were_on_their_way_with_the_tenth_pause_no_longer(detector: OutageDetector) -> None:
    judged(detector, *[UNKNOWN] * 64)
    assert detector.pacer.wait() == 5.0


def test_after_a_pause_one_at_a_time_is_tried_until_telegram_answers(detector: OutageDetector, time: Time) -> None:
    judged(detector, *[UNKNOWN] * 10)
    time.now += 6
    assert detector.pacer.is_probing
    assert detector.pacer.wait() == 0.0
    judged(detector, SENT)
    assert not detector.pacer.is_probing


def test_answers_to_commands_are_tried_all_the_while(detector: OutageDetector) -> None:
    judged(detector, *[UNKNOWN] * 10)
    assert detector.pacer.reply_wait() == 0.0


@pytest.mark.parametrize("between", [SENT, GONE, REFUSED, UNPARSED], ids=["sent", "gone", "refused", "unparsed"])
def test_any_answer_of_telegram_s_ends_an_outage(detector: OutageDetector, between: int | Failure) -> None:
    judged(detector, *[UNKNOWN] * 10, between)
    assert detector.pacer.wait() == 0.0
    judged(detector, *[UNKNOWN] * 9)
    assert detector.pacer.wait() == 0.0
    judged(detector, UNKNOWN)
    assert detector.pacer.wait() == 5.0


def test_a_request_that_did_not_leave_does_not(detector: OutageDetector) -> None:
    judged(detector, *[UNKNOWN] * 9, NOT_SENT, UNKNOWN)
    assert detector.pacer.wait() == 5.0
