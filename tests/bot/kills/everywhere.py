"""A replay is killed at every single step: a campaign of a minute, run by ``make kills`` and no part of the suite."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.sandbox.limits import Limiter
from bot.sandbox.server import Sandbox, serve
from tests.bot.kills.replays import Prepared, Replay, kill_at, kill_on_its_way

# What the transactions of the two evenings with news do, in order; 'collect' and the like stand between them.
STEPS = ("record", "fan_out", "claim", "mark_sent")


@pytest.fixture(scope="module")
def traced(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each transaction of an undisturbed replay does."""

    async def trace() -> list[str]:
        async with serve(Sandbox(limiter=Limiter(1000, 1000))) as sandbox:
            replay = Replay(prepared, tmp_path_factory.mktemp("trace"), sandbox)
            assert await replay.finish(replay.start()) == 0
        return replay.traced.read_text().splitlines()

    return asyncio.run(trace())


def test_the_trace_names_the_steps_of_both_alerts(traced: list[str]) -> None:
    assert [traced.count(step) >= 2 for step in STEPS] == [True] * 4


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("tenth", range(10))
def test_killed_at_any_step_nothing_is_lost_and_nothing_doubles(
    prepared: Prepared, traced: list[str], tmp_path: Path, tenth: int, moment: str
) -> None:
    for number in range(1 + tenth, len(traced) + 1, 10):
        folder = tmp_path / str(number)
        folder.mkdir()
        asyncio.run(kill_at(prepared, folder, number, moment))


async def test_killed_between_request_and_acknowledgement_other_news_is_unknown_and_never_sent_again(
    prepared: Prepared, tmp_path: Path
) -> None:
    await kill_on_its_way(prepared, tmp_path, 1, "unknown", 1)
