"""When the evening runs: at the decision time, at its retries, and at the last call the next morning."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from bot.clock import NEW_YORK
from signals.rules import EVENING

_SECONDS_BETWEEN_LOOKS = 60.0
Sleep = Callable[[float], Awaitable[None]]


def build_schedule(run_evening: Callable[[], Awaitable[None]]) -> AsyncIOScheduler:
    """Return a scheduler that runs the evening on every weekday, and at 08:00 on the mornings after.

    It knows no holidays: a run with nothing due does nothing.
    """
    # A late run decides what is due like any other: without this it would be dropped after one second.
    defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    scheduler = AsyncIOScheduler(timezone=NEW_YORK, job_defaults=defaults)
    for at in (EVENING.decision, *EVENING.retries):
        trigger = CronTrigger(day_of_week="mon-fri", hour=at.hour, minute=at.minute, timezone=NEW_YORK)
        scheduler.add_job(run_evening, trigger, id=f"evening {at:%H:%M}")
    last = EVENING.last_call
    trigger = CronTrigger(day_of_week="tue-sat", hour=last.hour, minute=last.minute, timezone=NEW_YORK)
    scheduler.add_job(run_evening, trigger, id=f"last call {last:%H:%M}")
    return scheduler


async def watch_the_clock(scheduler: AsyncIOScheduler, sleep: Sleep = asyncio.sleep) -> None:
    """Have a scheduler look at the wall clock once a minute, for ever.

    Its own timer runs out only when so many seconds have passed while the machine ran: not those of a suspension, and
    not those by which the clock was set.
    """
    while True:
        await sleep(_SECONDS_BETWEEN_LOOKS)
        scheduler.wakeup()
