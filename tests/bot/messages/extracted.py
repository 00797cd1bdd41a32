"""Every text that a translator is to find, as ``make texts`` finds them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from babel.messages.extract import extract_from_dir

from bot.commands.translation import texts

BOT = Path(__file__).parents[3] / "bot"
_TRIMMED = dict.fromkeys(("trimmed", "newstyle_gettext", "trim_blocks", "lstrip_blocks"), "true")


@cache
def extracted() -> frozenset[tuple[str | None, str]]:
    """Return (context, text) of each; of one with a plural the singular."""
    methods = [("**.py", "python"), ("**/templates/*.j2", "jinja2")]
    found: set[tuple[str | None, str]] = {(None, text) for text in texts()}
    for _, _, message, _, context in extract_from_dir(BOT, methods, {"**/templates/*.j2": _TRIMMED}):
        found.add((context, message if isinstance(message, str) else message[0]))
    return frozenset(found)
