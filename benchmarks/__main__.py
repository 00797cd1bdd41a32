"""``make bench``: prints every measurement with what it is compared to, and writes the page of them."""

from __future__ import annotations

import asyncio
import platform
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.delivery import measure_delivery
from benchmarks.evaluation import measure_evaluation
from benchmarks.memory import measure_memory
from benchmarks.record import measure_record

PAGE = Path("docs/benchmarks.md")
_HEAD = """# Benchmarks

What `make bench` measured last, on one machine. Absolute figures depend on it and on what else it did; ratios less so,
and they are what the bounds are about.

{machine}

```
{lines}
```
"""


def _measurements() -> Iterator[str]:
    yield from asyncio.run(measure_delivery())
    yield from measure_evaluation()
    yield ""
    yield from measure_record()
    yield ""
    yield from asyncio.run(measure_memory())


def main() -> None:
    """Run all benchmarks and write the page."""
    lines = []
    for line in _measurements():
        print(line, flush=True)
        lines.append(line)
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 1e9
    machine = f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {cores} cores, {memory:.0f} GB."
    PAGE.write_text(_HEAD.format(machine=machine, lines="\n".join(lines)))


if __name__ == "__main__":
    main()
