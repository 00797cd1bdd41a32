"""Asking again: the waits between attempts, and no more of them once someone has proved to be out of order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

WAITS = (5.0, 15.0, 45.0)
"""Seconds before the second, third and fourth attempt."""
TOO_MANY_REQUESTS = 429
LONGEST_WAIT = 60.0
"""Seconds waited at most where a server says itself how long to wait; who asks for more is not asked again."""
MOST_IN_VAIN = 90.0
"""Seconds spent at most on whoever does not answer: attempts that fail, and the waits between them."""
MOST_IN_ALL = 600.0
"""Seconds spent at most on anybody in one collection, however well it answers."""

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
class Spent:
    """What was spent on one host: seconds ``in_vain``, ``in_all`` and on the ``last`` attempt.

    Whoever used up all attempts is ``exhausted`` and from then on asked once a request; of whom ``closed`` says why,
    it is not asked at all any more.
    """

    in_vain: float = 0.0
    in_all: float = 0.0
    last: float = 0.0
    exhausted: bool = False
    closed: str = ""


@dataclass(slots=True)
class Patience:
    """Asks again after a ``PassingError``, for as long as one collection may spend on a host.

    An outage would otherwise cost every series of that host the full waits.
    """

    waits: tuple[float, ...] = WAITS
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _spent: dict[str, Spent] = field(default_factory=dict, init=False)

    def ask(self, whom: str, request: Callable[[], Answer]) -> Answer:
        """Return what ``request`` returns.

        Raises
        ------
        NoAnswerError
            The last ``PassingError``, when every attempt raised one, or the one after which ``whom`` is not asked any
            more. Any other exception is passed on at once.
        """
        spent = self._spent.setdefault(whom, Spent())
        if not spent.closed and spent.in_all >= MOST_IN_ALL:
            spent.closed = f"{whom} took {MOST_IN_ALL:.0f} seconds in all"
        if spent.closed:
            raise NoAnswerError(f"{spent.closed}; not asked again this time")
        retrying = Retrying(
            wait=self._wait,
            stop=lambda state: self._gives_up(spent, state),
            retry=retry_if_exception_type(PassingError),
            sleep=self.sleep,
            reraise=True,
        )
        return retrying(lambda: self._timed(spent, request))

    def _timed(self, spent: Spent, request: Callable[[], Answer]) -> Answer:
        began, failed = self.clock(), False
        try:
            return request()
        except PassingError:
            failed = True
            raise
        finally:
            spent.last = self.clock() - began
            spent.in_all += spent.last
            spent.in_vain += spent.last if failed else 0.0

    def _wait(self, state: RetryCallState) -> float:
        error = _error(state)
        if error.retry_after is not None:
            return error.retry_after
        # Tenacity computes a wait after the last attempt, too, and does not use it.
        return self.waits[state.attempt_number - 1] if state.attempt_number <= len(self.waits) else 0.0

    def _gives_up(self, spent: Spent, state: RetryCallState) -> bool:
        error, wait = _error(state), state.upcoming_sleep
        # Another attempt like this one would take as long again.
        late = spent.in_vain + wait + spent.last > MOST_IN_VAIN
        last = spent.exhausted or state.attempt_number > len(self.waits)
        if late or wait > LONGEST_WAIT or (last and error.status == TOO_MANY_REQUESTS):
            spent.closed = str(error)
        elif last:
            spent.exhausted = True
        if spent.closed or last:
            return True
        spent.in_vain += wait
        spent.in_all += wait
        return False


def _error(state: RetryCallState) -> PassingError:
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, PassingError), "nothing else is asked again"
    return error
