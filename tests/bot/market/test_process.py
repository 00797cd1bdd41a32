"""The market process: what becomes of requests that fail, of a child that dies, and of what it may know."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from bot.market.process import MarketProcess, MarketProcessError
from bot.market.protocol import Collect, Evaluate, FindSymbol, NextDue, Observations, SymbolFound
from bot.settings import NAMES
from signals.data.series import SERIES
from signals.data.sessions import decision_time
from signals.sources.options import SourceOptions
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


async def test_what_a_request_brings_is_in_no_line_of_its_log_and_no_answer(
    process: MarketProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    await process.close()
    url = "postgresql+asyncpg://me:sesame@127.0.0.1:1/ses?password=open-up"
    with pytest.raises(MarketProcessError) as raised:
        _ = [
            reply async for reply in process.ask(Collect(url, "nonsense sesame of-fred", NOW, SourceOptions("of-fred")))
        ]
    shown = str(raised.value) + capfd.readouterr().err
    assert "the market process failed" in shown
    assert [secret for secret in ("sesame", "open-up", "of-fred") if secret in shown] == []


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


async def test_the_process_inherits_no_setting_not_even_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "secret-of-the-bot")
    monkeypatch.setenv("webhook_secret", "secret-in-small-letters")
    process = MarketProcess()
    try:
        now = datetime.fromisoformat("2016-01-08T23:00:00+00:00")
        (found,) = [reply async for reply in process.ask(FindSymbol("simulated", "AAPL", now))]
        assert isinstance(found, SymbolFound)
        assert process._process is not None
        environment = Path(f"/proc/{process._process.pid}/environ").read_text()
        assert "PATH=" in environment
        assert "secret" not in environment
        assert not NAMES & {line.partition("=")[0] for line in environment.split("\0")}
    finally:
        await process.close()


PARENT = """
import asyncio, sys
from datetime import datetime
from bot.market.process import MarketProcess
from bot.market.protocol import Collect
async def main():
    process = MarketProcess()
    request = Collect(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]))
    async for _ in process.ask(request):
        print(process._process.pid, flush=True)
asyncio.run(main())
"""


async def test_it_ends_with_a_parent_that_is_killed_whatever_it_waits_for(database_url: str, tmp_path: Path) -> None:
    write(tmp_path, CLOSES, "^RUT")
    # Nobody ever writes to it.
    os.mkfifo(tmp_path / "IWM.csv")
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, database_url, f"folder:{tmp_path}", NOW.isoformat(),
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.communicate()
    # It is somebody else's child now, who may be slow to notice its end.
    _, alive = await asyncio.to_thread(psutil.wait_procs, [child], timeout=20)
    assert not alive or child.status() == psutil.STATUS_ZOMBIE
