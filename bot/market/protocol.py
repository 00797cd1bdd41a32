"""What the bot and its market process say to each other.

A message is four bytes with the length of what follows, and a ``Request`` or ``Reply`` as MessagePack. Rows travel in
the types that the storage keeps them in.
"""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct, field, msgpack

from signals.sources.options import SourceOptions
from storage.ledger import VerdictRow
from storage.market import Agenda
from storage.observations import SourceCheck
from storage.track_record import OutcomeRow
from storage.watches.judged import Judgement, Quote

_F = float | None
Figures = tuple[date, _F, _F, _F, _F, _F, _F, _F, _F]
"""``(observed_on, *figures)``: the eight of ``signals.data.series.FIELDS``, in their order."""


class Collect(Struct, frozen=True, tag=True):
    """Ask the source for what the archive lacks. The answers are ``Observations`` and a ``Checked`` a series."""

    database_url: str
    market_data: str
    now: datetime
    options: SourceOptions = field(default_factory=SourceOptions)


class Evaluate(Struct, frozen=True, tag=True):
    """Decide every closed session that is not decided yet. The last answer is ``NextDue``."""

    database_url: str
    now: datetime


class LookBack(Struct, frozen=True, tag=True):
    """Compute the track record, and what followed the live alerts, through the newest session decided."""

    database_url: str
    now: datetime


class Draw(Struct, frozen=True, tag=True):
    """Draw charts, by their names, through the newest session decided. The answers are ``NewChart``."""

    database_url: str
    now: datetime
    names: list[str]


class CollectWatched(Struct, frozen=True, tag=True):
    """Ask the source for bars of the symbols that are watched; the answers are those of ``Collect``."""

    database_url: str
    market_data: str
    now: datetime
    options: SourceOptions = field(default_factory=SourceOptions)


class JudgeWatches(Struct, frozen=True, tag=True):
    """Judge what is watched on the bars that are archived. The answer is ``WatchesJudged``."""

    database_url: str
    now: datetime


class FindSymbol(Struct, frozen=True, tag=True):
    """Ask the source whether it has a symbol. The answer is ``SymbolFound``."""

    market_data: str
    symbol: str
    now: datetime


class FindScenes(Struct, frozen=True, tag=True):
    """Ask what a market that is stepped has to show. The answer is ``Scenes``."""

    market_data: str
    now: datetime
    options: SourceOptions = field(default_factory=SourceOptions)


class Observations(Struct, frozen=True, tag=True):
    """Some rows of one series' answer. ``restated``: earlier ones changed, so every row is new and comes again."""

    series: str
    restated: bool
    rows: list[Figures]


class Checked(Struct, frozen=True, tag=True):
    """One series' answer has been sent whole; ``check`` says what was wrong with it, if anything."""

    check: SourceCheck


class ClosuresFound(Struct, frozen=True, tag=True):
    """By their bars, days of the library's calendar on which the exchange was closed."""

    sessions: list[date]


class BackfillBegins(Struct, frozen=True, tag=True):
    """Sessions up to ``through`` are history: they are stored and nobody is told."""

    through: date


class Verdicts(Struct, frozen=True, tag=True):
    """Verdicts with their changes, in order of session. ``backfilled``: they are history."""

    backfilled: bool
    rows: list[VerdictRow]


class NextDue(Struct, frozen=True, tag=True):
    """What is due after this evening."""

    agenda: Agenda


class NewTrackRecord(Struct, frozen=True, tag=True):
    """The track record through a session; ``body`` is a ``signals.record.model.TrackRecord`` as compressed JSON."""

    through: date
    method_version: str
    body: bytes


class NewOutcomes(Struct, frozen=True, tag=True):
    """What followed live alerts over horizons that have passed, where it is not stored yet or stored otherwise."""

    rows: list[OutcomeRow]


class NewChart(Struct, frozen=True, tag=True):
    """One chart by its name, through a session, as PNG."""

    name: str
    through: date
    image: bytes


class WatchesJudged(Struct, frozen=True, tag=True):
    """How watches stand that have new bars, and the newest quote of every symbol that is watched."""

    judgements: list[Judgement]
    quotes: list[Quote]


class SymbolFound(Struct, frozen=True, tag=True):
    """The newest quote of a symbol; without one, names like it, ``None`` where the source does not answer."""

    quote: Quote
    similar: list[str] | None


class Scenes(Struct, frozen=True, tag=True):
    """Where a market that is stepped begins, its sessions from then on, and those that show something, by its name.

    Of ``quiet`` sessions in a row, or of ``outage`` without a source, it is the last that stands there.
    """

    start: datetime
    sessions: list[date]
    evenings: dict[str, list[date]]
    quiet: int
    outage: int


class Progress(Struct, frozen=True, tag=True):
    """How much of what is being done is done, and of how much, ``None`` when that is not known."""

    what: str
    done: int
    of: int | None


class Failed(Struct, frozen=True, tag=True):
    """The request could not be carried out; nothing more comes."""

    message: str


class Done(Struct, frozen=True, tag=True):
    """The request is carried out; nothing more comes."""


Request = Collect | Evaluate | LookBack | Draw | CollectWatched | JudgeWatches | FindSymbol | FindScenes
Reply = (
    Observations
    | Checked
    | ClosuresFound
    | BackfillBegins
    | Verdicts
    | NextDue
    | NewTrackRecord
    | NewOutcomes
    | NewChart
    | WatchesJudged
    | SymbolFound
    | Scenes
    | Progress
    | Failed
    | Done
)
LENGTH = 4
"""How many bytes before a message say how long it is."""

_ENCODER = msgpack.Encoder()
decode_request = msgpack.Decoder(Request).decode
decode_reply = msgpack.Decoder(Reply).decode


def encode(message: Request | Reply) -> bytes:
    """Return a message with its length before it."""
    body = _ENCODER.encode(message)
    return len(body).to_bytes(LENGTH, "big") + body
