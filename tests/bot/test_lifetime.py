"""What an operator can correct is one line, whatever it came wrapped in; the rest is a report without secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from bot.lifetime import one_line_errors
from bot.settings import SettingsError
from storage.database import DatabaseInUseError
from storage.market import OtherMarketError
from storage.unavailable import DatabaseAwayError, DatabaseUnavailableError

TOKEN = "123456789:AAHexample-token-of-thirty-five-ch"


def ended_by(error: Exception, capsys: pytest.CaptureFixture[str]) -> tuple[int | str | None, str]:
    """Return the exit code and what stands on standard error."""
    with pytest.raises(SystemExit) as ended, one_line_errors():
        raise error
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize("kind", [SettingsError, OtherMarketError, DatabaseUnavailableError])
def test_an_error_the_operator_can_correct_is_one_line(
    kind: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended_by(kind("correct this"), capsys) == (78, "correct this\n")


def test_an_error_the_operator_can_correct_is_one_line_when_it_ended_one_of_several_tasks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    group = ExceptionGroup("tasks", [ExceptionGroup("more", [ValueError("x"), SettingsError("correct this")])])
    assert ended_by(group, capsys) == (78, "correct this\n")


@pytest.mark.parametrize("kind", [DatabaseAwayError, DatabaseInUseError])
def test_what_may_be_over_a_moment_later_is_one_line_and_another_exit_code(
    kind: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended_by(kind("start the server"), capsys) == (75, "start the server\n")


def test_neither_a_line_nor_a_report_holds_a_secret_of_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://me@host/cascade?password=sesame")
    for error in (SettingsError("it is sesame"), ValueError("it is sesame")):
        assert "sesame" not in ended_by(error, capsys)[1]


def test_where_any_end_is_followed_by_a_start_a_setting_to_be_corrected_waits_to_be_stopped() -> None:
    program = "from bot.lifetime import *\nwith one_line_errors(may_wait=True): raise {}"
    environment = os.environ | {"WAIT_WHEN_WRONG": "1"}
    for error, code in (
        ("SettingsError('correct this')", None),
        ("ValueError('x')", 1),
        ("DatabaseAwayError('y')", 75),
    ):
        ran = subprocess.Popen([sys.executable, "-c", program.format(error)], env=environment, stderr=subprocess.PIPE, text=True)  # fmt: skip
        assert ran.stderr is not None
        if code is None:
            assert [ran.stderr.readline() for _ in range(2)] == [
                "correct this\n", "The bot waits to be stopped: correct this, then start it again\n"
            ]  # fmt: skip
            ran.terminate()
        assert ran.wait(60) == (-signal.SIGTERM if code is None else code)
        ran.stderr.close()


def test_any_other_error_is_a_report_without_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = ended_by(ExceptionGroup("tasks", [ValueError(f"https://host/bot{TOKEN}/x")]), capsys)
    assert code == 1
    assert "Traceback" in report
    assert TOKEN not in report
