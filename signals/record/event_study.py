"""The event study: what an asset did after the events of rules, beside what it did after any date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from msgspec.structs import replace

from signals.data.panel import Ints
from signals.record.model import Base, Case, Followed, Numbers, Outcome
from signals.record.prices import Floats, Prices
from signals.record.rate import rate
from signals.rules import RECORD


@dataclass(frozen=True, slots=True)
class Events:
    """Events in order: the sessions they are named by, and the instants (UTC) they were decided at."""

    days: Sequence[date]
    decided: pd.DatetimeIndex


@dataclass(frozen=True)
class Study:
    """One asset over one horizon.

    ``uptrend`` tells for each of the asset's days whether the Russell 2000 was above its 200-day mean at the decision
    before it.
    """

    prices: Prices
    horizon: int
    uptrend: npt.NDArray[np.bool_]

    @cached_property
    def changes(self) -> Floats:
        """The change over the horizon from each day; NaN where it is not known."""
        return self.prices.changes(self.horizon)

    @cached_property
    def dates(self) -> Ints:
        """The positions of every date of the era with the whole horizon ahead of it."""
        return np.flatnonzero(~np.isnan(self.changes))

    @cached_property
    def base(self) -> Base:
        """What followed any date."""
        return self._base(self.changes[self.dates])

    @cached_property
    def matched(self) -> Base:
        """What followed any date in an uptrend of the Russell 2000."""
        return self._base(self.changes[self.dates[self.uptrend[self.dates]]])

    def _base(self, changes: Floats) -> Base:
        count, spans = len(changes), len(changes) // self.horizon
        if not count:
            return Base(0, 0, None, None, None, None)
        share = float((changes > 0).mean())
        wide = rate(round(spans * share), spans) if spans >= RECORD.least_cases else None
        low, high = (wide.low, wide.high) if wide else (None, None)
        return Base(count, spans, float(np.median(changes)), share, low, high)

    def follow(self, events: Events) -> Followed:
        """Return what followed the events: the cases, and from five known ones on the numbers that need no draws."""
        cases = tuple(self._cases(events))
        outcomes = [case.outcome for case in cases if case.outcome]
        numbers = _numbers(outcomes) if len(outcomes) >= RECORD.least_cases else None
        return Followed(self.prices.asset.key, self.horizon, cases, len(outcomes), numbers, self.base, self.matched)

    def _cases(self, events: Events) -> list[Case]:
        """Return the events' cases; one closer to the first of an episode than the horizon belongs to it."""
        cases: list[Case] = []
        first = -1
        for day, entry in zip(events.days, self.prices.entries(events.decided).tolist(), strict=True):
            if first >= 0 and entry >= 0 and entry - first < self.horizon:
                cases[-1] = replace(cases[-1], merged=(*cases[-1].merged, day))
                continue
            first = entry
            cases.append(self.prices.case(day, entry, self.horizon))
        return cases


def _numbers(outcomes: Sequence[Outcome]) -> Numbers:
    changes = np.array([outcome.change for outcome in outcomes], dtype=np.float64)
    return Numbers(
        rate=rate(int((changes > 0).sum()), len(changes)),
        median=float(np.median(changes)),
        mean=float(changes.mean()),
        worst=float(changes.min()),
        adverse=min(outcome.worst for outcome in outcomes),
    )
