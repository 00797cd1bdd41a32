"""How a language sets its signs, whoever wrote the sentence: the catalogue, a template or a source."""

from __future__ import annotations

import re
from collections.abc import Callable

Typeset = Callable[[str], str]
"""Puts the spaces into a text, which may be Telegram's HTML, as its language has them."""

# What ends in a semicolon of its own is left as it is, and a mark that a bold text begins with.
_SIGNS = re.compile(r"&#?\w+;|(?<=\S)(?<!<b>)[ \u00a0\u202f]?([:;!?»])(?=[\s<.,)]|$)|(«)[ \u00a0\u202f]?(?=\S)")
_WIDE, _NARROW = "\u00a0", "\u202f"


def as_written(text: str) -> str:
    """Leave a text as it is."""
    return text


def french(text: str) -> str:
    """Set French signs apart by spaces that do not break: narrow before ; ! ?, wide before : and within « »."""
    return _SIGNS.sub(_set_apart, text)


def _set_apart(found: re.Match[str]) -> str:
    before, opening = found[1], found[2]
    if opening:
        return f"{opening}{_WIDE}"
    if not before:
        return found[0]
    return f"{_WIDE if before in ':»' else _NARROW}{before}"


TYPESET: dict[str, Typeset] = {"fr": french}
"""What is done for each language that has rules of its own."""
