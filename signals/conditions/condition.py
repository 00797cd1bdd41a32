"""What a condition is: one row with its words, its thresholds, and the function that measures it.

Imports nothing heavy: messages, docs and the evaluation read the same rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from signals.data.series import Days
from signals.model import Unit
from signals.nine_decimals import Sign, meets

if TYPE_CHECKING:
    import pandas as pd

    from signals.conditions.measuring import Measuring


@dataclass(frozen=True, slots=True)
class Limit:
    """A side of a number: ``Limit(Sign.ABOVE, 50)``."""

    sign: Sign
    figure: float

    def holds(self, values: Any) -> Any:
        """Return where it holds; an unknown value never does."""
        return meets(values, self.sign, self.figure)


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a condition.

    Attributes
    ----------
    enter, exit
        Where it speaks for on, and where for off; ``None``: never by itself.
    exit_for
        How many observations in a row ``exit`` must hold.
    """

    name: str
    unit: Unit
    enter: Limit | None = None
    exit: Limit | None = None
    exit_for: int = 1

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The figures of its limits."""
        return tuple(limit.figure for limit in (self.enter, self.exit) if limit)


@dataclass(frozen=True, slots=True)
class Condition:
    """One measured statement with an enter and an exit threshold.

    Attributes
    ----------
    link
        The link it belongs to; ``None`` for one of liquidity alone.
    in_liquidity
        Whether it counts in the liquidity score.
    sentence
        What it says when it is on.
    needs
        The series it is measured from.
    members
        Those of them that one number is the share of: where some are missing, they are tried both ways.
    days
        On which days there is a measurement.
    numbers
        What is measured, the first one being the value shown.
    measure
        Returns one series per number, on the dates it was observed on, oldest first, never looking ahead; for a share
        of members a frame with the columns ``SHARE_COLUMNS`` of ``measuring``.
    enters, exits
        Which numbers must hold together: on when all of one group do, off when all of one group do; off wins. By
        default all that can enter, and any that can exit.
    """

    key: str
    link: int | None
    title: str
    sentence: str
    needs: tuple[str, ...]
    days: Days
    numbers: tuple[Number, ...]
    measure: Callable[[Measuring], tuple[pd.Series[float] | pd.DataFrame, ...]]
    members: tuple[str, ...] = ()
    in_liquidity: bool = False
    enters: tuple[tuple[int, ...], ...] = ()
    exits: tuple[tuple[int, ...], ...] = ()

    @property
    def enter_groups(self) -> tuple[tuple[int, ...], ...]:
        """The groups of numbers that turn it on."""
        return self.enters or (tuple(i for i, number in enumerate(self.numbers) if number.enter),)

    @property
    def exit_groups(self) -> tuple[tuple[int, ...], ...]:
        """The groups of numbers that turn it off."""
        return self.exits or tuple((i,) for i, number in enumerate(self.numbers) if number.exit)
