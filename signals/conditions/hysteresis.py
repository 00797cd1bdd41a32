"""Enter and exit thresholds, unknown inputs and waiting times: written once, used by every condition and aggregate.

A state is a float array: 1.0 on, 0.0 off, NaN unknown. A truth is one too: 1.0 yes, 0.0 no, NaN unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.conditions.condition import Condition, Limit
from signals.data.panel import Bools, Floats


def switch(row: Condition, numbers: Sequence[Floats]) -> Floats:
    """Return the state of a condition over its observations, oldest first.

    It starts off; enter turns it on, exit off, and exit wins. Where a missing number decides, the state is unknown,
    and afterwards the earlier state resumes. A number that was never there yet is left out.
    """
    # Thresholds are decimals: -0.09999999999999964 is what is left of 3.31 - 3.41 in binary.
    numbers = [np.round(values, 9) for values in numbers]
    had = [np.logical_or.accumulate(~np.isnan(values)) for values in numbers]
    enters = [_truth(n.enter, values, 1) for n, values in zip(row.numbers, numbers, strict=True)]
    exits = [_truth(n.exit, values, n.exit_for) for n, values in zip(row.numbers, numbers, strict=True)]
    can_enter = [np.logical_and.reduce([had[i] for i in group]) for group in row.enter_groups]
    can_leave = [np.logical_or.reduce([had[i] for i in group]) for group in row.exit_groups]
    enter = either([_together(group, enters, had, can) for group, can in zip(row.enter_groups, can_enter, strict=True)])
    leave = either([_together(group, exits, had, can) for group, can in zip(row.exit_groups, can_leave, strict=True)])
    memory = latch((enter == 1.0) & (leave == 0.0), leave == 1.0)
    before = np.concatenate(([0.0], memory[:-1]))
    # Unknown is what could be otherwise if the missing number were known.
    may_leave = np.isnan(leave) & ((before == 1.0) | (enter != 0.0))
    may_enter = np.isnan(enter) & (leave != 1.0) & (before == 0.0)
    return np.where(np.logical_or.reduce(can_enter) & ~may_leave & ~may_enter, memory, np.nan)


def latch(on: Bools, off: Bools) -> Floats:
    """Return 1.0 from where ``on`` until ``off``, beginning with 0.0."""
    last = np.maximum.accumulate(np.where(on | off, np.arange(len(on)), -1)) if len(on) else np.array([], dtype=int)
    return np.where(last >= 0, on[np.maximum(last, 0)], False).astype(np.float64)


def both(truths: Sequence[Floats]) -> Floats:
    """Three-valued and."""
    every = np.stack(truths)
    return np.where((every == 0.0).any(axis=0), 0.0, np.where(np.isnan(every).any(axis=0), np.nan, 1.0))


def either(truths: Sequence[Floats]) -> Floats:
    """Three-valued or."""
    every = np.stack(truths)
    return np.where((every == 1.0).any(axis=0), 1.0, np.where(np.isnan(every).any(axis=0), np.nan, 0.0))


def _together(group: Sequence[int], truths: Sequence[Floats], had: Sequence[Bools], can: Bools) -> Floats:
    """Return where the numbers of a group hold together; those never there yet do not stand in the way."""
    return np.where(can, both([np.where(had[i], truths[i], 1.0) for i in group]), 0.0)


def _truth(limit: Limit | None, values: Floats, in_a_row: int) -> Floats:
    """Return where a limit holds for so many observations in a row, unknown where one of them is."""
    if limit is None or not len(values):
        return np.zeros(len(values))
    known = ~np.isnan(values)
    holds = np.where(known, np.asarray(limit.holds(values), dtype=np.float64), np.nan)
    if in_a_row == 1:
        return holds
    # What was before the first known number broke no row.
    holds[~np.logical_or.accumulate(known)] = 0.0
    padded = np.concatenate((np.zeros(in_a_row - 1), holds))
    return both(list(np.lib.stride_tricks.sliding_window_view(padded, in_a_row).T))


def debounce(target: npt.ArrayLike, after: int, start: float = np.nan) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return a published state that changes after so many steps in a row of another one, and the count so far.

    Parameters
    ----------
    target
        The state to follow; any numbers. An unknown step stops the count and neither adds to it nor resets it.
    start
        The state from the first known step on; NaN: unknown until one has held for ``after`` steps.
    """
    steps = np.asarray(target, dtype=np.float64)
    published, counts = np.full(len(steps), np.nan), np.zeros(len(steps), dtype=np.int64)
    known = np.flatnonzero(~np.isnan(steps))
    if not known.size:
        return published, counts
    wanted = steps[known]
    begins = np.flatnonzero(np.diff(wanted, prepend=np.nan) != 0)
    states, running = np.full(known.size, start), np.zeros(known.size, dtype=np.int64)
    state = start
    # From run to run of one wanted state: within a run the count only grows.
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), known.size], strict=True):
        if wanted[begin] == state:
            states[begin:end] = state
            continue
        switch_at = min(begin + after - 1, end)
        states[begin:switch_at] = state
        running[begin:switch_at] = np.arange(1, switch_at - begin + 1)
        if switch_at < end:
            state = float(wanted[begin])
            states[switch_at:end] = state
    newest = np.searchsorted(known, np.arange(known[0], len(steps)), side="right") - 1
    published[known[0] :], counts[known[0] :] = states[newest], running[newest]
    return published, counts


@dataclass(frozen=True, slots=True)
class Votes:
    """How a group of states stands on each session.

    ``on`` are on; ``missing`` could be measured earlier and cannot now; ``counted`` could be measured now or earlier.
    """

    on: Floats
    missing: Floats
    counted: Floats

    @property
    def measured(self) -> Floats:
        """How many are measured now."""
        return self.counted - self.missing

    def at_least(self, needed: Floats | float) -> Floats:
        """Return where so many are on: 1.0, 0.0 where they cannot be, NaN where a missing one decides."""
        return np.where(self.on >= needed, 1.0, np.where(self.on + self.missing < needed, 0.0, np.nan))


def votes(states: Sequence[Floats], had: Sequence[Bools] | None = None) -> Votes:
    """Count states. Until one could first be measured (``had``, by default found here) it is left out."""
    table = np.stack(states)
    known = ~np.isnan(table)
    ever = np.logical_or.accumulate(known, axis=1) if had is None else np.stack(had)
    on = np.nansum(table, axis=0)
    return Votes(on, (ever & ~known).sum(axis=0).astype(np.float64), ever.sum(axis=0).astype(np.float64))


def at_least(needed: int, *states: Floats) -> Floats:
    """Return where so many of the states are on; NaN where a missing one decides, or fewer could ever be measured."""
    counted = votes(states)
    return np.where(counted.counted >= needed, counted.at_least(needed), np.nan)
