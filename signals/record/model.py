"""The words of the track record as types. Imports nothing heavy, so that the process that answers can read them.

Of the small ones there are tens of thousands in a record, and none leads back to itself: with ``gc=False`` no
collection of garbage goes through them, and a record is read in two thirds of the time.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from msgspec import Struct

from signals.episode import BaseClass, Episode
from signals.model import Check, Regime, State


class Scale(StrEnum):
    """What an asset's horizons count: NYSE sessions, or UTC days."""

    SESSIONS = "sessions"
    DAYS = "days"


class Asset(Struct, frozen=True):
    """Something whose price is followed after an event. ``horizons`` count ``scale``."""

    key: str
    title: str
    scale: Scale
    horizons: tuple[int, ...]


_EQUITY, _CRYPTO = (21, 42, 63, 126), (30, 61, 91, 182)
ASSETS = {
    asset.key: asset
    for asset in (
        Asset("^RUT", "Russell 2000", Scale.SESSIONS, _EQUITY),
        Asset("IWM/SPY", "IWM/SPY", Scale.SESSIONS, _EQUITY),
        Asset("BTC-USD", "BTC", Scale.DAYS, _CRYPTO),
        Asset("ETH-USD", "ETH", Scale.DAYS, _CRYPTO),
        Asset("altcoin basket", "altcoin basket", Scale.DAYS, _CRYPTO),
    )
}
"""What is followed after every event, in the order shown."""


class Close(Struct, frozen=True, gc=False):
    """A close on a session or a UTC day."""

    on: date
    price: float


class Outcome(Struct, frozen=True, gc=False):
    """How a case ended. Changes are fractions of the entry's price.

    ``change`` is to the ``exit``, ``worst`` to the lowest close on the way (the maximum adverse excursion, zero or
    less).
    """

    exit: Close
    change: float
    worst: float


class Case(Struct, frozen=True, gc=False):
    """What followed one event over one horizon.

    Attributes
    ----------
    event
        The session whose decision it is.
    entry
        The first close after that decision; ``None`` where the asset has no price there.
    due
        The day the horizon ends on.
    outcome
        ``None`` before that day, or where there is no price on it.
    merged
        Later events closer than the horizon: they are counted as this one.
    """

    event: date
    entry: Close | None
    due: date | None
    outcome: Outcome | None
    merged: tuple[date, ...] = ()

    @property
    def change(self) -> float | None:
        """The change to the exit, once it is known."""
        return self.outcome.change if self.outcome else None


class Rate(Struct, frozen=True, gc=False):
    """``hits`` rises among ``of`` cases, with the Wilson interval of their share."""

    hits: int
    of: int
    low: float
    high: float


class Base(Struct, frozen=True, gc=False):
    """What followed any date, for comparison.

    Attributes
    ----------
    dates, median, share
        How many dates have the whole horizon ahead of them, the median of what followed, the share that rose.
    spans, low, high
        Neighbouring dates share most of what follows them: the range of ``share`` is Wilson's for as many spans as fit
        into the dates without overlapping. ``None`` under five spans.
    """

    dates: int
    spans: int
    median: float | None
    share: float | None
    low: float | None
    high: float | None


class Numbers(Struct, frozen=True, gc=False):
    """What is computed of five cases or more. Changes are fractions.

    Attributes
    ----------
    rate, median, mean, worst, adverse
        Share of rises; the lowest change; the deepest maximum adverse excursion.
    median_low, median_high
        Interval of the median by stationary block bootstrap.
    p
        Share of draws of random dates whose median lies at least as far from the base median.
    p_rule, p_record
        The same by Holm, over the p-values shown of this rule, and over those of the whole record.
    """

    rate: Rate
    median: float
    mean: float
    worst: float
    adverse: float
    median_low: float | None = None
    median_high: float | None = None
    p: float | None = None
    p_rule: float | None = None
    p_record: float | None = None


class Followed(Struct, frozen=True, gc=False):
    """What an asset did after every event of one rule, over one horizon.

    Attributes
    ----------
    cases
        Oldest first, those still open and those before the asset had a price included.
    n
        Cases whose outcome is known.
    numbers
        ``None`` under five known cases: then they are listed, and nothing is computed.
    base, matched
        Any date of the asset's era, and any with the Russell 2000 above its 200-day mean.
    """

    asset: str
    horizon: int
    cases: tuple[Case, ...]
    n: int
    numbers: Numbers | None
    base: Base
    matched: Base

    @property
    def known(self) -> tuple[Case, ...]:
        """The cases whose outcome is known."""
        return tuple(case for case in self.cases if case.outcome)


class RuleRecord(Struct, frozen=True):
    """What followed the events of one rule. ``family`` is its row of the registry."""

    key: str
    title: str
    family: str
    events: tuple[date, ...]
    followed: tuple[Followed, ...]


class Family(Struct, frozen=True):
    """A row of the registry: rules of one kind that were tried, how many, and how many p-values they printed."""

    key: str
    title: str
    variants: int
    p_values: int


class Event(Struct, frozen=True):
    """One breakout from a long base in full. ``followed`` has one case an asset and horizon, none if never confirmed.

    ``checks`` are the five as of the confirmation, or of the end of the attempt that had none; ``lowest`` is the
    lowest ^RUT close in the 126 sessions after the entry, and its day.
    """

    episode: Episode
    checks: tuple[Check, ...]
    liquidity: float | None
    regime: Regime
    precondition: State
    followed: tuple[tuple[str, int, Case], ...]
    lowest: Close | None


class Cell(Struct, frozen=True):
    """One variant of the sensitivity grid: shown with all others, never chosen among. Buffers are fractions."""

    base: int
    closes: int
    buffer: float
    events: int
    followed: tuple[Followed, ...]


class Claim(Struct, frozen=True):
    """A date that the thesis names, as the rules see it. ``on`` is ``None`` where the data have no such close.

    ``base_class`` is ``None`` for a record that came less than ten sessions after the one before. ``followed`` are
    ether's cases from that date.
    """

    key: str
    title: str
    on: date | None
    close: float | None
    base_sessions: int | None
    base_class: BaseClass | None
    checks: tuple[Check, ...]
    liquidity: float | None
    regime: Regime | None
    followed: tuple[tuple[str, int, Case], ...]


class Past(Struct, frozen=True):
    """What stands beside an alert: what followed earlier events of a rule, as known on its session."""

    rule: str
    title: str
    followed: tuple[Followed, ...]


class TrackRecord(Struct, frozen=True):
    """The whole record as of one session: the backtest alone, never mixed with what happened live.

    ``draws`` and ``resamples`` are of the permutation and the bootstrap, begun from ``seed``.
    """

    through: date
    method_version: str
    draws: int
    resamples: int
    seed: int
    events: tuple[Event, ...]
    rules: tuple[RuleRecord, ...]
    grid: tuple[Cell, ...]
    claims: tuple[Claim, ...]
    families: tuple[Family, ...]

    @property
    def tried(self) -> int:
        """How many rules were tried and are printed."""
        return sum(family.variants for family in self.families)

    @property
    def p_values(self) -> int:
        """How many p-values the record prints."""
        return sum(family.p_values for family in self.families)
