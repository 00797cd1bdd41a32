"""The evening runs at the documented times of New York, whatever the season."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, tzinfo
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest
from apscheduler.schedulers import base

from bot.market.schedule import build_schedule, watch_the_clock
from signals.rules import EVENING

NEW_YORK = ZoneInfo("America/New_York")


async def _nothing() -> None:
    return None


def runs(start: datetime, days: int) -> list[datetime]:
    """Return every run in the days after an instant, in New York time."""
    found = []
    for job in build_schedule(_nothing).get_jobs():
        at, before = start, None
        while (at := job.trigger.get_next_fire_time(before, at)) is not None and at < start + timedelta(days=days):
            found.append(at.astimezone(NEW_YORK))
            before, at = at, at + timedelta(seconds=1)
    return sorted(found)


def test_an_evening_runs_at_the_decision_time_at_its_retries_and_the_next_morning() -> None:
    monday = datetime(2020, 11, 16, 5, tzinfo=UTC)
    times = [f"{at:%a %H:%M}" for at in runs(monday, 1)]
    assert times == ["Mon 17:30", "Mon 17:45", "Mon 18:15", "Mon 19:00", "Mon 20:30", "Mon 22:00"]
    tuesday = [f"{at:%a %H:%M}" for at in runs(monday + timedelta(days=1), 1)]
    assert tuesday[0] == "Tue 08:00"


def test_fridays_last_call_is_on_saturday_and_no_other_ring_is_on_a_weekend() -> None:
    friday = datetime(2020, 11, 14, 5, tzinfo=UTC)
    assert [f"{at:%a %H:%M}" for at in runs(friday, 2)] == ["Sat 08:00"]


@pytest.mark.parametrize("sunday", ["2020-03-08", "2020-11-01"])
def test_clock_changes_move_nothing(sunday: str) -> None:
    start = datetime.fromisoformat(f"{sunday}T12:00:00+00:00")
    week = runs(start, 6)
    assert {f"{at:%H:%M}" for at in week} == {"08:00", "17:30", "17:45", "18:15", "19:00", "20:30", "22:00"}
    assert len([at for at in week if f"{at:%H:%M}" == "17:30"]) == 5


async def test_a_late_run_still_happens_and_never_beside_another() -> None:
    scheduler = build_schedule(_nothing)
    # The defaults are laid on the jobs when the scheduler starts.
    scheduler.start(paused=True)
    try:
        for job in scheduler.get_jobs():
            assert job.misfire_grace_time is None
            assert job.coalesce
            assert job.max_instances == 1
    finally:
        scheduler.shutdown(wait=False)


def test_the_rules_hold_the_documented_times() -> None:
    assert f"{EVENING.decision:%H:%M} {EVENING.last_call:%H:%M}" == "17:30 08:00"
    assert EVENING.stale_news == timedelta(days=1)


class WallClock(datetime):
    """The clock that the scheduler reads."""

    instant: ClassVar[datetime]

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> WallClock:
        return cls.fromtimestamp(cls.instant.timestamp(), tz)


@pytest.mark.parametrize(
    ("asleep", "rings"), [(timedelta(minutes=20), 0), (timedelta(hours=10), 2), (timedelta(days=3), 7), (timedelta(hours=-5), 0)]
)  # fmt: skip
async def test_after_a_suspension_or_a_set_clock_what_is_due_rings_within_a_minute(
    asleep: timedelta, rings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "datetime", WallClock)
    WallClock.instant = datetime(2020, 11, 17, 12, 30, tzinfo=UTC)
    rung = asyncio.Queue[None]()
    looks = 0

    async def ring() -> None:
        rung.put_nowait(None)

    async def minute(seconds: float) -> None:
        """Let a minute pass, during the first of which the machine sleeps; then wait as long as it takes to ring."""
        nonlocal looks
        assert seconds <= 60
        if looks == 1:
            for _ in range(rings):
                await rung.get()
            raise asyncio.CancelledError
        looks += 1
        WallClock.instant += asleep + timedelta(minutes=1)

    scheduler = build_schedule(ring)
    scheduler.start()
    try:
        async with asyncio.timeout(10):
            with pytest.raises(asyncio.CancelledError):
                await watch_the_clock(scheduler, minute)
    finally:
        scheduler.shutdown(wait=False)
    assert rung.empty()
