"""Files an operator supplies: one that replaces a series' source, or one with the years before it began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from signals.data.series import Series
from signals.sources.figures import joined
from signals.sources.folder import FolderSource
from signals.sources.shape import Fetched, Source


@dataclass(frozen=True, slots=True)
class OperatorSource:
    """Serves a series from the operator's folder where it has a file, and from ``inner`` where it has none.

    A file that cannot be read does not bring back ``inner``: figures of two origins would take turns.
    """

    folder: Path
    inner: Source

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return the file's rows or the inner source's answer; see ``shape.Source``."""
        supplied = FolderSource(self.folder).fetch(series, since, now)
        return self.inner.fetch(series, since, now) if supplied.absent else supplied


@dataclass(frozen=True, slots=True)
class EarlierSource:
    """Puts a file's earlier dates before the first one of ``inner``; ``files`` by key of the series."""

    files: Mapping[str, Path]
    inner: Source

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return the inner source's answer, on a download of all of it with the file's dates before; see ``Source``.

        Where the inner source does not carry the series the file is all there is.
        """
        fetched = self.inner.fetch(series, since, now)
        path = self.files.get(series.key)
        if path is None:
            return fetched
        if fetched.absent:
            return _only(path, _read(path, series, since, now), fetched)
        if fetched.frame.empty or since is not None:
            return fetched
        return _before(path, _read(path, series, None, now), fetched)


def _read(path: Path, series: Series, since: date | None, now: datetime) -> Fetched:
    # A folder names its files by their series; here the operator named the file.
    return FolderSource(path.parent).fetch(replace(series, key=path.stem), since, now)


def _only(path: Path, file: Fetched, fetched: Fetched) -> Fetched:
    if file.frame.empty:
        return Fetched(
            file.frame, f"{fetched.reason}; {file.reason or path.name + ' has nothing new'}", absent=file.absent
        )
    return replace(
        file, reason=joined(fetched.reason, f"all of it from {path.name}, as the operator named", file.reason)
    )


def _before(path: Path, file: Fetched, fetched: Fetched) -> Fetched:
    first = fetched.frame.index[0]
    earlier = file.frame[file.frame.index < first]
    if earlier.empty:
        nothing = f"{path.name}, which the operator named, has nothing before {first.date()}"
        return replace(fetched, reason=joined(fetched.reason, file.reason or nothing))
    taken = f"before {first.date()} from {path.name}, as the operator named"
    frame = pd.concat([earlier, fetched.frame])
    return replace(fetched, frame=frame, reason=joined(fetched.reason, taken, file.reason))
