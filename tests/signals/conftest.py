"""The real history, evaluated once for all tests that read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from signals.data.sessions import nyse_sessions
from signals.data.vintages import Archive
from signals.evaluate import History, evaluate
from signals.record.model import TrackRecord
from signals.record.track_record import track_record
from signals.rules import RECORD
from signals.sources.collect import collect_archive
from signals.sources.folder import FolderSource

END = date(2025, 6, 30)
NOW = datetime(2025, 7, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def archive(real_history: Path) -> Archive:
    """The real history as collected."""
    found, reasons = collect_archive(FolderSource(real_history), nyse_sessions(NOW), NOW)
    # Whatever the folder lacks is said, and nothing else.
    assert all(reason.startswith("there is no file") for reason in reasons.values())
    return found


@pytest.fixture(scope="session")
def history(archive: Archive) -> History:
    """Every mechanism over the real history to June 2025."""
    return evaluate(archive, nyse_sessions(NOW), END)


@pytest.fixture(scope="session")
def record(history: History) -> TrackRecord:
    """Its track record, with fewer draws than the published one has."""
    return track_record(history, sampling=replace(RECORD, draws=200, resamples=50))
