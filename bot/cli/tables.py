"""What the command line prints of a history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from rich.table import Table

from bot.messages.facts import MeasuredRow, of_link, of_liquidity
from bot.messages.figures import ENGLISH
from signals.conditions.table import LINK_NAMES
from signals.episode import Episode, High
from signals.evaluate import History
from signals.model import Breakout, Crypto, Supercycle, Verdict
from signals.record.model import ASSETS, Base, Followed, Rate, TrackRecord

MADE_UP = "SIMULATED MARKET: every figure is made up"


def backtest_json(history: History) -> dict[str, Any]:
    """Return every episode and every minor or continuation high, dates ISO."""
    return {
        "episodes": [_episode(episode) for episode in history.episodes],
        "highs": [_high(high) for high in history.highs],
    }


def _episode(episode: Episode) -> dict[str, Any]:
    return {
        "attempt": episode.attempt.isoformat(),
        "close": episode.close,
        "level": episode.level,
        "base_sessions": episode.base_sessions,
        "class": episode.base_class,
        "confirmed": _iso(episode.confirmed),
        "outcome": episode.outcome,
        "outcome_date": _iso(episode.outcome_date),
        "recovered": _iso(episode.recovered),
        "warning": _iso(episode.warning),
        "ended": _iso(episode.ended),
        "level_verified": episode.level_verified,
    }


def _high(high: High) -> dict[str, Any]:
    return {
        "date": high.date.isoformat(),
        "close": high.close,
        "level": high.level,
        "base_sessions": high.base_sessions,
        "class": high.base_class,
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def backtest_table(history: History) -> Table:
    """Return the episodes as a table for people."""
    first, last = history.panel.archive["^RUT"].index[[0, -1]]
    title = f"Russell 2000 breakouts from a long base, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    table = Table(title=title)
    for heading in ("Attempt", "Close", "Level", "Base", "Class", "Confirmed", "Outcome", "On", "Recovered"):
        table.add_column(heading, justify="right" if heading in ("Close", "Level", "Base") else "left")
    for e in history.episodes:
        verified = "" if e.level_verified else " (level unverified)"
        figures = (f"{e.close:,.2f}", f"{e.level:,.2f}", str(e.base_sessions))
        dates = (_iso(e.outcome_date) or "–", _iso(e.recovered) or "–")
        table.add_row(str(e.attempt), *figures, e.base_class, _iso(e.confirmed) or "–", e.outcome + verified, *dates)
    return table


def record_tables(record: TrackRecord) -> Iterator[Table]:
    """Yield what followed each rule's events as a table for people."""
    for rule in record.rules:
        table = Table(title=f"What followed {rule.title} ({len(rule.events)}); backtest through {record.through}")
        for heading in ("Asset", "After", "n", "Rose, 95 % range", "Median, 95 % interval", "Mean", "Worst", "Deepest",
                        "Any date", "Rose", "Uptrend", "p", "Holm"):  # fmt: skip
            table.add_column(heading)
        for followed in rule.followed:
            table.add_row(*_followed_row(followed))
        yield table


def _followed_row(f: Followed) -> tuple[str, ...]:
    asset = ASSETS[f.asset]
    base = (_signed(f.base.median), _any_date(f.base), _signed(f.matched.median))
    head = (asset.title, f"{f.horizon} {asset.scale}", str(f.n))
    if f.numbers is None:
        cases = "\n".join(f"{case.event} {_signed(case.change)}" for case in f.known)
        return (*head, "too few" if f.n else "–", cases or "–", "–", "–", "–", *base, "–", "–")
    n = f.numbers
    interval = "" if n.median_low is None else f" ({_signed(n.median_low)} to {_signed(n.median_high)})"
    return (*head, _share(n.rate), _signed(n.median) + interval, _signed(n.mean), _signed(n.worst), _signed(n.adverse),
            *base, _p(n.p), _p(n.p_record))  # fmt: skip


def _signed(value: float | None) -> str:
    return "–" if value is None else ENGLISH.percent(value, sign=True)


def _share(r: Rate) -> str:
    return f"{r.hits} of {r.of} ({r.low:.0%} to {r.high:.0%})"


def _any_date(base: Base) -> str:
    if base.share is None or base.low is None:
        return "–"
    return f"{base.share:.0%} of {base.dates:,} ({base.low:.0%} to {base.high:.0%})"


def _p(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}" if value < 0.01 else f"{value:.2f}"


def families_table(record: TrackRecord) -> Table:
    """Return how many rules were tried, and p-values printed, as a table for people."""
    table = Table(title=f"Every rule tried and printed; Holm counts all {record.p_values} p-values")
    for heading in ("Rules", "Variants", "p-values"):
        table.add_column(heading)
    for family in record.families:
        table.add_row(family.title, str(family.variants), str(family.p_values))
    return table


def verdict_lines(verdict: Verdict) -> list[str]:
    """Return a whole verdict as lines for people."""
    return [
        f"{verdict.session}  coverage {verdict.coverage:.0%}  method {verdict.method_version}",
        *_breakout_lines(verdict.breakout),
        *_cascade_lines(verdict),
        *_liquidity_lines(verdict),
        *_crypto_lines(verdict.crypto),
        *_property_lines(verdict.supercycle),
        *(f"  {source.series}: {source.verdict}, {source.reason}" for source in verdict.sources if source.reason),
    ]


def _breakout_lines(b: Breakout) -> Iterator[str]:
    if b.close is None or b.distance is None:
        yield f"Russell 2000 unknown: {b.reason}"
    else:
        yield f"Russell 2000 {b.close:,.2f}  {b.distance:+.1%} from its record, {b.base_sessions} sessions ago"
    yield f"Episode of {b.episode.attempt}: {b.episode.phase}" if b.episode else "No episode so far"
    for check in b.checks:
        passed = {True: "pass", False: "fail", None: "not measured"}[check.passed]
        yield f"  {check.key}: {passed}" + ("" if check.value is None else f"  {check.value:.3f}")


def _cascade_lines(verdict: Verdict) -> Iterator[str]:
    c = verdict.cascade
    least = "at least " if c.at_least else ""
    order = ", out of order" if c.out_of_order else ""
    yield f"Cascade stage {least}{c.stage} of {len(c.links)}{order}  score {_whole(c.score)}  coverage {c.coverage:.0%}"
    for link in c.links:
        counted = f"{link.on} of {link.measured} measured on, {link.toward} sessions against it"
        yield f"  {link.number} {LINK_NAMES[link.number]}: {link.state} since {_iso(link.since) or '–'}  {counted}"
        yield from _condition_lines(of_link(verdict, link.number))


def _condition_lines(evidence: Iterable[MeasuredRow]) -> Iterator[str]:
    for each in evidence:
        shown = [f"{number.name} {ENGLISH.quantity(value, number.unit)}" for number, value in each.numbers]
        state = each.state
        dates = f"as of {_iso(state.as_of) or '–'}, since {_iso(state.since) or '–'}"
        yield f"    {state.key}: {state.state}  {'; '.join(shown)}  {dates}"


def _liquidity_lines(verdict: Verdict) -> Iterator[str]:
    liquid = verdict.liquidity
    alone = f"{liquid.regime} (by the score alone: {liquid.raw})"
    yield f"Liquidity score {_whole(liquid.score)}  {alone}  coverage {liquid.coverage:.0%}"
    yield f"  net liquidity {_whole(liquid.net_liquidity_bn)} bn USD on {_iso(liquid.net_liquidity_on) or '–'}"
    yield f"  nowcast {_whole(liquid.nowcast_bn)} bn USD on {_iso(liquid.nowcast_on) or '–'}"
    yield from _condition_lines(of_liquidity(verdict))


def _crypto_lines(x: Crypto) -> Iterator[str]:
    day = "" if x.day is None else f"  day {x.day} after {_iso(x.confirmed)}"
    change = "" if x.change is None else f"  ETH {x.change:+.1%}"
    yield f"Crypto window {x.window}{day}{change}"
    yield f"  capitulated {x.capitulated}, exhausted {x.exhausted}, precondition {x.precondition}"
    for coin in x.coins:
        states = f"capitulated {coin.capitulated}, exhausted {coin.exhausted}, precondition {coin.precondition}"
        yield f"  {coin.key}: {states}"


def _property_lines(s: Supercycle) -> Iterator[str]:
    yield f"{s.holds} of {len(s.properties)} properties hold  coverage {s.coverage:.0%}"
    for each in s.properties:
        shown = "; ".join(f"{n.name} {ENGLISH.quantity(n.value, n.unit)}" for n in each.numbers)
        yield f"  {each.key}: {each.state}  {shown}"


def _whole(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"
