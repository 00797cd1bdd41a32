"""What an operator can correct is one line, whatever it came wrapped in; the rest is a report without secrets."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from bot.lifetime import one_line_errors
from bot.settings import SettingsError
from storage.database import DatabaseInUseError
from storage.market import OtherMarketError
from storage.unavailable import DatabaseAwayError, DatabaseUnavailableError
from tests.bot.running import forked

TOKEN = "123456789:AAHexample-token-of-thirty-five-ch"


def ended_by(
    error: Exception, capsys: pytest.CaptureFixture[str], *, may_wait: bool = False
) -> tuple[int | str | None, str]:
    """Return the exit code and what stands on standard error."""
    with pytest.raises(SystemExit) as ended, one_line_errors(may_wait=may_wait):
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


def wrong(error: Exception, stderr: str) -> None:
    """Meet an error, in a process of its own."""
    os.dup2(os.open(stderr, os.O_WRONLY), 2)
    os.environ["WAIT_WHEN_WRONG"] = "1"
    with one_line_errors(may_wait=True):
        raise error


def test_where_any_end_is_followed_by_a_start_a_setting_to_be_corrected_waits_to_be_stopped(tmp_path: Path) -> None:
    stderr = tmp_path / "stderr"
    os.mkfifo(stderr)
    process = forked(wrong, SettingsError("correct this"), str(stderr))
    with stderr.open() as said:
        assert [said.readline() for _ in range(2)] == [
            "correct this\n", "The bot waits to be stopped: correct this, then start it again\n"
        ]  # fmt: skip
        process.terminate()
        process.join(60)
    assert process.exitcode == -signal.SIGTERM


@pytest.mark.parametrize(("error", "code"), [(ValueError("x"), 1), (DatabaseAwayError("y"), 75)])
def test_what_no_setting_mends_ends_there_too(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAIT_WHEN_WRONG", "1")
    assert ended_by(error, capsys, may_wait=True)[0] == code


def test_any_other_error_is_a_report_without_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = ended_by(ExceptionGroup("tasks", [ValueError(f"https://host/bot{TOKEN}/x")]), capsys)
    assert code == 1
    assert "Traceback" in report
    assert TOKEN not in report
