"""What others wrote, made fit for a terminal, a log and a chat."""

from __future__ import annotations

import re

MOST_CHARACTERS = 300
# A scheme, a leading www, a name with a path behind it, and who is called by name in a chat.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S*|www\.\S+|(?:[\w-]+\.)+[a-z]{2,}[/:@]\S*|\S*@\w\S*", re.IGNORECASE)
_HOST = re.compile(r"(?<![\w.-])(?:[\w-]+\.)+[a-z]{2,}(?![\w.-])", re.IGNORECASE)
# Names with a dot that our own sentences hold: the publishers asked, files, and the dollar's symbol.
_OURS = (".stlouisfed.org", ".treasury.gov", ".newyorkfed.org", ".tiingo.com", ".csv", "DX-Y.NYB")


def without_controls(text: str) -> str:
    """Return a text in which every control character, direction mark and the like is a space."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def sentence(text: str) -> str:
    """Return one line of at most ``MOST_CHARACTERS``, with neither control characters nor addresses of others."""
    # What is far too long is not looked at: it may be megabytes.
    line = " ".join(without_controls(text[: 4 * MOST_CHARACTERS]).split())
    line = _HOST.sub(_own, _ADDRESS.sub("(address)", line))
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"


def _own(host: re.Match[str]) -> str:
    return host[0] if host[0].endswith(_OURS) else "(address)"
