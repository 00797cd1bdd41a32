"""Asking again: the waits between attempts, and no more of them once someone has proved to be out of order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

WAITS = (5.0, 15.0, 45.0)
"""Seconds before the second, third and fourth attempt."""
LONGEST_WAIT = 60.0
"""Seconds waited at most where a server says itself how long to wait."""

Answer = TypeVar("Answer")


class NoAnswerError(Exception):
    """A source did not give what was asked for.

    Its text is the one sentence that says so, and never holds an address or a key. ``status`` is the HTTP status
    where there was one.
    """

    def __init__(self, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


class PassingError(NoAnswerError):
    """A failure that may soon be over. ``retry_after``: the seconds the server asks to wait, if it does."""

    def __init__(self, sentence: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(sentence, status)
        self.retry_after = retry_after


@dataclass(slots=True)
class Patience:
    """Asks again after a ``PassingError``; whoever used up all attempts once is from then on asked once a request.

    An outage would otherwise cost every series of that host the full waits.
    """

    waits: tuple[float, ...] = WAITS
    sleep: Callable[[float], None] = time.sleep
    _exhausted: set[str] = field(default_factory=set, init=False)

    def ask(self, whom: str, request: Callable[[], Answer]) -> Answer:
        """Return what ``request`` returns.

        Raises
        ------
        PassingError
            The last one, when every attempt raised one. Any other exception is passed on at once.
        """
        attempts = 1 if whom in self._exhausted else 1 + len(self.waits)
        retrying = Retrying(
            stop=stop_after_attempt(attempts),
            wait=self._wait,
            retry=retry_if_exception_type(PassingError),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(request)
        except PassingError:
            self._exhausted.add(whom)
            raise

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, PassingError) and error.retry_after is not None:
            return min(error.retry_after, LONGEST_WAIT)
        # Tenacity computes a wait after the last attempt, too, and does not use it.
        return self.waits[state.attempt_number - 1] if state.attempt_number <= len(self.waits) else 0.0
