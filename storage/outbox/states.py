"""Where a delivery can stand, and what a claimed one is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, literal_column

from storage.schema import delivery


class State(StrEnum):
    """Where a delivery stands. Queued ones may be sent now, held ones later, sending ones may be on their way.

    The others are final, but for three: an urgent unknown one is queued once more, a stopped one when an operator
    says so, and a superseded one when what superseded it was stopped.
    """

    QUEUED = "queued"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    GONE = "gone"
    UNKNOWN = "unknown"
    STOPPED = "stopped"
    SUPERSEDED = "superseded"


WAITING = (State.QUEUED, State.HELD)
UNFINISHED = (*WAITING, State.SENDING)


def is_in(state: State) -> ColumnElement[bool]:
    """Return the condition that a delivery is in a state, written out: only then are the indexes of states used."""
    return delivery.c.state == literal_column(f"'{state}'")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that may be on its way from now on. ``unknowns`` counts earlier copies nobody can vouch for.

    ``attempt`` makes a result the result of this claim and of no other. ``needs_recheck`` when its chat may not get
    it after all, or not now. It is for the forum topic ``thread_id``, and ``tells_topic_gone`` when it met that one
    closed or deleted. ``is_silent`` where the chat wants its kind without a sound. ``replies_to``: the message that
    it corrects. ``language`` is the chat's, ``None`` where it has said none.
    ``is_pictured`` where it wants its chart with it.
    """

    id: int
    alert_id: int
    chat_id: int
    attempt: int
    unknowns: int
    needs_recheck: bool = False
    thread_id: int | None = None
    tells_topic_gone: bool = False
    is_silent: bool = False
    replies_to: int | None = None
    language: str | None = None
    is_pictured: bool = False
