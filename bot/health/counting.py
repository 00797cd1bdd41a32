"""What this process has done since it began, in numbers: for who watches from outside."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from storage.outbox.states import State


@dataclass(slots=True)
class Counts:
    """Numbers that only grow.

    ``polls`` and ``evaluations`` by whether they succeeded; ``evaluating`` is the seconds of the latter.
    ``throttled`` counts the answers 429, ``delivered`` how deliveries ended. ``moved_at`` says when, by the monotonic
    clock, one ended last.
    """

    monotonic: Callable[[], float] = time.monotonic
    polls: Counter[bool] = field(default_factory=Counter)
    evaluations: Counter[bool] = field(default_factory=Counter)
    evaluating: float = 0.0
    throttled: int = 0
    delivered: Counter[State] = field(default_factory=Counter)
    moved_at: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin as if one had just ended."""
        self.moved_at = self.monotonic()

    def note_evaluation(self, began: float, *, succeeded: bool) -> None:
        """Count an evening's evaluation that ``began`` at an instant of the monotonic clock and is over now."""
        self.evaluations[succeeded] += 1
        self.evaluating += self.monotonic() - began

    def note_deliveries(self, ended: Counter[State]) -> None:
        """Count deliveries by the final state in which they ended."""
        if ended:
            self.delivered += ended
            self.moved_at = self.monotonic()
