"""What an operator can correct is one line, whatever it came wrapped in; the rest is a report without secrets."""

from __future__ import annotations

import pytest

from bot.lifetime import one_line_errors
from bot.settings import SettingsError
from storage.database import DatabaseInUseError
from storage.unavailable import DatabaseAwayError, DatabaseUnavailableError

TOKEN = "123456789:AAHexample-token-of-thirty-five-ch"


def ended_by(error: Exception, capsys: pytest.CaptureFixture[str]) -> tuple[int | str | None, str]:
    """Return the exit code and what stands on standard error."""
    with pytest.raises(SystemExit) as ended, one_line_errors():
        raise error
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize("kind", [SettingsError, DatabaseInUseError, DatabaseUnavailableError])
def test_an_error_the_operator_can_correct_is_one_line(
    kind: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended_by(kind("correct this"), capsys) == (2, "correct this\n")


def test_an_error_the_operator_can_correct_is_one_line_when_it_ended_one_of_several_tasks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    group = ExceptionGroup("tasks", [ExceptionGroup("more", [ValueError("x"), DatabaseInUseError("correct this")])])
    assert ended_by(group, capsys) == (2, "correct this\n")


def test_a_database_server_that_is_away_is_one_line_and_another_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended_by(DatabaseAwayError("start the server"), capsys) == (75, "start the server\n")


def test_any_other_error_is_a_report_without_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = ended_by(ExceptionGroup("tasks", [ValueError(f"https://host/bot{TOKEN}/x")]), capsys)
    assert code == 1
    assert "Traceback" in report
    assert TOKEN not in report
