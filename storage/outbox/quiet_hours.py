"""Until when a chat's quiet hours hold what is owed to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


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

    def held_until(self, now: datetime) -> datetime | None:
        """Return when the quiet hours that hold ``now`` end, in UTC; ``None`` outside of them."""
        local = now.astimezone(ZoneInfo(self.timezone))
        minute = local.hour * 60 + local.minute
        within = self.begin <= minute < self.end if self.begin < self.end else not self.end <= minute < self.begin
        if not within:
            return None
        day = local.date() + timedelta(days=int(minute >= self.end))
        end = datetime.combine(day, time(self.end // 60, self.end % 60), local.tzinfo).astimezone(UTC)
        # When clocks are set back, an hour occurs twice, and its first end may lie behind us.
        return end if end > now else end + timedelta(hours=1)
