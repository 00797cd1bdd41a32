"""The four properties of a supercycle. Baselines are of what was known on each session, never of what came later."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from signals.cascade import LinkHistory
from signals.conditions.hysteresis import Floats, follow
from signals.conditions.measured import Measured
from signals.conditions.measuring import Measuring
from signals.conditions.rows import optional, states
from signals.conditions.statements import state, votes
from signals.data.series import Days
from signals.model import Property, State, Supercycle
from signals.rules import SUPERCYCLE
from signals.supercycle.legs import drawdowns, up_legs
from signals.supercycle.rotation import rotation

Numbers = dict[str, pd.Series]  # of float, on sessions


@dataclass(frozen=True)
class PropertyHistory:
    """One property over all sessions."""

    key: str
    raw: Floats
    published: Floats
    numbers: dict[str, list[float | None]]

    @cached_property
    def _states(self) -> tuple[list[State], list[State]]:
        return states(np.where(np.isnan(self.raw), np.nan, self.published)), states(self.published)

    def at(self, session: int) -> Property:
        """Return the property on the session at a position."""
        shown, held = self._states
        return Property(
            self.key, shown[session], held[session], {name: values[session] for name, values in self.numbers.items()}
        )


@dataclass(frozen=True)
class SupercycleHistory:
    """The four properties over all sessions."""

    properties: tuple[PropertyHistory, ...]
    full_sessions: list[int]

    def at(self, session: int) -> Supercycle:
        """Return the count on the session at a position."""
        rows = tuple(each.at(session) for each in self.properties)
        return Supercycle(
            holds=sum(row.state is State.ON for row in rows),
            last_published=sum(row.last_published is State.ON for row in rows),
            coverage=sum(row.state is not State.UNKNOWN for row in rows) / len(rows),
            full_sessions=self.full_sessions[session],
            properties=rows,
        )


def supercycle_history(measuring: Measuring, measured: dict[str, Measured], bonds: LinkHistory) -> SupercycleHistory:
    """Judge the four properties over the whole history."""
    made = {
        "support": _support(measuring, measured["net_liquidity"], bonds),
        "corrections": _corrections(measuring),
        "rotation": rotation(measuring),
        "runway": _runway(measuring),
    }
    properties = tuple(_property(key, raw, numbers) for key, (raw, numbers) in made.items())
    full = np.logical_and.reduce([each.published == 1.0 for each in properties])
    broken = np.maximum.accumulate(np.where(~full, np.arange(len(full)), -1))
    return SupercycleHistory(properties, (np.arange(len(full)) - broken).tolist())


def _property(key: str, raw: pd.Series[float], numbers: Numbers) -> PropertyHistory:
    found: Floats = np.asarray(raw, dtype=np.float64)
    published, _ = follow(found, SUPERCYCLE.sessions, start=0.0)
    shown = {name: optional(values) for name, values in numbers.items()}
    return PropertyHistory(key, found, published, shown)


def on_sessions(measuring: Measuring, values: pd.Series[float], keys: tuple[str, ...], days: Days) -> pd.Series[float]:
    """Return a measurement as sessions saw it; unknown where it is late or stale, so that nothing follows it then."""
    panel = measuring.panel
    if not len(values):
        return pd.Series(np.nan, index=panel.sessions)
    alignment = panel.align(pd.DatetimeIndex(values.index), keys, days)
    shown = values.to_numpy(dtype=np.float64)[np.maximum(alignment.position, 0)]
    firm = alignment.fresh & ~measuring.doubtful(keys)
    return pd.Series(np.where(firm, shown, np.nan), index=panel.sessions)


def _support(measuring: Measuring, liquidity: Measured, bonds: LinkHistory) -> tuple[pd.Series[float], Numbers]:
    """Judge: a longer up-leg than the median one, link 1 on, and net liquidity not falling."""
    closes = measuring.figures("^RUT")
    legs = up_legs(closes.to_numpy(dtype=np.float64), SUPERCYCLE.leg)
    enough = legs.completed >= SUPERCYCLE.least_cases
    # Without a leg under way none is longer than the median: that is known.
    age, median = np.nan_to_num(legs.age), np.where(enough, legs.median, np.nan)
    on_grid = [
        on_sessions(measuring, pd.Series(values, index=closes.index), ("^RUT",), Days.SESSION)
        for values in (age, median, legs.rank)
    ]
    sessions = measuring.panel.sessions
    firm = np.where(np.isnan(liquidity.firm), np.nan, liquidity.value)
    change = pd.Series(firm, index=sessions)
    link = pd.Series(np.where(np.isnan(bonds.firm), np.nan, bonds.published), index=sessions)
    longer = state(on_grid[0] > on_grid[1], on_grid[0], on_grid[1])
    raw = _every(longer, link, state(change >= 0, change))
    numbers = {
        "leg in sessions": on_grid[0], "median leg": on_grid[1], "share of legs outlived": on_grid[2],
        "net liquidity, 13-week change": change,
    }  # fmt: skip
    return raw, numbers


def _corrections(measuring: Measuring) -> tuple[pd.Series[float], Numbers]:
    """Judge: no correction of the last year deeper or longer than the upper quartile of those before."""
    index = _absorbed(measuring, "^RUT", SUPERCYCLE.correction, SUPERCYCLE.year, Days.SESSION)
    bitcoin = _absorbed(measuring, "BTC-USD", SUPERCYCLE.bitcoin_correction, SUPERCYCLE.year_of_days, Days.DAY)
    numbers = {
        f"{name}, {what}": values
        for name, (_, found) in (("^RUT", index), ("BTC", bitcoin))
        for what, values in found.items()
    }
    return _every(index[0], bitcoin[0]), numbers


def _absorbed(measuring: Measuring, key: str, least: float, year: int, days: Days) -> tuple[pd.Series[float], Numbers]:
    closes = measuring.figures(key)
    found = drawdowns(closes.to_numpy(dtype=np.float64), least, year)
    known = (found.completed >= SUPERCYCLE.least_cases) & (np.arange(len(closes)) >= year)
    columns = {
        "depth": found.worst_depth, "upper quartile of depths": found.depth_quartile,
        "length": found.worst_length, "upper quartile of lengths": found.length_quartile,
    }  # fmt: skip
    numbers = {
        name: on_sessions(measuring, pd.Series(np.where(known, values, np.nan), index=closes.index), (key,), days)
        for name, values in columns.items()
    }
    depth, deepest, length, longest = numbers.values()
    return state((depth <= deepest) & (length <= longest), *numbers.values()), numbers


def _runway(measuring: Measuring) -> tuple[pd.Series[float], Numbers]:
    """Judge: a ratio that turned up from a 3-year low, and high beta in the upper part of its year."""
    small = _turned(measuring, ("IWM", "SPY"), SUPERCYCLE.low_years, SUPERCYCLE.within, Days.SESSION)
    ether = _turned(measuring, ("ETH-USD", "BTC-USD"), SUPERCYCLE.low_years_of_days, SUPERCYCLE.within_days, Days.DAY)
    ratio = measuring.ratio("SPHB", "SPLV")
    rank = on_sessions(measuring, ratio.rolling(SUPERCYCLE.year).rank(pct=True), ("SPHB", "SPLV"), Days.SESSION)
    either = votes(pd.concat([small[0], ether[0]], axis=1, sort=True), least_on=1)
    raw = _every(either, state(rank >= SUPERCYCLE.upper, rank))
    return raw, {
        "IWM/SPY, sessions since a 3-year low": small[1],
        "ETH/BTC, days since a 3-year low": ether[1],
        "SPHB/SPLV, rank in its year": rank,
    }


def _turned(
    measuring: Measuring, pair: tuple[str, str], years: int, within: int, days: Days
) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return whether a ratio made its low of ``years`` within so long and is above a rising mean, and how long ago."""
    ratio = measuring.ratio(*pair)
    low = ratio.rolling(years).min()
    ago = measuring.since(ratio <= low, low.notna())
    gap, rise = measuring.against_mean(ratio, 200), measuring.mean_rise(ratio, 200, 20)
    turned = state((ago < within) & (gap > 0) & (rise > 0), ago, gap, rise)
    return on_sessions(measuring, turned, pair, days), on_sessions(measuring, ago, pair, days)


def _every(*parts: pd.Series[float]) -> pd.Series[float]:
    return votes(pd.concat(parts, axis=1, sort=True), least_on=len(parts))
