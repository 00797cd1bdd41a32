"""Conditions over all sessions: measured on the dates of their observations, then shown on each session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.conditions.condition import Condition
from signals.conditions.hysteresis import Floats, switch
from signals.conditions.measuring import Measuring
from signals.conditions.rows import optional, since, states
from signals.conditions.table import CONDITIONS
from signals.data.gate import Gate
from signals.data.panel import Alignment, Panel
from signals.data.plausible import outside_band
from signals.data.series import SERIES, STANDS_IN
from signals.model import ConditionState, State


@dataclass(frozen=True)
class Measured:
    """One condition over all sessions.

    Attributes
    ----------
    state
        Per session 1.0 on, 0.0 off, NaN unknown; a late measurement is still used.
    firm
        The same, but unknown where the measurement is late: what a published state follows.
    numbers
        On the dates observed: one array per number of the row.
    """

    row: Condition
    days: list[date]
    alignment: Alignment
    state: Floats
    firm: Floats
    numbers: tuple[Floats, ...]

    @property
    def had(self) -> npt.NDArray[np.bool_]:
        """From the first session on which it could be measured."""
        return np.logical_or.accumulate(~np.isnan(self.state))

    @cached_property
    def value(self) -> Floats:
        """The first number on each session, NaN where the condition is unknown."""
        if not len(self.numbers[0]):
            return np.full(len(self.days), np.nan)
        shown = self.numbers[0][np.maximum(self.alignment.position, 0)]
        return np.where(np.isnan(self.state), np.nan, shown)

    @cached_property
    def _lists(self) -> tuple[list[State], list[date | None], list[list[float | None]], list[int], list[date]]:
        numbers = [optional(values) for values in self.numbers]
        dates = [day.date() for day in self.alignment.dates]
        return states(self.state), since(self.state, self.days), numbers, self.alignment.position.tolist(), dates

    @cached_property
    def _nothing(self) -> ConditionState:
        """The condition while nothing was ever measured."""
        first, row = self.row.numbers[0], self.row
        limits = (first.enter.figure if first.enter else None, first.exit.figure if first.exit else None)
        others = (None,) * (len(row.numbers) - 1)
        began = self.days[0] if self.days else None
        return ConditionState(row.key, row.link, State.UNKNOWN, None, first.unit, *limits, others, None, began)

    def at(self, session: int) -> ConditionState:
        """Return the condition on the session at a position."""
        if not len(self.alignment.dates):
            return self._nothing
        named, began, numbers, positions, dates = self._lists
        position, known = positions[session], named[session] is not State.UNKNOWN
        first, row = self.row.numbers[0], self.row
        values = [column[position] if known and position >= 0 else None for column in numbers]
        return ConditionState(
            key=row.key,
            link=row.link,
            state=named[session],
            value=values[0],
            unit=first.unit,
            enter=first.enter.figure if first.enter else None,
            exit=first.exit.figure if first.exit else None,
            others=tuple(values[1:]),
            as_of=dates[position] if position >= 0 else None,
            since=began[session],
        )


def measure(measuring: Measuring) -> dict[str, Measured]:
    """Measure every condition of the table over the whole history."""
    return {key: measure_condition(row, measuring) for key, row in CONDITIONS.items()}


def measure_condition(row: Condition, measuring: Measuring) -> Measured:
    """Measure one condition over the whole history."""
    panel = measuring.panel
    if not any(key in panel.archive or STANDS_IN.get(key) in panel.archive for key in row.needs):
        return _never_had(row, panel)
    table = pd.concat(row.measure(measuring), axis=1, sort=True)
    # Before its windows are full, and where a part is missing for good, a date has no measurement.
    several = len(row.enter_groups) > 1 and len(row.numbers) == len(row.enter_groups)
    table = table.dropna(how="all" if several else "any")
    numbers = tuple(np.asarray(table.iloc[:, i], dtype=np.float64) for i in range(table.shape[1]))
    alignment = panel.align(pd.DatetimeIndex(table.index), row.needs, row.days)
    native = switch(row, numbers)
    shown = native[np.maximum(alignment.position, 0)] if len(native) else np.full(len(panel.sessions), np.nan)
    invalid = _invalid(row, measuring.gate)
    state = np.where(alignment.usable & ~invalid, shown, np.nan)
    firm = np.where(alignment.fresh, state, np.nan)
    return Measured(row, panel.days, alignment, state, firm, numbers)


def _never_had(row: Condition, panel: Panel) -> Measured:
    nothing, unknown = np.array([], dtype=np.float64), np.full(len(panel.sessions), np.nan)
    alignment = panel.align(pd.DatetimeIndex([], dtype="datetime64[us]"), row.needs, row.days)
    return Measured(row, panel.days, alignment, unknown, unknown, (nothing,) * len(row.numbers))


def _invalid(row: Condition, gate: Gate) -> npt.NDArray[np.bool_]:
    """Return the sessions on which something it needs cannot be believed and nothing stands in for it."""
    bad = np.zeros(len(gate.panel.sessions), dtype=np.bool_)
    for key in row.needs:
        if key not in gate.invalid:
            continue
        invalid = gate.invalid[key]
        if STANDS_IN.get(key) in gate.invalid:
            # In the place of a figure in another unit something else was measured; a far move may yet be confirmed.
            own = gate.panel.alignments[key]
            outside = outside_band(SERIES[key], gate.panel.archive[key]).reindex(own.dates, fill_value=True)
            invalid = invalid & ~outside.to_numpy(dtype=bool)[np.maximum(own.position, 0)]
        bad |= invalid
    return bad
