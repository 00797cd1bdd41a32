"""How far long work is, for whoever waits for it at a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bot.market.progress import ProgressLog, Report


@contextmanager
def progress_shown() -> Iterator[Report]:
    """Yield a function to report progress to: on a terminal a bar for each kind of work, elsewhere a line a minute.

    In the end the bars are gone, and what is reported later is shown nowhere.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield ProgressLog()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, of: int | None) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=of, visible=done != of)

        yield report
