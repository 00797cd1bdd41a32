"""From arrays over sessions to lists of what verdicts hold: read nine thousand times, made once."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from signals.conditions.hysteresis import Floats
from signals.model import State


def optional(values: Any) -> list[float | None]:
    """Return numbers, ``None`` for those unknown."""
    figures: Floats = np.asarray(values, dtype=np.float64)
    listed: npt.NDArray[np.object_] = figures.astype(object)
    listed[~np.isfinite(figures)] = None
    return list(listed)


def states(values: Floats) -> list[State]:
    """Return states as their names: 1.0 is on, 0.0 off, NaN unknown."""
    return [State.ON if value == 1.0 else State.OFF if value == 0.0 else State.UNKNOWN for value in values.tolist()]


def since(state: Floats, days: list[date]) -> list[date | None]:
    """Return for each session since when the state has been the one it is."""
    if not len(state):
        return []
    codes = np.where(np.isnan(state), -1.0, state)
    began = np.maximum.accumulate(np.where(np.diff(codes, prepend=codes[0]) != 0, np.arange(len(codes)), 0))
    return [days[i] for i in began.tolist()]
