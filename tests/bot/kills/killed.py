"""Runs the command line, for a process of its own, and kills it with SIGKILL at one of its transactions."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bot.cli import replay
from bot.cli.main import main
from storage import ledger
from storage.database import Database
from storage.outbox import fan_out, queue
from tests.bot.market.in_process import MarketInProcess
from tests.bot.running import become

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


def run(number: int, moment: str, traced: Path, *like: Any) -> None:
    """Become a process of the program, with the market in it, and die at a transaction.

    Parameters
    ----------
    number, moment
        Before or after the commit of which transaction; the first is 1. None dies where ``number`` is 0.
    traced
        The file to write to what each transaction did, one a line.
    like
        What ``tests.bot.running.become`` takes.
    """
    become(*like)
    original = Database.transaction
    count = 0

    @asynccontextmanager
    async def transaction(self: Database, **how: Any) -> AsyncIterator[Any]:
        nonlocal count
        noted: list[str] = []
        async with original(self, **how) as connection:
            token = labels.set(noted)
            yield connection
            labels.reset(token)
            count += 1
            mine = count
            if mine == number and moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)
        if mine == number and moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        with traced.open("a") as file:
            file.write((noted[0] if noted else "other") + "\n")

    patch.object(Database, "transaction", transaction).start()
    patch.object(replay, "MarketProcess", lambda _: MarketInProcess()).start()
    for module, name in ((ledger, "record"), (fan_out, "fan_out"), (queue, "claim"), (queue, "mark_sent")):
        labelled(module, name)
    main()
