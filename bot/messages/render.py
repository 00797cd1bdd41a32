"""Fill the templates. Text is escaped by the templates; numbers and dates get their written form by filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.messages import facts, figures
from signals import explain, rules
from signals.as_json import decode_past, decode_verdict
from signals.conditions.table import CONDITIONS, LINK_NAMES, MANDATORY
from signals.data.series import SECTORS, SERIES
from signals.data.universe import LISTED_ON
from signals.model import Regime, State, Unit, Verdict, Window
from signals.record.model import ASSETS, Past
from storage.market import Market

_FILTERS = (
    figures.points, figures.percent, figures.decimal, figures.day, figures.instant, figures.quantity,
    figures.thresholds, figures.clip,
)  # fmt: skip
_RULES = {name: getattr(rules, name) for name in ("BREAKOUT", "CHECKS", "REGIME", "LINK", "WINDOW", "SUPERCYCLE")}


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change as a message shows it, with the earlier cases its alert rests on."""

    kind: str
    subject: str
    session: date
    occurred_on: date
    before: str = ""
    after: str = ""
    past: Past | None = None

    @classmethod
    def of(cls, row: Any) -> ShownChange:
        """Read a row of the ledger."""
        past = decode_past(row.evidence) if row.evidence else None
        return cls(row.kind, row.subject, row.session, row.occurred_on, row.before, row.after, past)

    @property
    def family(self) -> str:
        """The first word of its kind: ``stage`` of ``stage.up``."""
        return self.kind.partition(".")[0]

    @property
    def phase(self) -> str:
        """The last word of its kind: ``up`` of ``stage.up``."""
        return self.kind.partition(".")[2]

    @property
    def about(self) -> str:
        """What it happened to: the day a breakout or window is named by, or a series."""
        return self.subject.split(":")[1]

    @property
    def attempt(self) -> date:
        """The day a breakout or a window is named by."""
        return date.fromisoformat(self.about)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {written.__name__: written for written in _FILTERS}
    environment.globals |= {
        "facts": facts,
        "explain": explain,
        "CAPITULATION": rules.CAPITULATION,
        "GATE": rules.GATE,
        "RECORD": rules.RECORD,
        "ASSETS": ASSETS,
        "CONDITIONS": CONDITIONS,
        "LINK_NAMES": LINK_NAMES,
        "MANDATORY": MANDATORY,
        "SECTORS": SECTORS,
        "SERIES": SERIES,
        "LISTED_ON": LISTED_ON,
        "Regime": Regime,
        "State": State,
        "Unit": Unit,
        "Window": Window,
        **_RULES,
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
        return self.part("status", verdict, market, late=late)

    def as_of(self, verdict: Verdict, market: Market, asked: date, newest: date) -> str:
        """Render ``/asof``: the status of a past evening; ``newest`` is the last session with a verdict."""
        return self.part("asof", verdict, market, asked=asked, newest=newest)

    def part(self, template: str, verdict: Verdict, market: Market, **context: Any) -> str:
        """Render one part of a verdict in depth: ``why``, ``liquidity`` and their like."""
        return self._render(template, v=verdict, b=verdict.breakout, market=market, **context)

    def alert(
        self,
        verdict: Verdict,
        changes: Sequence[ShownChange],
        market: Market,
        *,
        alert_id: int,
        summary: bool,
        again: bool,
        topic_gone: bool = False,
        live: int,
        skipped: Sequence[ShownChange] = (),
    ) -> str:
        """Render an alert; ``again`` when a first copy of it may have arrived, ``skipped`` what it replaces unsent.

        ``topic_gone`` when the forum topic that was to get it is closed or deleted.

        ``live`` is of how many earlier alerts of this installation, of the same kind, the outcome is known.
        """
        template = "alert_summary" if summary else f"alert_{changes[0].family}"
        context = {
            "changes": changes,
            "t": changes[0],
            "alert_id": alert_id,
            "again": again,
            "topic_gone": topic_gone,
            "skipped": skipped,
            "live": live,
        }
        return self.part(template, verdict, market, **context)


def read_verdict(body: str) -> Verdict:
    """Read a stored verdict."""
    return decode_verdict(body)
