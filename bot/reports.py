"""What the command line prints of a history."""

from __future__ import annotations

from datetime import date
from typing import Any

from rich.table import Table

from signals.evaluate import History
from signals.model import Episode, High, Verdict


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


def verdict_lines(verdict: Verdict) -> list[str]:
    """Return a verdict as lines for people."""
    b = verdict.breakout
    lines = [f"{verdict.session}  coverage {verdict.coverage:.0%}  method {verdict.method_version}"]
    if b.close is None or b.distance is None:
        lines.append(f"Russell 2000 unknown: {b.reason}")
    else:
        lines.append(f"Russell 2000 {b.close:,.2f}  {b.distance:+.1%} from its record, {b.base_sessions} sessions ago")
    lines.append(f"Episode of {b.episode.attempt}: {b.episode.phase}" if b.episode else "No episode so far")
    for check in b.checks:
        passed = {True: "pass", False: "fail", None: "not measured"}[check.passed]
        number = "" if check.value is None else f"  {check.value:.3f}"
        lines.append(f"  {check.key}: {passed}{number}")
    lines += [f"  {s.series}: {s.verdict}, {s.reason}" for s in verdict.sources if s.reason]
    return lines
