"""When the same thing goes wrong again and again it is hardly the chats' fault: the queue must not be used up on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.delivery.failures import Failure, FailureKind, Result

# So many refusals for an unlisted reason in a row: what is refused from then on waits to be tried again.
_REFUSALS = 20
# So many in a row of which nobody knows whether they arrived: an outage, and what comes next waits for its end.
_UNKNOWNS = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0
# An answer that says something of one chat says that Telegram takes messages.
_OF_ONE_CHAT = frozenset(
    {FailureKind.GONE, FailureKind.CANNOT_WRITE, FailureKind.MOVED, FailureKind.TOPIC_GONE, FailureKind.MESSAGE_GONE}
)
# And these are no answers of Telegram's at all.
_NO_ANSWER = frozenset({FailureKind.NOT_SENT, FailureKind.CHAT_BUSY, FailureKind.THROTTLED})


@dataclass(slots=True)
class OutageDetector:
    """Looks at results in the order in which they come.

    During an outage no alert is sent before ``paused_until``, then one at a time (``is_probing``) until Telegram
    answers. Times are seconds of the clock ``monotonic``.
    """

    monotonic: Callable[[], float]
    paused_until: float = 0.0
    is_probing: bool = False
    _refusals: int = 0
    _unknowns: int = 0
    _pauses: int = 0

    def observe(self, result: Result) -> Result:
        """Return what this result means in the light of those before it."""
        kind = result.kind if isinstance(result, Failure) else None
        if kind is FailureKind.UNKNOWN:
            self._note_unknown()
        elif kind not in _NO_ANSWER:
            self._unknowns = self._pauses = 0
            self.paused_until, self.is_probing = 0.0, False
        if kind is None or kind in _OF_ONE_CHAT:
            self._refusals = 0
        elif kind is FailureKind.REFUSED and isinstance(result, Failure):
            self._refusals += 1
            if self._refusals > _REFUSALS:
                return replace(result, kind=FailureKind.MASS_REFUSAL)
        return result

    def _note_unknown(self) -> None:
        self._unknowns += 1
        now = self.monotonic()
        # Those that were on their way with the tenth tell nothing new.
        if self._unknowns >= _UNKNOWNS and self.paused_until <= now:
            self.paused_until = now + min(_FIRST_PAUSE * 2 ** min(self._pauses, 10), _LONGEST_PAUSE)
            self.is_probing = True
            self._pauses += 1
