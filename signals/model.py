"""The words of the method as types. Imports nothing heavy, so that the process that answers Telegram can read them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class BaseClass(StrEnum):
    """How long the base under a new record close was, in sessions (see ``rules.BreakoutRules``)."""

    PRIMARY = "primary"
    INTERMEDIATE = "intermediate"
    MINOR = "minor"
    CONTINUATION = "continuation"


class Phase(StrEnum):
    """Where a breakout episode stands."""

    ATTEMPT = "attempt"
    CONFIRMED = "confirmed"
    WARNING = "warning"
    REJECTED = "rejected"
    FAILED = "failed"
    RECOVERED = "recovered"
    ESTABLISHED = "established"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a breakout episode turned out; ``open`` while it is undecided where the data end."""

    ESTABLISHED = "established"
    FAILED = "failed"
    REJECTED = "rejected"
    OPEN = "open"


class Freshness(StrEnum):
    """The data gate's verdict on one series for one session."""

    OK = "ok"
    LATE = "late"
    STALE = "stale"
    INVALID = "invalid"
    NEVER_HAD = "never had"


@dataclass(frozen=True, slots=True)
class High:
    """A new record close out of a base too short to start an episode (minor or continuation)."""

    date: date
    close: float
    level: float
    base_sessions: int
    base_class: BaseClass


@dataclass(frozen=True, slots=True)
class Episode:
    """One breakout from a long base. Dates are sessions; an event that has not happened is ``None``.

    Attributes
    ----------
    attempt, close, level, base_sessions, base_class
        The first close over the record ``level`` and the sessions since the record was last closed at.
    level_verified
        False when the level was set within the first 252 sessions of the data: the true record may be missing.
    confirm_by, hold_until
        The session by which the attempt must be confirmed, and the one through which a confirmation must hold.
    """

    attempt: date
    close: float
    level: float
    base_sessions: int
    base_class: BaseClass
    level_verified: bool
    confirm_by: date
    confirmed: date | None = None
    hold_until: date | None = None
    warning: date | None = None
    rejected: date | None = None
    failed: date | None = None
    recovered: date | None = None
    established: date | None = None
    ended: date | None = None

    def as_of(self, session: date) -> Episode:
        """Return the episode as it was known on ``session``: later events are removed."""
        later: dict[str, Any] = {
            name: None for name in _EVENTS if (on := getattr(self, name)) is not None and on > session
        }
        if "confirmed" in later:
            later["hold_until"] = None
        return replace(self, **later)

    def events(self) -> dict[Phase, date]:
        """Return what has happened so far, in order of date; on one date the graver event comes last."""
        dated = {Phase(name): on for name in _EVENTS if (on := getattr(self, name)) is not None}
        return dict(sorted(((Phase.ATTEMPT, self.attempt), *dated.items()), key=lambda event: event[1]))

    @property
    def phase(self) -> Phase:
        """The latest event."""
        return list(self.events())[-1]

    @property
    def is_open(self) -> bool:
        """Whether the episode can still change its outcome or is established and not ended."""
        return not (self.rejected or self.failed or self.ended)

    @property
    def outcome(self) -> Outcome:
        """The outcome, ``open`` while undecided."""
        return next(
            (o for o in (Outcome.FAILED, Outcome.REJECTED, Outcome.ESTABLISHED) if getattr(self, o)),
            Outcome.OPEN,
        )

    @property
    def outcome_date(self) -> date | None:
        """The session of the outcome."""
        return self.failed or self.rejected or self.established


_EVENTS = ("confirmed", "warning", "rejected", "failed", "recovered", "established", "ended")


@dataclass(frozen=True, slots=True)
class Check:
    """One measured statement: its number, its threshold, and whether it passes (``None``: not measured)."""

    key: str
    passed: bool | None
    value: float | None
    threshold: float
    parts: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceVerdict:
    """What the data gate says of one series for one session; ``reason`` is a sentence unless all is well."""

    series: str
    verdict: Freshness
    newest: date | None
    reason: str


@dataclass(frozen=True, slots=True)
class Breakout:
    """The Russell 2000 against its record on one session. ``None`` is unknown; ``reason`` then says why.

    Attributes
    ----------
    close, record
        Index points; ``record`` is the highest close up to and including the session.
    distance, distance_atr
        ``close / record - 1``, and the same gap in 20-day average true ranges.
    base_sessions
        Sessions since the record was last closed at, 0 on a record close.
    armed
        Within 2 % of the record, out of a base long enough for an attempt.
    new_high
        Class of a new record close made on this session, if it has one.
    round_hundred
        The round hundred of which this is the first close ever above.
    ytd, change_12m
        Change since the last close of the year before, and over 252 sessions.
    relative_change
        Change of IWM/SPY over 63 sessions.
    episode
        The newest episode as known on this session; held while ``close`` is unknown.
    checks
        The five checks as of this session.
    episode_checks
        The five checks of an open episode, frozen when it was confirmed; empty when none is open.
    past
        How the episodes before the newest one turned out, those with a verified level.
    """

    close: float | None
    record: float | None
    distance: float | None
    distance_atr: float | None
    base_sessions: int | None
    armed: bool | None
    new_high: BaseClass | None
    round_hundred: int | None
    ytd: float | None
    change_12m: float | None
    relative_change: float | None
    episode: Episode | None
    checks: tuple[Check, ...]
    episode_checks: tuple[Check, ...]
    reason: str | None
    past: dict[Outcome, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything evaluated for one session. ``decided_at`` is in UTC; ``coverage`` is measured over all checks."""

    session: date
    decided_at: datetime
    method_version: str
    coverage: float
    breakout: Breakout
    sources: tuple[SourceVerdict, ...]


@dataclass(frozen=True, slots=True)
class Transition:
    """One change between two verdicts.

    Attributes
    ----------
    session
        The session whose verdict first shows the change.
    kind
        What happened, for example ``breakout.confirmed``.
    subject
        What it happened to, for example ``breakout:2020-11-13``; (subject, kind) is unique for ever.
    occurred_on
        The session of the event itself: earlier than ``session`` when the data came late.
    """

    session: date
    kind: str
    subject: str
    occurred_on: date
