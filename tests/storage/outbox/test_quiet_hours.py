"""Quiet hours hold until they end on the chat's own clock, whatever its clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.outbox.quiet_hours import QuietHours, QuietHoursError

NIGHT = QuietHours("Europe/Paris", 22 * 60, 7 * 60)
DAY = QuietHours("Europe/Paris", 9 * 60, 17 * 60)


def paris(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2020, 11, day, hour, minute, tzinfo=ZoneInfo("Europe/Paris"))


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (NIGHT, paris(13, 21, 59), None),
        (NIGHT, paris(13, 22), paris(14, 7)),
        (NIGHT, paris(14, 6, 59), paris(14, 7)),
        (NIGHT, paris(14, 7), None),
        (DAY, paris(13, 9), paris(13, 17)),
        (DAY, paris(13, 17), None),
        (DAY, paris(13, 8, 59), None),
    ],
)
def test_they_hold_from_their_beginning_to_before_their_end(
    hours: QuietHours, now: datetime, until: datetime | None
) -> None:
    assert hours.held_until(now) == until


ZONES = ("Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "UTC")
MINUTES = st.integers(0, 24 * 60 - 1)
INSTANTS = st.integers(1_550_000_000, 1_900_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(st.sampled_from(ZONES), MINUTES, MINUTES, INSTANTS)
def test_what_is_held_leaves_within_a_day_at_the_minute_they_end(
    zone: str, begin: int, end: int, now: datetime
) -> None:
    if begin == end:
        return
    until = QuietHours(zone, begin, end).held_until(now)
    if until is None:
        return
    # A day on which clocks are set back has 25 hours.
    assert now < until <= now + timedelta(hours=25)
    local = until.astimezone(ZoneInfo(zone))
    # An end that falls into the hour that clocks skip comes an hour later.
    assert abs(local.hour * 60 + local.minute - end) in (0, 60)


@given(st.sampled_from(ZONES), MINUTES, MINUTES, INSTANTS)
def test_every_minute_is_held_either_by_some_hours_or_by_the_others(
    zone: str, begin: int, end: int, now: datetime
) -> None:
    if begin == end:
        return
    assert (QuietHours(zone, begin, end).held_until(now) is None) != (
        QuietHours(zone, end, begin).held_until(now) is None
    )


@pytest.mark.parametrize(
    ("zone", "begin", "end", "sentence"),
    [
        ("Europe/Atlantis", 0, 60, "timezone is 'Europe/Atlantis', expected a name like Europe/Paris"),
        ("../../etc/passwd", 0, 60, "timezone is"),
        ("UTC", -1, 60, "begin is -1, expected minutes after midnight from 0 to 1439"),
        ("UTC", 0, 1440, "end is 1440, expected"),
        ("UTC", 60, 60, "begin and end are both 60"),
    ],
)
def test_hours_that_are_none_are_refused_with_a_sentence(zone: str, begin: int, end: int, sentence: str) -> None:
    with pytest.raises(QuietHoursError, match=sentence):
        QuietHours(zone, begin, end)
