"""Until when a chat's quiet hours hold what is owed to it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

# A day on which clocks are set back by an hour, in minutes.
_DAY = 25 * 60


class QuietHoursError(ValueError):
    """These are not hours of a day somewhere; the message names what is wrong."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of every local day, over midnight too, in which nothing is sent.

    ``begin`` and ``end`` are minutes after midnight in ``timezone`` (an IANA name).

    Raises
    ------
    QuietHoursError
        When they are not.
    """

    timezone: str
    begin: int
    end: int

    def __post_init__(self) -> None:
        for name, minutes in (("begin", self.begin), ("end", self.end)):
            if not 0 <= minutes < 24 * 60:
                raise QuietHoursError(f"{name} is {minutes}, expected minutes after midnight from 0 to 1439")
        if self.begin == self.end:
            raise QuietHoursError(f"begin and end are both {self.begin}: that holds everything or nothing")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise QuietHoursError(f"timezone is {self.timezone!r}, expected a name like Europe/Paris") from None

    def hold(self, now: datetime) -> bool:
        """Return whether it is quiet, by the clock on the wall there."""
        local = now.astimezone(ZoneInfo(self.timezone))
        minute = local.hour * 60 + local.minute
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return not self.end <= minute < self.begin

    def held_until(self, now: datetime) -> datetime | None:
        """Return the first instant from now on that is not quiet, in UTC; ``None`` where that is now.

        An end in the hour that clocks skip is when they do, one in the hour that occurs twice is the next of the two.
        Where all that is not quiet is skipped one day, it is the day after: within 49 hours.
        """
        if not self.hold(now):
            return None
        zone = ZoneInfo(self.timezone)
        today, end = now.astimezone(zone).date(), time(self.end // 60, self.end % 60)
        walls = [datetime.combine(today + timedelta(days=days), end, zone) for days in (0, 1, 2)]
        found = {wall.replace(fold=fold).astimezone(UTC) for wall in walls for fold in (0, 1)}
        found |= {change for change in [_clock_change(zone, now)] if change}
        return min(instant for instant in found if instant > now and not self.hold(instant))


def _clock_change(zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return the minute at which the clocks there are set within a day from now, if they are."""
    offset = now.astimezone(zone).utcoffset()
    begin = now.astimezone(UTC).replace(second=0, microsecond=0)

    def is_set(minutes: int) -> bool:
        return (begin + timedelta(minutes=minutes)).astimezone(zone).utcoffset() != offset

    if not is_set(_DAY):
        return None
    return begin + timedelta(minutes=bisect_left(range(_DAY), True, key=is_set))
