"""The tables of docs/method.md, made of the rows the evaluation reads and of a history, and the pages they stand in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path

import numpy as np

from bot.cli.history import load
from bot.cli.progress import progress_shown
from bot.cli.readme import Made, Quoted, of_history, of_the_program
from bot.market.alerts import alert_rows, kind_of
from bot.messages.figures import ENGLISH
from bot.settings import Settings
from signals.conditions.condition import Condition, Number
from signals.conditions.measured import Measured
from signals.conditions.table import CONDITIONS, LINK_NAMES
from signals.data.series import SERIES, STANDS_IN
from signals.data.sessions import decision_time
from signals.episode import Episode
from signals.evaluate import History
from signals.model import Transition, Unit
from signals.record.studies import Studies
from signals.rules import METHOD_VERSION
from signals.transitions import transitions
from storage.ledger import Audience, ChangeRow, VerdictRow
from storage.market import SIMULATED
from storage.settings.kinds import BIG_ONES, BITS

_NAMES = {"yahoo": "Yahoo", "fred": "FRED", "treasury": "US Treasury", "newyorkfed": "New York Fed", "tiingo": "Tiingo"}
_MADE_UP = "**Simulated market: every figure of this table is made up.**"
WINDOWS = ((date(2016, 11, 1), date(2017, 3, 31)), (date(2020, 11, 1), date(2021, 5, 31)))
"""The months in which the thesis says that capital walked down the chain."""


def write(pages: Sequence[Path], settings: Settings | None, now: datetime) -> None:
    """Write parts of pages anew: those of the program, and those of the history that settings name, if any."""
    made = {"conditions": conditions_table, "series": series_table} | of_the_program()
    with progress_shown() as report:
        if settings is not None:
            data = settings.market_data, settings.database_url, now, settings.source_options
            history = load(*data, report).evaluate()
            report("writing the pages", 0, None)
            made |= tables(history, is_simulated=settings.market_data == SIMULATED)
            made |= of_history(Quoted(history, settings.market_data.partition(":")[0]))
        for page in pages:
            page.write_text(fill(page.read_text(), made))


def tables(history: History, *, is_simulated: bool = False) -> dict[str, Made]:
    """Return what makes each table of a history, by the name of its place; those of a made-up one say so."""
    made = {"shares": shares_table, "alerts": alerts_table, "often": often_table, "record": record_table}
    above = f"{_MADE_UP}\n\n" if is_simulated else ""
    return {name: partial(_below, above, table, history) for name, table in made.items()}


def _below(above: str, table: Callable[[History], str], history: History) -> str:
    return above + table(history)


def fill(page: str, made: Mapping[str, Made]) -> str:
    """Return the page with its generated parts written anew; what it has no place for is not made."""
    for name, make in made.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        page = place.sub(partial(_written, make), page)
    return page


def _written(make: Made, match: re.Match[str]) -> str:
    return f"{match[1]}\n{make()}\n\n{match[2]}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def conditions_table() -> str:
    """Return every condition with its formula, thresholds, series, unit and clock."""
    heads = ("Link", "Condition", "On when", "Off when", "Measured from", "Unit", "Public (New York)")
    return _table(heads, (_condition(row) for row in CONDITIONS.values()))


def _condition(row: Condition) -> tuple[str, ...]:
    link = f"{row.link} {LINK_NAMES[row.link].lower()}" if row.link else "liquidity"
    if row.link and row.in_liquidity:
        link += ", liquidity"
    units = dict.fromkeys(str(number.unit) for number in row.numbers)
    clocks = dict.fromkeys(str(SERIES[key].clock) for key in row.needs)
    named = [f"{key} (else {STANDS_IN[key]})" if key in STANDS_IN else key for key in row.needs]
    return (
        link,
        f"`{row.key}`",
        _groups(row, row.enter_groups, entering=True),
        _groups(row, row.exit_groups, entering=False),
        _series(named),
        ", ".join(units),
        "; ".join(clocks),
    )


def _series(keys: Sequence[str]) -> str:
    return ", ".join(keys) if len(keys) <= 4 else f"{', '.join(keys[:3])} and {len(keys) - 3} more"


def _groups(row: Condition, groups: Sequence[Sequence[int]], *, entering: bool) -> str:
    return ", or ".join(" and ".join(_limit(row.numbers[i], entering) for i in group) for group in groups)


def _limit(number: Number, entering: bool) -> str:
    limit = number.enter if entering else number.exit
    if limit is None:
        return number.name
    lasting = f" for {number.exit_for} observations" if not entering and number.exit_for > 1 else ""
    return f"{number.name} {limit.sign} {_figure(limit.figure, number.unit)}{lasting}"


def _figure(value: float, unit: Unit) -> str:
    if unit in (Unit.PERCENT, Unit.SHARE):
        return f"{value * 100:g} %".replace("-", "−")
    return f"{value:g}".replace("-", "−")


def shares_table(history: History) -> str:
    """Return how often each condition was on, changed and was unknown, from its first measurement on."""
    heads = ("Condition", "Measured from", "On", "Changes a year", "Unknown since then")
    return _table(heads, (_share(measured) for measured in history.conditions.values()))


def life(measured: Measured) -> np.ndarray:
    """Return the states of a condition from the first session it could be measured on."""
    known = np.flatnonzero(~np.isnan(measured.state))
    return measured.state[known[0] :] if len(known) else measured.state[:0]


def changes_a_year(states: np.ndarray) -> float:
    """Return how often a condition changed between on and off, per 252 sessions."""
    known = states[~np.isnan(states)]
    return float(np.abs(np.diff(known)).sum() / max(len(states), 1) * 252)


def _share(measured: Measured) -> tuple[str, ...]:
    states = life(measured)
    if not len(states):
        return (f"`{measured.row.key}`", "never in this data", "–", "–", "–")
    began = measured.days[len(measured.days) - len(states)]
    on, unknown = np.nanmean(states), np.isnan(states).mean()
    return (f"`{measured.row.key}`", str(began), f"{on:.0%}", f"{changes_a_year(states):.1f}", f"{unknown:.1%}")


def series_table() -> str:
    """Return the table of series."""
    heads = ("Series", "What", "Unit", "One a", "Public (New York)", "Source", "Else", "Plausible", "Largest step")
    return _table(heads, (_row(key) for key in SERIES))


def _row(key: str) -> tuple[str, ...]:
    series = SERIES[key]
    unit = f"{series.unit}, from {series.source_unit}" if series.source_unit else series.unit
    band = (
        f"{series.band[0]:g} to {series.band[1]:g}".replace("-", "−")
        if series.band
        else "> 0"
        if series.is_price
        else ""
    )
    source = _NAMES.get(series.source, series.source)
    instead = _NAMES.get(series.fallback or "", "")
    step = series.move.text(series.unit) if series.move else ""
    return (f"`{key}`", series.title, unit, str(series.days), str(series.clock), source, instead, band, step)


def alerts_table(history: History) -> str:
    """Return every alert a subscriber would have received in the months the thesis names."""
    heads = ("Session", "Alert", "Of", "From", "To")
    return _table(heads, (row for window in WINDOWS for row in alerts(history, *window)))


def alerts(history: History, first: date, last: date) -> Iterator[tuple[str, ...]]:
    """Yield what changed from one session to the next, the state of the data apart."""
    days = [day for day in history.panel.days if first <= day <= last]
    before = history.verdict(_before(history, days[0]), decision_time(days[0]))
    for day in days:
        after = history.verdict(day, decision_time(day))
        for change in transitions(before, after):
            if not change.kind.startswith("data."):
                kind = change.kind.replace(".", " ")
                yield str(day), kind, change.subject.partition(":")[2], change.before, change.after
        before = after


def _before(history: History, day: date) -> date:
    return history.panel.days[history.panel.position(day) - 1]


def often_table(history: History) -> str:
    """Return how many alerts of each kind a subscriber would have received in each of the last whole years."""
    found = list(changes_told(history, date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31)))
    counts = Counter((told[0].kind, told[0].session.year) for told in found)
    kinds = sorted({kind for kind, _ in counts})
    rows = [(kind.replace(".", " "), *(str(counts[kind, year]) for year in YEARS)) for kind in kinds]
    totals = ("together", *(str(sum(counts[kind, year] for kind in kinds)) for year in YEARS))
    big = Counter(told[0].session.year for told in found if BITS[kind_of(told[0])] & BIG_ONES)
    default = ("of these the big ones", *(str(big[year]) for year in YEARS))
    turned = ("turned back within 21 sessions", *(str(_turned_back(history, found, year)) for year in YEARS))
    return _table(("Alert", *map(str, YEARS)), [*rows, totals, default, turned])


YEARS = range(2017, 2025)
_SOON = 21


def changes_told(history: History, first: date, last: date) -> Iterator[list[Transition]]:
    """Yield what each alert to subscribers would have told, its gravest change first."""
    days = [day for day in history.panel.days if first <= day <= last]
    before = history.verdict(_before(history, days[0]), decision_time(days[0]))
    for day in days:
        after = history.verdict(day, decision_time(day))
        found = {(change.subject, change.kind): change for change in transitions(before, after)}
        rows = [ChangeRow(c.kind, c.subject, c.occurred_on, c.before, c.after) for c in found.values()]
        row = VerdictRow(day, after.decided_at, METHOD_VERSION, b"", rows)
        for alert in alert_rows([row], after.decided_at):
            if alert.audience is Audience.SUBSCRIBERS:
                yield [found[key] for key in alert.changes]
        before = after


def _turned_back(history: History, told: Sequence[Sequence[Transition]], year: int) -> int:
    """Return how many changes of a year were back where they came from within 21 sessions."""
    changes = [change for each in told for change in each if change.before]
    position = history.panel.position
    return sum(
        any(
            later.kind.partition(".")[0] == change.kind.partition(".")[0]
            and later.after == change.before
            and 0 < position(later.session) - position(change.session) <= _SOON
            for later in changes
        )
        for change in changes
        if change.session.year == year
    )


def record_table(history: History) -> str:
    """Return every breakout from a long base with how it turned out and what followed it."""
    heads = (
        "Attempt",
        "Close",
        "Level",
        "Base",
        "Class",
        "Confirmed",
        "Outcome",
        "On",
        "Recovered",
        *FOLLOWED.values(),
    )
    studies = Studies.of(history)
    return _table(heads, (_episode(studies, episode) for episode in history.episodes))


FOLLOWED = {
    ("^RUT", 63): "Russell 2000, 63 sessions",
    ("BTC-USD", 91): "BTC, 91 days",
    ("ETH-USD", 91): "ETH, 91 days",
    ("ETH-USD", 182): "ETH, 182 days",
}
"""What the table shows of what followed a confirmation."""


def _episode(studies: Studies, e: Episode) -> tuple[str, ...]:
    cases = {(asset, horizon): case for asset, horizon, case in studies.cases(e.confirmed)} if e.confirmed else {}
    changes = [cases[key].change if key in cases else None for key in FOLLOWED]
    outcome = e.outcome if e.level_verified else f"{e.outcome}, level unverified"
    figures = (f"{e.close:,.2f}", f"{e.level:,.2f}", str(e.base_sessions), str(e.base_class))
    dates = (str(e.confirmed or ""), outcome, str(e.outcome_date or ""), str(e.recovered or ""))
    return (str(e.attempt), *figures, *dates, *("" if x is None else ENGLISH.percent(x, sign=True) for x in changes))
