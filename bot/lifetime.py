"""How the program runs and ends: by signals, and with one line for whatever an operator can correct."""

from __future__ import annotations

import asyncio
import signal
import sys
import traceback
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from bot.logs import redact
from bot.settings import SettingsError
from signals.errors import HistoryError
from storage.database import DatabaseInUseError
from storage.keeping.backup import BackupError
from storage.market import OtherMarketError
from storage.unavailable import DatabaseAwayError, DatabaseUnavailableError

_OPERATOR_ERRORS = (
    *(SettingsError, HistoryError, OtherMarketError),
    *(DatabaseInUseError, DatabaseUnavailableError, BackupError),
)
_FAILED, _CORRECT_IT, _START_AGAIN = 1, 2, 75


def run_until_stopped(main: Coroutine[Any, Any, None]) -> None:
    """Run until ``main`` ends; a signal cancels it, so that everything it opened is closed."""
    asyncio.run(_guarded(main))


async def _guarded(main: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(main)
    loop = asyncio.get_running_loop()
    for stop in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(stop, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what an operator can correct into one line on standard error and exit code 2.

    Where starting again may help, because only the database server is away, that is 75. The rest ends with code 1.
    """
    try:
        yield
    except Exception as error:
        operators = _operator_error(error)
        # The interpreter's own report would hold whatever the exceptions hold, addresses with the token included.
        print(redact(str(operators) if operators else traceback.format_exc()), file=sys.stderr)  # noqa: T201
        sys.exit(_START_AGAIN if isinstance(operators, DatabaseAwayError) else _CORRECT_IT if operators else _FAILED)


def _operator_error(error: BaseException) -> BaseException | None:
    """Return what an operator can correct: the error itself, or the first such that ended one of several tasks."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for one in error.exceptions if (found := _operator_error(one))), None)
    return error if isinstance(error, _OPERATOR_ERRORS) else None
