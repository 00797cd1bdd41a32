"""Reviewed texts, kept whole as blocks of the Markdown files beside this one."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent


def plain(text: str) -> str:
    """Return a text with its no-break spaces as spaces, as the files have them."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def reviewed(file: str, title: str) -> str:
    """Return the block of ``answers_<file>.md`` under a heading."""
    answers = (FOLDER / f"answers_{file}.md").read_text()
    found = re.search(rf"^## {re.escape(title)}\n.*?```\n(.*?)\n```", answers, re.DOTALL | re.MULTILINE)
    assert found is not None, f"answers_{file}.md has no block {title!r}"
    return found[1]
