"""One session's row out of arrays over sessions: what a verdict holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import isfinite

import numpy as np
import numpy.typing as npt

from signals.data.panel import Floats
from signals.model import State


def number(values: Floats, at: int) -> float | None:
    """Return the number at a position, ``None`` where it is unknown."""
    value: float = values.item(at)
    return value if isfinite(value) else None


def whole(values: Floats, at: int) -> int | None:
    """Return the whole number at a position, ``None`` where it is unknown."""
    value = number(values, at)
    return None if value is None else int(value)


def state(values: Floats, at: int) -> State:
    """Return the state at a position: 1.0 is on, 0.0 off, NaN unknown."""
    value = values.item(at)
    return State.ON if value == 1.0 else State.OFF if value == 0.0 else State.UNKNOWN


def unknown_since(states: Floats) -> npt.NDArray[np.int64]:
    """Return for each session the position since which it has been unknown; -1 where it is not, or always was."""
    known = ~np.isnan(states)
    return np.where(known | ~np.logical_or.accumulate(known), -1, began(states))


def day(days: Sequence[date], positions: npt.NDArray[np.int64], at: int) -> date | None:
    """Return the day at the position that stands at a position, ``None`` where that is negative."""
    position = positions.item(at)
    return None if position < 0 else days[position]


def began(states: Floats) -> npt.NDArray[np.int64]:
    """Return for each session the position since which the state has been the one it is."""
    codes = np.where(np.isnan(states), -1.0, states)
    changed = np.diff(codes, prepend=codes[:1]) != 0
    return np.maximum.accumulate(np.where(changed, np.arange(len(codes)), 0))
