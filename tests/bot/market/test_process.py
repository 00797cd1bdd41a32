"""The market process: what becomes of requests that fail, of a child that dies, and of what it may know."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from bot.market.process import MarketProcess, MarketProcessError
from bot.market.protocol import Collect, Evaluate, NextDue, Observations
from bot.settings import NAMES
from signals.data.series import SERIES
from signals.data.sessions import decision_time
from signals.sources.options import SourceOptions
from tests.bot.market.test_evening import QUIET, M, write
from tests.bot.running import forked
from tests.worlds import day

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = decision_time(day(M))
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


async def test_a_request_that_fails_says_why_without_what_it_brought_and_the_next_one_works_without_any_setting(
    process: MarketProcess, database_url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await process.close()
    url = "postgresql+asyncpg://me:sesame@127.0.0.1:1/ses?password=open-up"
    with pytest.raises(MarketProcessError, match="cannot be reached") as raised:
        _ = [
            reply async for reply in process.ask(Collect(url, "nonsense sesame of-fred", NOW, SourceOptions("of-fred")))
        ]
    shown = str(raised.value) + capfd.readouterr().err
    assert "the market process failed" in shown
    assert [secret for secret in ("sesame", "open-up", "of-fred") if secret in shown] == []
    for name in NAMES:
        monkeypatch.setenv(name, "secret-of-the-bot")
    monkeypatch.setenv("webhook_secret", "secret-in-small-letters")
    replies = [reply async for reply in process.ask(Evaluate(database_url, NOW))]
    assert isinstance(replies[-1], NextDue)
    # The process that was started for it inherits none, not even the token.
    assert process._process is not None
    environment = Path(f"/proc/{process._process.pid}/environ").read_text()
    assert "PATH=" in environment
    assert "secret" not in environment
    assert not NAMES & {line.partition("=")[0] for line in environment.split("\0")}


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
    write(tmp_path, QUIET, "^RUT")
    reported.clear()
    replies = [reply async for reply in process.ask(Collect(database_url, f"folder:{tmp_path}", NOW))]
    assert isinstance(replies[0], Observations)
    assert reported[0] == ("collecting series", 1, len(SERIES))


async def _asking(url: str, market_data: str, pids: Connection) -> None:
    process = MarketProcess()
    async for _ in process.ask(Collect(url, market_data, NOW)):
        assert process._process is not None
        pids.send(process._process.pid)


def _ask(*request: Any) -> None:
    asyncio.run(_asking(*request))


async def test_it_ends_with_a_parent_that_is_killed_whatever_it_waits_for(database_url: str, tmp_path: Path) -> None:
    write(tmp_path, QUIET, "^RUT")
    # Nobody ever writes to it.
    os.mkfifo(tmp_path / "IWM.csv")
    pids, sender = Pipe(duplex=False)
    parent = forked(_ask, database_url, f"folder:{tmp_path}", sender)
    assert await asyncio.to_thread(pids.poll, 60)
    child = psutil.Process(pids.recv())
    parent.kill()
    parent.join()
    # It is somebody else's child now, who may be slow to notice its end.
    _, alive = await asyncio.to_thread(psutil.wait_procs, [child], timeout=20)
    assert not alive or child.status() == psutil.STATUS_ZOMBIE
