"""Fill the templates. Text is escaped by the templates; numbers and dates get their written form by filters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from bot.messages import facts, kinds
from bot.messages.buttons import Buttons
from bot.messages.figures import ENGLISH, Figures
from signals import explain, rules
from signals.as_json import decode_past, decode_verdict
from signals.conditions.table import CONDITIONS, LINK_NAMES, MANDATORY
from signals.data.series import SECTORS, SERIES, Days
from signals.data.universe import LISTED_ON
from signals.model import Regime, State, Unit, Verdict, Window
from signals.record.better_than_chance import compared, compared_in, tally
from signals.record.model import ASSETS, Followed, Past, TrackRecord
from storage.market import Market

_NAMES = ("BREAKOUT", "CHECKS", "REGIME", "LINK", "WINDOW", "SUPERCYCLE", "CAPITULATION", "GATE", "RECORD", "EVENING",
          "UNKNOWN", "METHOD_VERSION")  # fmt: skip
_RULES = {name: getattr(rules, name) for name in _NAMES}
_MOST_IN_A_DIGEST = 3
_LINE_END, _BLANK = re.compile(r"[ \t]+\n"), re.compile(r"\n{3,}")


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


class _Compiled(BytecodeCache):
    """What a template was compiled to in one language, for all: words and figures are written when it is filled."""

    def __init__(self) -> None:
        self._codes: dict[str, Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get(bucket.key)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.code


_COMPILED = _Compiled()


@cache
def _environment(figures: Figures) -> Environment:
    """Return the templates in a language, each of which is compiled the first time it is filled in any."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        bytecode_cache=_COMPILED,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The extension gives the environment a method when it is loaded, where no type checker sees it.
    with_words: Any = environment
    with_words.install_gettext_translations(figures.words, newstyle=True)
    environment.filters |= figures.filters()
    environment.globals |= {
        "facts": facts,
        "kinds": kinds,
        "explain": explain,
        "compared": compared,
        "tally": tally,
        "ASSETS": ASSETS,
        "CONDITIONS": CONDITIONS,
        "LINK_NAMES": LINK_NAMES,
        "MANDATORY": MANDATORY,
        "SECTORS": SECTORS,
        "SERIES": SERIES,
        "LISTED_ON": LISTED_ON,
        "Days": Days,
        "Regime": Regime,
        "State": State,
        "Unit": Unit,
        "Window": Window,
        **_RULES,
    }
    return environment


class Messages:
    """Renders every message the bot sends in one language, as Telegram HTML."""

    def __init__(self, figures: Figures = ENGLISH) -> None:
        self._environment = _environment(figures)
        self.figures, self.buttons = figures, Buttons(figures)
        self.language: str = figures.locale.language

    def _render(self, template: str, **context: Any) -> str:
        text = self._environment.get_template(f"{template}.html.j2").render(**context)
        return self.figures.typeset(_BLANK.sub("\n\n", _LINE_END.sub("\n", text)).strip())

    def text(self, name: str, **context: Any) -> str:
        """Render a message that shows no verdict."""
        return self._render(name, **context)

    def status(self, verdict: Verdict, market: Market, now: datetime) -> str:
        """Render ``/status``."""
        agenda = market.agenda
        late = agenda is not None and now > agenda.next_decision_at
        return self.part("status", verdict, market, late=late)

    def as_of(self, verdict: Verdict, market: Market, asked: date, timezone: str = "UTC") -> str:
        """Render ``/asof``: the status of a past evening; when that was is told in a time zone."""
        return self.part("asof", verdict, market, asked=asked, timezone=timezone)

    def part(self, template: str, verdict: Verdict, market: Market, **context: Any) -> str:
        """Render one part of a verdict in depth: ``why``, ``liquidity`` and their like."""
        return self._render(template, v=verdict, b=verdict.breakout, market=market, **context)

    def alert(
        self,
        verdict: Verdict,
        changes: Sequence[ShownChange],
        market: Market,
        *,
        record: TrackRecord | None = None,
        summary: bool = False,
        again: bool = False,
        topic_gone: bool = False,
        skipped: Sequence[ShownChange] = (),
    ) -> str:
        """Render an alert of changes that have one cause, the gravest first; or the summary of many.

        ``record`` says what is better than chance, ``again`` that a first copy may have arrived, ``topic_gone`` that
        the forum topic that was to get it is closed or deleted, ``skipped`` what the alert replaces unsent.
        """
        told = changes[0]
        recorded = None if summary else followed_in_line(told)
        comparison = None
        if record is not None and recorded is not None and told.past is not None:
            comparison = compared_in(record, told.past.rule, recorded.asset, recorded.horizon)
        template = "alert_summary" if summary else f"alert_{told.family}"
        context: dict[str, Any] = {"changes": changes, "t": told, "recorded": recorded, "comparison": comparison}
        context |= {"again": again, "topic_gone": topic_gone, "skipped": skipped}
        return self.part(template, verdict, market, **context)

    def digest(
        self,
        verdict: Verdict,
        changes: Sequence[ShownChange],
        market: Market,
        after: date,
        *,
        undecided: date | None = None,
        again: bool = False,
        topic_gone: bool = False,
    ) -> str:
        """Render a digest of the changes since the session ``after``, oldest first; the rest as in ``alert``.

        ``undecided`` is a session that was closed by then and had no verdict.
        """
        context: dict[str, Any] = {
            "after": after,
            "undecided": undecided,
            "most": _MOST_IN_A_DIGEST,
            "again": again,
            "topic_gone": topic_gone,
        }
        return self.part("told_digest", verdict, market, changes=changes, **context)

    def watch(
        self,
        what: str,
        facts: Mapping[str, Any],
        market: Market | None,
        *,
        again: bool = False,
        topic_gone: bool = False,
    ) -> str:
        """Render what a watch tells: ``record``, ``above``, ``below`` or ``stopped``, with its facts as stored."""
        on = date.fromisoformat(facts["on"]) if facts["on"] else None
        context = {**facts, "on": on, "what": what, "market": market, "again": again, "topic_gone": topic_gone}
        return self._render("told_watch", **context)

    def details(
        self,
        verdict: Verdict,
        changes: Sequence[ShownChange],
        market: Market,
        alert_id: int,
        timezone: str = "UTC",
    ) -> str:
        """Render what stands behind an alert: on what it was decided, and when by the clocks of a time zone."""
        context = {"changes": changes, "t": changes[0], "alert_id": alert_id, "timezone": timezone}
        return self.part("details", verdict, market, **context)


def followed_in_line(change: ShownChange) -> Followed | None:
    """Return the one row of the record that stands in an alert: of ether for its window, else the first with a case."""
    rows = change.past.followed if change.past else ()
    return next((row for row in rows if row.n and (row.asset == "ETH-USD" or change.family != "window")), None)


def read_verdict(body: str) -> Verdict:
    """Read a stored verdict."""
    return decode_verdict(body)
