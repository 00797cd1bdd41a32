"""When a digest is due: every day or every Sunday, at an hour of somebody's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_SUNDAY = 6
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


class Cadence(StrEnum):
    """How often a digest comes."""

    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class DigestTimes:
    """One digest for each day of a cadence, at ``hour`` (0 to 23) in ``timezone`` (an IANA name).

    An hour that occurs twice counts when it begins first. One whose beginning clocks skip begins with what is left of
    it; where nothing is, it is as much later as they skip.
    """

    timezone: str
    hour: int
    cadence: Cadence

    def due_at(self, day: date) -> datetime:
        """Return when the digest of a day there is due, in UTC."""
        zone, begins = ZoneInfo(self.timezone), datetime.combine(day, time(self.hour))
        due = begins.replace(tzinfo=zone).astimezone(UTC)
        skipped = due.astimezone(zone).replace(tzinfo=None) - begins
        # By then clocks skipped some of it: in Chatham they once went from 2:45 to 3:45.
        earlier = (due - skipped + minutes * _MINUTE for minutes in range(skipped // _MINUTE))
        there = ((at, at.astimezone(zone)) for at in earlier)
        return next((at for at, shown in there if (shown.date(), shown.hour) == (day, self.hour)), due)

    def last(self, now: datetime) -> date:
        """Return the newest day whose digest is due at ``now``."""
        return self._first(now.astimezone(ZoneInfo(self.timezone)).date() + _DAY, -_DAY, until=now)

    def following(self, now: datetime, after: date | None = None) -> date:
        """Return the first day, later than ``after``, whose digest is not due yet at ``now``."""
        day = now.astimezone(ZoneInfo(self.timezone)).date() - _DAY
        if after is not None:
            day = max(day, after + _DAY)
        return self._first(day, _DAY, since=now)

    def _first(self, day: date, step: timedelta, since: datetime | None = None, until: datetime | None = None) -> date:
        """Return the first day, step by step, that has a digest due after ``since``, or by ``until``."""
        while not (
            (self.cadence is Cadence.DAILY or day.weekday() == _SUNDAY)
            and (since is None or self.due_at(day) > since)
            and (until is None or self.due_at(day) <= until)
        ):
            day += step
        return day
