"""What messages read out of a verdict beyond its fields: rows beside their states, gaps, dates. No words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from signals.conditions.condition import Condition, Number
from signals.conditions.table import CONDITIONS, LINKS
from signals.data.series import SECTORS, SERIES, STANDS_IN
from signals.data.universe import ALTCOINS
from signals.model import (
    Check,
    ConditionState,
    Freshness,
    Link,
    SourceVerdict,
    State,
    Verdict,
)

BREAKOUT_NEEDS = ("^RUT", "IWM", "SPY", "RSP", "IWC", "IJR", *SECTORS)
"""The series of the breakout and its checks."""

CRYPTO_NEEDS = ("BTC-USD", *ALTCOINS)
"""The series of the capitulation precondition."""

SUPPLIED = ("ETF_FLOWS", "LEVERAGE")
"""What only an operator can supply."""

_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """A condition's row beside what it was on one session."""

    row: Condition
    state: ConditionState

    @property
    def numbers(self) -> list[tuple[Number, float | None]]:
        """Each number of the row with its value."""
        return list(zip(self.row.numbers, (self.state.value, *self.state.others), strict=True))


def measured_rows(verdict: Verdict, rows: Iterable[Condition]) -> list[MeasuredRow]:
    """Return the rows, each with its state on the session."""
    states = {state.key: state for state in verdict.conditions}
    return [MeasuredRow(row, states[row.key]) for row in rows]


def of_link(verdict: Verdict, number: int) -> list[MeasuredRow]:
    """Return the conditions of one link."""
    return measured_rows(verdict, LINKS[number])


def of_liquidity(verdict: Verdict) -> list[MeasuredRow]:
    """Return the conditions of the liquidity score."""
    return measured_rows(verdict, (row for row in CONDITIONS.values() if row.in_liquidity))


def needs(conditions: Iterable[MeasuredRow]) -> list[str]:
    """Return the series that conditions are measured from, each once."""
    return list(dict.fromkeys(key for each in conditions for key in each.row.needs))


def needs_of_links(verdict: Verdict, links: Iterable[Link]) -> list[str]:
    """Return the series that the conditions of links are measured from."""
    return needs(each for link in links for each in of_link(verdict, link.number))


def revised_series() -> list[str]:
    """Return the series of the liquidity score whose publisher estimates the whole history anew."""
    return [key for row in CONDITIONS.values() if row.in_liquidity for key in row.needs if SERIES[key].revised]


def unmeasured(verdict: Verdict) -> list[Condition]:
    """Return the conditions that are unknown."""
    return [CONDITIONS[state.key] for state in verdict.conditions if state.state is State.UNKNOWN]


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


def failing_series(verdict: Verdict, needs: Iterable[str]) -> list[SourceVerdict]:
    """Return what the gate says of the series needed that are not in order and have no stand-in that is."""
    sources = {source.series: source for source in verdict.sources}
    fine = {key for key, source in sources.items() if source.verdict is Freshness.OK}
    return [sources[key] for key in needs if not {key, STANDS_IN.get(key)} & fine]


def conditions_blocked_by(verdict: Verdict, series: str) -> list[Condition]:
    """Return the unknown conditions that a series is needed for."""
    return [row for row in unmeasured(verdict) if series in row.needs]


def series_by_date(verdict: Verdict, needs: Iterable[str]) -> list[tuple[date, list[str]]]:
    """Return the series in order among those needed, by the date of their newest observation, newest first."""
    wanted, found = set(needs), dict[date, list[str]]()
    for source in verdict.sources:
        if source.series in wanted and source.verdict is Freshness.OK and source.newest:
            found.setdefault(source.newest, []).append(source.series)
    return sorted(found.items(), reverse=True)
