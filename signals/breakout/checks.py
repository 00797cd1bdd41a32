"""The checks beside a breakout: volume, participation, trend and relative strength, for every session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from signals.conditions.statements import Statement, above_mean, sessions_since_high, state, votes
from signals.data.gate import Gate
from signals.data.panel import Panel
from signals.data.series import SECTORS
from signals.model import Check
from signals.rules import CHECKS, GATE, CheckRules


@dataclass(frozen=True)
class Checks:
    """Computes each statement once over the whole history and reads a session's row from it."""

    panel: Panel
    gate: Gate
    rules: CheckRules = CHECKS

    def on(self, session: date, window_start: date | None = None) -> tuple[Check, ...]:
        """Return volume, participation, trend and relative strength as of a session.

        Parameters
        ----------
        window_start
            First session that counts for volume; by default the last five sessions do.
        """
        at = self.panel.position(session)
        start = at - self.rules.volume_days + 1
        if window_start is not None:
            start = min(start, self.panel.position(window_start))
        others = (self._participation(at), self.trend, self.relative_strength)
        return (self._volume(max(start, 0), at), *(statement.check(at) for statement in others))

    def _usable(self, measured: pd.Series[float], *keys: str) -> pd.Series[float]:
        """Make a measurement unknown on sessions on which one of its series fails the gate."""
        missing = [key for key in keys if key not in self.gate.usable]
        if missing:
            return measured * np.nan
        return measured.where(self.gate.usable[list(keys)].all(axis=1))

    def _ratio(self, over: str, under: str) -> pd.Series[float]:
        return self.panel.adjusted(over) / self.panel.adjusted(under)

    def _above_mean(self, key: str, series: pd.Series[float], *keys: str) -> Statement:
        on, value = above_mean(series, self.rules.proxy_mean)
        return Statement(key, self._usable(on, *keys), self._usable(value, *keys), 0.0)

    @cached_property
    def relative_change(self) -> pd.Series[float]:
        """Change of IWM/SPY over 63 sessions."""
        ratio = self._ratio("IWM", "SPY")
        return self._usable(ratio / ratio.shift(self.rules.ratio_high) - 1, "IWM", "SPY")

    @cached_property
    def relative_strength(self) -> Statement:
        """IWM/SPY at a 63-session high within ten sessions; the value is how many sessions ago."""
        since = sessions_since_high(self._ratio("IWM", "SPY"), self.rules.ratio_high)
        since = self._usable(since, "IWM", "SPY")
        within = self.rules.ratio_high_within
        return Statement("relative_strength", state(since < within, since), since, float(within))

    @cached_property
    def _participation_parts(self) -> tuple[Statement, ...]:
        """The five proxies for index members, which no free feed has."""
        near = self.panel.adjusted("IJR")
        gap = self._usable(near / near.rolling(self.rules.proxy_high).max() - 1, "IJR")
        at_least = -self.rules.proxy_near_high
        return (
            replace(self.relative_strength, key="iwm_spy_high"),
            self._above_mean("iwc_iwm_mean", self._ratio("IWC", "IWM"), "IWC", "IWM"),
            self._above_mean("rsp_spy_mean", self._ratio("RSP", "SPY"), "RSP", "SPY"),
            Statement("ijr_near_high", state(gap >= at_least, gap), gap, at_least),
            self._sectors(),
        )

    def _sectors(self) -> Statement:
        above = pd.DataFrame({key: self._above_mean(key, self.panel.adjusted(key), key).state for key in SECTORS})
        share = above.mean(axis=1).where(above.notna().sum(axis=1) >= self.rules.sectors_least)
        on = votes(above, share_on=self.rules.sector_share, least_counted=self.rules.sectors_least)
        return Statement("sectors", on, share, self.rules.sector_share)

    def _participation(self, at: int) -> Statement:
        """Return what an operator says of the index's members, from the first session it is there; else the proxy."""
        return self.members if self._members_begin <= at else self.participation

    @cached_property
    def _members_begin(self) -> int:
        known = np.flatnonzero(self.members.state.notna())
        return int(known[0]) if known.size else len(self.panel.sessions)

    @cached_property
    def members(self) -> Statement:
        """Share of the index's members above their 50-day mean, as an operator supplies it."""
        share = self.panel.field("MEMBER_BREADTH", "value") / 100
        share = self._usable(share.ffill(limit=GATE.late_sessions), "MEMBER_BREADTH")
        least = self.rules.member_share
        return Statement("participation", state(share >= least, share), share, least)

    @cached_property
    def participation(self) -> Statement:
        """At least three of the five proxies on."""
        parts = self._participation_parts
        states = pd.DataFrame({part.key: part.state for part in parts})
        least = self.rules.participation_parts
        count = (states == 1.0).sum(axis=1).astype(float).where(states.notna().any(axis=1))
        return Statement("participation", votes(states, least_on=least), count, float(least), parts)

    @cached_property
    def trend(self) -> Statement:
        """^RUT above its 200-day mean, and that mean above its own value 20 sessions ago."""
        # Over known closes: a bar that never came must not silence the check for 200 sessions.
        close = self.panel.close("^RUT").dropna()
        mean = close.rolling(self.rules.trend_mean).mean()
        rise = self._usable(_spread(mean / mean.shift(self.rules.trend_rising) - 1, self.panel), "^RUT")
        gap = self._usable(_spread(close / mean - 1, self.panel), "^RUT")
        parts = (
            Statement("above_mean", state(gap > 0, gap), gap, 0.0),
            Statement("mean_rising", state(rise > 0, rise), rise, 0.0),
        )
        return Statement("trend", state((gap > 0) & (rise > 0), gap, rise), gap, 0.0, parts)

    @cached_property
    def relative_volume(self) -> pd.Series[float]:
        """IWM volume over the mean of the 50 sessions before. ^RUT's own is a copy of the S&P 500's."""
        volume = self.panel.field("IWM", "volume")
        volume = volume[volume > 0]
        relative = volume / volume.shift().rolling(self.rules.volume_mean).mean()
        return self._usable(_spread(relative, self.panel), "IWM")

    @cached_property
    def _volume_arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        relative = self.relative_volume
        up = self.panel.adjusted("IWM").diff() > 0
        means = relative.rolling(self.rules.volume_days).mean()
        return relative.to_numpy(), relative.where(up).to_numpy(), means.to_numpy()

    def _volume(self, start: int, at: int) -> Check:
        every, up_days, means = self._volume_arrays
        complete = not np.isnan(every[start : at + 1]).any()
        day = _part("volume_day", up_days[start : at + 1], self.rules.volume_day, complete)
        # The mean of five sessions counts only where all five lie inside the window.
        five = means[start + self.rules.volume_days - 1 : at + 1]
        days = _part("volume_days", five, self.rules.volume_days_mean, complete)
        either = (day.passed or days.passed) if complete or day.passed or days.passed else None
        return Check("volume", either, day.value, self.rules.volume_day, (day, days))


def _spread(known: pd.Series[float], panel: Panel) -> pd.Series[float]:
    """Put a measurement over known observations back on all sessions."""
    return known.reindex(panel.sessions)


def _part(key: str, values: np.ndarray, threshold: float, complete: bool) -> Check:
    known = values[~np.isnan(values)]
    best = float(known.max()) if known.size else None
    passed = best is not None and best >= threshold
    return Check(key, passed if passed or complete else None, best, threshold)
