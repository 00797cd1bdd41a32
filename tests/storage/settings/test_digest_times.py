"""One digest for each day of somebody's own calendar, at its hour, whatever the clocks there do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.settings.digest_times import Cadence, DigestTimes
from tests.storage.outbox.test_quiet_hours import PLACES

HOURS = st.integers(0, 23)
DAILY, WEEKLY = Cadence.DAILY, Cadence.WEEKLY


def shown(at: datetime, zone: str) -> datetime:
    """Return what the clocks of a zone show."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def first_minute_of_its_hour(zone: str, hour: int, day: date) -> datetime | None:
    """Return when the clocks there first show that hour of a day, by looking at them every minute of it."""
    minute = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    for _ in range(42 * 60):
        there = shown(minute, zone)
        if there.date() == day and there.hour == hour:
            return minute
        minute += timedelta(minutes=1)
    return None


@settings(max_examples=25, deadline=None)
@given(PLACES, HOURS)
def test_it_is_due_in_the_first_minute_of_its_hour_and_as_much_later_as_clocks_skip_that(
    place: tuple[str, datetime], hour: int
) -> None:
    zone, now = place
    day, times = shown(now, zone).date(), DigestTimes(zone, hour, DAILY)
    due, first = times.due_at(day), first_minute_of_its_hour(zone, hour, day)
    if first is None or first > due:
        before = (due - timedelta(hours=3)).astimezone(ZoneInfo(zone)).utcoffset()
        after = due.astimezone(ZoneInfo(zone)).utcoffset()
        assert before is not None
        assert after is not None
        assert shown(due, zone) - datetime.combine(day, time(hour)) == after - before
    else:
        assert due == first


@settings(max_examples=150, deadline=None)
@given(PLACES, HOURS, st.sampled_from(Cadence))
def test_the_last_one_is_due_and_the_one_that_follows_it_is_not(
    place: tuple[str, datetime], hour: int, cadence: Cadence
) -> None:
    zone, now = place
    times = DigestTimes(zone, hour, cadence)
    last, following = times.last(now), times.following(now)
    assert times.due_at(last) <= now < times.due_at(following)
    assert following - last == timedelta(days=7 if cadence is WEEKLY else 1)
    assert times.following(now, last) == following
    assert times.following(now, following) == following + (following - last)


@settings(max_examples=60, deadline=None)
@given(PLACES, HOURS, st.lists(st.integers(1, 40 * 60), min_size=1, max_size=30))
def test_however_often_somebody_looks_every_day_has_one_at_most_and_a_day_looked_at_after_its_hour_has_one(
    place: tuple[str, datetime], hour: int, pauses: list[int]
) -> None:
    zone, now = place
    times = DigestTimes(zone, hour, DAILY)
    due, had, looks = times.due_at(times.following(now)), list[date](), list[datetime]()
    for minutes in pauses:
        now += timedelta(minutes=minutes)
        looks.append(now)
        if due <= now:
            had.append(times.last(now))
            due = times.due_at(times.following(now, had[-1]))
    assert len(set(had)) == len(had)
    assert had == sorted(had)
    # Each look finds the newest that is due, if there is one since the look before.
    since = [place[1], *looks]
    newest = [times.last(at) for at, before in zip(looks, since, strict=False) if times.last(at) != times.last(before)]
    assert had == newest


@pytest.mark.parametrize(
    ("zone", "hour", "day", "due"),
    [
        # In Chatham clocks went from 2:45 to 3:45 on 29 September 2024.
        ("Pacific/Chatham", 2, "2024-09-29", "2024-09-28T13:15Z"),
        ("Pacific/Chatham", 3, "2024-09-29", "2024-09-28T14:00Z"),
        ("Pacific/Chatham", 4, "2024-09-29", "2024-09-28T14:15Z"),
        # In Paris clocks went from 2 to 3 on 29 March 2026, and from 3 to 2 on 25 October.
        ("Europe/Paris", 2, "2026-03-29", "2026-03-29T01:00Z"),
        ("Europe/Paris", 3, "2026-03-29", "2026-03-29T01:00Z"),
        ("Europe/Paris", 2, "2026-10-25", "2026-10-25T00:00Z"),
        ("Europe/Paris", 3, "2026-10-25", "2026-10-25T02:00Z"),
        # Half an hour and three quarters off the others.
        ("Asia/Kolkata", 8, "2026-10-25", "2026-10-25T02:30Z"),
        ("Asia/Kathmandu", 8, "2026-10-25", "2026-10-25T02:15Z"),
        # By half an hour: from 2 to half past two.
        ("Australia/Lord_Howe", 2, "2026-10-04", "2026-10-03T15:30Z"),
        # Midnight was skipped.
        ("America/Santiago", 0, "2024-09-08", "2024-09-08T04:00Z"),
    ],
)
def test_an_hour_that_is_missing_or_occurs_twice(zone: str, hour: int, day: str, due: str) -> None:
    assert DigestTimes(zone, hour, DAILY).due_at(date.fromisoformat(day)) == datetime.fromisoformat(due)


def test_a_week_ends_on_sunday() -> None:
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    times = DigestTimes("Asia/Tokyo", 8, WEEKLY)
    assert (times.last(now), times.following(now)) == (date(2026, 11, 22), date(2026, 11, 29))
