"""The texts that templates take from tables, as ``pybabel extract`` asks for them: no template names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bot.commands.table import COMMANDS
from bot.messages.kinds import FAMILIES, PRESETS, TITLES, WAYS
from signals.conditions.table import CONDITIONS
from signals.data.series import SERIES
from signals.record.claims import CLAIMED
from signals.record.events import RULES
from signals.record.model import ASSETS


def texts() -> Iterator[str]:
    """Yield every text of a table that a message shows."""
    for row in CONDITIONS.values():
        yield row.title
        yield from (number.name for number in row.numbers)
    for command in COMMANDS:
        yield from (text for text in (command.description, command.group) if text)
    yield from (*FAMILIES.values(), *(title for title, _ in PRESETS.values()), *TITLES.values(), *WAYS.values())
    yield from (rule.title for rule in RULES.values())
    yield from (claimed.title for claimed in CLAIMED)
    yield from (text for series in SERIES.values() for text in (series.title, series.unit))
    yield from (asset.title for asset in ASSETS.values())


def tables(fileobj: Any, keywords: Any, comment_tags: Any, options: Any) -> Iterable[tuple[int, None, str, list[str]]]:
    """Yield the texts as Babel wants them: line, function, text, comments; ``fileobj`` is this file."""
    return [(1, None, text, []) for text in dict.fromkeys(texts())]
