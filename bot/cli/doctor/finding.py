"""What the doctor says of one thing."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from bot.logs import redact
from signals.sentences import without_controls


class State(StrEnum):
    """Whether a thing is in order, worth knowing, or to be corrected."""

    OK = "ok"
    NOTE = "note"
    FAIL = "FAIL"


class Finding(Struct, frozen=True):
    """One thing tried: what it is, how it is, and what to do where that is not in order."""

    name: str
    state: State
    text: str
    remedy: str = ""

    def cleaned(self, secrets: tuple[str, ...]) -> Finding:
        """Return it without any secret, and without what moves a terminal's cursor."""
        text, remedy = (redact(without_controls(part), *secrets) for part in (self.text, self.remedy))
        return Finding(self.name, self.state, text, remedy)

    @property
    def line(self) -> str:
        """The same as one line."""
        remedy = f": {self.remedy}" if self.remedy else ""
        return f"{self.state:<4}  {self.name}: {self.text}{remedy}"


def ok(name: str, text: str) -> Finding:
    """Return that a thing is in order."""
    return Finding(name, State.OK, text)


def note(name: str, text: str, remedy: str = "") -> Finding:
    """Return what is worth knowing of a thing."""
    return Finding(name, State.NOTE, text, remedy)


def fail(name: str, text: str, remedy: str = "") -> Finding:
    """Return what is to be corrected, and how."""
    return Finding(name, State.FAIL, text, remedy)
