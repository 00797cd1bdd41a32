"""``make bench``: prints every measurement with what it is compared to, and writes the page of them.

``python -m benchmarks PART…`` prints only these parts and writes nothing.
"""

from __future__ import annotations

import asyncio
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import psutil

from benchmarks.commands import measure_commands
from benchmarks.delivery import measure_cost, measure_crowd, measure_pace, measured
from benchmarks.evaluation import measure_evaluation
from benchmarks.memory import measure_memory
from benchmarks.record import measure_record

PAGE = Path("docs/benchmarks.md")
_HEAD = """# Benchmarks

What `make bench` measured last, on one machine. Absolute figures depend on it and on what else it did; ratios less so,
and they are what the bounds are about. What a simulated year with 1,000 chats leaves behind has
[a page of its own](soak.md).

{machine}

```
{lines}
```
"""


_PARTS: dict[str, Callable[[], Iterable[str]]] = {
    "pace": lambda: asyncio.run(measured(measure_pace)),
    "cost": lambda: asyncio.run(measured(measure_cost)),
    "crowd": lambda: asyncio.run(measured(measure_crowd)),
    "evaluation": measure_evaluation,
    "record": measure_record,
    "commands": lambda: asyncio.run(measured(measure_commands)),
    "memory": lambda: asyncio.run(measure_memory()),
}


def _measurements(parts: Iterable[str]) -> Iterator[str]:
    for number, part in enumerate(parts):
        yield from ("",) if number else ()
        yield from _PARTS[part]()


def main(parts: Sequence[str]) -> None:
    """Run the parts named; without names run all of them and write the page."""
    if unknown := set(parts) - _PARTS.keys():
        sys.exit(f"there is no part {', '.join(sorted(unknown))}; the parts are {', '.join(_PARTS)}")
    lines = []
    for line in _measurements(parts or _PARTS):
        print(line, flush=True)
        lines.append(line)
    if parts:
        return
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 1e9
    machine = f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {cores} cores, {memory:.0f} GB."
    PAGE.write_text(_HEAD.format(machine=machine, lines="\n".join(lines)))


if __name__ == "__main__":
    main(sys.argv[1:])
