"""The four properties of a supercycle. Baselines are of what was known on each session, never of what came later."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.cascade import LinkHistory
from signals.conditions.hysteresis import at_least, debounce
from signals.conditions.measured import Measured
from signals.conditions.measuring import Measuring
from signals.conditions.rows import number, state
from signals.conditions.statements import as_state
from signals.data.panel import OK, Floats, floats
from signals.data.series import Days
from signals.model import Property, Reading, State, Supercycle, Unit
from signals.rules import SUPERCYCLE
from signals.supercycle.legs import drawdowns, up_legs
from signals.supercycle.rotation import rotation

Numbers = dict[tuple[str, Unit], Floats]
"""What a property was decided on, by name and unit, on sessions."""


@dataclass(frozen=True)
class PropertyHistory:
    """One property over all sessions: what its numbers say, and the state after it held for ten sessions."""

    key: str
    raw: Floats
    published: Floats
    numbers: Numbers

    @cached_property
    def _shown(self) -> Floats:
        return np.where(np.isnan(self.raw), np.nan, self.published)

    def at(self, session: int) -> Property:
        """Return the property on the session at a position."""
        numbers = tuple(Reading(name, number(values, session), unit) for (name, unit), values in self.numbers.items())
        return Property(self.key, state(self._shown, session), state(self.published, session), numbers)


@dataclass(frozen=True)
class SupercycleHistory:
    """The four properties over all sessions."""

    properties: tuple[PropertyHistory, ...]
    full_sessions: npt.NDArray[np.int64]

    def at(self, session: int) -> Supercycle:
        """Return the count on the session at a position."""
        rows = tuple(each.at(session) for each in self.properties)
        return Supercycle(
            holds=sum(row.state is State.ON for row in rows),
            last_published=sum(row.last_published is State.ON for row in rows),
            coverage=sum(row.state is not State.UNKNOWN for row in rows) / len(rows),
            full_sessions=self.full_sessions.item(session),
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
    return SupercycleHistory(properties, np.arange(len(full)) - broken)


def _property(key: str, raw: Floats, numbers: Numbers) -> PropertyHistory:
    published, _ = debounce(raw, SUPERCYCLE.sessions, start=0.0)
    return PropertyHistory(key, raw, published, numbers)


def on_sessions(
    measuring: Measuring, dates: pd.Index, values: npt.ArrayLike, keys: tuple[str, ...], days: Days
) -> Floats:
    """Return a measurement as sessions saw it; unknown where it is late or stale, so that nothing follows it then."""
    shown = measuring.panel.align(pd.DatetimeIndex(dates), keys, days).on_sessions(values, OK)
    return np.where(measuring.gate.switches_nothing(keys), np.nan, shown)


def _support(measuring: Measuring, liquidity: Measured, bonds: LinkHistory) -> tuple[Floats, Numbers]:
    """Judge: a longer up-leg than the median one, link 1 on, and net liquidity not falling."""
    closes = measuring.figures("^RUT")
    legs = up_legs(floats(closes), SUPERCYCLE.leg)
    enough = legs.completed >= SUPERCYCLE.least_cases
    # Without a leg under way none is longer than the median: that is known.
    age, median, rank = (
        on_sessions(measuring, closes.index, values, ("^RUT",), Days.SESSION)
        for values in (np.nan_to_num(legs.age), np.where(enough, legs.median, np.nan), legs.rank)
    )
    change = np.where(np.isnan(liquidity.state_without_late_data), np.nan, liquidity.value)
    link = np.where(np.isnan(bonds.state_without_late_data), np.nan, bonds.published)
    numbers = {
        ("leg in sessions", Unit.SESSIONS): age, ("median leg", Unit.SESSIONS): median,
        ("share of legs outlived", Unit.SHARE): rank, ("net liquidity, 13-week change", Unit.BN): change,
    }  # fmt: skip
    return at_least(3, as_state(age > median, age, median), link, as_state(change >= 0, change)), numbers


def _corrections(measuring: Measuring) -> tuple[Floats, Numbers]:
    """Judge: no correction of the last year deeper or longer than the upper quartile of those before."""
    index = _absorbed(measuring, "^RUT", SUPERCYCLE.correction, SUPERCYCLE.year, Days.SESSION)
    bitcoin = _absorbed(measuring, "BTC-USD", SUPERCYCLE.bitcoin_correction, SUPERCYCLE.year_of_days, Days.DAY)
    numbers = {
        (f"{name}, {what}", unit): values
        for name, (_, found) in (("^RUT", index), ("BTC", bitcoin))
        for (what, unit), values in found.items()
    }
    return at_least(2, index[0], bitcoin[0]), numbers


def _absorbed(measuring: Measuring, key: str, least: float, year: int, days: Days) -> tuple[Floats, Numbers]:
    closes = measuring.figures(key)
    found = drawdowns(floats(closes), least, year)
    known = (found.completed >= SUPERCYCLE.least_cases) & (np.arange(len(closes)) >= year)
    counted = Unit.SESSIONS if days is Days.SESSION else Unit.DAYS
    columns = {
        ("depth", Unit.SHARE): found.worst_depth, ("upper quartile of depths", Unit.SHARE): found.depth_quartile,
        ("length", counted): found.worst_length, ("upper quartile of lengths", counted): found.length_quartile,
    }  # fmt: skip
    numbers = {
        named: on_sessions(measuring, closes.index, np.where(known, values, np.nan), (key,), days)
        for named, values in columns.items()
    }
    depth, deepest, length, longest = numbers.values()
    return as_state((depth <= deepest) & (length <= longest), *numbers.values()), numbers


def _runway(measuring: Measuring) -> tuple[Floats, Numbers]:
    """Judge: a ratio that turned up from a 3-year low, and high beta in the upper part of its year."""
    small = _turned(measuring, ("IWM", "SPY"), SUPERCYCLE.low_years, SUPERCYCLE.within, Days.SESSION)
    ether = _turned(measuring, ("ETH-USD", "BTC-USD"), SUPERCYCLE.low_years_of_days, SUPERCYCLE.within_days, Days.DAY)
    ratio = measuring.ratio("SPHB", "SPLV")
    ranks = ratio.rolling(SUPERCYCLE.year).rank(pct=True)
    rank = on_sessions(measuring, ratio.index, ranks, ("SPHB", "SPLV"), Days.SESSION)
    holds = at_least(2, at_least(1, small[0], ether[0]), as_state(rank >= SUPERCYCLE.upper, rank))
    return holds, {
        ("IWM/SPY, sessions since a 3-year low", Unit.SESSIONS): small[1],
        ("ETH/BTC, days since a 3-year low", Unit.DAYS): ether[1],
        ("SPHB/SPLV, rank in its year", Unit.SHARE): rank,
    }


def _turned(measuring: Measuring, pair: tuple[str, str], years: int, within: int, days: Days) -> tuple[Floats, Floats]:
    """Return whether a ratio made its low of ``years`` within so long and is above a rising mean, and how long ago."""
    ratio = measuring.ratio(*pair)
    low = ratio.rolling(years).min()
    ago = Measuring.since(ratio <= low, low.notna())
    gap, rise = Measuring.against_mean(ratio, 200), Measuring.mean_rise(ratio, 200, 20)
    turned = as_state((ago < within) & (gap > 0) & (rise > 0), ago, gap, rise)
    shown = [on_sessions(measuring, ratio.index, values, pair, days) for values in (turned, ago)]
    return shown[0], shown[1]
