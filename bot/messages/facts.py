"""What messages read out of a verdict beyond its fields. No words: those are the templates'."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from signals.conditions.condition import Condition, Number
from signals.conditions.table import CONDITIONS, LINKS
from signals.data.series import SECTORS, SERIES, STANDS_IN
from signals.data.universe import ALTCOINS
from signals.model import (
    Cascade,
    Check,
    ConditionState,
    Crypto,
    Freshness,
    Link,
    Liquidity,
    Regime,
    SourceVerdict,
    State,
    Supercycle,
    Verdict,
    Window,
)
from signals.rules import LINK, REGIME, SUPERCYCLE, WINDOW

BREAKOUT_NEEDS = ("^RUT", "IWM", "SPY", "RSP", "IWC", "IJR", *SECTORS)
"""The series of the breakout and its checks."""

CRYPTO_NEEDS = ("BTC-USD", *ALTCOINS)
"""The series of the capitulation precondition."""

SUPPLIED = ("ETF_FLOWS", "LEVERAGE")
"""What only an operator can supply."""

_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Evidence:
    """A condition's row beside what it was on one session."""

    row: Condition
    state: ConditionState

    @property
    def numbers(self) -> list[tuple[Number, float | None]]:
        """Each number of the row with its value."""
        values = (self.state.value, *self.state.others)
        return list(zip(self.row.numbers, values, strict=False))


def evidence(verdict: Verdict, rows: Iterable[Condition]) -> list[Evidence]:
    """Return the rows that the verdict knows, each with its state; one of an older method may know fewer."""
    states = {state.key: state for state in verdict.conditions}
    return [Evidence(row, states[row.key]) for row in rows if row.key in states]


def of_link(verdict: Verdict, number: int) -> list[Evidence]:
    """Return the conditions of one link."""
    return evidence(verdict, LINKS[number])


def of_liquidity(verdict: Verdict) -> list[Evidence]:
    """Return the conditions of the liquidity score."""
    return evidence(verdict, (row for row in CONDITIONS.values() if row.in_liquidity))


def needs(conditions: Iterable[Evidence]) -> list[str]:
    """Return the series that conditions are measured from, each once."""
    return list(dict.fromkeys(key for each in conditions for key in each.row.needs))


def needs_of_links(verdict: Verdict, links: Iterable[Link]) -> list[str]:
    """Return the series that the conditions of links are measured from."""
    return needs(each for link in links for each in of_link(verdict, link.number))


def revised() -> list[str]:
    """Return the series of the liquidity score whose publisher estimates the whole history anew."""
    return [key for row in CONDITIONS.values() if row.in_liquidity for key in row.needs if SERIES[key].revised]


def unmeasured(verdict: Verdict) -> list[Condition]:
    """Return the conditions that are unknown, those that the verdict does not know included."""
    known = {state.key for state in verdict.conditions if state.state is not State.UNKNOWN}
    return [row for row in CONDITIONS.values() if row.key not in known]


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is not measured: a check, a condition or a supplied series, or so many conditions at once."""

    kind: str
    key: str = ""
    count: int = 0


def gaps(verdict: Verdict, checks: Iterable[Check]) -> list[Gap]:
    """Return what is not measured beside a breakout: checks, conditions, and what nobody supplies."""
    unknown = unmeasured(verdict)
    several = [Gap("conditions", count=len(unknown))]
    supplied = {figure.series for figure in verdict.crypto.supplied if figure.value is not None}
    return [
        *(Gap("check", check.key) for check in checks if check.passed is None and check.key != "close"),
        *(several if len(unknown) > _MOST_NAMED else (Gap("condition", row.key) for row in unknown)),
        *(Gap("series", key) for key in SUPPLIED if key not in supplied),
    ]


def wanting(verdict: Verdict, needs: Iterable[str]) -> list[SourceVerdict]:
    """Return what the gate says of the series needed that are not in order and have no stand-in that is."""
    sources = {source.series: source for source in verdict.sources}
    fine = {key for key, source in sources.items() if source.verdict is Freshness.OK}
    return [sources[key] for key in needs if key in sources and not {key, STANDS_IN.get(key)} & fine]


def hit_by(verdict: Verdict, series: str) -> list[Condition]:
    """Return the unknown conditions that a series is needed for."""
    return [row for row in unmeasured(verdict) if series in row.needs]


def link_of(cascade: Cascade, number: int) -> Link | None:
    """Return a link by its number; ``None`` in a verdict that knows no links."""
    return next((link for link in cascade.links if link.number == number), None)


def lacking(cascade: Cascade) -> Link | None:
    """Return the link at which the stage stops; ``None`` when every link is on, or none is known at all."""
    return cascade.links[cascade.stage] if cascade.stage < len(cascade.links) else None


def counting(cascade: Cascade) -> list[Link]:
    """Return the links about to switch."""
    return [link for link in cascade.links if link.toward]


def needed(link: Link) -> int:
    """Return how many conditions a link with all of them measured needs."""
    return LINK.of_many if link.number == 1 else LINK.of_few


def switched(cascade: Cascade, before: int, after: int) -> list[Link]:
    """Return the links that a change of stage counts now, or counts no more."""
    low, high = sorted((before, after))
    between = cascade.links[low:high]
    wanted = State.ON if after > before else State.OFF
    return [link for link in between if link.last_published is wanted]


@dataclass(frozen=True, slots=True)
class Turn:
    """The score at which the regime of the score alone changes, and how many points away it is."""

    regime: Regime
    score: float
    distance: float


def turns(liquidity: Liquidity) -> list[Turn]:
    """Return how the regime of the score alone can change, nearest first."""
    if liquidity.score is None or liquidity.raw is Regime.INSUFFICIENT:
        return []
    limits = {
        Regime.EASING: [(Regime.NEUTRAL, REGIME.easing_leaves)],
        Regime.NEUTRAL: [(Regime.EASING, REGIME.easing), (Regime.TIGHTENING, REGIME.tightening)],
        Regime.TIGHTENING: [(Regime.NEUTRAL, REGIME.tightening_leaves)],
    }
    found = [Turn(regime, score, abs(liquidity.score - score)) for regime, score in limits[liquidity.raw]]
    return sorted(found, key=lambda turn: turn.distance)


def opens_on(crypto: Crypto) -> date | None:
    """Return the first day of the crypto window."""
    return crypto.confirmed and crypto.confirmed + timedelta(days=WINDOW.opens)


def closes_on(crypto: Crypto) -> date | None:
    """Return the last day of the crypto window."""
    return crypto.confirmed and crypto.confirmed + timedelta(days=WINDOW.closes)


def is_pending(crypto: Crypto) -> bool:
    """Return whether the window still has a date ahead of it."""
    return crypto.window in (Window.WAITING, Window.OPEN) and crypto.confirmed is not None


def is_supercycle(supercycle: Supercycle) -> bool:
    """Return whether the word may be used: all four properties, for long enough."""
    held_all = supercycle.holds == len(supercycle.properties) > 0
    return held_all and supercycle.full_sessions >= SUPERCYCLE.word_after


def dated(verdict: Verdict, needs: Iterable[str]) -> list[tuple[date, list[str]]]:
    """Return the series in order among those needed, by the date of their newest observation, newest first."""
    wanted, found = set(needs), dict[date, list[str]]()
    for source in verdict.sources:
        if source.series in wanted and source.verdict is Freshness.OK and source.newest:
            found.setdefault(source.newest, []).append(source.series)
    return sorted(found.items(), reverse=True)
