"""The evening runs at the documented times of New York, whatever the season."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.market.schedule import build_schedule
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
