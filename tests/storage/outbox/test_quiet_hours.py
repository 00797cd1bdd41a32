"""Quiet hours hold until they end on the chat's own clock, whatever its clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
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


# Half hours, three quarters, half an hour of summer time, and a day that began at one.
ZONES = (
    "Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "UTC", "Australia/Lord_Howe", "Asia/Kathmandu",
    "America/St_Johns", "Pacific/Chatham", "America/Santiago", "Africa/Casablanca",
)  # fmt: skip
MINUTES = st.integers(0, 24 * 60 - 1)
INSTANTS = st.integers(1_550_000_000, 1_900_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def changes(zone: str) -> list[datetime]:
    """Return the instants of a few years at which the clocks of a zone are set, found day by day and hour by hour."""
    place, found = ZoneInfo(zone), []
    for number in range(3 * 366):
        day = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number)
        hours = [(day + timedelta(hours=hour)).astimezone(place) for hour in (0, 24)]
        if hours[0].utcoffset() != hours[1].utcoffset():
            hours = [(day + timedelta(hours=hour)).astimezone(place) for hour in range(25)]
            set_at = (b for a, b in pairwise(hours) if a.utcoffset() != b.utcoffset())
            found += [at.astimezone(UTC) for at in set_at]
    return found


CHANGES = {zone: found for zone in ZONES if (found := changes(zone))}


@st.composite
def around_changes(draw: st.DrawFn) -> tuple[str, datetime]:
    """Return a zone and an instant within hours of the setting of its clocks."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    return zone, draw(st.sampled_from(CHANGES[zone])) + timedelta(minutes=draw(st.integers(-26 * 60, 6 * 60)))


PLACES = st.one_of(st.tuples(st.sampled_from(ZONES), INSTANTS), around_changes())


def minute_by_minute(hours: QuietHours, now: datetime) -> datetime | None:
    """Return the first instant that is not quiet, as somebody would find it who looks at the clock each minute."""
    if not hours.hold(now):
        return None
    minute = now.replace(second=0, microsecond=0)
    while hours.hold(minute):
        minute += timedelta(minutes=1)
    return minute


@settings(max_examples=150, deadline=None)
@given(PLACES, MINUTES, MINUTES)
def test_what_is_held_leaves_in_the_first_minute_that_is_not_quiet(
    place: tuple[str, datetime], begin: int, end: int
) -> None:
    zone, now = place
    if begin == end:
        return
    hours = QuietHours(zone, begin, end)
    until = hours.held_until(now)
    assert until == minute_by_minute(hours, now)
    assert until is None or now < until <= now + timedelta(hours=49)


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        # In Paris clocks went from 2 to 3 on 29 March 2026 at 1 UTC: 02:30 did not occur.
        (QuietHours("Europe/Paris", 22 * 60, 150), "2026-03-29T00:30Z", "2026-03-29T01:00Z"),
        # And from 3 to 2 on 25 October at 1 UTC: 02:30 occurred at 00:30 and at 01:30 UTC.
        (QuietHours("Europe/Paris", 22 * 60, 150), "2026-10-25T00:10Z", "2026-10-25T00:30Z"),
        (QuietHours("Europe/Paris", 22 * 60, 150), "2026-10-25T01:10Z", "2026-10-25T01:30Z"),
        # Only midnight is not quiet in Santiago, where it was skipped on 8 September 2024.
        (QuietHours("America/Santiago", 1, 0), "2024-09-08T03:59Z", "2024-09-09T03:00Z"),
        # On Lord Howe they went by half an hour, from 2 to half past one on 5 April at 15 UTC.
        (QuietHours("Australia/Lord_Howe", 60, 105), "2026-04-04T14:35Z", "2026-04-04T14:45Z"),
        (QuietHours("Australia/Lord_Howe", 60, 105), "2026-04-04T15:05Z", "2026-04-04T15:15Z"),
    ],
)
def test_an_end_that_does_not_occur_or_occurs_twice(hours: QuietHours, now: str, until: str) -> None:
    assert hours.held_until(datetime.fromisoformat(now)) == datetime.fromisoformat(until)


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
