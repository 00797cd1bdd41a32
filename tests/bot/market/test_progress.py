"""Long work logs a line a minute, short work none."""

from __future__ import annotations

import pytest

from bot.market.progress import ProgressLog
from tests.bot.running import Time


def test_work_that_takes_minutes_logs_a_line_for_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    time = Time()
    report = ProgressLog(time)
    for done in range(1, 10):
        report("collecting series", done, 93)
        time.now += 20
    assert [record.getMessage() for record in caplog.records] == [
        "collecting series: 4 of 93",
        "collecting series: 7 of 93",
    ]


def test_work_that_ends_within_a_minute_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    time = Time()
    report = ProgressLog(time)
    for what in ("collecting series", "deciding sessions", "collecting series"):
        for done in (1, 2):
            report(what, done, None)
            time.now += 29
    assert caplog.records == []
