"""How the program runs and ends: by signals, and with one line for whatever an operator can correct."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from bot.logs import redact
from bot.settings import SettingsError, secrets_set
from signals.errors import HistoryError
from storage.database import DatabaseInUseError
from storage.keeping.backup import BackupError
from storage.keeping.move import MoveError
from storage.market import OtherMarketError
from storage.unavailable import DatabaseAwayError, DatabaseUnavailableError

_OPERATOR_ERRORS = (
    *(SettingsError, HistoryError, OtherMarketError),
    *(DatabaseInUseError, DatabaseUnavailableError, BackupError, MoveError),
)
# The last two as in sysexits.h: a temporary failure, and an error of configuration.
_FAILED, _START_AGAIN, _CORRECT_IT = 1, 75, 78
_PASSING = (DatabaseAwayError, DatabaseInUseError)
# Set where whatever supervises the bot starts it again after any end, as Docker does.
_WAITS = "WAIT_WHEN_WRONG"


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
def one_line_errors(*, may_wait: bool = False) -> Iterator[None]:
    """Turn what an operator can correct into one line on standard error and exit code 78.

    Where starting again may help, because the database is away, full or in use, that is 75. The rest ends with code 1.
    Instead of ending with 78 whoever ``may_wait`` waits to be stopped, where the environment says so: to be started
    again with the same settings would help nobody.
    """
    try:
        yield
    except Exception as error:
        operators = operator_error(error)
        # The interpreter's own report would hold whatever the exceptions hold, addresses with the token included.
        report = str(operators) if operators else traceback.format_exc()
        print(redact(report, *secrets_set()), file=sys.stderr)  # noqa: T201
        code = _START_AGAIN if isinstance(operators, _PASSING) else _CORRECT_IT if operators else _FAILED
        if code == _CORRECT_IT and may_wait and os.environ.get(_WAITS):
            _wait_to_be_stopped()
        sys.exit(code)


def _wait_to_be_stopped() -> None:
    print("The bot waits to be stopped: correct this, then start it again", file=sys.stderr, flush=True)  # noqa: T201
    os.execvp("sleep", ["sleep", "infinity"])  # noqa: S606, S607 - a process of no size, in the place of this one


def operator_error(error: BaseException) -> BaseException | None:
    """Return what an operator can correct: the error itself, or the first such that ended one of several tasks."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for one in error.exceptions if (found := operator_error(one))), None)
    return error if isinstance(error, _OPERATOR_ERRORS) else None
