"""Every study of a history: each asset that has a price, over each of its horizons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.data.sessions import decision_times
from signals.evaluate import History
from signals.nine_decimals import Sign, meets
from signals.record.event_study import Events, Study
from signals.record.model import ASSETS, Case
from signals.record.prices import Prices, all_prices
from signals.rules import CHECKS


@dataclass(frozen=True)
class Studies:
    """The studies of one history, as of its last session or of an earlier instant."""

    history: History
    prices: dict[str, Prices]

    @classmethod
    def of(cls, history: History, instant: datetime | None = None) -> Studies:
        """Prepare the studies; with an instant, of the closes known then."""
        prices = all_prices(history.crypto.measuring)
        if instant is not None:
            prices = {key: each.as_of(instant) for key, each in prices.items()}
        return cls(history, prices)

    @cached_property
    def all(self) -> dict[tuple[str, int], Study]:
        """Every study by asset and horizon."""
        keys = [(key, horizon) for key in self.prices for horizon in ASSETS[key].horizons]
        return {(key, horizon): Study(self.prices[key], horizon, self._uptrend[key]) for key, horizon in keys}

    @cached_property
    def _uptrend(self) -> dict[str, npt.NDArray[np.bool_]]:
        measuring, panel = self.history.crypto.measuring, self.history.panel
        gap = measuring.against_mean(measuring.prices("^RUT"), CHECKS.trend_mean).reindex(panel.sessions)
        above = meets(gap, Sign.ABOVE, 0.0)
        decided = panel.decided.as_unit("us").asi8
        before = {key: np.searchsorted(decided, each.public, side="left") - 1 for key, each in self.prices.items()}
        return {key: above.to_numpy()[np.maximum(at, 0)] & (at >= 0) for key, at in before.items()}

    def events(self, positions: Sequence[int]) -> Events:
        """Return sessions as events, by their positions."""
        return self.named([self.history.panel.days[at] for at in positions])

    def named(self, days: Sequence[date]) -> Events:
        """Return sessions as events."""
        return Events(days, decision_times(pd.DatetimeIndex(list(days)).as_unit("us")))

    def cases(self, day: date, *assets: str) -> tuple[tuple[str, int, Case], ...]:
        """Return what followed one session: by default for every asset, over each horizon."""
        wanted = assets or tuple(self.prices)
        events = self.named([day])
        return tuple(
            (key, horizon, study.follow(events).cases[0]) for (key, horizon), study in self.all.items() if key in wanted
        )
