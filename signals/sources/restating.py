"""Prices that changed after they were archived: a split carried out in the bars before it, or a correction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

import pandas as pd

from signals.data.adjust import price
from signals.data.judging import differs
from signals.data.release import expected_dates
from signals.data.series import Series
from signals.rules import GATE
from signals.sources.figures import joined
from signals.sources.shape import Fetched, Source, asked

# Of the days on which there should be a bar; the least of any price series has 98 %.
_LEAST_BARS = 0.9


@dataclass(frozen=True, slots=True)
class Recent:
    """What is archived of a price series: its last bars as they stand (see ``Archive``), and the date of its first."""

    bars: pd.DataFrame
    oldest: date

    @property
    def since(self) -> date:
        """The first of the dates that every evening's answer brings along."""
        first: date = pd.DatetimeIndex(self.bars.index)[-GATE.recent_bars :][0].date()
        return first


def with_history(
    source: Source, series: Series, recent: Recent, fetched: Fetched, sessions: pd.DatetimeIndex, now: datetime
) -> Fetched:
    """Return an answer, or in its place the whole history where the answer contradicts what is archived.

    A history that does not fit is not used: the answer is archived beside what it contradicts, and the series is not
    believed until both agree.
    """
    if fetched.frame.empty or not (_contradicts(fetched, recent) or recent.bars["doubted"].iloc[-1]):
        return fetched
    whole = asked(source, series, None, now)
    if whole.frame.empty:
        return replace(fetched, reason=joined(fetched.reason, whole.reason))
    if not _contradicts(whole, recent):
        return fetched
    if (differs(price(whole.frame).reindex(fetched.frame.index), price(fetched.frame))).any():
        return replace(
            fetched, reason=joined(fetched.reason, "its last bars and its whole history contradict each other")
        )
    first, last = whole.frame.index[0], whole.frame.index[-1]
    if first.date() > recent.oldest or len(whole.frame) < _LEAST_BARS * len(
        expected_dates(series.days, first, last, sessions)
    ):
        return replace(fetched, reason=joined(fetched.reason, "its whole history has fewer bars than are archived"))
    changed = "closes of earlier days changed, so its whole history was archived anew"
    return replace(whole, reason=joined(whole.reason, changed), restated=True)


def _contradicts(fetched: Fetched, recent: Recent) -> bool:
    archived = price(recent.bars)
    return bool(differs(price(fetched.frame).reindex(archived.index), archived).any())
