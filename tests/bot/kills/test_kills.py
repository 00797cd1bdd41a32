"""A replay is killed where news is on its way. ``make kills`` kills it everywhere: see ``everywhere.py``."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox.limits import Limiter
from bot.sandbox.server import Sandbox, serve
from tests.bot.kills.replays import ATTEMPT, CONFIRMED, READER, Prepared, Replay, kill_on_its_way


async def test_an_undisturbed_replay_delivers_both_once_and_a_second_one_nothing(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with serve(Sandbox(limiter=Limiter(1000, 1000))) as sandbox:
        replay = Replay(prepared, tmp_path, sandbox)
        for _ in range(2):
            assert await replay.finish(replay.start()) == 0
            first, second = sandbox.sent(READER)
            assert first.startswith(ATTEMPT)
            assert second.startswith(CONFIRMED)
        assert replay.states() == {"attempt": "sent", "confirmed": "sent"}


async def test_killed_between_request_and_acknowledgement_urgent_news_is_sent_once_more(
    prepared: Prepared, tmp_path: Path
) -> None:
    await kill_on_its_way(prepared, tmp_path, 2, "sent", 2)
