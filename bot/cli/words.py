"""What the command line prints for people: the words of messages, without Telegram's marks."""

from __future__ import annotations

from typing import Any

from bot.messages.record import MAIN, MONTHS, command_of, of_months, rule_named
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html
from signals.conditions.table import LINKS
from signals.model import Verdict
from signals.record.model import TrackRecord
from storage.market import Market

_EVIDENCE = ("why_breakout", "why_link", "liquidity", "crypto", "coins_in_full", "supercycle")
_MESSAGES, _QUIET = Messages(), Market("", None, None)


def verdict_text(verdict: Verdict, market: Market) -> str:
    """Return a whole verdict: where things stand, all evidence, and on what data it was decided."""

    def part(template: str, shown: Market = _QUIET, **context: Any) -> str:
        return _MESSAGES.part(template, verdict, shown, note="", late=False, **context)

    evidence = [
        part(template, number=number)
        for template in _EVIDENCE
        for number in (LINKS if template == "why_link" else (0,))
    ]
    return _plain([part("status", market), *evidence, part("decided")])


def record_text(record: TrackRecord, market: Market) -> str:
    """Return a record: how breakouts turned out, what followed them and other events, the article, every breakout."""

    def text(template: str, shown: Market = _QUIET, **context: Any) -> str:
        return _MESSAGES.text(template, r=record, market=shown, main=MAIN, command_of=command_of, **context)

    main = rule_named(record, command_of(MAIN))
    assert main is not None, "every record has the rule of confirmed breakouts"
    rows = [row for months in MONTHS for row in of_months(main, months)]
    parts = [text("record", market, rule=main, rows=rows, live=None), text("record_states"), text("record_thesis")]
    return _plain([*parts, *(text("record_event", event=event) for event in record.events)])


def _plain(parts: list[str]) -> str:
    return "\n\n".join(parse_html(html).text for html in parts)
