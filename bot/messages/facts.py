"""What messages read out of a verdict beyond its fields: rows beside their states, gaps, dates. No words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from signals import explain
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


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """A condition's row beside what it was on one session."""

    row: Condition
    state: ConditionState

    @property
    def numbers(self) -> list[tuple[Number, float | None]]:
        """Each number of the row with its value."""
        return list(zip(self.row.numbers, (self.state.value, *self.state.others), strict=True))

    @property
    def _entering(self) -> tuple[int, ...] | None:
        """The numbers by which it turns on now; ``None`` where one of every such group does not hold."""
        return next((group for group in self._groups if not self._short_of(group)), None)

    @property
    def _groups(self) -> list[tuple[int, ...]]:
        """The numbers that turn it on together; those that are not known decide nothing and are left out."""
        groups = (tuple(i for i in group if self.numbers[i][1] is not None) for group in self.row.enter_groups)
        return [group for group in groups if group]

    def _short_of(self, group: Iterable[int]) -> list[int]:
        """Return which numbers of a group are not beyond their threshold to turn on."""
        numbers = [(i, *self.numbers[i]) for i in group]
        return [i for i, number, value in numbers if number.enter and not number.enter.holds(value)]

    @property
    def _leaving(self) -> tuple[int, ...] | None:
        """The numbers that keep it off now, whatever the others say."""
        return next((group for group in self.row.exit_groups if all(map(self._leaves, group))), None)

    def _leaves(self, i: int) -> bool:
        number, value = self.numbers[i]
        return number.exit is not None and value is not None and bool(number.exit.holds(value))

    @property
    def is_kept_off(self) -> bool:
        """Whether it is off by numbers that turn it off, though others would turn it on."""
        return self.state.state is State.OFF and self._entering is not None and self._leaving is not None

    @property
    def is_still(self) -> bool:
        """Whether it is on or off though its numbers would not turn it so now: they are between two thresholds."""
        between = (self.state.state is State.ON) is (self._entering is None)
        return between and self.state.state is not State.UNKNOWN and not self.is_kept_off

    @property
    def shown(self) -> tuple[Number, float | None]:
        """The one number told with its state: one that speaks for it, or that keeps it from turning on."""
        if self.is_kept_off and self._leaving:
            return self.numbers[self._leaving[0]]
        deciding = self._entering or [i for group in self._groups for i in self._short_of(group)] or (0,)
        return self.numbers[deciding[0]]


def held_from(verdict: Verdict) -> date | None:
    """Return the date of the last close of the Russell 2000 where the session's is missing; ``None`` where it is not.

    ``None`` too where the session has a close that is not to be believed.
    """
    if verdict.breakout.close is not None:
        return None
    newest = next((source.newest for source in verdict.sources if source.series == "^RUT"), None)
    return newest if newest and newest < verdict.session else None


def measured_rows(verdict: Verdict, rows: Iterable[Condition]) -> list[MeasuredRow]:
    """Return the rows, each with its state on the session."""
    states = {state.key: state for state in verdict.conditions}
    return [MeasuredRow(row, states[row.key]) for row in rows]


def of_link(verdict: Verdict, number: int) -> list[MeasuredRow]:
    """Return the conditions of one link."""
    return measured_rows(verdict, LINKS[number])


def of_links(verdict: Verdict, links: Iterable[Link]) -> list[MeasuredRow]:
    """Return the conditions of several links."""
    return [each for link in links for each in of_link(verdict, link.number)]


def of_score() -> list[Condition]:
    """Return the conditions that make the liquidity score."""
    return [row for row in CONDITIONS.values() if row.in_liquidity]


def of_liquidity(verdict: Verdict) -> list[MeasuredRow]:
    """Return the conditions of the liquidity score."""
    return measured_rows(verdict, of_score())


def needs(conditions: Iterable[MeasuredRow]) -> list[str]:
    """Return the series that conditions are measured from, each once."""
    return list(dict.fromkeys(key for each in conditions for key in each.row.needs))


def needs_of_links(verdict: Verdict, links: Iterable[Link]) -> list[str]:
    """Return the series that the conditions of links are measured from."""
    return needs(of_links(verdict, links))


def revised_series() -> list[str]:
    """Return the series of the liquidity score whose publisher estimates the whole history anew."""
    return [key for row in of_score() for key in row.needs if SERIES[key].revised]


def unmeasured(verdict: Verdict) -> list[Condition]:
    """Return the conditions that are unknown."""
    return [CONDITIONS[state.key] for state in verdict.conditions if state.state is State.UNKNOWN]


def lately(verdict: Verdict) -> list[MeasuredRow]:
    """Return the conditions that changed in the last month, then those that stand between two thresholds."""
    changed = measured_rows(verdict, (CONDITIONS[state.key] for state in explain.changed_lately(verdict)))
    told = {each.row.key for each in changed}
    near = [each for each in measured_rows(verdict, CONDITIONS.values()) if each.is_still and each.row.key not in told]
    return changed + near


def not_measured(verdict: Verdict, checks: Iterable[Check]) -> list[Check | Condition]:
    """Return the checks and the conditions that are not measured."""
    return [*(check for check in checks if check.passed is None and check.key != "close"), *unmeasured(verdict)]


def needs_of_change(verdict: Verdict, family: str) -> list[str]:
    """Return the series that a kind of change is decided on."""
    match family:
        case "liquidity":
            return needs(of_liquidity(verdict))
        case "stage":
            return needs_of_links(verdict, verdict.cascade.links)
        case "precondition" | "window":
            return [*CRYPTO_NEEDS, "^RUT"]
    return [*BREAKOUT_NEEDS]


def failing_series(verdict: Verdict, needs: Iterable[str]) -> list[SourceVerdict]:
    """Return what the gate says of the series needed that are not in order and have no stand-in that is."""
    sources = {source.series: source for source in verdict.sources}
    fine = {key for key, source in sources.items() if source.verdict is Freshness.OK}
    return [sources[key] for key in needs if not {key, STANDS_IN.get(key)} & fine]


def conditions_blocked_by(verdict: Verdict, series: Iterable[str]) -> list[Condition]:
    """Return the unknown conditions that one of some series is needed for."""
    wanted = set(series)
    return [row for row in unmeasured(verdict) if wanted & set(row.needs)]


def series_by_date(verdict: Verdict, needs: Iterable[str]) -> list[tuple[date, list[str]]]:
    """Return the series in order among those needed, by the date of their newest observation, newest first."""
    wanted, found = set(needs), dict[date, list[str]]()
    for source in verdict.sources:
        if source.series in wanted and source.verdict is Freshness.OK and source.newest:
            found.setdefault(source.newest, []).append(source.series)
    return sorted(found.items(), reverse=True)
