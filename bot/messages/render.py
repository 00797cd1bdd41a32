"""Fill the templates. Text is escaped by the templates; numbers and dates get their written form here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import TypeAdapter

from signals.model import Freshness, Verdict
from signals.rules import BREAKOUT, CHECKS
from signals.series import SECTORS
from storage.market import Market

VERDICT = TypeAdapter(Verdict)

CHECK_NAMES = {
    "close": "close",
    "volume": "volume",
    "participation": "participation",
    "trend": "trend",
    "relative_strength": "relative strength",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One transition as a message tells it; ``phase`` is the last word of its kind."""

    phase: str
    attempt: date
    session: date
    occurred_on: date


def points(value: float) -> str:
    """Write index points: ``1,740.75``."""
    return f"{value:,.2f}"


def percent(value: float, digits: int = 1, *, sign: bool = False) -> str:
    """Write a fraction as a percentage with a true minus sign: ``−5.5 %``."""
    text = f"{value * 100:+.{digits}f}" if sign else f"{value * 100:.{digits}f}"
    return f"{text.replace('-', '−')}\u00a0%"


def day(value: date, *, weekday: bool = False) -> str:
    """Write a date: ``17 Nov 2020``, or ``Tue 17 Nov 2020``."""
    return f"{value:%a }{value.day} {value:%b %Y}" if weekday else f"{value.day} {value:%b %Y}"


def instant(value: datetime) -> str:
    """Write an instant in UTC: ``17 Nov 2020 22:30 UTC``."""
    value = value.astimezone(UTC)
    return f"{day(value)} {value:%H:%M} UTC"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"points": points, "percent": percent, "day": day, "instant": instant}
    environment.globals |= {
        "BREAKOUT": BREAKOUT,
        "CHECKS": CHECKS,
        "CHECK_NAMES": CHECK_NAMES,
        "SECTORS": len(SECTORS),
        "Freshness": Freshness,
    }
    return environment


class Messages:
    """Renders every message the bot sends, as Telegram HTML."""

    def __init__(self) -> None:
        self._environment = _environment()

    def _render(self, template: str, **context: Any) -> str:
        return self._environment.get_template(f"{template}.html.j2").render(**context).strip()

    def text(self, name: str, **context: Any) -> str:
        """Render a message that shows no verdict."""
        return self._render(name, **context)

    def status(self, verdict: Verdict, market: Market, now: datetime) -> str:
        """Render ``/status``."""
        agenda = market.agenda
        late = agenda is not None and now > agenda.next_decision_at
        return self._render("status", v=verdict, b=verdict.breakout, market=market, late=late)

    def why(self, verdict: Verdict, market: Market) -> str:
        """Render ``/why``."""
        return self._render("why", v=verdict, b=verdict.breakout, market=market)

    def alert(
        self, verdict: Verdict, told: list[Told], market: Market, *, alert_id: int, summary: bool, again: bool
    ) -> str:
        """Render an alert; ``again`` when a first copy of it may have arrived."""
        template = "alert_summary" if summary else "alert_breakout"
        context = {"v": verdict, "b": verdict.breakout, "market": market, "alert_id": alert_id, "again": again}
        return self._render(template, told=told, t=told[0], **context)


def read_verdict(body: str) -> Verdict:
    """Read a stored verdict."""
    return VERDICT.validate_json(body)
