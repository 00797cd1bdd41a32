"""What a verdict implies: what changes it next, and when an alert of it is wrong. Numbers and dates, no words.

Imports nothing heavy, so that messages can ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from signals.episode import Episode, Phase
from signals.model import (
    Breakout,
    Cascade,
    Check,
    ConditionState,
    Crypto,
    Link,
    Liquidity,
    Property,
    Regime,
    State,
    Supercycle,
    Verdict,
    Window,
)
from signals.nine_decimals import Sign, meets
from signals.rules import BREAKOUT, CAPITULATION, LINK, REGIME, SUPERCYCLE, WINDOW


class Step(StrEnum):
    """What may happen next to the breakout."""

    UNKNOWN = "unknown"
    CONFIRMATION = "confirmation"
    ESTABLISHMENT = "establishment"
    END = "end"
    RECOVERY = "recovery"
    LONGER_BASE = "longer base"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class NextStep:
    """What changes the breakout next.

    Attributes
    ----------
    level
        Index points: that of the breakout, or the record to beat.
    below
        A close below this many index points ends what is open.
    on
        The session by which it is confirmed, established, ended or recovered.
    distance
        How far the close is below the record, a fraction of the close.
    """

    step: Step
    level: float | None = None
    below: float | None = None
    on: date | None = None
    distance: float | None = None


def next_step(breakout: Breakout) -> NextStep:
    """Return what changes the breakout next."""
    episode = breakout.episode
    if breakout.close is None or breakout.record is None or breakout.base_sessions is None:
        return NextStep(Step.UNKNOWN)
    if episode is not None and episode.is_open:
        below = failure_close(episode)
        if episode.confirmed is None:
            return NextStep(Step.CONFIRMATION, episode.level, below, episode.confirm_by)
        if episode.established is not None:
            return NextStep(Step.END, episode.level, below, episode.end_by)
        return NextStep(Step.ESTABLISHMENT, episode.level, below, episode.hold_until)
    recovery = recovery_of(breakout)
    if recovery is not None:
        return NextStep(Step.RECOVERY, recovery.level, on=recovery.by)
    if breakout.base_sessions < BREAKOUT.intermediate:
        return NextStep(Step.LONGER_BASE)
    return NextStep(Step.RECORD, breakout.record, distance=breakout.record / breakout.close - 1)


def failure_close(episode: Episode) -> float:
    """Return the price below which one close fails a breakout, in index points."""
    return episode.level * BREAKOUT.depth


@dataclass(frozen=True, slots=True)
class InvalidIf:
    """When an alert of a breakout is wrong.

    Attributes
    ----------
    below
        One close below this many index points is enough.
    level
        So are ``BREAKOUT.fail_closes`` closes in a row below this level, where that counts.
    on
        The last session on which it can be wrong.
    unless_confirmed
        Whether it is wrong then if it is not confirmed by then.
    """

    below: float
    level: float | None
    on: date | None
    unless_confirmed: bool = False


def invalid_if(episode: Episode, phase: str) -> InvalidIf | None:
    """Return when an alert of this phase of an episode is wrong; ``None`` when nothing can make it wrong any more."""
    below = failure_close(episode)
    match phase:
        case Phase.ATTEMPT:
            return InvalidIf(below, None, episode.confirm_by, unless_confirmed=True)
        case Phase.CONFIRMED | Phase.WARNING:
            return InvalidIf(below, episode.level, episode.hold_until)
        case Phase.ESTABLISHED:
            return InvalidIf(below, None, episode.end_by)
    return None


def wrong_now(breakout: Breakout) -> InvalidIf | None:
    """Return when the breakout that is open now is wrong; ``None`` when none is."""
    episode = breakout.episode
    if episode is None or not episode.is_open:
        return None
    phase = Phase.ESTABLISHED if episode.established else Phase.CONFIRMED if episode.confirmed else Phase.ATTEMPT
    return invalid_if(episode, phase)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What would bring back a breakout that failed or was rejected: a close above ``level`` by the session ``by``."""

    level: float
    by: date


def recovery_of(breakout: Breakout) -> Recovery | None:
    """Return what would still recover the newest breakout; ``None`` where it is not lost, or it is too late."""
    episode, course = breakout.episode, breakout.course
    if episode is None or course is None or breakout.record is None:
        return None
    if episode.recover_by is None or episode.recovered or (course.ended or 0) >= BREAKOUT.recover_within:
        return None
    return Recovery(breakout.record, episode.recover_by)


class EndRule(StrEnum):
    """The rule that ended a breakout."""

    NEW_ATTEMPT = "new attempt"
    CLOSE_BELOW_FLOOR = "close below floor"
    CLOSES_BELOW_LEVEL = "closes below level"
    NOT_CONFIRMED = "not confirmed in time"
    TIME_OVER = "time over"


def why_ended(verdict: Verdict, attempt: date) -> EndRule | None:
    """Return the rule that ended the breakout of an attempt.

    ``None`` while it is open, and when it ended on another session than the verdict's, whose close is not in it.
    """
    episode, close = verdict.breakout.episode, verdict.breakout.close
    if episode is None or episode.attempt != attempt:
        return EndRule.NEW_ATTEMPT
    ended = episode.failed or episode.rejected or episode.ended
    if ended != verdict.session or close is None:
        return None
    if meets(close, Sign.BELOW, failure_close(episode)):
        return EndRule.CLOSE_BELOW_FLOOR
    if episode.failed:
        return EndRule.CLOSES_BELOW_LEVEL
    return EndRule.NOT_CONFIRMED if episode.rejected else EndRule.TIME_OVER


def ends_window(breakout: Breakout, crypto: Crypto) -> InvalidIf | None:
    """Return when a failure of the breakout would cancel the window it opened; ``None`` when it cannot fail now."""
    episode = breakout.episode
    if episode is None or not episode.is_open or episode.established or episode.confirmed != crypto.confirmed:
        return None
    return invalid_if(episode, Phase.CONFIRMED)


def first_link_off(cascade: Cascade) -> Link | None:
    """Return the link at which the stage stops; ``None`` when every link is on."""
    return cascade.links[cascade.stage] if cascade.stage < len(cascade.links) else None


def is_following(link: Link) -> bool:
    """Return whether a link switched on lately, so that it may be said to follow; else it was on before."""
    return link.sessions_since_on is not None and link.sessions_since_on <= LINK.following


def switched(cascade: Cascade, before: int, after: int) -> list[Link]:
    """Return the links that a change of stage counts now, or counts no more."""
    low, high = sorted((before, after))
    wanted = State.ON if after > before else State.OFF
    return [link for link in cascade.links[low:high] if link.last_published is wanted]


@dataclass(frozen=True, slots=True)
class Turn:
    """How many conditions have to be on for the regime by the score alone to change.

    ``more`` is how many more than now, negative for fewer.
    """

    regime: Regime
    on: int
    more: int


def turns(liquidity: Liquidity) -> list[Turn]:
    """Return how the regime by the score alone can change, nearest first: counted in the conditions measured now."""
    if liquidity.score is None or liquidity.raw in (Regime.INSUFFICIENT, Regime.UNKNOWN):
        return []
    found = [Turn(regime, on, on - liquidity.on) for regime, on in _turning(liquidity)]
    return sorted(found, key=lambda turn: abs(turn.more))


def _turning(liquidity: Liquidity) -> Iterator[tuple[Regime, int]]:
    """Yield each regime next to the one by the score alone, with the number of conditions on at which it begins."""

    def least(sign: Sign, score: float) -> int:
        counts = range(liquidity.measured + 1)
        return next(count for count in counts if meets(100.0 * count / liquidity.measured, sign, score))

    match liquidity.raw:
        case Regime.EASING:
            yield Regime.NEUTRAL, least(Sign.AT_LEAST, REGIME.easing_leaves) - 1
        case Regime.NEUTRAL:
            yield Regime.EASING, least(Sign.AT_LEAST, REGIME.easing)
            yield Regime.TIGHTENING, least(Sign.ABOVE, REGIME.tightening) - 1
        case Regime.TIGHTENING:
            yield Regime.NEUTRAL, least(Sign.ABOVE, REGIME.tightening_leaves)


def heads_elsewhere(liquidity: Liquidity) -> bool:
    """Return whether the score alone speaks for another regime than the published one."""
    unknown = (Regime.INSUFFICIENT, Regime.UNKNOWN)
    return not {liquidity.regime, liquidity.raw} & {*unknown} and liquidity.raw is not liquidity.regime


def checks_that(checks: Iterable[Check], *, passed: bool) -> list[Check]:
    """Return the checks beside a breakout that speak for it, or against it; its closes are the breakout itself."""
    return [check for check in checks if check.key != "close" and check.passed is passed]


def deciding(check: Check) -> Check:
    """Return the part whose number decides a check: one that passes, if there is any."""
    return next((part for part in check.parts if part.passed), check.parts[0] if check.parts else check)


def failing(check: Check) -> list[str]:
    """Return the keys of the parts of a check that do not pass."""
    return [part.key for part in check.parts if part.passed is False]


@dataclass(frozen=True, slots=True)
class Gap:
    """How far a close is from a level: index points, and a fraction of the level.

    ``fraction`` is ``None`` where it would round to nothing.
    """

    points: float
    fraction: float | None


def gap(close: float, level: float) -> Gap:
    """Return how far a close is from a level; never a distance that shows as zero."""
    fraction = close / level - 1
    return Gap(close - level, fraction if meets(abs(fraction), Sign.AT_LEAST, LEAST_SHOWN) else None)


LEAST_SHOWN = 0.001
"""The least distance that is told in per cent, a fraction; a smaller one is told in points."""

LATELY = 21
"""For how many sessions after its end an episode or a window is still told where things stand."""


def is_recent(ended: int | None) -> bool:
    """Return whether something ended so few sessions ago that it is still told."""
    return ended is not None and ended <= LATELY


class Lead(StrEnum):
    """What stands first where things stand."""

    UNKNOWN = "unknown"
    BREAKOUT = "breakout"
    ENDED = "ended"
    RECORD = "record"
    NEAR = "near"
    STAGE = "stage"


def lead(breakout: Breakout) -> Lead:
    """Return what stands first: a breakout open or ended lately, a record, one within reach, or the stage.

    What is open stays so while the close is unknown.
    """
    if breakout.episode is not None and breakout.course is not None:
        if breakout.episode.is_open:
            return Lead.BREAKOUT
        if is_recent(breakout.course.ended):
            return Lead.ENDED
    if breakout.close is None or breakout.record is None:
        return Lead.UNKNOWN
    if breakout.record_after is not None:
        return Lead.RECORD
    return Lead.STAGE if gap(breakout.close, breakout.record).fraction else Lead.NEAR


def closes_left(breakout: Breakout) -> int | None:
    """Return how many more closes in a row below its level fail a breakout; ``None`` when they cannot."""
    episode, course = breakout.episode, breakout.course
    if episode is None or course is None or not episode.confirmed or episode.established or not episode.is_open:
        return None
    return max(BREAKOUT.fail_closes - course.below, 0)


def closes_to_confirm(breakout: Breakout) -> int | None:
    """Return how many more closes in a row above its level confirm an attempt; ``None`` when there is none."""
    episode = breakout.episode
    if episode is None or episode.confirmed or not episode.is_open:
        return None
    so_far = next(check.value for check in breakout.episode_checks if check.key == "close")
    return BREAKOUT.confirm_closes - int(so_far or 0)


def disagree(verdict: Verdict) -> bool:
    """Return whether the links say the opposite of liquidity: nearly all are on as it tightens, none as it eases."""
    regime, stage = verdict.liquidity.regime, verdict.cascade.stage
    late = stage >= len(verdict.cascade.links) - 1
    return (late and regime is Regime.TIGHTENING) or (
        stage == 0 and not verdict.cascade.at_least and regime is Regime.EASING
    )


def changed_lately(verdict: Verdict) -> list[ConditionState]:
    """Return the conditions that are what they are since a month, those that changed last first."""
    known = [(state.since, state) for state in verdict.conditions if state.since and state.state is not State.UNKNOWN]
    recent = [(since, state) for since, state in known if (verdict.session - since).days <= MONTH]
    return [state for _, state in sorted(recent, key=lambda each: each[0], reverse=True)]


MONTH = 30
"""Calendar days in which a condition has changed lately."""


def opens_on(crypto: Crypto) -> date | None:
    """Return the first day of the crypto window."""
    return crypto.confirmed and crypto.confirmed + timedelta(days=WINDOW.opens)


def closes_on(crypto: Crypto) -> date | None:
    """Return the last day of the crypto window."""
    return crypto.confirmed and crypto.confirmed + timedelta(days=WINDOW.closes)


def is_pending(crypto: Crypto) -> bool:
    """Return whether the window still has a date ahead of it."""
    return crypto.window in (Window.WAITING, Window.OPEN) and crypto.confirmed is not None


def is_unmeasurable(crypto: Crypto) -> bool:
    """Return whether the window has a date ahead of it and no price of ether to measure a response by."""
    return crypto.window is Window.UNMEASURED and crypto.ended is None


def response_price(crypto: Crypto) -> float | None:
    """Return the price in USD from which ether counts as having responded; ``None`` without a price of day 0."""
    return crypto.anchor and crypto.anchor * (1 + WINDOW.response)


@dataclass(frozen=True, slots=True)
class CoinLimits:
    """How far a coin must have fallen in a year, and how far below its high it must still be: negative fractions."""

    drawdown: float
    still_down: float


def coin_limits(key: str) -> CoinLimits:
    """Return the limits of capitulation for one of the three assets."""
    if key == "BTC-USD":
        return CoinLimits(CAPITULATION.bitcoin_drawdown, CAPITULATION.bitcoin_still_down)
    return CoinLimits(CAPITULATION.altcoin_drawdown, CAPITULATION.altcoin_still_down)


def is_changed(one: Property, session: date) -> bool:
    """Return whether a property began or ceased to hold on this session; what was unknown before it did not."""
    return one.since == session and not one.silent


def is_supercycle(supercycle: Supercycle) -> bool:
    """Return whether the word may be used: all four properties, for long enough."""
    holds_all = supercycle.holds == len(supercycle.properties) > 0
    return holds_all and supercycle.full_sessions >= SUPERCYCLE.word_after
