"""The checks beside a breakout: volume, participation, trend and relative strength, for every session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from signals.conditions.hysteresis import both, votes, within_span
from signals.conditions.measuring import Measuring
from signals.conditions.statements import Statement, as_state
from signals.data.gate import Gate
from signals.data.panel import Floats, Panel, floats
from signals.data.series import SECTORS
from signals.model import Check, Unit
from signals.nine_decimals import Sign, meets
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

    def _where_usable(self, measured: Any, *keys: str) -> Floats:
        """Return a measurement, unknown on sessions on which one of its series may not be used."""
        return np.where(self.gate.usable(*keys), floats(measured), np.nan)

    def _ratio(self, over: str, under: str) -> pd.Series[float]:
        return self.panel.adjusted(over) / self.panel.adjusted(under)

    def _above_mean(self, key: str, series: pd.Series[float], *keys: str) -> Statement:
        gap = self._where_usable(Measuring.against_mean(series, self.rules.proxy_mean), *keys)
        return Statement(key, as_state(meets(gap, Sign.ABOVE, 0.0), gap), gap, 0.0, Unit.PERCENT)

    @cached_property
    def relative_change(self) -> Floats:
        """Change of IWM/SPY over 63 sessions."""
        return self._where_usable(Measuring.growth(self._ratio("IWM", "SPY"), self.rules.ratio_high), "IWM", "SPY")

    @cached_property
    def relative_strength(self) -> Statement:
        """IWM/SPY at a 63-session high within ten sessions; the value is how many sessions ago."""
        ago = Measuring.since_high(self._ratio("IWM", "SPY"), self.rules.ratio_high)
        since, within = self._where_usable(ago, "IWM", "SPY"), self.rules.ratio_high_within
        recent = as_state(meets(since, Sign.BELOW, within), since)
        return Statement("relative_strength", recent, since, float(within), Unit.SESSIONS_AGO)

    @cached_property
    def _participation_parts(self) -> tuple[Statement, ...]:
        """The five proxies for index members, which no free feed has."""
        gap = self._where_usable(Measuring.of_high(self.panel.adjusted("IJR"), self.rules.proxy_high) - 1, "IJR")
        limit = -self.rules.proxy_near_high
        near_high = as_state(meets(gap, Sign.AT_LEAST, limit), gap)
        return (
            replace(self.relative_strength, key="iwm_spy_high"),
            self._above_mean("iwc_iwm_mean", self._ratio("IWC", "IWM"), "IWC", "IWM"),
            self._above_mean("rsp_spy_mean", self._ratio("RSP", "SPY"), "RSP", "SPY"),
            Statement("ijr_near_high", near_high, gap, limit, Unit.PERCENT),
            self._sectors(),
        )

    def _sectors(self) -> Statement:
        """Return the share of the sectors; one that is late is missing as a stale one is, and tried both ways."""
        above = [
            np.where(
                self.gate.switches_nothing((key,)), np.nan, self._above_mean(key, self.panel.adjusted(key), key).state
            )
            for key in SECTORS
        ]
        counted, least = votes(above), self.rules.sectors_least
        share = np.where(counted.counted >= least, counted.share, np.nan)
        enough = within_span(counted.span, Sign.AT_LEAST, self.rules.sector_share)
        holds = np.where(counted.counted >= least, enough, np.nan)
        return Statement("sectors", holds, share, self.rules.sector_share, Unit.SHARE)

    def _participation(self, at: int) -> Statement:
        """Return what an operator says of the index's members, from the first session it is there; else the proxy."""
        return self.members if self._members_begin <= at else self.participation

    @cached_property
    def _members_begin(self) -> int:
        known = np.flatnonzero(~np.isnan(self.members.state))
        return int(known[0]) if known.size else len(self.panel.sessions)

    @cached_property
    def members(self) -> Statement:
        """Share of the index's members above their 50-day mean, as an operator supplies it."""
        share = self.panel.field("MEMBER_BREADTH", "value") / 100
        known = self._where_usable(share.ffill(limit=GATE.late_sessions), "MEMBER_BREADTH")
        least = self.rules.member_share
        enough = as_state(meets(known, Sign.AT_LEAST, least), known)
        return Statement("participation", enough, known, least, Unit.SHARE)

    @cached_property
    def participation(self) -> Statement:
        """At least three of the five proxies on."""
        parts, least = self._participation_parts, self.rules.participation_parts
        counted = votes([part.state for part in parts])
        enough = np.where(counted.counted >= least, counted.at_least(least), np.nan)
        count = np.where(counted.measured > 0, counted.on, np.nan)
        return Statement("participation", enough, count, float(least), Unit.COUNT, parts)

    @cached_property
    def trend(self) -> Statement:
        """^RUT above its 200-day mean, and that mean above its own value 20 sessions ago."""
        # Over known closes: a bar that never came must not silence the check for 200 sessions.
        close = self.panel.close("^RUT").dropna()
        over_mean = Measuring.against_mean(close, self.rules.trend_mean)
        gap = self._where_usable(over_mean.reindex(self.panel.sessions), "^RUT")
        risen = Measuring.mean_rise(close, self.rules.trend_mean, self.rules.trend_rising)
        rise = self._where_usable(risen.reindex(self.panel.sessions), "^RUT")
        above, rising = (as_state(meets(values, Sign.ABOVE, 0.0), values) for values in (gap, rise))
        parts = (
            Statement("above_mean", above, gap, 0.0, Unit.PERCENT),
            Statement("mean_rising", rising, rise, 0.0, Unit.PERCENT),
        )
        return Statement("trend", both([above, rising]), gap, 0.0, Unit.PERCENT, parts)

    @cached_property
    def relative_volume(self) -> Floats:
        """IWM volume over the mean of the 50 sessions before. ^RUT's own is a copy of the S&P 500's."""
        volume = self.panel.field("IWM", "volume")
        volume = volume[volume > 0]
        relative = volume / volume.shift().rolling(self.rules.volume_mean).mean()
        return self._where_usable(relative.reindex(self.panel.sessions), "IWM")

    @cached_property
    def _volumes(self) -> tuple[Floats, Floats, Floats]:
        """Relative volumes: of every session, of up days only, and their five-session means."""
        relative = self.relative_volume
        up = (self.panel.adjusted("IWM").diff() > 0).to_numpy()
        means = pd.Series(relative).rolling(self.rules.volume_days).mean().to_numpy()
        return relative, np.where(up, relative, np.nan), means

    def _volume(self, start: int, at: int) -> Check:
        every, up_days, means = self._volumes
        complete = not np.isnan(every[start : at + 1]).any()
        day = _part("volume_day", up_days[start : at + 1], self.rules.volume_day, complete)
        # The mean of five sessions counts only where all five lie inside the window.
        five = means[start + self.rules.volume_days - 1 : at + 1]
        days = _part("volume_days", five, self.rules.volume_days_mean, complete)
        either = (day.passed or days.passed) if complete or day.passed or days.passed else None
        return Check("volume", either, day.value, self.rules.volume_day, Unit.TIMES, (day, days))


def _part(key: str, values: Floats, threshold: float, complete: bool) -> Check:
    known = values[~np.isnan(values)]
    best = float(known.max()) if known.size else None
    passed = best is not None and bool(meets(best, Sign.AT_LEAST, threshold))
    return Check(key, passed if passed or complete else None, best, threshold, Unit.TIMES)
