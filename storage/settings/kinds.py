"""The kinds of alerts that a chat can choose from, each a bit of the numbers that it stores."""

from __future__ import annotations

from collections.abc import Iterable

# New ones go to the end: every chat has stored the bits of these.
_NAMES = (
    "breakout.attempt", "breakout.confirmed", "breakout.warning", "breakout.rejected", "breakout.failed",
    "breakout.recovered", "breakout.established", "breakout.ended",
    "window.opened", "window.responded", "window.elapsed", "window.cancelled",
    "stage.high", "stage.low", "liquidity", "precondition", "supercycle", "watch",
)  # fmt: skip
BITS = {name: 1 << number for number, name in enumerate(_NAMES)}
"""The bit of each kind, by its name."""


def bits(names: Iterable[str]) -> int:
    """Return the bits of some kinds as one number."""
    return sum(BITS[name] for name in set(names))


EVERYTHING = bits(BITS)
EVERYBODY = -1
"""The kinds of what comes to every subscriber, whatever they have chosen: all bits there can be."""
BIG_ONES = bits(
    ("breakout.confirmed", "breakout.failed", "breakout.established", "window.opened", "window.responded",
     "window.elapsed", "stage.high", "watch")
)  # fmt: skip
"""What a chat hears of that has not chosen anything else."""
