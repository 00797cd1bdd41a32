"""Measured statements that hold, do not hold or are unknown, over all sessions at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from signals.conditions.rows import number
from signals.data.panel import Bools, Floats, floats
from signals.model import Check, Unit


@dataclass(frozen=True)
class Statement:
    """One measured statement: its state (1.0, 0.0, NaN), its value, the threshold between them, and their unit."""

    key: str
    state: Floats
    value: Floats
    threshold: float
    unit: Unit
    parts: tuple[Statement, ...] = ()

    def check(self, at: int) -> Check:
        """Return the statement as it stood on the session at a position."""
        passed, parts = number(self.state, at), tuple(part.check(at) for part in self.parts)
        holds = None if passed is None else bool(passed)
        return Check(self.key, holds, number(self.value, at), self.threshold, self.unit, parts)


def as_state(holds: Any, *inputs: Any) -> Floats:
    """Return where a statement holds as 1.0 and 0.0, NaN wherever one of its inputs is."""
    known: Bools = np.logical_and.reduce([~np.isnan(floats(values)) for values in inputs])
    return np.where(known, floats(holds), np.nan)
