"""A breakout from a long base, as types. Imports nothing heavy."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace


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


class High(Struct, frozen=True):
    """A new record close out of a base too short to start an episode (minor or continuation)."""

    date: date
    close: float
    level: float
    base_sessions: int
    base_class: BaseClass


class Episode(Struct, frozen=True):
    """One breakout from a long base. Dates are sessions; an event that has not happened is ``None``.

    Attributes
    ----------
    attempt, close, level, base_sessions, base_class
        The first close over the record ``level`` and the sessions since the record was last closed at.
    level_verified
        False when the level was set within the first 252 sessions of the data: the true record may be missing.
    confirm_by, hold_until, end_by, recover_by
        The session by which the attempt must be confirmed, the one through which a confirmation must hold, the one
        on which what is established ends at the latest, and the last on which what failed or was rejected can recover.
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
    end_by: date | None = None
    recover_by: date | None = None

    def as_of(self, session: date) -> Episode:
        """Return the episode as it was known on ``session``: later events are removed."""
        later: dict[str, Any] = {
            name: None for name in _EVENTS if (on := getattr(self, name)) is not None and on > session
        }
        if "confirmed" in later:
            later["hold_until"] = None
        if "established" in later:
            later["end_by"] = None
        if {"failed", "rejected"} & {*later}:
            later["recover_by"] = None
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
