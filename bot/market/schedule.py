"""The alarm clock: rings at the decision time and its retries. What is owed is known elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from signals.rules import EVENING

NEW_YORK = "America/New_York"


def build_schedule(ring: Callable[[], Awaitable[None]]) -> AsyncIOScheduler:
    """Return a scheduler that rings on every weekday evening, and at 08:00 on the mornings after.

    It knows no holidays: a ring with nothing due does nothing.
    """
    # A late ring is still a ring: without this it would be dropped after one second.
    defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    scheduler = AsyncIOScheduler(timezone=NEW_YORK, job_defaults=defaults)
    for at in (EVENING.decision, *EVENING.retries):
        trigger = CronTrigger(day_of_week="mon-fri", hour=at.hour, minute=at.minute, timezone=NEW_YORK)
        scheduler.add_job(ring, trigger, id=f"evening {at:%H:%M}")
    last = EVENING.last_call
    trigger = CronTrigger(day_of_week="tue-sat", hour=last.hour, minute=last.minute, timezone=NEW_YORK)
    scheduler.add_job(ring, trigger, id=f"last call {last:%H:%M}")
    return scheduler
