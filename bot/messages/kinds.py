"""The words for the kinds of alerts that a chat can choose from."""

from __future__ import annotations

from dataclasses import dataclass

from storage.settings.chosen import Chosen, Way
from storage.settings.kinds import BIG_ONES, BITS, EVERYTHING, bits

FAMILIES = {"breakout": "Breakout", "window": "Crypto window", "stage": "Stage", "others": "Others"}
"""What kinds are listed under."""

TITLES = {
    "breakout.attempt": "attempt",
    "breakout.confirmed": "confirmed",
    "breakout.warning": "warning",
    "breakout.rejected": "rejected",
    "breakout.failed": "failed",
    "breakout.recovered": "recovered",
    "breakout.established": "established",
    "breakout.ended": "ended",
    "window.opened": "opened",
    "window.responded": "responded",
    "window.elapsed": "no response",
    "window.cancelled": "cancelled",
    "stage.high": "3 and 4",
    "stage.low": "1 and 2",
    "liquidity": "liquidity",
    "precondition": "capitulation",
    "supercycle": "long rally",
    "watch": "price watches",
}
"""Each kind under its family."""

WAYS = {Way.ON: "on", Way.SILENT: "silent", Way.OFF: "off"}
"""How a kind comes."""

PRESETS = {
    "big": ("The big ones", BIG_ONES), "everything": ("Everything", EVERYTHING), "nothing": ("Only the digest", 0),
}  # fmt: skip
"""Choices of many kinds at once: the title, and the bits of what comes. The digest is no kind: /digest chooses it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Kinds that one word stands for: it may follow ``/subscribe`` and ``?start=``. ``kinds`` are their bits."""

    word: str
    title: str
    kinds: int

    @classmethod
    def of(cls, word: str) -> Choice | None:
        """Return what a preset or a family stands for; ``None`` where a word is neither, or is nothing."""
        if (preset := PRESETS.get(word)) is not None:
            return cls(word, *preset) if preset[1] else None
        title = FAMILIES.get(word)
        return None if title is None else cls(word, title, bits(kinds_of(word)))


def kinds_of(family: str) -> list[str]:
    """Return the kinds that are listed under a family."""
    return [name for name in TITLES if (head := name.partition(".")[0]) == family or _is_other(head, family)]


def _is_other(head: str, family: str) -> bool:
    return family == "others" and head not in FAMILIES


def preset_of(chosen: Chosen) -> str | None:
    """Return the title of the preset that a chat has; ``None`` where it has chosen by itself."""
    titles = {kinds: title for title, kinds in PRESETS.values()}
    return None if chosen.silent_kinds else titles.get(chosen.loud_kinds)


def listed(chosen: Chosen, way: Way) -> list[tuple[str, list[str]]]:
    """Return the families with kinds that come in this way, each with the titles of those."""
    found = [(title, kinds_of(family)) for family, title in FAMILIES.items()]
    ways = [(title, [TITLES[name] for name in names if chosen.way_of(BITS[name]) == way]) for title, names in found]
    return [(title, titles) for title, titles in ways if titles]
