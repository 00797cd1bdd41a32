"""When the same thing goes wrong again and again, it is hardly the chats' own: the queue must not be used up on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.delivery.failures import Failure, Meaning
from bot.delivery.pacing import Pacer

# So many refusals for an unlisted reason in a row: what is refused from then on waits to be tried again.
_REFUSALS = 20
# So many in a row of which nobody knows whether they arrived: an outage, and what comes next waits for its end.
_UNKNOWNS = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0
# An answer that says something of one chat says that Telegram works.
_OF_ONE_CHAT = frozenset({Meaning.GONE, Meaning.CLOSED, Meaning.MOVED})


@dataclass(slots=True)
class Brake:
    """Looks at outcomes in the order in which they come."""

    pacer: Pacer
    _refusals: int = 0
    _unknowns: int = 0

    def judge(self, outcome: int | Failure) -> int | Failure:
        """Return what this outcome means in the light of those before it; slow down where many are unknown."""
        if not isinstance(outcome, Failure) or outcome.meaning in _OF_ONE_CHAT:
            self._refusals = self._unknowns = 0
        elif outcome.meaning is Meaning.UNKNOWN:
            self._unknowns += 1
            if self._unknowns >= _UNKNOWNS:
                self.pacer.halt(min(_FIRST_PAUSE * 2 ** (self._unknowns - _UNKNOWNS), _LONGEST_PAUSE))
        elif outcome.meaning is Meaning.REFUSED:
            self._refusals += 1
            if self._refusals > _REFUSALS:
                return replace(outcome, meaning=Meaning.REFUSED_LIKE_OTHERS)
        return outcome
