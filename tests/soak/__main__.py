"""``make soak``: live through a year with 1,000 chats, print what became of everything, and write the page of it.

``make soak CHATS=250`` has fewer chats. ``python -m tests.soak CHATS SESSIONS`` lives through fewer sessions, too, and
writes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import platform
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from bot.sandbox.limits import Limiter
from bot.sandbox.server import Sandbox, serve
from tests.soak.living import Lived, Soak

PAGE = Path("docs/soak.md")
YEAR, PEOPLE = 252, 1_000
_HEAD = """# Soak

What `make soak` found last: the program lives through {sessions} sessions with {people} chats of every kind (people, groups, forums,
channels; kinds, languages, time zones, quiet hours, digests, watches, boards) on a made-up market and a local Bot API server, and
whatever happens to a bot happens to it. One process, the market in a thread of it and the server too, so memory is that of all three.

{machine}

```
{lines}
```
"""
_MB = 1e6


async def live(sessions: int, people: int) -> Lived:
    """Live through so many sessions with so many chats."""
    with tempfile.TemporaryDirectory() as folder:
        async with serve(Sandbox(limiter=Limiter(10**6, 10**6, 10**6))) as sandbox:
            return await Soak(Path(folder), sandbox, sessions, people).run(lambda line: print(line, flush=True))


def lines_of(lived: Lived) -> list[str]:
    """Return what was found as lines, each bound with whether it was kept."""
    accounts, samples = lived.accounts, lived.samples
    # The first months fill what is kept for thirty days.
    early, late = samples[len(samples) // 3 : len(samples) // 2], samples[-len(samples) // 6 :]
    a_session = (late[-1].database - early[0].database) / max(len(samples) - len(samples) // 3, 1) / 1e3
    happened = ", ".join(f"{count} {name}" for name, count in sorted(lived.happened.items()))
    grown = max(one.resident for one in late) - max(one.resident for one in early)
    handles = [max(one.handles for one in some) for some in (early, late)]
    stored = [max(one.deliveries for one in some) for some in (early, late)]
    wrong = [*accounts.lost, *accounts.doubled, *accounts.untold]
    bounds = (
        (f"every delivery accounted for, none lost, none doubled: {len(wrong)} are not", not wrong),
        (f"every question answered: {lived.answered} of {lived.asked}", lived.answered == lived.asked),
        (f"memory flat: {grown / _MB:+.1f} MB from the first half to the end", grown < 20 * _MB),
        (f"open files flat: at most {handles[0]} and {handles[1]}", handles[1] <= handles[0] + 20),
        (f"rows of the queue flat after its purge: at most {stored[0]} and {stored[1]}", stored[1] <= 1.5 * stored[0]),
        (f"the database grows by {a_session:.1f} kB a session", a_session < 40),
    )
    return [
        f"sessions decided live    {lived.decided}",
        f"what happened            {happened}",
        f"alerts                   {_counted(accounts.alerts)}",
        f"deliveries               {_counted(accounts.ends)}",
        f"rows of the live chain   {lived.links}, all fit",
        f"memory                   {early[0].resident / _MB:.0f} MB, at the end {late[-1].resident / _MB:.0f} MB",
        f"database                 {samples[0].database / _MB:.1f} MB, at the end {late[-1].database / _MB:.1f} MB",
        *(f"{'kept  ' if is_kept else 'MISSED'}  {words}" for words, is_kept in bounds),
        *wrong[:20],
    ]


def _counted(numbers: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(numbers.items()))


def main(arguments: list[str]) -> bool:
    """Run the soak. Returns whether every bound was kept."""
    people, sessions = (int(each) for each in [*arguments, *map(str, (PEOPLE, YEAR)[len(arguments) :])])
    begun = time.monotonic()
    lived = asyncio.run(live(sessions, people))
    lines = [*lines_of(lived), f"in {(time.monotonic() - begun) / 60:.0f} minutes"]
    print("\n".join(lines))
    if sessions == YEAR:
        machine = f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}."
        found = {"sessions": sessions, "people": f"{people:,}", "machine": machine, "lines": "\n".join(lines)}
        PAGE.write_text(_HEAD.format(**found))
    return not any(line.startswith("MISSED") for line in lines)


if __name__ == "__main__":
    # What is met on purpose is not worth reading.
    logging.basicConfig(handlers=[logging.NullHandler()])
    sys.exit(not main(sys.argv[1:]))
