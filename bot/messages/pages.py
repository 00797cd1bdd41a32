"""One long answer as several messages that Telegram accepts."""

from __future__ import annotations

MOST, MOST_OF_A_CAPTION = 4096, 1024


def pages(text: str, most: int = MOST) -> list[str]:
    """Split Telegram HTML between paragraphs into pieces of at most ``most`` UTF-16 units.

    Every paragraph of a template closes its own tags. The source is measured, which is never shorter than what
    Telegram counts after parsing it.
    """
    found = [""]
    for paragraph in text.split("\n\n"):
        joined = f"{found[-1]}\n\n{paragraph}" if found[-1] else paragraph
        if found[-1] and units(joined) > most:
            found.append(paragraph)
        else:
            found[-1] = joined
    return found


def units(text: str) -> int:
    """Return the length of a text as Telegram counts it, in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2
