"""How far long work is, for whoever waits for it at a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot.market.progress import ProgressLog, Report


@contextmanager
def progress_shown() -> Iterator[Report]:
    """Yield a function to report progress to: a bar on a terminal, gone in the end, and elsewhere a line a minute."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield ProgressLog()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def report(what: str, done: int, of: int | None) -> None:
            bar.update(task, description=what, completed=done, total=of)

        yield report
