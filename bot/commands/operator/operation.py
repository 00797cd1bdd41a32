"""What the program lends its operators: who they are, and what only the running program can do or tell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from telegram import User

from bot.health.checks import Check


async def _at_nothing() -> Sequence[Check]:
    return ()


@dataclass(slots=True)
class Operation:
    """The operators, by Telegram's ``ids``, and what their commands need of the program.

    ``told`` returns what the operators were told within a day, with its age in seconds; ``wake`` lets the deliveries be
    looked for now; ``look`` returns every check, those of ``/readyz``; ``silence`` returns for how many seconds no poll
    has succeeded, where anything polls. ``evaluate`` runs the evening now and returns what went wrong, if anything did,
    and ``follow`` what comes after it; a worker does not evaluate.
    """

    ids: Sequence[int] = ()
    told: Callable[[], list[tuple[float, str]]] = list
    wake: Callable[[], None] = lambda: None
    silence: Callable[[], float] | None = None
    look: Callable[[], Awaitable[Sequence[Check]]] = _at_nothing
    evaluate: Callable[[], Awaitable[str | None]] | None = None
    follow: Callable[[], Awaitable[None]] | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def is_operator(self, user: User | None) -> bool:
        """Return whether somebody is one: in person, not in the name of a group or channel."""
        return user is not None and user.id in self.ids

    def begin(self, task: Coroutine[Any, Any, None]) -> None:
        """Let something go on while its chat is answered."""
        begun = asyncio.create_task(task)
        self._tasks.add(begun)
        begun.add_done_callback(self._tasks.discard)

    async def finished(self) -> None:
        """Wait until all that was begun has come to its end."""
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """End what was begun."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
