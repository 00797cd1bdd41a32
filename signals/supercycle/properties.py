"""The four properties of a supercycle. Baselines are of what was known on each session, never of what came later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.cascade import LinkHistory
from signals.conditions.falls import deepest_falls
from signals.conditions.hysteresis import Published, at_least, first_measured, lapsed, publish
from signals.conditions.measured import Measured
from signals.conditions.measuring import Measuring
from signals.conditions.rows import began, day, number, state, unknown_since
from signals.conditions.statements import as_state
from signals.data.panel import OK, Floats, Ints, floats
from signals.data.series import Days
from signals.model import Property, Reading, State, Supercycle, Unit
from signals.nine_decimals import Sign, meets, to_decimals
from signals.rules import SUPERCYCLE
from signals.supercycle.legs import up_legs
from signals.supercycle.rotation import rotation

Numbers = dict[tuple[str, Unit], Floats]
"""What a property was decided on, by name and unit, on sessions."""


@dataclass(frozen=True)
class PropertyHistory:
    """One property over all sessions: what its numbers say, and the state after it held for ten sessions."""

    key: str
    days: list[date]
    raw: Floats
    published: Published
    numbers: Numbers

    @cached_property
    def _shown(self) -> Floats:
        return np.where(np.isnan(self.raw), np.nan, self.published.state)

    @cached_property
    def _began(self) -> Ints:
        return began(self.published.state)

    @cached_property
    def _unknown_since(self) -> Ints:
        return unknown_since(self._shown)

    def at(self, session: int) -> Property:
        """Return the property on the session at a position."""
        return Property(
            key=self.key,
            state=state(self._shown, session),
            last_published=state(self.published.state, session),
            since=self.days[self._began.item(session)],
            unknown_since=day(self.days, self._unknown_since, session),
            silent=self.published.silent.item(session),
            numbers=tuple(
                Reading(name, number(values, session), unit) for (name, unit), values in self.numbers.items()
            ),
        )


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
    properties = tuple(_property(measuring, key, *found) for key, found in made.items())
    full = np.logical_and.reduce([each.published.state == 1.0 for each in properties])
    broken = np.maximum.accumulate(np.where(~full, np.arange(len(full)), -1))
    return SupercycleHistory(properties, np.arange(len(full)) - broken)


def _property(measuring: Measuring, key: str, parts: list[Floats], numbers: Numbers) -> PropertyHistory:
    """Publish a property that holds when all of its parts do; unknown until each could be measured once."""
    raw = at_least(len(parts), *parts)
    arrivals = first_measured(list(numbers.values()))
    published = publish(raw, SUPERCYCLE.sessions, lapsed(raw), arrivals, start=0.0)
    return PropertyHistory(key, measuring.panel.days, raw, published, numbers)


def on_sessions(
    measuring: Measuring, dates: pd.Index, values: npt.ArrayLike, keys: tuple[str, ...], days: Days
) -> Floats:
    """Return a measurement as sessions saw it; unknown where it is late or stale, so that nothing follows it then."""
    shown = measuring.panel.align(dates, keys, days).on_sessions(values, OK)
    return np.where(measuring.gate.switches_nothing(keys), np.nan, shown)


def _support(measuring: Measuring, liquidity: Measured, bonds: LinkHistory) -> tuple[list[Floats], Numbers]:
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
    link = np.where(np.isnan(bonds.state_without_late_data), np.nan, bonds.published.state)
    numbers = {
        ("leg in sessions", Unit.SESSIONS): age, ("median leg", Unit.SESSIONS): median,
        ("share of legs outlived", Unit.SHARE): rank, ("net liquidity, 13-week change", Unit.BN): change,
    }  # fmt: skip
    longer = as_state(meets(age, Sign.ABOVE, median), age, median)
    return [longer, link, as_state(meets(change, Sign.AT_LEAST, 0.0), change)], numbers


def _corrections(measuring: Measuring) -> tuple[list[Floats], Numbers]:
    """Judge: the last year's deepest fall was milder than in at least half of the earlier years."""
    rules = SUPERCYCLE
    index = _absorbed(measuring, "^RUT", rules.year, rules.earlier_windows, Days.SESSION)
    bitcoin = _absorbed(measuring, "BTC-USD", rules.year_of_days, rules.earlier_windows_of_days, Days.DAY)
    numbers: Numbers = {}
    for name, (fall, deeper) in (("^RUT", index), ("BTC", bitcoin)):
        numbers |= {
            (f"{name}, deepest fall", Unit.PERCENT): fall,
            (f"{name}, earlier years that fell further", Unit.SHARE): deeper,
        }
    milder = [as_state(meets(deeper, Sign.AT_LEAST, rules.milder_than), deeper) for _, deeper in (index, bitcoin)]
    return milder, numbers


def _absorbed(measuring: Measuring, key: str, length: int, least: int, days: Days) -> tuple[Floats, Floats]:
    """Return the deepest fall in each window, and the share of the windows before it with a deeper one."""
    closes = measuring.figures(key)
    falls = pd.Series(to_decimals(deepest_falls(floats(closes), length)), index=closes.index).dropna()
    earlier = np.arange(len(falls))
    deeper = (floats(falls.expanding().rank(method="min")) - 1) / np.maximum(earlier, 1)
    enough = np.where(earlier >= least, deeper, np.nan)
    return (
        on_sessions(measuring, falls.index, falls, (key,), days),
        on_sessions(measuring, falls.index, enough, (key,), days),
    )


def _runway(measuring: Measuring) -> tuple[list[Floats], Numbers]:
    """Judge: a ratio that turned up from a 3-year low, and high beta in the upper part of its year."""
    small = _turned(measuring, ("IWM", "SPY"), SUPERCYCLE.low_years, SUPERCYCLE.within, Days.SESSION)
    ether = _turned(measuring, ("ETH-USD", "BTC-USD"), SUPERCYCLE.low_years_of_days, SUPERCYCLE.within_days, Days.DAY)
    ratio = measuring.ratio("SPHB", "SPLV")
    ranks = ratio.rolling(SUPERCYCLE.year).rank(pct=True)
    rank = on_sessions(measuring, ratio.index, ranks, ("SPHB", "SPLV"), Days.SESSION)
    high_beta = as_state(meets(rank, Sign.AT_LEAST, SUPERCYCLE.upper), rank)
    return [at_least(1, small[0], ether[0]), high_beta], {
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
    up = meets(gap, Sign.ABOVE, 0.0) & meets(rise, Sign.ABOVE, 0.0)
    turned = as_state(meets(ago, Sign.BELOW, within) & up, ago, gap, rise)
    shown = [on_sessions(measuring, ratio.index, values, pair, days) for values in (turned, ago)]
    return shown[0], shown[1]
