"""What the READMEs quote of the program, each in its language: an evening, the record, commands, what is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial

from bot.commands.table import COMMANDS, Command
from bot.messages.kinds import FAMILIES, TITLES, kinds_of
from bot.messages.languages import DEFAULT, NAMES, messages_of
from bot.messages.record import MAIN, command_of, of_months, rule_named
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html
from signals.data.sessions import decision_time
from signals.evaluate import History
from signals.record.model import TrackRecord
from signals.record.track_record import track_record
from storage.market import Market
from storage.settings.kinds import BIG_ONES, BITS

EVENING = date(2020, 11, 17)
"""The evening that is quoted: a breakout is confirmed."""
_ASSETS = ("^RUT", "BTC-USD", "ETH-USD")
_MONTHS = 3
# The spaces that do not break are for phones.
_SPACES = str.maketrans("\u00a0\u202f", "  ")


@dataclass
class Quoted:
    """What is quoted, and which market it is of."""

    history: History
    origin: str

    @property
    def market(self) -> Market:
        """The market as messages know it."""
        return Market(self.origin, None, None)

    @cached_property
    def record(self) -> TrackRecord:
        """What followed, with as many draws as the published record has."""
        return track_record(self.history)


Made = Callable[[], str]
"""Makes one part of a page."""


def of_the_program() -> dict[str, Made]:
    """Return what makes each part without a history, by the name of its place: in French ``commands fr``."""
    made: dict[str, Made] = {}
    for language in NAMES:
        messages = messages_of(language)
        made |= {
            _place("commands", language): partial(commands_table, messages, for_operators=False),
            _place("commands for operators", language): partial(commands_table, messages, for_operators=True),
            _place("big ones", language): partial(big_ones, messages),
            _place("privacy", language): partial(privacy, messages),
        }
    return made


def of_history(quoted: Quoted) -> dict[str, Made]:
    """Return what makes each part that quotes a history."""
    made: dict[str, Made] = {}
    for language in NAMES:
        messages = messages_of(language)
        made |= {
            _place("an evening", language): partial(evening, messages, quoted),
            _place("record in brief", language): partial(_brief_record_of, messages, quoted),
        }
    return made


def _place(name: str, language: str) -> str:
    return name if language == DEFAULT else f"{name} {language}"


def evening(messages: Messages, quoted: Quoted) -> str:
    """Return the status of the evening."""
    verdict = quoted.history.verdict(EVENING, decision_time(EVENING))
    return f"```\n{_plain(messages.part('status', verdict, quoted.market, late=False))}\n```"


def _brief_record_of(messages: Messages, quoted: Quoted) -> str:
    # It takes seconds, so only a page that has a place for it has it made.
    return brief_record(messages, quoted.record, quoted.market)


def brief_record(messages: Messages, record: TrackRecord, market: Market) -> str:
    """Return the record in five lines: what became of the breakouts, and what followed them for three assets."""
    rule = rule_named(record, command_of(MAIN))
    assert rule is not None, "every record has the rule of confirmed breakouts"
    rows = [row for row in of_months(rule, _MONTHS) if row.asset in _ASSETS]
    text = _plain(messages.text("record_brief", r=record, rows=rows, market=market))
    return "\n".join(f"- {line}" for line in text.splitlines() if line)


def commands_table(messages: Messages, *, for_operators: bool) -> str:
    """Return the commands that people type, in the order of ``/help``."""
    _ = messages.figures.words.gettext
    shown = [command for command in COMMANDS if command.description and command.for_operators == for_operators]
    rows = [f"| `{_typed(command)}` | {_(command.description)} |" for command in shown]
    return "\n".join([f"| {_('Commands')} | |", "|---|---|", *rows])


def _typed(command: Command) -> str:
    return f"/{command.name} {command.argument}".strip()


def big_ones(messages: Messages) -> str:
    """Return the kinds of alerts that come to whoever chooses nothing, by their families."""
    _ = messages.figures.words.gettext
    lines = []
    for family, title in FAMILIES.items():
        kinds = [_(TITLES[kind]) for kind in kinds_of(family) if BITS[kind] & BIG_ONES]
        if kinds:
            lines.append(f"- {messages.figures.typeset(f'{_(title)}:')} {', '.join(kinds)}".translate(_SPACES))
    return "\n".join(lines)


def privacy(messages: Messages) -> str:
    """Return what ``/privacy`` answers."""
    title, *lines = _plain(messages.text("privacy")).splitlines()
    return "\n>\n".join([f"> **{title}**", *(f"> {line}" for line in lines if line)])


def _plain(html: str) -> str:
    return parse_html(html).text.translate(_SPACES)
