"""The one shape of every source: what it is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import pandas as pd

from signals.data.series import FIELDS, Series

NOTHING = pd.DataFrame(columns=list(FIELDS), index=pd.DatetimeIndex([]), dtype=float)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A source's answer for one series.

    Attributes
    ----------
    frame
        Index dates (naive), columns among ``series.FIELDS``, in the unit the source publishes; empty when there was
        no answer.
    reason
        One sentence when something is wrong, else empty.
    restated
        The whole history was asked for again because a split changed all of it.
    absent
        The source does not carry this series at all: asking again will not help.
    """

    frame: pd.DataFrame
    reason: str = ""
    restated: bool = False
    absent: bool = False


class Source(Protocol):
    """What every source offers. It never raises for a bad answer: that is a ``Fetched`` with a reason."""

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return the observations from ``since`` (included; ``None``: all) to ``now``."""
