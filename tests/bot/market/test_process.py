"""The market process: what becomes of requests that fail, of a child that dies, and of what it may know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio

from bot.market.process import MarketProcess, MarketProcessError
from bot.market.protocol import Collect, DemoStart, Evaluate, FindDemoStart, NextDue, Observations
from signals.data.series import SERIES
from signals.data.sessions import decision_time
from tests.bot.market.test_evening import CLOSES, N, write
from tests.worlds import day

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = decision_time(day(N))
Reported = list[tuple[str, int, int | None]]


@pytest.fixture(scope="module")
def reported() -> Reported:
    """What the process reported of its progress."""
    return []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process(reported: Reported) -> AsyncIterator[MarketProcess]:
    process = MarketProcess(lambda *report: reported.append(report))
    yield process
    await process.close()


async def test_a_request_that_fails_says_why_and_the_next_one_works(process: MarketProcess, database_url: str) -> None:
    with pytest.raises(MarketProcessError, match="market data is 'nonsense'"):
        _ = [reply async for reply in process.ask(Collect(database_url, "nonsense", NOW))]
    replies = [reply async for reply in process.ask(Evaluate(database_url, NOW))]
    assert isinstance(replies[-1], NextDue)


async def test_when_the_process_dies_the_request_fails_and_the_next_one_starts_another(
    process: MarketProcess, database_url: str
) -> None:
    request = Evaluate(database_url, NOW)
    _ = [reply async for reply in process.ask(request)]
    assert process._process is not None
    process._process.kill()
    await process._process.wait()
    with pytest.raises(MarketProcessError):
        _ = [reply async for reply in process.ask(request)]
    assert [reply async for reply in process.ask(request)]


async def test_progress_is_reported_beside_the_replies(
    process: MarketProcess, reported: Reported, database_url: str, tmp_path: Path
) -> None:
    write(tmp_path, CLOSES, "^RUT")
    reported.clear()
    replies = [reply async for reply in process.ask(Collect(database_url, f"folder:{tmp_path}", NOW))]
    assert isinstance(replies[0], Observations)
    assert reported[0] == ("collecting series", 1, len(SERIES))


async def test_the_process_never_gets_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456789:secret-secret-secret-secret")
    process = MarketProcess()
    try:
        now = datetime.fromisoformat("2010-01-08T23:00:00+00:00")
        (start,) = [reply async for reply in process.ask(FindDemoStart("simulated", now))]
        assert isinstance(start, DemoStart)
        assert process._process is not None
        environment = Path(f"/proc/{process._process.pid}/environ").read_text()
        assert "PATH=" in environment
        assert "secret" not in environment
    finally:
        await process.close()
