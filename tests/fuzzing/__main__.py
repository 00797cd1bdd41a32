"""``make fuzz``: updates of every kind for ten minutes, or so many seconds as are named; ends at the first fault.

Hypothesis prints the smallest updates that show it. They go into a test beside the sample of the suite.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bot.sandbox.telegram import Json
from storage.database import Database
from storage.migrate import migrate
from tests.fuzzing.description import WHOLE, Description, described
from tests.fuzzing.handling import check
from tests.fuzzing.running import tried
from tests.fuzzing.updates import updates

_ROUND = settings(
    max_examples=300, deadline=None, database=None, suppress_health_check=[*HealthCheck],
    phases=[Phase.generate, Phase.shrink],
)  # fmt: skip


async def fuzz(seconds: float) -> None:
    """Run rounds of examples, each on a new database, until so many seconds are over."""
    description = described()
    whose = "Telegram's" if WHOLE.exists() else "our own small"
    print(f"by {whose} description, of {len(description.fields)} types", flush=True)
    begun, count, number = time.monotonic(), 0, int(time.time())
    while time.monotonic() < begun + seconds:
        count += await _round(description, number, begun + seconds)
        number += 1
        print(f"{count} updates in {time.monotonic() - begun:.0f} s, no fault", flush=True)


async def _round(description: Description, number: int, until: float) -> int:
    """Try some hundred lists of updates. Returns how many updates there were."""
    loop, count = asyncio.get_running_loop(), 0
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'cascade.db'}"
        async with Database(url) as database:
            await migrate(database)
        async with tried(url) as (app, sandbox):

            def hold(some: list[Json]) -> None:
                nonlocal count
                # What is left of a round that is over time tries nothing, and so ends soon.
                if time.monotonic() < until:
                    asyncio.run_coroutine_threadsafe(check(app, sandbox, some), loop).result()
                    count += len(some)

            lists = st.lists(updates(description), min_size=1, max_size=6)
            await asyncio.to_thread(seed(number)(_ROUND(given(lists)(hold))))
    return count


if __name__ == "__main__":
    # What is met on purpose is not worth reading.
    logging.basicConfig(handlers=[logging.NullHandler()])
    asyncio.run(fuzz(float(sys.argv[1]) if sys.argv[1:] else 600.0))
