"""``make bench``: prints every measurement with what it is compared to."""

from __future__ import annotations

import asyncio

from benchmarks.evaluation import measure_evaluation
from benchmarks.memory import measure_memory
from benchmarks.record import measure_record


def main() -> None:
    """Run all benchmarks."""
    for line in (*measure_evaluation(), *measure_record(), *asyncio.run(measure_memory())):
        print(line)


if __name__ == "__main__":
    main()
