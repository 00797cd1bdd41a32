"""Conditions over all sessions: measured on the dates of their observations, then shown on each session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.conditions.condition import Condition
from signals.conditions.hysteresis import Span, switch
from signals.conditions.measuring import Measuring
from signals.conditions.rows import began, number, state, whole
from signals.conditions.table import CONDITIONS
from signals.data.gate import Gate
from signals.data.panel import LATE, NEVER_HAD, OK, Alignment, Bools, Floats, Panel, floats
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
    state_without_late_data
        The same, but unknown where the measurement is late: what a published state follows.
    numbers
        On the dates observed: one array per number of the row.
    members
        On the dates observed, of the number that is a share of members: how many were measured, and of how many.
    """

    row: Condition
    days: list[date]
    alignment: Alignment
    state: Floats
    state_without_late_data: Floats
    numbers: tuple[Floats, ...]
    members: tuple[Floats, Floats] | None = None

    @cached_property
    def had(self) -> Bools:
        """From the first session on which it could be measured."""
        return np.logical_or.accumulate(~np.isnan(self.state))

    @cached_property
    def value(self) -> Floats:
        """The first number on each session, NaN where the condition is unknown."""
        return np.where(np.isnan(self.state), np.nan, self.alignment.on_sessions(self.numbers[0], NEVER_HAD))

    @cached_property
    def _began(self) -> npt.NDArray[np.int64]:
        return began(self.state)

    @cached_property
    def _scale(self) -> tuple[str, float | None, float | None]:
        """The unit of the first number, and where the condition is entered and left."""
        first = self.row.numbers[0]
        return first.unit, first.enter.figure if first.enter else None, first.exit.figure if first.exit else None

    def at(self, session: int) -> ConditionState:
        """Return the condition on the session at a position."""
        row, (unit, enter, exit_) = self.row, self._scale
        shown, position = state(self.state, session), self.alignment.position.item(session)
        is_known = shown is not State.UNKNOWN and position >= 0
        values = [number(column, position) for column in self.numbers] if is_known else [None] * len(self.numbers)
        return ConditionState(
            key=row.key,
            link=row.link,
            state=shown,
            value=values[0],
            unit=unit,
            enter=enter,
            exit=exit_,
            others=tuple(values[1:]),
            as_of=self.alignment.day(session),
            since=self.days[self._began.item(session)] if self.had.item(session) else None,
            members=self._members(position) if is_known else None,
        )

    def _members(self, position: int) -> tuple[int, int] | None:
        if self.members is None:
            return None
        measured, of = (whole(column, position) for column in self.members)
        return None if measured is None or of is None else (measured, of)


def measure(measuring: Measuring) -> dict[str, Measured]:
    """Measure every condition of the table over the whole history."""
    return {key: measure_condition(row, measuring) for key, row in CONDITIONS.items()}


def measure_condition(row: Condition, measuring: Measuring) -> Measured:
    """Measure one condition over the whole history."""
    panel = measuring.panel
    if not any(key in panel.archive or STANDS_IN.get(key) in panel.archive for key in row.needs):
        return _never_had(row, panel)
    dates, measured = _on_common_dates(row.measure(measuring))
    shares = [values for values in measured if isinstance(values, pd.DataFrame)]
    numbers = [floats(x["share"] if isinstance(x, pd.DataFrame) else x) for x in measured]
    spans = [
        Span(floats(x["least"]), floats(x["most"])) if isinstance(x, pd.DataFrame) else Span(shown, shown)
        for x, shown in zip(measured, numbers, strict=True)
    ]
    # Before its windows are full, and where a part is missing for good, a date has no measurement.
    several = len(row.enter_groups) > 1 and len(row.numbers) == len(row.enter_groups)
    known = np.stack([span.known for span in spans])
    kept: Bools = np.asarray(known.any(axis=0) if several else known.all(axis=0), dtype=np.bool_)
    alignment = panel.align(dates[kept], row.needs, row.days)
    by_observation = switch(row, [Span(span.low[kept], span.high[kept]) for span in spans])
    on_sessions = alignment.on_sessions(by_observation, NEVER_HAD)
    states = np.where((alignment.status <= LATE) & ~_invalid(row, measuring.gate), on_sessions, np.nan)
    return Measured(
        row=row,
        days=panel.days,
        alignment=alignment,
        state=states,
        state_without_late_data=np.where(alignment.status == OK, states, np.nan),
        numbers=tuple(values[kept] for values in numbers),
        members=(floats(shares[0]["measured"])[kept], floats(shares[0]["of"])[kept]) if shares else None,
    )


def _on_common_dates(
    measured: tuple[pd.Series[float] | pd.DataFrame, ...],
) -> tuple[pd.DatetimeIndex, list[pd.Series[float] | pd.DataFrame]]:
    dates = measured[0].index
    if not all(values.index is dates or values.index.equals(dates) for values in measured[1:]):
        for values in measured[1:]:
            dates = dates.union(values.index)
    return pd.DatetimeIndex(dates), [
        x if x.index is dates or x.index.equals(dates) else x.reindex(dates) for x in measured
    ]


def _never_had(row: Condition, panel: Panel) -> Measured:
    nothing, unknown = np.array([], dtype=np.float64), np.full(len(panel.sessions), np.nan)
    alignment = panel.align(pd.DatetimeIndex([], dtype="datetime64[us]"), row.needs, row.days)
    return Measured(row, panel.days, alignment, unknown, unknown, (nothing,) * len(row.numbers))


def _invalid(row: Condition, gate: Gate) -> Bools:
    """Return the sessions on which something it needs is not to be believed and nothing stands in for it.

    Members of a share are tried both ways instead.
    """
    bad = np.zeros(len(gate.panel.sessions), dtype=np.bool_)
    for key in set(row.needs) - set(row.members):
        invalid = gate.is_invalid(key)
        if invalid.any() and STANDS_IN.get(key) in gate.status:
            # In the place of a figure in another unit something else was measured; a far move may yet be confirmed.
            own = gate.panel.alignments[key]
            outside = outside_band(SERIES[key], gate.panel.archive[key]).reindex(own.dates, fill_value=True)
            invalid &= ~outside.to_numpy(dtype=bool)[np.maximum(own.position, 0)]
        bad |= invalid
    return bad
