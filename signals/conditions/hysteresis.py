"""Enter and exit thresholds, unknown inputs and waiting times: written once, used by every condition and aggregate.

A state is a float array: 1.0 on, 0.0 off, NaN unknown. A truth is one too: 1.0 yes, 0.0 no, NaN unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from signals.conditions.condition import Condition, Limit
from signals.data.panel import Bools, Floats
from signals.nine_decimals import Sign, meets
from signals.rules import UNKNOWN


@dataclass(frozen=True, slots=True)
class Span:
    """What a number is at least and at most while members of it are missing; the same where none is."""

    low: Floats
    high: Floats

    @property
    def known(self) -> Bools:
        """Where it has a value at all."""
        return ~(np.isnan(self.low) | np.isnan(self.high))


def within_span(span: Span, sign: Sign, threshold: Any) -> Floats:
    """Return where a number stands on a side of a threshold wherever it lies in its span; NaN where that decides."""
    low, high = (np.asarray(meets(values, sign, threshold), dtype=np.float64) for values in (span.low, span.high))
    return np.where(span.known & (low == high), low, np.nan)


def switch(row: Condition, numbers: Sequence[Span]) -> Floats:
    """Return the state of a condition over its observations, oldest first.

    It starts off; enter turns it on, exit off, and exit wins. Where a missing number decides, the state is unknown,
    and afterwards the earlier state resumes. A number that was never there yet is left out.
    """
    had = [np.logical_or.accumulate(span.known) for span in numbers]
    enters = [_truth(n.enter, span, 1) for n, span in zip(row.numbers, numbers, strict=True)]
    exits = [_truth(n.exit, span, n.exit_for) for n, span in zip(row.numbers, numbers, strict=True)]
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


def _truth(limit: Limit | None, span: Span, in_a_row: int) -> Floats:
    """Return where a limit holds for so many observations in a row, unknown where one of them is."""
    if limit is None or not len(span.low):
        return np.zeros(len(span.low))
    holds = within_span(span, limit.sign, limit.figure)
    if in_a_row == 1:
        return holds
    # What was before the first known number broke no row.
    holds[~np.logical_or.accumulate(span.known)] = 0.0
    padded = np.concatenate((np.zeros(in_a_row - 1), holds))
    return both(list(np.lib.stride_tricks.sliding_window_view(padded, in_a_row).T))


def lapsed(states: Floats) -> Bools:
    """Return the sessions on which a state has been unknown for too long for the one before it to be held."""
    position = np.arange(len(states))
    known = np.maximum.accumulate(np.where(np.isnan(states), -1, position)) if len(states) else position
    return (known >= 0) & (position - known > UNKNOWN.held_sessions)


def first_measured(states: Sequence[Floats]) -> Bools:
    """Return where one of several states is known for the first time."""
    known = np.logical_or.accumulate(~np.isnan(np.stack(states)), axis=1)
    return np.asarray((np.diff(known, axis=1, prepend=False)).any(axis=0))


@dataclass(frozen=True, slots=True)
class Published:
    """A state as published, step by step.

    Attributes
    ----------
    state
        NaN before one has held for long enough, and after a lapse.
    toward
        How many steps in a row have spoken against it.
    silent
        Where it changed without being news: from or to unknown, or since something was measured for the first time.
    """

    state: Floats
    toward: npt.NDArray[np.int64]
    silent: Bools


def publish(target: npt.ArrayLike, after: int, lapses: Bools, arrivals: Bools, start: float = np.nan) -> Published:
    """Follow a state once another one has held for so many steps in a row.

    Parameters
    ----------
    target
        The state to follow; any numbers. An unknown step stops the count and neither adds to it nor resets it.
    lapses
        Where the published state is unknown, and counting begins anew.
    arrivals
        Where something it depends on is measured for the first time: a row that begins there is no news.
    start
        The state from the first known step on; NaN: unknown until one has held for ``after`` steps.
    """
    steps = np.asarray(target, dtype=np.float64)
    states, toward = np.full(len(steps), np.nan), np.zeros(len(steps), dtype=np.int64)
    silent = np.zeros(len(steps), dtype=np.bool_)
    counted = ~np.isnan(steps) & ~lapses
    events = np.flatnonzero(counted | (np.diff(lapses, prepend=False) & lapses))
    if not events.size:
        return Published(states, toward, silent)
    came = np.concatenate(([0], np.cumsum(arrivals)))
    # A lapse is a row of its own, of nothing.
    wanted = np.where(counted[events], steps[events], np.inf)
    begins = np.flatnonzero(np.diff(wanted, prepend=np.nan) != 0)
    running, held = np.zeros(events.size, dtype=np.int64), np.full(events.size, np.nan)
    state = start
    # From row to row of one wanted state: within a row the count only grows.
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), events.size], strict=True):
        want = wanted[begin]
        if want == np.inf:
            silent[events[begin]] = not np.isnan(state)
            state = np.nan
        elif want == state:
            held[begin:end] = state
        else:
            switch_at = min(begin + after - 1, end)
            held[begin:switch_at] = state
            running[begin:switch_at] = np.arange(1, switch_at - begin + 1)
            if switch_at < end:
                # What arrived since the row before this one may have begun it.
                arrived = came[events[begin] + 1] > came[events[begin - 1] + 1] if begin else True
                silent[events[switch_at]] = np.isnan(state) or arrived
                state = float(want)
                held[switch_at:end] = state
    newest = np.searchsorted(events, np.arange(events[0], len(steps)), side="right") - 1
    states[events[0] :], toward[events[0] :] = held[newest], running[newest]
    return Published(states, toward, silent)


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

    @property
    def share(self) -> Floats:
        """On over measured, NaN where none is."""
        return np.where(self.measured > 0, self.on / np.maximum(self.measured, 1), np.nan)

    @property
    def span(self) -> Span:
        """The share on while every missing one is tried both ways."""
        of = np.where(self.counted > 0, self.counted, np.nan)
        return Span(self.on / of, (self.on + self.missing) / of)

    def at_least(self, needed: Floats | float) -> Floats:
        """Return where so many are on: 1.0, 0.0 where they cannot be, NaN where a missing one decides."""
        return within_span(Span(self.on, self.on + self.missing), Sign.AT_LEAST, needed)


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
