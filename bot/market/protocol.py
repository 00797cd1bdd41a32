"""What the bot and its market process say to each other: one JSON object a line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from signals.sources.options import SourceOptions
from storage.track_record import OutcomeRow

_F = float | None
Figures = tuple[date, _F, _F, _F, _F, _F, _F, _F, _F]
"""``(observed_on, *figures)``: the eight of ``signals.data.series.FIELDS``, in their order."""


@dataclass(frozen=True, slots=True)
class Collect:
    """Ask the source for what the archive lacks."""

    database_url: str
    market_data: str
    now: datetime
    options: SourceOptions = field(default_factory=SourceOptions)
    type: Literal["collect"] = "collect"


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Decide every closed session that is not decided yet."""

    database_url: str
    now: datetime
    type: Literal["evaluate"] = "evaluate"


@dataclass(frozen=True, slots=True)
class LookBack:
    """Compute the track record, and what followed the live alerts, through the newest session decided."""

    database_url: str
    now: datetime
    type: Literal["look_back"] = "look_back"


@dataclass(frozen=True, slots=True)
class FindDemoStart:
    """Ask where in the simulated market a demonstration may begin."""

    market_data: str
    now: datetime
    type: Literal["find_demo_start"] = "find_demo_start"


@dataclass(frozen=True, slots=True)
class Observations:
    """A piece of one series' answer."""

    series: str
    restated: bool
    rows: list[Figures]
    type: Literal["observations"] = "observations"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was wrong with one series' answer, if anything."""

    series: str
    reason: str
    absent: bool
    type: Literal["checked"] = "checked"


@dataclass(frozen=True, slots=True)
class BackfillBegins:
    """Sessions up to ``through`` are history: recorded silently."""

    through: date
    type: Literal["backfill_begins"] = "backfill_begins"


@dataclass(frozen=True, slots=True)
class Change:
    """One transition; see ``signals.model.Transition``. ``evidence`` is a ``signals.record.model.Past`` as JSON."""

    kind: str
    subject: str
    occurred_on: date
    before: str = ""
    after: str = ""
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """One session's verdict. ``closed_at`` is its decision time, ``body`` the verdict as JSON."""

    session: date
    closed_at: datetime
    decided_at: datetime
    method_version: str
    body: str
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Verdicts in order of session."""

    backfilled: bool
    rows: list[Decided]
    type: Literal["verdicts"] = "verdicts"


@dataclass(frozen=True, slots=True)
class NextDue:
    """What is owed after this evening."""

    next_session: date
    next_decision_at: datetime
    last_closed: date | None
    waiting: str | None
    type: Literal["next_due"] = "next_due"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The track record through a session; ``body`` is a ``signals.record.model.TrackRecord`` as JSON."""

    through: date
    method_version: str
    body: str
    type: Literal["recorded"] = "recorded"


@dataclass(frozen=True, slots=True)
class Matured:
    """What followed live alerts over horizons that have passed, where it is not stored yet or stored otherwise."""

    rows: list[OutcomeRow]
    type: Literal["matured"] = "matured"


@dataclass(frozen=True, slots=True)
class DemoStart:
    """The decision time at which a demonstration begins."""

    at: datetime
    type: Literal["demo_start"] = "demo_start"


@dataclass(frozen=True, slots=True)
class Failed:
    """The request could not be carried out."""

    message: str
    type: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Done:
    """The request is carried out; nothing more comes."""

    type: Literal["done"] = "done"


Request = Collect | Evaluate | LookBack | FindDemoStart
Reply = Observations | Checked | BackfillBegins | Verdicts | NextDue | Recorded | Matured | DemoStart | Failed | Done
REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="type")])
REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="type")])
