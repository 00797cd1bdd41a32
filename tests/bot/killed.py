"""Runs the command line and kills the process with SIGKILL at one of its transactions.

Usage: ``python -m tests.bot.killed NUMBER before|after|trace FILE ARGUMENTS…``. ``trace`` kills nothing and writes
to FILE what each transaction does, one a line.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bot.cli.main import main
from storage import ledger
from storage.database import Database
from storage.outbox import fan_out, queue

labels: ContextVar[list[str] | None] = ContextVar("labels", default=None)


def labelled(module: Any, name: str) -> None:
    """Let a function note that the transaction around it did what its name says."""
    function: Callable[..., Any] = getattr(module, name)

    async def noting(*args: Any, **kwargs: Any) -> Any:
        result = await function(*args, **kwargs)
        noted = labels.get()
        # An empty claim or a fan-out without work is no step.
        if (
            noted is not None
            and (result or name in ("record", "mark_sent"))
            and (name not in ("record", "mark_sent") or args[1])
        ):
            noted.append(name)
        return result

    setattr(module, name, noting)


def run(number: int, moment: str, trace: str) -> None:
    """Patch the transactions and run the command line."""
    original = Database.transaction
    count = 0

    @asynccontextmanager
    async def transaction(self: Database) -> AsyncIterator[Any]:
        nonlocal count
        noted: list[str] = []
        async with original(self) as connection:
            token = labels.set(noted)
            yield connection
            labels.reset(token)
            count += 1
            mine = count
            if mine == number and moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)
        if mine == number and moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        if moment == "trace":
            with Path(trace).open("a") as file:
                file.write((noted[0] if noted else "other") + "\n")

    patch.object(Database, "transaction", transaction).start()
    for module, name in ((ledger, "record"), (fan_out, "fan_out"), (queue, "claim"), (queue, "mark_sent")):
        labelled(module, name)
    main()


if __name__ == "__main__":
    number, moment, trace = sys.argv[1:4]
    sys.argv = ["bot", *sys.argv[4:]]
    run(int(number), moment, trace)
