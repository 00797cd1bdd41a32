"""The words of the method as types. Imports nothing heavy, so that the process that answers Telegram can read them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct

from signals.episode import BaseClass, Episode, Outcome


class State(StrEnum):
    """What a condition, a link or a property is. Unknown is never counted as one of the others."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


class Regime(StrEnum):
    """What US liquidity is doing.

    ``insufficient`` below 60 % coverage; ``unknown`` where what is missing decides, or before ten sessions agree.
    """

    EASING = "easing"
    NEUTRAL = "neutral"
    TIGHTENING = "tightening"
    INSUFFICIENT = "insufficient data"
    UNKNOWN = "unknown"


class Window(StrEnum):
    """Where the months after a confirmed breakout stand, in which crypto is expected to answer."""

    NOT_OPEN = "not open"
    WAITING = "waiting"
    OPEN = "open"
    RESPONDED = "responded"
    ELAPSED = "elapsed without response"
    CANCELLED = "cancelled"
    UNMEASURED = "response not measured"


class Freshness(StrEnum):
    """The data gate's verdict on one series for one session."""

    OK = "ok"
    LATE = "late"
    STALE = "stale"
    INVALID = "invalid"
    NEVER_HAD = "never had"


class Unit(StrEnum):
    """What a measured number is in. Percentages and shares are fractions."""

    BN = "USD bn"
    POINTS = "percentage points"
    PERCENT = "%"
    SHARE = "share"
    INDEX = "index"
    TIMES = "×"
    COUNT = "count"
    SESSIONS = "sessions"
    DAYS = "days"
    AGO = "observations ago"
    SESSIONS_AGO = "sessions ago"
    YES = "yes or no"


class Check(Struct, frozen=True):
    """One measured statement: its number, its threshold, and whether it passes (``None``: not measured).

    ``unit`` is that of the number and of the threshold.
    """

    key: str
    passed: bool | None
    value: float | None
    threshold: float
    unit: Unit
    parts: tuple[Check, ...] = ()


class SourceVerdict(Struct, frozen=True):
    """What the data gate says of one series for one session; ``reason`` is a sentence unless all is well."""

    series: str
    verdict: Freshness
    newest: date | None
    reason: str


class Course(Struct, frozen=True):
    """How the newest episode has gone, in sessions through this one; ``None``: it has not come to that.

    Attributes
    ----------
    attempt, confirmed, ended
        Sessions since the attempt, since the confirmation, and since it failed, was rejected or ended.
    below
        Closes in a row below the level.
    change
        Of the close since that of the confirmation, a fraction.
    """

    attempt: int
    confirmed: int | None
    ended: int | None
    below: int
    change: float | None


class Breakout(Struct, frozen=True):
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
    new_high, record_after
        On a record close: its class, if it has one, and the sessions since the record before it.
    round_hundred
        The round hundred of which this is the first close ever above.
    ytd, change_12m
        Change since the last close of the year before, and over 252 sessions.
    relative_change
        Change of IWM/SPY over 63 sessions.
    episode, course
        The newest episode as known on this session, and how it has gone; held while ``close`` is unknown.
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
    record_after: int | None
    round_hundred: int | None
    ytd: float | None
    change_12m: float | None
    relative_change: float | None
    episode: Episode | None
    course: Course | None
    checks: tuple[Check, ...]
    episode_checks: tuple[Check, ...]
    reason: str | None
    past: dict[Outcome, int]


class ConditionState(Struct, frozen=True):
    """One condition of the table on one session.

    Attributes
    ----------
    state, value
        On, off or unknown, and the first number it is made of; ``unit``, ``enter`` and ``exit`` are that number's.
    others
        Its further numbers, in the order of the condition's row.
    as_of
        The date of the observation it is measured on.
    since
        The session since which the state has been this one; ``None`` where it was never measured.
    members
        Of a share: how many of its members are measured now, and of how many.
    """

    key: str
    link: int | None
    state: State
    value: float | None
    unit: str
    enter: float | None
    exit: float | None
    others: tuple[float | None, ...]
    as_of: date | None
    since: date | None
    members: tuple[int, int] | None = None


class Liquidity(Struct, frozen=True):
    """US liquidity on one session.

    Attributes
    ----------
    score
        Share of the measured conditions that are on, 0 to 100; ``None`` below 60 % coverage.
    regime
        As shown. Transitions compare ``last_published``, which stays while the regime is unknown. ``raw`` is that of
        the score alone.
    since, unknown_since
        The session since which the published regime has been this one, and since which the shown one is unknown.
    silent
        Whether ``last_published`` changed on this session without being news (see ``Link``).
    toward
        How many sessions in a row the score alone has spoken against the published regime.
    on, measured, coverage
        How many conditions are on and measured, and the measured over all nine.
    net_liquidity_bn, net_liquidity_on
        USD billions on the Wednesday given.
    nowcast_bn, nowcast_on
        The same from the last balance sheet, the Treasury's daily balance and the day's reverse repo.
    """

    score: float | None
    regime: Regime
    last_published: Regime
    raw: Regime
    since: date | None
    unknown_since: date | None
    silent: bool
    toward: int
    on: int
    measured: int
    coverage: float
    net_liquidity_bn: float | None
    net_liquidity_on: date | None
    nowcast_bn: float | None
    nowcast_on: date | None


class Link(Struct, frozen=True):
    """One step of the cascade. ``on`` and ``measured`` count its conditions, ``of`` is how many there are.

    ``needs`` is how many have to be on, of those that were ever measured.

    Attributes
    ----------
    state, last_published
        ``state`` is unknown when what is missing decides; ``last_published`` then stays what it was for ten sessions,
        and lapses.
    toward
        How many sessions in a row speak against the published state.
    since, unknown_since
        The session since which the published state has been this one, and since which the shown one is unknown.
    sessions_since_on
        For how many sessions it has been on since it switched on; ``None`` when off, or when it was found on.
    silent
        Whether ``last_published`` changed on this session without being news: from or to unknown, or since something
        was measured for the first time.
    """

    number: int
    state: State
    last_published: State
    on: int
    measured: int
    of: int
    needs: int
    toward: int
    since: date | None
    unknown_since: date | None
    sessions_since_on: int | None
    silent: bool


class Cascade(Struct, frozen=True):
    """How far capital has walked. ``stage`` counts links on from the first; an unknown one stops it (``at_least``).

    ``last_published`` is the stage by the published links, which transitions compare. ``score`` is 0 to 100. ``beside``
    are 63-session changes shown next to link 3, unscored: regional banks and biotech against IWM.
    """

    stage: int
    at_least: bool
    last_published: int
    score: float | None
    links: tuple[Link, ...]
    out_of_order: bool
    coverage: float
    beside: dict[str, float | None]


class CoinState(Struct, frozen=True):
    """One of bitcoin, ether and the altcoin basket, and what it says of sellers. Fractions; ``None``: unknown.

    ``mayer_low`` and ``rsi_low`` are the lowest of the last 26 weeks, which decide, and their UTC days.
    """

    key: str
    drawdown: float | None
    current_drawdown: float | None
    mayer: float | None
    mayer_low: float | None
    mayer_low_on: date | None
    rsi: float | None
    rsi_low: float | None
    rsi_low_on: date | None
    volatility_rank: float | None
    volume_ratio: float | None
    days_since_low: int | None
    capitulated: State
    exhausted: State
    precondition: State


class Supplied(Struct, frozen=True):
    """A figure that only an operator can supply, as supplied."""

    series: str
    value: float | None
    on: date | None


class Crypto(Struct, frozen=True):
    """Whether crypto has answered, and whether its sellers were exhausted.

    Attributes
    ----------
    window, day
        State of the window, and calendar days since the confirmation, day 0.
    ended
        Sessions since the window ended: by its last day, a response, or a failure.
    confirmed, anchor, change
        Day 0, ether's close on it in USD, and its change since.
    responded, early
        The UTC day of the response, or of one that came before day 30.
    capitulated, exhausted, precondition
        By the published states, which switch after 21 UTC days; ``last_published`` is that of the precondition, and
        ``unknown_since`` the session since which it has not been known; of ``silent`` see ``Link``.
    coins
        Each of the three assets they are tested on.
    beta, correlation
        Of ether to ^RUT over 52 weeks, at lag 0 and at the fixed lag of 13 weeks.
    supplied
        ETF flows and leverage, where an operator supplies them.
    """

    window: Window
    day: int | None
    ended: int | None
    confirmed: date | None
    anchor: float | None
    change: float | None
    responded: date | None
    early: date | None
    capitulated: State
    exhausted: State
    precondition: State
    last_published: State
    unknown_since: date | None
    silent: bool
    coins: tuple[CoinState, ...]
    beta: tuple[float | None, float | None]
    correlation: tuple[float | None, float | None]
    supplied: tuple[Supplied, ...]


class Reading(Struct, frozen=True):
    """One measured number by its name; ``None`` is unknown."""

    name: str
    value: float | None
    unit: Unit


class Property(Struct, frozen=True):
    """One of the four properties; ``numbers`` are what it was decided on, in the order measured.

    Of ``since``, ``unknown_since`` and ``silent`` see ``Link``.
    """

    key: str
    state: State
    last_published: State
    since: date
    unknown_since: date | None
    silent: bool
    numbers: tuple[Reading, ...]


class Supercycle(Struct, frozen=True):
    """How many of the four properties hold.

    ``last_published`` counts the published ones, ``full_sessions`` for how many sessions all four have held.
    """

    holds: int
    last_published: int
    coverage: float
    full_sessions: int
    properties: tuple[Property, ...]


class Verdict(Struct, frozen=True):
    """Everything evaluated for one session. ``decided_at`` is in UTC.

    ``coverage`` is measured conditions over all conditions of the table, those never had included.
    """

    session: date
    decided_at: datetime
    method_version: str
    coverage: float
    breakout: Breakout
    conditions: tuple[ConditionState, ...]
    liquidity: Liquidity
    cascade: Cascade
    crypto: Crypto
    supercycle: Supercycle
    sources: tuple[SourceVerdict, ...]


class Transition(Struct, frozen=True):
    """One change between two verdicts.

    Attributes
    ----------
    session
        The session whose verdict first shows the change.
    kind
        What happened, for example ``breakout.confirmed`` or ``stage.up``.
    subject
        What it happened to, for example ``breakout:2020-11-13``; (subject, kind) is unique for ever.
    occurred_on
        The day of the event itself: earlier than ``session`` when the data came late.
    before, after
        The state it left and the one it reached, where it has such: ``1`` and ``2`` of a stage, say.
    """

    session: date
    kind: str
    subject: str
    occurred_on: date
    before: str = ""
    after: str = ""
