"""Enter and exit thresholds, unknown inputs and waiting times: written once, used by every condition and aggregate.

A state is a float array: 1.0 on, 0.0 off, NaN unknown. A truth is one too: 1.0 yes, 0.0 no, NaN unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

import numpy as np
import numpy.typing as npt

from signals.conditions.condition import Condition, Limit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


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
    memory = remembered((enter == 1.0) & (leave == 0.0), leave == 1.0)
    before = np.concatenate(([0.0], memory[:-1]))
    # Unknown is what could be otherwise if the missing number were known.
    may_leave = np.isnan(leave) & ((before == 1.0) | (enter != 0.0))
    may_enter = np.isnan(enter) & (leave != 1.0) & (before == 0.0)
    return np.where(np.logical_or.reduce(can_enter) & ~may_leave & ~may_enter, memory, np.nan)


def remembered(on: Bools, off: Bools) -> Floats:
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


def follow(target: npt.ArrayLike, after: int, start: float = np.nan) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return a published state that changes after so many steps in a row of another one, and the count so far.

    Parameters
    ----------
    target
        The state to follow; any numbers. An unknown step stops the count and neither adds to it nor resets it.
    start
        The state from the first known step on; NaN: unknown until one has held for ``after`` steps.
    """
    steps = np.asarray(target, dtype=np.float64).tolist()
    published, counts = np.full(len(steps), np.nan), np.zeros(len(steps), dtype=np.int64)
    state, candidate, count, begun = start, np.nan, 0, False
    for i, wanted in enumerate(steps):
        known = not isnan(wanted)
        begun |= known
        if known and wanted == state:
            candidate, count = np.nan, 0
        elif known:
            count = count + 1 if wanted == candidate else 1
            candidate = wanted
            if count >= after:
                state, candidate, count = wanted, np.nan, 0
        if begun:
            published[i], counts[i] = state, count
    return published, counts
