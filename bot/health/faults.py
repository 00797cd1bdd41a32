"""Every fault that has a beginning and an end, and what the operators are told when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_A_MOMENT = 300.0
_AN_HOUR = 3_600.0


class Fault(StrEnum):
    """What may be wrong."""

    DISK = "disk"
    DATABASE = "database"
    TOKEN = "token"  # noqa: S105 - no token, but that there is none that is accepted
    OTHER_POLLER = "other poller"
    WEB_HOOK_LEFT = "web-hook left"
    POLLING = "polling"
    OUTAGE = "outage"
    DELIVERY = "delivery"
    QUEUE = "queue"
    REFUSED = "refused"
    UPDATE = "update"
    INPUT = "input"
    ADMINS = "admins"
    ANSWERS = "answers"
    EVENING = "evening"
    WAITING = "waiting"
    VERDICT = "verdict"
    CHARTS = "charts"
    TRACK_RECORD = "track record"
    WATCHES = "watches"
    BACKUP = "backup"
    LIVE_RECORD = "live record"
    PING = "ping"
    CRASH = "crash"


@dataclass(frozen=True, slots=True)
class Course:
    """What becomes of a fault.

    ``over`` is told when it has been gone for ``settles`` seconds; one that does not last is gone as soon as it is
    there. What ``follows`` from another that is not over is told only if it outlasts that one. Where ``each``, every
    sentence of it is told. A ``minor`` fault is shown, and the bot is ready all the same.
    """

    over: str
    settles: float = _A_MOMENT
    lasts: bool = True
    follows: tuple[Fault, ...] = ()
    each: bool = False
    minor: bool = False


_FAILING_TO_SEND = (Fault.DATABASE, Fault.DISK, Fault.TOKEN, Fault.DELIVERY, Fault.OUTAGE)
_PASSING: dict[str, Any] = {"settles": _AN_HOUR, "lasts": False, "minor": True}
_UNSTORED = (Fault.DATABASE, Fault.DISK)
OF_POLLING = (Fault.TOKEN, Fault.OTHER_POLLER, Fault.WEB_HOOK_LEFT, Fault.POLLING)
"""What is over with a good poll, or where updates come by web-hook."""
COURSES = {
    Fault.DISK: Course("The disk has room again", settles=0.0),
    Fault.DATABASE: Course("The database takes what is written again", follows=(Fault.DISK,)),
    Fault.TOKEN: Course("Telegram accepts the token again"),
    Fault.OTHER_POLLER: Course("No other process polls any more"),
    Fault.WEB_HOOK_LEFT: Course("The web-hook is deleted, and updates are polled again"),
    Fault.POLLING: Course("Telegram gives updates again", follows=(*OF_POLLING[:-1], *_UNSTORED)),
    Fault.OUTAGE: Course("Telegram says again what becomes of messages"),
    Fault.DELIVERY: Course("Deliveries go on"),
    Fault.QUEUE: Course("The queue moves again", settles=0.0, follows=_FAILING_TO_SEND),
    Fault.REFUSED: Course("No message went wrong for an hour", **_PASSING, each=True),
    Fault.UPDATE: Course("Every update of the last hour was handled", **_PASSING),
    Fault.INPUT: Course("The web-hook got nothing but updates for an hour", **_PASSING),
    Fault.ADMINS: Course("Telegram has said for an hour who is an admin", **_PASSING),
    Fault.ANSWERS: Course("Every source answers again", settles=0.0, minor=True),
    Fault.EVENING: Course("The evening's evaluation works again", settles=0.0, follows=_UNSTORED),
    Fault.WAITING: Course("No session waits any more", settles=0.0, follows=(Fault.EVENING,)),
    Fault.VERDICT: Course("Every session is decided", settles=0.0, follows=(Fault.EVENING, Fault.WAITING, *_UNSTORED)),
    Fault.CHARTS: Course("The charts are drawn again", settles=0.0, follows=_UNSTORED, minor=True),
    Fault.TRACK_RECORD: Course("The track record is computed again", settles=0.0, follows=_UNSTORED, minor=True),
    Fault.WATCHES: Course("The watches are judged again", settles=0.0, follows=_UNSTORED, minor=True),
    Fault.BACKUP: Course("Backups are made again", settles=0.0, minor=True),
    Fault.LIVE_RECORD: Course("The live record fits its chain again", settles=0.0, minor=True),
    Fault.CRASH: Course("The bot has run for an hour without ending by itself", **_PASSING),
    Fault.PING: Course("The address of PING_URL is reached again", settles=0.0, minor=True),
}
"""The one place that says what becomes of a fault."""
