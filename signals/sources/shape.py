"""The one shape of every source: what it is asked, and what it answers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import pandas as pd

from signals.data.series import FIELDS, Series

logger = logging.getLogger(__name__)

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
        The whole history was asked for again because earlier figures changed.
    absent
        The source does not carry this series at all: asking again will not help.
    """

    frame: pd.DataFrame
    reason: str = ""
    restated: bool = False
    absent: bool = False


class Source(Protocol):
    """What every source offers. It does not raise for a bad answer: that is a ``Fetched`` with a reason."""

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return the observations from ``since`` (included; ``None``: all) to ``now``."""


def asked(source: Source, series: Series, since: date | None, now: datetime) -> Fetched:
    """Return what a source answers, whatever the publisher's answer made it raise: that costs this series alone."""
    try:
        return source.fetch(series, since, now)
    except Exception as error:
        logger.warning("the answer for %s could not be read", series.key, exc_info=True)
        return Fetched(NOTHING, f"the answer for {series.key} could not be read ({type(error).__name__})")
